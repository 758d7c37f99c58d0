// Every capture of fixtures/captures as tshark 4.0 reads it now, packet by packet: how many there are, how long and when, who
// speaks to whom in every layer; the command line's rows and sums beside it.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { PacketRow } from '../../src/cli/render/packet.ts';
import type { InspectDocument } from '../../src/core/survey/document.ts';
import { cli } from '../cli/harness.ts';
import { captureNames, capturePath } from '../support/captures.ts';
import { hasTool, runTool } from '../support/peers.ts';
import { tshark, WHO } from '../support/tshark.ts';
import type { Difference } from '../support/tshark-compare.ts';
import {
  fieldDifferences,
  packetRows,
  rowDifferences,
  sumDifferences,
  toldBy,
} from '../support/tshark-compare.ts';
import type { Ending, Meant } from '../support/tshark-differences.ts';
import { ENDINGS, MEANT } from '../support/tshark-differences.ts';

const FOLDERS = ['docker-swarm', 'kernel', 'ovs', 'formats', 'public'];
const CAPTURES = FOLDERS.flatMap(captureNames).filter((name) => !/\.(tsv|md|txt)$/.test(name));
const COLUMNS = ['frame.protocols', 'frame.interface_id', ...WHO];
/** The differences in MEANT are those to this release. */
const hasTshark = hasTool('tshark') && /^TShark[^\n]* 4\.0\./.test(runTool('tshark', ['--version']));

/** At most two at a time: others use the machine too. */
const LANES = 2;
const waiting: (() => void)[] = [];
let busy = 0;

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (busy >= LANES) await new Promise<void>((go) => waiting.push(go));
  else busy++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) busy--;
    else next();
  }
}

/** Which entries of MEANT met which packets and names. */
const met = new Set<string>();

function isMeant(name: string, { packet, what }: Difference): boolean {
  let found = false;
  for (const [i, entry] of MEANT.entries()) {
    if (!entry.file.test(name) || !entry.packets.includes(packet)) continue;
    const words = entry.what.find((one) => what === one || what.startsWith(`${one} `));
    if (words === undefined) continue;
    found = true;
    met.add(`${i} ${name} ${words}`).add(`${i} ${name} ${packet}`);
  }
  return found;
}

async function rowsOf(path: string): Promise<PacketRow[]> {
  const { code, out } = await cli(['inspect', '--packets', '--json', path]);
  expect(code).toBe(0);
  const lines = out.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as PacketRow);
}

async function documentOf(path: string): Promise<InspectDocument> {
  const { code, out } = await cli(['inspect', '--json', '--no-findings', path]);
  expect(code).toBe(0);
  return JSON.parse(out) as InspectDocument;
}

function said({ packet, what, ours, theirs }: Difference): string {
  return `packet ${packet}: ${what}: ours ${ours}, tshark's ${theirs}`;
}

describe.skipIf(!hasTshark)('as tshark reads it (needs tshark 4.0)', () => {
  test('there are captures of all kinds', () => {
    expect(CAPTURES.length).toBeGreaterThan(350);
    expect(CAPTURES.filter((name) => /pcapng-conformance/.test(name))).toHaveLength(46);
  });

  test.concurrent.each(CAPTURES)('%s', async (name) => {
    const path = capturePath(name);
    const reading = await inTurn(() => tshark(path, COLUMNS, true));
    const rows = packetRows(COLUMNS, reading);
    const told = toldBy(COLUMNS, rows);
    const differences = fieldDifferences(
      new Uint8Array(readFileSync(path)),
      COLUMNS,
      rows,
      reading.rows.length,
    );
    if (ENDINGS[name]?.packets !== null) {
      differences.push(...rowDifferences(await rowsOf(path), told));
      const isRead = differences.every(({ what }) => what !== 'packets') || rows.length > 0;
      if (isRead) differences.push(...sumDifferences(await documentOf(path), told));
    }
    expect(differences.filter((one) => !isMeant(name, one)).map(said)).toEqual([]);
    const hasWords =
      name in ENDINGS || MEANT.some(({ file, packets }) => file.test(name) && packets.includes(0));
    expect(reading.complaint === '' || hasWords ? '' : reading.complaint).toBe('');
  });

  test('every difference that is listed is there, in every file, packet and name', () => {
    const missing = MEANT.flatMap((entry, i) => unmet(entry, i));
    expect(missing).toEqual([]);
  });
});

function unmet(entry: Meant, i: number): string[] {
  const files = CAPTURES.filter((name) => entry.file.test(name));
  if (files.length === 0) return [`no file is ${entry.file}`];
  return files.flatMap((name) => [
    ...entry.what
      .filter((what) => !met.has(`${i} ${name} ${what}`))
      .map((what) => `${name}: ${what} is the same`),
    ...entry.packets
      .filter((n) => !met.has(`${i} ${name} ${n}`))
      .map((n) => `${name}: packet ${n} is the same`),
  ]);
}

describe('damaged files and others are read as far as they can be', () => {
  const quiet = CAPTURES.filter((name) => !(name in ENDINGS));

  test.each(Object.entries(ENDINGS))('%s says how it ends', async (name, ending: Ending) => {
    const { packets, offset, reason } = ending;
    const path = capturePath(name);
    const { code, err } = await cli(['inspect', '--packets', path]);
    if (packets === null) {
      expect([code, err]).toEqual([3, expect.stringContaining(`cannot read ${path}: ${reason}\n`)]);
      return;
    }
    const count = `${packets} ${packets === 1 ? 'packet' : 'packets'}`;
    expect([code, err]).toEqual([0, `vxlab: ${path} was read up to byte ${offset} (${count}): ${reason}\n`]);
    expect((await documentOf(path)).file).toMatchObject({ packets, cutShort: { offset, reason } });
  });

  test('all others say nothing', async () => {
    const loud: string[] = [];
    for (const name of quiet) {
      const { code, err } = await cli(['inspect', '--packets', capturePath(name)]);
      if (code !== 0 || err !== '') loud.push(`${name}: ${code} ${err}`);
    }
    expect(quiet.length).toBeGreaterThan(330);
    expect(loud).toEqual([]);
  });
});

afterAll(() => {
  expect([busy, waiting.length]).toEqual([0, 0]);
});
