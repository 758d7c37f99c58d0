// The whole path: host, veth, bridge, VTEP, underlay, VTEP, bridge, veth, host, in frames delivered a second; beside it
// ns-3's CSMA and bridges, and the kernel's namespaces, bridges and VXLAN, where they are installed.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inlineMore } from '../../src/live/inlining.ts';
import type { Figure, Round } from './harness.ts';
import { millions } from './harness.ts';
import { kernelPath } from './kernel-path.ts';
import { nativeWith } from './native.ts';
import { Pair } from './wiring.ts';

const FRAMES = 500_000;
const SELF: string = fileURLToPath(import.meta.url);
const TSX: string = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
const NS3 = ['ns3-csma', 'ns3-bridge', 'ns3-internet', 'ns3-applications'];

export function pathFigures(): Figure[] {
  const ns3 = (bytes: number): Round | null => nativeWith(NS3, 'ns3-path.cc', bytes, 300, 40);
  const kernel = new Map([128, 1450].map((bytes) => [bytes, kernelPath(bytes)]));
  const figure = (title: string, profile: string, bytes: number): Figure => ({
    name: `whole path, ${bytes} bytes, ${title}`,
    unit: 'M frames/s',
    ours: ours(profile, bytes),
    peers: [
      { name: 'CSMA and bridges, ns-3', round: ns3(bytes) },
      { name: 'namespaces and VXLAN, kernel', round: kernel.get(bytes) ?? null },
    ],
  });
  return [
    figure('RFC 7348', 'head-end', 128),
    figure('docker', 'docker', 128),
    figure('docker', 'docker', 1450),
  ];
}

/**
 * A round in a process of its own, as the peers have it and as a lab runs: two profiles in one process would spoil each
 * other's type feedback. The process warms up before it measures.
 */
function ours(profile: string, bytes: number): Round {
  return () => {
    const run = spawnSync(TSX, [SELF, profile, String(bytes)], { encoding: 'utf8' });
    const rate = Number.parseFloat(run.stdout);
    if (run.status !== 0 || !(rate > 0)) throw new Error(`our own path failed:\n${run.stderr}`);
    return rate;
  };
}

function measurePath(profile: string, bytes: number): number {
  inlineMore();
  const pair = new Pair(profile, bytes);
  pair.run(FRAMES);
  const before = pair.received;
  const rate = millions(FRAMES, () => pair.run(FRAMES));
  if (pair.received - before !== FRAMES)
    throw new Error(`${FRAMES - (pair.received - before)} frames were lost`);
  return rate;
}

if (process.argv[1] === SELF) {
  console.log(measurePath(process.argv[2] ?? '', Number(process.argv[3])).toFixed(3));
}
