// The short form of `scripts/soak`: a live VTEP among peers that come, go, are killed and move, for three minutes at a rate that leaves
// the machine to other tests. Needs root; what it makes it takes away again.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Soaked } from '../../scripts/soaking/run.ts';
import { soakLacks } from '../../scripts/soaking/run.ts';
import { canMakeNamespaces, run } from '../support/netns.ts';

const SOAK = fileURLToPath(new URL('../../scripts/soak.ts', import.meta.url));
const TSX = createRequire(import.meta.url).resolve('tsx');
const MINUTES = Number(process.env['VXLAB_SOAK_MINUTES'] ?? 3);
/** Datagrams a second. */
const RATE = 3000;
const able = canMakeNamespaces() && existsSync('/dev/net/tun') && soakLacks() === null;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function soaked(minutes: number, interruptAfter: number | null): Promise<Ended & { pid: number }> {
  const args = ['--import', TSX, SOAK, '--minutes', String(minutes), '--rate', String(RATE), '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const timer = interruptAfter === null ? null : setTimeout(() => child.kill('SIGINT'), interruptAfter);
  try {
    await once(child, 'close');
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
  return { code: child.exitCode, out, err, pid: child.pid as number };
}

/** Namespaces that a soak has left behind. */
function left(pid: number): string[] {
  return run('ip', ['netns', 'list'])
    .out.split('\n')
    .filter((line) => line.includes(`vxlab-soak-${pid}-`));
}

describe.skipIf(!able)('a live VTEP under traffic among peers that come and go', () => {
  test(
    `for ${MINUTES} minutes keeps its memory flat, its counters adding up and nothing for itself`,
    async () => {
      const { code, out, err, pid } = await soaked(MINUTES, null);
      expect(err).toBe('');
      const result = JSON.parse(out) as Soaked;
      expect(result.claims.filter(({ holds }) => !holds)).toEqual([]);
      expect(result.claims.length).toBeGreaterThanOrEqual(6);
      expect(result.minutes).toHaveLength(MINUTES);
      for (const { received, sent, refused } of result.minutes) {
        expect(received).toBeGreaterThan(RATE / 2);
        expect(sent).toBeGreaterThan(RATE / 2);
        expect(refused).toBeGreaterThan(1000);
      }
      expect(code).toBe(0);
      expect(left(pid)).toEqual([]);
    },
    MINUTES * 60_000 + 80_000,
  );

  test('is taken down by Ctrl-C at any time', async () => {
    const { code, pid } = await soaked(1, 6000);
    expect(code).toBe(130);
    expect(left(pid)).toEqual([]);
  }, 40_000);
});
