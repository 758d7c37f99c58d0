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

/**
 * Gigabits of payload a second by iperf3 over the same path, one TCP stream at an MTU of 1450; null as above, or without iperf3.
 * @param plain without segmentation and receive offloads, so that each segment takes the path by itself; needs ethtool
 */
export function iperfOverKernel(plain: boolean): Round | null {
  const tools = plain ? ['iperf3', 'ethtool'] : ['iperf3'];
  if (tools.some((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined))
    return null;
  if (process.getuid?.() !== 0 || spawnSync(SCRIPT, ['probe'], { stdio: 'ignore' }).status !== 0) return null;
  const args = ['tcp', String(SECONDS), plain ? 'plain' : 'offload'];
  return () => {
    const run = spawnSync(SCRIPT, args, { encoding: 'utf8', timeout: 20_000 });
    if (run.status !== 0) throw new Error(`kernel-path.sh tcp: exit ${run.status}, said "${run.stderr}"`);
    const said = JSON.parse(run.stdout) as { end: { sum_received: { bits_per_second: number } } };
    return said.end.sum_received.bits_per_second / 1e9;
  };
}
