// scripts/bench: runs the areas and prints one table, then the reports. A new area is a file in benchmarks/ and a line in
// AREAS; what has no peer is a report.

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { inlineMore } from '../src/live/inlining.ts';
import { checksumFigures } from './benchmarks/checksum.ts';
import { encapsulationFigures } from './benchmarks/encapsulation.ts';
import { eventQueueFigures } from './benchmarks/event-queue.ts';
import { fdbFigures } from './benchmarks/fdb.ts';
import type { Figure, Measured, Report } from './benchmarks/harness.ts';
import { measure } from './benchmarks/harness.ts';
import { heapReport } from './benchmarks/heap.ts';
import { cleanUp } from './benchmarks/native.ts';
import { pathFigures } from './benchmarks/path.ts';
import { scaleReport } from './benchmarks/scale.ts';

const AREAS: Readonly<Record<string, () => Figure[]>> = {
  'event-queue': eventQueueFigures,
  fdb: fdbFigures,
  checksum: checksumFigures,
  encapsulation: encapsulationFigures,
  path: pathFigures,
};

/** What is no rate: printed as it comes, and only when asked for by name. */
const REPORTS: Readonly<Record<string, () => void>> = { heap: heapReport, scale: scaleReport };

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

/** @param left the columns of text; the others hold numbers */
function print(table: readonly (readonly string[])[], left: readonly number[]): void {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? '').length)),
  );
  for (const row of table) {
    const cells = row.map((cell, column) => {
      const width = widths[column] as number;
      return left.includes(column) ? cell.padEnd(width) : cell.padStart(width);
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
  const names = [...Object.keys(AREAS), ...Object.keys(REPORTS)];
  if (positionals.some((name) => !names.includes(name)) || !Number.isInteger(rounds) || rounds < 1) {
    console.error(`usage: scripts/bench [${names.join('|')}]... [--rounds N] [--json]`);
    return 2;
  }
  const chosen = positionals.length > 0 ? positionals : names;
  const figures: Measured[] = [];
  for (const area of chosen) {
    for (const figure of AREAS[area]?.() ?? []) {
      console.error(`${area}: ${figure.name}`);
      figures.push(measure(figure, rounds));
    }
  }
  const reports: Report[] = [];
  for (const name of chosen) {
    const report = REPORTS[name];
    if (report === undefined) continue;
    console.error(name);
    reports.push(report());
  }
  if (values.json) {
    console.log(JSON.stringify({ figures, reports }));
    return 0;
  }
  console.log(`Node ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown processor'}`);
  if (figures.length > 0) {
    console.log(`\nMedians of ${rounds} rounds; a ratio above 1 means that ours is faster.\n`);
    print([HEADINGS, ...figures.flatMap(rows)], [0, 1, 3]);
  }
  for (const { title, headings, rows } of reports) {
    console.log(`\n${title}\n`);
    print([headings, ...rows], [0]);
  }
  return 0;
}

inlineMore();
try {
  process.exitCode = main();
} finally {
  cleanUp();
}
