import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { openControl } from '../../src/cli/lab-control.ts';
import { LivingLab } from '../../src/cli/living-lab.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import type { ControlServer } from '../../src/live/control/control.ts';
import { lecture } from '../lab/stack.ts';
import type { Ran } from './harness.ts';
import { cli, documentOf, LECTURE } from './harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const OPENSSL = 'openssl';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxe-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Document {
  readonly task: string;
  readonly exit: number;
  readonly stdout: string;
  readonly started: number;
}

describe('vxlab exec in a lab that runs', () => {
  const env = {
    get XDG_RUNTIME_DIR(): string {
      return folder;
    },
  };
  const stop = new AbortController();
  let living: LivingLab;
  let control: ControlServer;
  let following: Promise<void>;

  beforeAll(async () => {
    const io = { cwd: '/', env: { XDG_RUNTIME_DIR: folder } } as unknown as Io;
    living = new LivingLab(io, lecture(), { manifest: LECTURE });
    await living.start();
    control = await openControl(io, living);
    following = living.follow(stop.signal);
  });
  afterAll(async () => {
    stop.abort();
    await following;
    await control.close();
    expect(await living.close()).toBe(0);
  });

  test('is found by the stack’s name, and by --lab', async () => {
    const before = living.now;
    const ran = await cli(
      ['exec', '--json', 'webserver', '--', 'ping', '-c', '2', '-i', '0.1', 'tasks.appserver'],
      { cwd: '/', env },
    );
    const document = documentOf<Document>('exec', ran);
    expect(document).toMatchObject({ task: 'lecture_webserver.1', exit: 0 });
    expect(document.stdout).toContain('2 received');
    expect(document.started).toBeGreaterThan(before);
    expect(ran.err).toBe('');
    expect(
      (await cli(['exec', '--lab', 'lecture', 'webserver', '--', 'hostname', '-i'], { env })).out,
    ).toMatch(/^10\.0\.1\.\d+\n$/);
  });

  test('passes standard input on, and the exit code', async () => {
    const input = 'x'.repeat(300_000);
    const ran = await cli(['exec', 'webserver', '--', 'cat'], { env, stdin: input });
    expect(ran).toEqual({ code: 0, out: input, err: '' });
    expect((await cli(['exec', 'webserver', '--', 'ping', 'nosuch'], { env })).code).toBe(2);
    expect((await cli(['exec', 'webserver', '--', 'vim'], { env })).code).toBe(127);
  });

  test('reaches what its workloads serve', async () => {
    const { code, out } = await cli(
      ['exec', 'webserver', '--', 'curl', '-s', 'http://appserver:8080/customers/3'],
      { env },
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: 3 });
  });

  test.skipIf(spawnSync(OPENSSL, ['version']).status !== 0)(
    'speaks TLS to a server in a container',
    async () => {
      const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
      spawnSync(OPENSSL, [
        'req',
        '-x509',
        ...curve,
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-subj',
        '/CN=app',
      ]);
      const secure = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, answer) => {
        answer.end('sealed\n');
      });
      const container = living.lab.sim.world.containers.get('lecture_appserver.1') as Container;
      const server = living.runtime.run(container, 'https', async ({ net, signal }) => {
        net.createServer((socket) => void secure.emit('connection', socket)).listen(443);
        await new Promise((done) => signal.addEventListener('abort', done));
      });
      const curl = (...argv: string[]): Promise<Ran> =>
        cli(['exec', 'webserver', '--', 'curl', ...argv, 'https://lecture_appserver.1/'], { env });
      expect(await curl('-k')).toEqual({ code: 0, out: 'sealed\n', err: '' });
      expect((await curl('-s')).code).toBe(60);
      server.kill();
      expect((await curl('-k')).code).toBe(7);
    },
  );

  test('carries every byte from one container to another', async () => {
    const stdin = Array.from({ length: 30_000 }, (_, i) => `line ${i}\n`).join('');
    const listening = cli(['exec', 'lecture_appserver.1', '--', 'nc', '-l', '9000'], { env });
    await new Promise((done) => setTimeout(done, 150));
    const sent = await cli(['exec', 'webserver', '--', 'nc', '-N', 'lecture_appserver.1', '9000'], {
      env,
      stdin,
    });
    expect(sent).toEqual({ code: 0, out: '', err: '' });
    expect(await listening).toEqual({ code: 0, out: stdin, err: '' });
  });

  test('interrupts the program with the client', async () => {
    const interrupt = new AbortController();
    const running = cli(['exec', 'webserver', '--', 'ping', '-i', '0.05', 'tasks.appserver'], {
      env,
      signal: interrupt.signal,
    });
    setTimeout(() => interrupt.abort(), 400);
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(out).toMatch(/ ping statistics ---\n[1-9]/);
  });

  test('is not asked when options describe another lab', async () => {
    // In a process of its own, as it would be: two labs in one keep each other from resting.
    const ran = await new Promise<Ran>((done) => {
      const argv = ['--import', 'tsx', MAIN, 'exec', '--json', '--seed', '1', 'webserver', '--', 'hostname'];
      const options = { env: { ...process.env, ...env, PWD: '/' } };
      execFile(process.execPath, argv, options, (error, out, err) =>
        done({ code: error === null ? 0 : 1, out, err }),
      );
    });
    expect(documentOf<Document>('exec', ran).started).toBe(100_000_000);
  });

  test('refuses names that are none', async () => {
    expect(await cli(['exec', 'nobody', '--', 'ping', 'x'], { env })).toMatchObject({ code: 2, out: '' });
    const ran = await cli(['exec', '--lab', 'other', 'webserver', '--', 'ping'], { env });
    expect(ran).toMatchObject({ code: 2, err: 'vxlab: no lab named other is running; there are lecture\n' });
  });
});
