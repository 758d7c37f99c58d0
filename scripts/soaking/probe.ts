// Loaded into the VTEP under test with `node --import`: writes down what only the process itself knows. At SIGUSR2 it sweeps the heap and
// writes one line of JSON to the file that VXLAB_SOAK_PROBE names; another when the VTEP has been closed. The program is as it was.

import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LiveVtep } from '../../src/live/vtep/live-vtep.ts';

/** The file to load. */
export const PROBE: string = fileURLToPath(import.meta.url);

export interface ProbeLine {
  /** True for the line of the end. */
  readonly closed: boolean;
  /** Bytes in use after a sweep: objects, and buffers outside the heap. */
  readonly heap: number;
  readonly buffers: number;
  /** Frames of the pool that somebody holds, and bytes of its slabs. */
  readonly framesOut: number;
  readonly slabs: number;
}

function watch(file: string): void {
  setFlagsFromString('--expose-gc');
  const sweep = runInNewContext('gc') as () => void;
  let live: LiveVtep | null = null;
  const write = (closed: boolean): void => {
    if (live === null) return;
    const { pool } = live.ground;
    sweep();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const counts = { heap: heapUsed, buffers: arrayBuffers, framesOut: pool.out, slabs: pool.allocated };
    appendFileSync(file, `${JSON.stringify({ closed, ...counts } satisfies ProbeLine)}\n`);
  };
  const { open, close } = LiveVtep.prototype;
  LiveVtep.prototype.open = async function (this: LiveVtep): Promise<void> {
    live = this;
    await open.call(this);
  };
  LiveVtep.prototype.close = async function (this: LiveVtep): Promise<void> {
    await close.call(this);
    write(true);
  };
  process.on('SIGUSR2', () => write(false));
}

const file = process.env['VXLAB_SOAK_PROBE'];
if (file !== undefined) watch(file);
