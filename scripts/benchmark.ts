// scripts/bench: runs the areas and prints one table. A new area is a file in benchmarks/ and a line in AREAS.

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { inlineMore } from '../src/live/inlining.ts';
import { removeCaptures } from './benchmarks/capture.ts';
import { checksumFigures } from './benchmarks/checksum.ts';
import { eavesdropFigures, eavesdropMemoryReport } from './benchmarks/eavesdrop.ts';
import { encapsulationFigures } from './benchmarks/encapsulation.ts';
import { eventQueueFigures } from './benchmarks/event-queue.ts';
import { fdbFigures } from './benchmarks/fdb.ts';
import type { Figure, Measured } from './benchmarks/harness.ts';
import { measure } from './benchmarks/harness.ts';
import { heapReport } from './benchmarks/heap.ts';
import { inspectFigures } from './benchmarks/inspect.ts';
import { cleanUp } from './benchmarks/native.ts';
import { pathFigures } from './benchmarks/path.ts';
import { scaleReport } from './benchmarks/scale.ts';
import { connectionsReport, tcpFigures } from './benchmarks/tcp.ts';
import { vtepReport } from './benchmarks/vtep.ts';

const AREAS: Readonly<Record<string, () => Figure[]>> = {
  'event-queue': eventQueueFigures,
  fdb: fdbFigures,
  checksum: checksumFigures,
  encapsulation: encapsulationFigures,
  path: pathFigures,
  tcp: tcpFigures,
  inspect: inspectFigures,
  eavesdrop: eavesdropFigures,
};

interface Asked {
  /** null where none was said. */
  readonly rounds: number | null;
  readonly quick: boolean;
}

/** What is no rate, or has a table of its own: printed as it comes, and only when asked for by name. */
const REPORTS: Readonly<Record<string, (asked: Asked) => void | Promise<void>>> = {
  heap: heapReport,
  scale: scaleReport,
  connections: connectionsReport,
  'eavesdrop-memory': eavesdropMemoryReport,
  vtep: ({ rounds, quick }) => vtepReport(rounds, quick),
};

const ROUNDS = 7;

const HEADINGS = ['figure', 'unit', 'ours', 'peer', 'its rate', 'ratio'];

function rows(measured: Measured): string[][] {
  if (measured.peers.length === 0)
    return [[measured.name, measured.unit, measured.ours.toFixed(2), '', '', '']];
  return measured.peers.map((peer, i) => [
    i === 0 ? measured.name : '',
    i === 0 ? measured.unit : '',
    i === 0 ? measured.ours.toFixed(2) : '',
    peer.name,
    peer.rate === null ? 'not here' : peer.rate.toFixed(2),
    peer.rate === null ? '' : (measured.ours / peer.rate).toFixed(2),
  ]);
}

function print(table: readonly string[][]): void {
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  for (const row of table) {
    const cells = row.map((cell, column) => {
      const width = widths[column] as number;
      return column === 2 || column > 3 ? cell.padStart(width) : cell.padEnd(width);
    });
    console.log(cells.join('  ').trimEnd());
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds ?? ROUNDS);
  const unknown = positionals.filter((name) => !(name in AREAS) && !(name in REPORTS));
  if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
    console.error(
      `usage: scripts/bench [${[...Object.keys(AREAS), ...Object.keys(REPORTS)].join('|')}]... [--rounds N] [--json] [--quick]`,
    );
    return 2;
  }
  const asked = { rounds: values.rounds === undefined ? null : rounds, quick: values.quick };
  for (const name of positionals) await REPORTS[name]?.(asked);
  const areas = positionals.filter((name) => name in AREAS);
  if (positionals.length > 0 && areas.length === 0) return 0;
  const chosen = areas.length > 0 ? areas : Object.keys(AREAS);
  const results: Measured[] = [];
  for (const area of chosen) {
    for (const figure of (AREAS[area] as () => Figure[])()) {
      console.error(`${area}: ${figure.name}`);
      results.push(measure(figure, rounds));
    }
  }
  if (values.json) {
    console.log(JSON.stringify(results));
    return 0;
  }
  console.log(
    `Node ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown processor'}; medians of ${rounds} rounds;`,
  );
  console.log('a ratio above 1 means that ours is faster.\n');
  print([HEADINGS, ...results.flatMap(rows)]);
  return 0;
}

inlineMore();
try {
  process.exitCode = await main();
} catch (error) {
  // Ctrl-C, once everything is taken down.
  if ((error as Error).name !== 'AbortError') throw error;
  process.exitCode = 130;
} finally {
  cleanUp();
  removeCaptures();
}
