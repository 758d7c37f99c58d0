// docs/is-vxlan-encrypted.md: each command there, run in the order in which a reader would, prints what the page shows.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from './harness.ts';

const PAGE = readFileSync(new URL('../../docs/is-vxlan-encrypted.md', import.meta.url), 'utf8');

interface Block {
  readonly argv: readonly string[];
  /** Lines as the page has them; `...` stands for any. */
  readonly shown: readonly string[];
}

const BLOCKS: readonly Block[] = [...PAGE.matchAll(/```console\n\$ vxlab (.+)\n([\s\S]*?)```/g)].map(
  ([, command = '', shown = '']) => ({ argv: command.split(' '), shown: lines(shown) }),
);

function lines(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The lines shown that are not printed, in their order. */
function missing(shown: readonly string[], printed: readonly string[]): string[] {
  let at = 0;
  let anywhere = false;
  for (const [i, line] of shown.entries()) {
    if (line === '...') {
      anywhere = true;
      continue;
    }
    const found = anywhere ? printed.indexOf(line, at) : printed[at] === line ? at : -1;
    if (found < 0) return shown.slice(i);
    at = found + 1;
    anywhere = false;
  }
  return anywhere || at === printed.length ? [] : printed.slice(at);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-guide-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the guide', () => {
  test('shows three commands for the experiment, and one for each fault', () => {
    expect(BLOCKS.map(({ argv }) => argv.slice(0, argv[1] === '--cve' ? 3 : 1).join(' '))).toEqual([
      'prove',
      'eavesdrop',
      'inspect',
      'prove --cve 2023-28841',
      'prove --cve 2023-28840',
      'prove --cve 2023-28842',
    ]);
  });

  // In one test: later commands read what the first one wrote.
  test('every command prints what is shown', async () => {
    for (const { argv, shown } of BLOCKS) {
      const ran = await cli(argv, { cwd: folder });
      // The eavesdropper's answer is 1 when he read a secret.
      const code = argv[0] === 'eavesdrop' ? 1 : 0;
      expect([argv, ran.code, missing(shown, lines(ran.out))]).toEqual([argv, code, []]);
    }
  });

  test('links lead to files that are there, or to the advisories', () => {
    for (const [, link = ''] of PAGE.matchAll(/\]\(([^)]+)\)/g)) {
      if (!link.startsWith('https://github.com/moby/moby/security/advisories/GHSA-'))
        expect(() => readFileSync(new URL(`../../docs/${link}`, import.meta.url))).not.toThrow();
    }
  });
});
