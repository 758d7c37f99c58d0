// The kernel's namespaces, bridges and VXLAN devices as a peer: peers/kernel-path.sh builds the path, sends over it for a
// second and takes it away again, each round anew.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Round } from './harness.ts';
import { program } from './native.ts';

const SCRIPT: string = fileURLToPath(new URL('peers/kernel-path.sh', import.meta.url));
const SECONDS = 1;

/** null for who is not root, and where there is no compiler, no `ip`, or a kernel or container that forbids namespaces. */
export function kernelPath(frameBytes: number): Round | null {
  if (process.getuid?.() !== 0 || spawnSync(SCRIPT, ['probe'], { stdio: 'ignore' }).status !== 0) return null;
  const flow = program('udp-flow.c');
  if (flow === null) return null;
  const args = [flow, String(frameBytes), String(SECONDS)];
  return () => {
    const run = spawnSync(SCRIPT, args, { encoding: 'utf8' });
    const rate = Number.parseFloat(run.stdout);
    if (run.status !== 0 || !(rate > 0))
      throw new Error(`kernel-path.sh: exit ${run.status}, said "${run.stdout}" and "${run.stderr}"`);
    return rate;
  };
}
