// What Docker's three faults of 2023 let happen, by packets, and that the defence stops it.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CveDocument, CveRow } from '../../src/cli/prove/cve-document.ts';
import { judgeCve } from '../../src/cli/prove/cve-document.ts';
import { cli, documentOf } from '../cli/harness.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-cve-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function shown(cve: string): Promise<{ document: CveDocument; off: CveRow; on: CveRow }> {
  const ran = await cli(['prove', '--cve', cve, '--seed', '5', '--capture', cve, '--json'], { cwd: folder });
  expect([ran.code, ran.err]).toEqual([0, '']);
  const document = documentOf<CveDocument>('cve', ran);
  const [off, on] = document.runs as [CveRow, CveRow];
  expect([off.defence, on.defence, document.cve]).toEqual(['off', 'on', `CVE-${cve}`]);
  return { document, off, on };
}

function captured({ capture }: CveRow, what: Buffer): boolean {
  return readFileSync(join(folder, capture as string)).includes(what);
}

describe('CVE-2023-28840: another rule lets plain datagrams in first', () => {
  test("the intruder's reaches a program in the container, though what nodes send is sealed; with the defence it is dropped and counted", async () => {
    const { document, off, on } = await shown('2023-28840');
    expect(off).toMatchObject({
      vxlan: 0,
      requests: 1,
      answered: 1,
      drops: [],
      injected: { delivered: true },
    });
    expect(off.esp).toBeGreaterThan(0);
    expect(on).toMatchObject({ vxlan: 0, requests: 1, answered: 1, injected: { delivered: false } });
    expect(on.drops).toEqual([{ node: on.injected?.node, reason: 'not encrypted', count: 1 }]);
    expect(on.injected?.bytes).toBe(off.injected?.bytes);
    for (const run of [off, on])
      expect(captured(run, Buffer.from(run.injected?.bytes ?? '', 'hex'))).toBe(true);
    expect(document.advisory).toMatch(/GHSA-232p-vwff-86mp$/);
  });
});

describe('CVE-2023-28841: the rules could not be made, and nobody was told', () => {
  test('everything leaves in the clear and all requests are answered; with the defence nothing does', async () => {
    const { document, off, on } = await shown('2023-28841');
    expect(off).toMatchObject({ esp: 0, requests: 4, answered: 4, recovered: true, injected: null });
    expect(off.vxlan).toBeGreaterThan(20);
    expect(on).toMatchObject({ vxlan: 0, requests: 4, answered: 4, recovered: false, places: [] });
    expect(on.esp).toBe(off.vxlan);
    expect([captured(off, Buffer.from(document.canary)), captured(on, Buffer.from(document.canary))]).toEqual(
      [true, false],
    );
  });
});

describe('CVE-2023-28842: a node without peers has no rules yet', () => {
  test("anybody's frame reaches a container; with the defence it is dropped and counted", async () => {
    const { off, on } = await shown('2023-28842');
    expect(off).toMatchObject({ vxlan: 0, esp: 0, drops: [], injected: { delivered: true } });
    expect(on).toMatchObject({ vxlan: 0, esp: 0, injected: { delivered: false } });
    expect(on.drops).toEqual([{ node: on.injected?.node, reason: 'not encrypted', count: 1 }]);
  });
});

describe('the judgement', () => {
  test('is no when the fault does not show or the defence does not help', async () => {
    const { off, on } = await shown('2023-28840');
    expect(judgeCve('CVE-2023-28840', [off, on]).proved).toBe(true);
    const mended = { ...off, injected: on.injected };
    const useless = { ...on, injected: off.injected };
    const silent = { ...on, drops: [] };
    const deaf = { ...on, answered: 0 };
    for (const runs of [
      [mended, on],
      [off, useless],
      [off, silent],
      [off, deaf],
    ]) {
      const { proved, verdict } = judgeCve('CVE-2023-28840', runs);
      expect([proved, verdict.startsWith('not shown: ')]).toEqual([false, true]);
    }
  });

  test('in words it ends with one sentence', async () => {
    const ran = await cli(['prove', '--cve', 'CVE-2023-28842', '--canary', 'a canary to be seen'], {
      cwd: folder,
    });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('the forged datagram reached ');
    expect(ran.out).toContain('1 dropped on manager1: not encrypted');
    expect(ran.out.trimEnd().split('\n').at(-1)).toMatch(/^on a node without peers anybody puts frames into/);
  });
});
