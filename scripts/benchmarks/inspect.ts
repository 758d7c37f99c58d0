// Reading a capture, whole processes beside one another: the overview (counts by VNI, tunnel, endpoint and flow) and one line a
// packet. Our side is the built command line, as a user calls it. tshark is given a tenth of the packets, because it would take
// minutes; all are rates.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchCapture } from './capture.ts';
import type { Figure, Round } from './harness.ts';
import { goProgram, program } from './native.ts';

const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
const PACKETS = 2_000_000;
const FEW = 200_000;
const MANY = 10_000_000;

export function inspectFigures(): Figure[] {
  const limit = program('inspect.cc');
  const gopacket = goProgram('inspect.go');
  return [
    {
      name: 'overview, 2 M packets of 114 bytes',
      unit: 'M packets/s',
      ours: ours(PACKETS, 'inspect'),
      peers: [
        { name: 'the same counts, C++', round: limit === null ? null : timed(PACKETS, limit, file(PACKETS)) },
        {
          name: 'gopacket, zero copy',
          round: gopacket === null ? null : timed(PACKETS, gopacket, file(PACKETS)),
        },
        { name: "tcpdump -w /dev/null 'udp port 4789'", round: tcpdumpFilter() },
        { name: 'tshark -n -q -z conv,ip', round: tshark() },
      ],
    },
    {
      name: 'overview, 10 M packets, two threads',
      unit: 'M packets/s',
      ours: ours(MANY, 'inspect'),
      peers: [
        { name: 'the same counts, C++', round: limit === null ? null : timed(MANY, limit, file(MANY)) },
      ],
    },
    {
      name: 'one line a packet, 2 M packets',
      unit: 'M packets/s',
      ours: ours(PACKETS, 'inspect', '--packets'),
      peers: [{ name: 'tcpdump -nn -r', round: installed('tcpdump') ? tcpdumpLines() : null }],
    },
  ];
}

/** Made when a round asks for it, not before. */
function file(packets: number): () => string {
  return () => benchCapture(packets);
}

function ours(packets: number, ...args: readonly string[]): Round {
  return timed(packets, process.execPath, join(ROOT, 'dist/cli/main.js'), ...args, file(packets));
}

function tcpdumpFilter(): Round | null {
  if (!installed('tcpdump')) return null;
  return timed(PACKETS, 'tcpdump', '-r', file(PACKETS), '-w', '/dev/null', 'udp port 4789');
}

function tcpdumpLines(): Round {
  return timed(FEW, 'tcpdump', '-nn', '-r', file(FEW));
}

function tshark(): Round | null {
  return installed('tshark') ? timed(FEW, 'tshark', '-n', '-q', '-z', 'conv,ip', '-r', file(FEW)) : null;
}

function installed(tool: string): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** A round that runs a program to its end, its output thrown away. A time zone spares tcpdump a look at a file per packet. */
function timed(packets: number, command: string, ...args: readonly (string | (() => string))[]): Round {
  return () => {
    const texts = args.map((arg) => (typeof arg === 'string' ? arg : arg()));
    const nowhere = openSync('/dev/null', 'w');
    const began = performance.now();
    const run = spawnSync(command, texts, {
      stdio: ['ignore', nowhere, 'ignore'],
      env: { ...process.env, TZ: 'UTC' },
    });
    const elapsed = performance.now() - began;
    closeSync(nowhere);
    if (run.status !== 0) throw new Error(`${command} ${texts.join(' ')}: exit ${run.status}`);
    return packets / elapsed / 1000;
  };
}
