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

/** What is no rate: printed as it comes, and only when asked for by name. */
const REPORTS: Readonly<Record<string, () => void>> = {
  heap: heapReport,
  scale: scaleReport,
  connections: connectionsReport,
  'eavesdrop-memory': eavesdropMemoryReport,
};

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

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '7' }, json: { type: 'boolean', default: false } },
  });
  const rounds = Number(values.rounds);
  const unknown = positionals.filter((name) => !(name in AREAS) && !(name in REPORTS));
  if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
    console.error(
      `usage: scripts/bench [${[...Object.keys(AREAS), ...Object.keys(REPORTS)].join('|')}]... [--rounds N] [--json]`,
    );
    return 2;
  }
  for (const name of positionals) REPORTS[name]?.();
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
  process.exitCode = main();
} finally {
  cleanUp();
  removeCaptures();
}
