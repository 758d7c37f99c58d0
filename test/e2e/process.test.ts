import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { LECTURE } from '../cli/harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The real program; `watch` sees what it says on standard error as it comes. */
function start(
  argv: readonly string[],
  watch: (err: string, stop: () => void) => void = () => {},
): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv]);
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      watch(err, () => child.kill('SIGINT'));
    });
    child.on('close', (code) => done({ code, out, err }));
  });
}

describe('the program', () => {
  test('passes the exit code on', async () => {
    const ran = await start(['ping', 'nobody', 'mysql', '-f', LECTURE]);
    expect(ran.code).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toMatch(/^vxlab: there is no container, service or node "nobody"/);
  });

  test('takes everything down at Ctrl-C and answers 130', async () => {
    let stopped = false;
    const ran = await start(['up', LECTURE], (err, stop) => {
      if (stopped || !err.includes('Ctrl-C ends it')) return;
      stopped = true;
      stop();
    });
    expect(ran.code).toBe(130);
    expect(ran.err).toContain('took down 5 containers');
    expect(ran.out).toContain('stack lecture: profile docker');
  });

  test('does not mind a reader that has seen enough', async () => {
    const code = await new Promise((done) => {
      const child = spawn(process.execPath, [
        '--import',
        'tsx',
        MAIN,
        'show',
        'links',
        '-f',
        LECTURE,
        '--json',
      ]);
      child.stdout.once('readable', () => child.stdout.destroy());
      child.on('close', (ended) => done(ended));
    });
    expect(code).toBe(0);
  });
});
