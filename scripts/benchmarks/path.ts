// The whole path: host, veth, bridge, VTEP, underlay, VTEP, bridge, veth, host, in frames delivered a second; beside it
// ns-3's CSMA and bridges, and the kernel's namespaces, bridges and VXLAN, where they are installed.

import type { Figure, Round } from './harness.ts';
import { millions } from './harness.ts';
import { kernelPath } from './kernel-path.ts';
import { native } from './native.ts';
import { Pair } from './wiring.ts';

const FRAMES = 100_000;

export function pathFigures(): Figure[] {
  const ns3 = native('ns3-path.cc', 300, 40);
  const kernel = kernelPath();
  return [
    figure('whole path, 128 bytes, RFC 7348', 'head-end', 128, ns3, kernel),
    figure('whole path, 128 bytes, docker', 'docker', 128, ns3, kernel),
    figure('whole path, 1450 bytes, docker', 'docker', 1450, null, null),
  ];
}

function figure(
  name: string,
  profile: string,
  bytes: number,
  ns3: Round | null,
  kernel: Round | null,
): Figure {
  return {
    name,
    unit: 'M frames/s',
    ours: ours(profile, bytes),
    peers: [
      { name: 'ns-3, CSMA and bridges', round: ns3 },
      { name: 'kernel, namespaces and VXLAN', round: kernel },
    ],
  };
}

function ours(profile: string, bytes: number): Round {
  const pair = new Pair(profile, bytes);
  return () => {
    const before = pair.received;
    const rate = millions(FRAMES, () => pair.run(FRAMES));
    if (pair.received - before !== FRAMES)
      throw new Error(`${FRAMES - (pair.received - before)} frames were lost`);
    return rate;
  };
}
