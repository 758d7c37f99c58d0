// What ten million frames over the whole path leave on the heap. Told, not judged: a figure that changes from Node to Node.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Report } from './harness.ts';
import { Pair } from './wiring.ts';

const WARM_UP = 500_000;
const FRAMES = 10_000_000;

/** Bytes on the heap after everything that can go has gone. */
function settled(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 4; i++) collect();
  return process.memoryUsage().heapUsed;
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}

export function heapReport(): Report {
  const rows = ['head-end', 'docker'].map((profile) => {
    const pair = new Pair(profile, 128);
    const { pool } = pair.world.ground;
    pair.run(WARM_UP);
    const slabs = pool.allocated;
    const before = settled();
    pair.run(FRAMES);
    const after = settled();
    if (pair.received !== WARM_UP + FRAMES)
      throw new Error(`${WARM_UP + FRAMES - pair.received} frames were lost`);
    return [profile, before, after, after - before, slabs, pool.allocated].map((value) =>
      typeof value === 'number' ? kilobytes(value) : value,
    );
  });
  return {
    title: `${FRAMES.toLocaleString('en')} frames of 128 bytes over the whole path, in kB`,
    headings: ['profile', 'heap before', 'after', 'growth', 'slabs before', 'after'],
    rows,
  };
}
