// What a container costs, from 1,000 to 100,000 of them: a stack on 50 networks is built, each container pings a peer on
// another node, and everything is taken down. Each size runs in a process of its own, so that the memory is its own.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report } from './harness.ts';
import type { Cost } from './scale-run.ts';

const RUN: string = fileURLToPath(new URL('scale-run.ts', import.meta.url));
/** Of 100 containers each. */
const NODES: readonly number[] = [10, 100, 1_000];

export function scaleReport(): Report {
  return {
    title: 'containers on 50 networks, 100 a node: built, each pings one on another node, taken down',
    headings: [
      'containers',
      'nodes',
      'build s',
      'ping s',
      'down s',
      'total s',
      'peak MB',
      'us each',
      'kB each',
    ],
    rows: NODES.map((nodes) => {
      const cost = run(nodes);
      const each = (value: number): number => value / cost.containers;
      return [
        cost.containers.toLocaleString('en'),
        nodes.toLocaleString('en'),
        cost.build.toFixed(2),
        cost.ping.toFixed(2),
        cost.down.toFixed(2),
        (cost.build + cost.ping + cost.down).toFixed(2),
        (cost.peak / 1e6).toFixed(0),
        (each(cost.build + cost.ping + cost.down) * 1e6).toFixed(0),
        (each(cost.peak - cost.start) / 1e3).toFixed(1),
      ];
    }),
  };
}

function run(nodes: number): Cost {
  // The loader that let this file be read lets the other be read too.
  const args = ['--max-old-space-size=4096', ...process.execArgv, RUN, String(nodes)];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${nodes} nodes: exit ${child.status}\n${child.stderr}`);
  return JSON.parse(child.stdout) as Cost;
}
