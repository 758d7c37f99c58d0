// What ten million frames leave behind: the heap before and after, both times swept, and the slabs of the frame pool.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pair } from './wiring.ts';

const FRAMES = 10_000_000;

export function heapReport(): void {
  setFlagsFromString('--expose-gc');
  const sweep = runInNewContext('gc') as () => void;
  const pair = new Pair('docker', 128);
  pair.run(500_000);
  sweep();
  const before = process.memoryUsage().heapUsed;
  const slabs = pair.world.ground.pool.allocated;
  pair.run(FRAMES);
  sweep();
  const grown = process.memoryUsage().heapUsed - before;
  const slabsGrown = pair.world.ground.pool.allocated - slabs;
  console.log(
    `${FRAMES.toLocaleString('en')} frames of 128 bytes, docker: the heap grew by ${(grown / 1024).toFixed(0)} kB ` +
      `(${(grown / FRAMES).toFixed(4)} bytes a frame), the slabs by ${slabsGrown} bytes; frames not home: ${pair.world.ground.pool.out}`,
  );
}
