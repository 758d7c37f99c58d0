// Everything that stands in clear in the corpus is found in its tunnel, at its place, and nothing else is claimed; nothing of
// it is in what is shown masked. The table in docs/eavesdrop.md is what came of it.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import type { Claimed, Entry } from '../support/cleartext.ts';
import { cleartextTruth, matches, onUnderlay, overheardIn, secretsOf } from '../support/cleartext.ts';
import { cli } from './harness.ts';

const TRUTH = cleartextTruth();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-cleartext-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly found: readonly Entry[];
  readonly missed: readonly Entry[];
  readonly false: readonly Claimed[];
}

const outcomes = new Map<string, Outcome>();

async function outcomeOf(name: string): Promise<Outcome> {
  const entries = TRUTH.get(name) as readonly Entry[];
  const claims = secretsOf(await overheardIn(await onUnderlay(name, folder)));
  const left = [...claims];
  const found: Entry[] = [];
  const missed: Entry[] = [];
  for (const entry of entries) {
    const at = left.findIndex((claim) => matches(entry, claim));
    if (at < 0) missed.push(entry);
    else {
      left.splice(at, 1);
      found.push(entry);
    }
  }
  return { found, missed, false: left };
}

describe('what stands in clear', () => {
  test.each([...TRUTH.keys()])('in %s is found, and nothing else', async (name) => {
    const outcome = await outcomeOf(name);
    outcomes.set(name, outcome);
    expect(outcome.false).toEqual([]);
    expect(outcome.missed).toEqual([]);
  });

  test('is counted so in docs/eavesdrop.md', () => {
    const text = readFileSync(new URL('../../docs/eavesdrop.md', import.meta.url), 'utf8');
    for (const row of tableRows()) expect(text).toContain(row);
  });
});

/** A row for each protocol and kind: how many stand there, were found, were missed, and how many claims were false. */
function tableRows(): string[] {
  const all = [...outcomes.values()];
  const groups = new Map<string, { found: number; missed: number }>();
  const count = (entries: readonly Entry[], what: 'found' | 'missed'): void => {
    for (const { protocol, kind } of entries) {
      const key = `${protocol} | ${kind}`;
      const group = groups.get(key) ?? { found: 0, missed: 0 };
      groups.set(key, group);
      group[what]++;
    }
  };
  for (const outcome of all) {
    count(outcome.found, 'found');
    count(outcome.missed, 'missed');
  }
  expect(all.flatMap((outcome) => outcome.false)).toEqual([]);
  return [...groups].map(
    ([key, { found, missed }]) => `| ${key} | ${found + missed} | ${found} | ${missed} | 0 |`,
  );
}

describe('places', () => {
  test('of secrets that stand as they are hold their bytes', async () => {
    let looked = 0;
    for (const [name, entries] of TRUTH) {
      if (!entries.some(({ kind }) => kind !== 'challenge')) continue;
      const path = await onUnderlay(name, folder);
      const packets = bytesOf(path);
      for (const { packet, offset, length, secret } of secretsOf(await overheardIn(path))) {
        const bytes = packets[packet - 1] as Buffer;
        // Decoded ones stand there in another form, and long ones end in another packet.
        if (secret?.length !== length || offset + length > bytes.length) continue;
        looked++;
        expect([name, bytes.toString('latin1', offset, offset + length)]).toEqual([name, secret]);
      }
    }
    expect(looked).toBeGreaterThan(60);
  });
});

function bytesOf(path: string): Buffer[] {
  const packets: Buffer[] = [];
  const reader = new AnyReader((view, start, end) => {
    packets.push(Buffer.from(new Uint8Array(view.buffer, view.byteOffset + start, end - start)));
  });
  reader.push(new Uint8Array(readFileSync(path)));
  reader.end();
  return packets;
}

describe('masked', () => {
  test.each(['text', 'json', 'html'])('as %s, no output has a byte of a secret', async (form) => {
    const argv = { text: ['--verbose', '--rows', '1000'], json: ['--json'], html: ['--html', '-'] }[form];
    let looked = 0;
    for (const [name, entries] of TRUTH) {
      if (entries.length === 0) continue;
      const ran = await cli(['eavesdrop', ...(argv ?? []), await onUnderlay(name, folder)]);
      const shown = ran.out.replaceAll(/^.*wrapped-.*$/gm, '');
      for (const { kind, value } of entries) {
        // A cookie such as `true` and a password such as `7` stand in half of all texts; one password is `secret`, as a kind is.
        if (value.length < (kind === 'cookie' ? 8 : 4) || value === 'secret') continue;
        looked++;
        expect([name, value, appears(shown, value)]).toEqual([name, value, false]);
      }
    }
    expect(looked).toBeGreaterThan(90);
  });
});

/** As it is, in base64 or in hexadecimal; short ones as a word of their own. */
function appears(text: string, value: string): boolean {
  const bytes = Buffer.from(value);
  const forms = [bytes.toString('base64').replace(/.?=*$/, ''), bytes.toString('hex')];
  if (forms.some((form) => form.length >= 8 && text.includes(form))) return true;
  if (value.length >= 8) return text.includes(value);
  const at = text.indexOf(value);
  if (at < 0) return false;
  const escaped = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w])${escaped}(?![\\w])`).test(text);
}
