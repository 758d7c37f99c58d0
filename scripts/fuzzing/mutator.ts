// Damages bytes: flips, odd values, cuts, insertions, repetitions, splices, and lengths that lie in either byte order.

import type { Chance } from './chance.ts';

/** What breaks readers most: ends of ranges, signs, header words, and the numbers that open a header. */
const BYTES = [
  0x00, 0x01, 0x04, 0x06, 0x08, 0x11, 0x29, 0x2c, 0x2f, 0x3a, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xfe, 0xff,
];
const WORDS = [
  ...[
    0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 20, 28, 40, 0x7f, 0x80, 0xff, 0x100, 0x1ff, 0x7fff, 0x8000, 0xfff8,
    0xffff,
  ],
  // EtherTypes and ports that lead further in.
  ...[0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8, 0x8847, 0x894f, 0x6558, 4789, 8472, 4790, 6081, 6635, 53, 5353],
];
const LONGS = [
  0, 1, 8, 12, 16, 0xff, 0xffff, 0x1_0000, 0x4_0000, 0x4_0001, 0x0fff_ffff, 0x1000_0000, 0x1000_0001,
]
  .concat([0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff])
  .concat([0x0a0d_0d0a, 0x1a2b_3c4d, 0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34]);

/** A packet or file grows to this at most. */
const LONGEST = 0x2_0000;

type Step = (bytes: Uint8Array, chance: Chance, other: () => Uint8Array) => Uint8Array;

const STEPS: readonly Step[] = [
  flip,
  flip,
  setByte,
  setByte,
  setWord,
  setWord,
  setLong,
  lie,
  lie,
  lie,
  truncate,
  remove,
  insert,
  repeat,
  splice,
  add,
];

/** A damaged copy, by one step or a few. `other` gives what it may be spliced with. */
export function mutated(bytes: Uint8Array, chance: Chance, other: () => Uint8Array): Uint8Array {
  let result: Uint8Array = bytes.slice();
  let steps = 1;
  while (steps < 12 && !chance.oneIn(2)) steps++;
  for (let i = 0; i < steps; i++) result = chance.pick(STEPS)(result, chance, other);
  return result.length > LONGEST ? result.slice(0, LONGEST) : result;
}

function flip(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = chance.near(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8));
  return bytes;
}

function setByte(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length === 0) return bytes;
  bytes[chance.near(bytes.length)] = chance.oneIn(4) ? chance.below(256) : chance.pick(BYTES);
  return bytes;
}

function setWord(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length < 2) return bytes;
  viewOf(bytes).setUint16(chance.near(bytes.length - 1), chance.pick(WORDS), chance.oneIn(3));
  return bytes;
}

function setLong(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length < 4) return bytes;
  let at = chance.near(bytes.length - 3);
  if (chance.oneIn(2)) at &= ~3;
  viewOf(bytes).setUint32(at, chance.pick(LONGS), chance.oneIn(2));
  return bytes;
}

/** Finds a number that may be a length, since it tells about how many bytes follow, and moves it a little or far. */
function lie(bytes: Uint8Array, chance: Chance): Uint8Array {
  const view = viewOf(bytes);
  const from = chance.near(bytes.length);
  for (let at = from; at + 4 <= bytes.length && at < from + 64; at++) {
    const little = chance.oneIn(2);
    const left = bytes.length - at;
    const isLong = chance.oneIn(4);
    const value = isLong ? view.getUint32(at, little) : view.getUint16(at, little);
    if (value === 0 || value > left + 64 || value < left / 4) continue;
    const by = chance.pick([-1, 1, -2, 4, -4, 8, -8, 64, -value, left, 0x7fff, 0xffff - value]);
    if (isLong) view.setUint32(at, value + by, little);
    else view.setUint16(at, value + by, little);
    return bytes;
  }
  return chance.oneIn(2) ? setWord(bytes, chance) : setLong(bytes, chance);
}

function truncate(bytes: Uint8Array, chance: Chance): Uint8Array {
  return bytes.slice(0, chance.oneIn(2) ? chance.near(bytes.length + 1) : chance.below(bytes.length + 1));
}

function remove(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.near(bytes.length);
  const length = 1 + chance.below(chance.oneIn(2) ? 4 : 32);
  return joined(bytes.subarray(0, at), bytes.subarray(Math.min(at + length, bytes.length)));
}

function insert(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.near(bytes.length + 1);
  const fresh = new Uint8Array(1 + chance.below(chance.oneIn(2) ? 8 : 48));
  const fill = chance.oneIn(2);
  for (let i = 0; i < fresh.length; i++) fresh[i] = fill ? chance.pick(BYTES) : chance.below(256);
  return joined(bytes.subarray(0, at), fresh, bytes.subarray(at));
}

/** A stretch once more, or many times: headers in headers. */
function repeat(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.near(bytes.length);
  const end = Math.min(bytes.length, at + 1 + chance.below(64));
  const stretch = bytes.subarray(at, end);
  const times = chance.oneIn(4) ? 1 + chance.below(40) : 1;
  return joined(bytes.subarray(0, end), ...Array.from({ length: times }, () => stretch), bytes.subarray(end));
}

function splice(bytes: Uint8Array, chance: Chance, other: () => Uint8Array): Uint8Array {
  const second = other();
  const from = chance.near(second.length + 1);
  return joined(bytes.subarray(0, chance.near(bytes.length + 1)), second.subarray(from, from + 4096));
}

/** Counts a byte or a word up or down: offsets, counters, checksums that are wrong by one. */
function add(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length < 2) return bytes;
  const at = chance.near(bytes.length - 1);
  const view = viewOf(bytes);
  const by = chance.pick([-1, 1, 2, -2, 16, -16]);
  if (chance.oneIn(2)) view.setUint8(at, view.getUint8(at) + by);
  else view.setUint16(at, view.getUint16(at) + by);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
