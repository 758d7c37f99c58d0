// Identifiers as Docker makes them: 25 characters of [a-z0-9] for swarm objects (swarmkit's base-36 identity), 64 of hex
// for containers. From a named random stream, so that a seed gives the same ids again.

import type { RandomStream } from '../time/random.ts';

const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';
const HEX = '0123456789abcdef';

export function swarmId(random: RandomStream): string {
  return pick(random, BASE36, 25);
}

export function containerId(random: RandomStream): string {
  return pick(random, HEX, 64);
}

function pick(random: RandomStream, letters: string, count: number): string {
  // One flat string: a hundred thousand ids that were added up letter by letter would be kept as ropes.
  return String.fromCharCode(
    ...Array.from({ length: count }, () => letters.charCodeAt(random.integer(letters.length))),
  );
}
