import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { cli, documentOf } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'vxlab-vtep-'));
afterAll(() => rmSync(folder, { recursive: true }));

const env = { XDG_RUNTIME_DIR: folder };
/** Ports of no other test. */
const PORT = '25789';
const LOCAL = ['vtep', '--vni', '42', '--local', '127.0.0.1', '--port', PORT, '--backend', 'udp'];

describe('vxlab vtep', () => {
  test('runs for as long as it is told, prints its counters and leaves nothing behind', async () => {
    const ran = await cli([...LOCAL, '--remote', '127.0.0.2', '--for', '100ms', '--json'], { env });
    expect(ran.code).toBe(0);
    expect(documentOf('vtep', ran)).toMatchObject({
      local: '127.0.0.1',
      port: 25789,
      backend: 'udp',
      mtu: 1450,
    });
    expect(ran.err).toBe('VNI 42: VTEP 127.0.0.1 on lo, UDP port 25789, backend udp, overlay MTU 1450\n');
    expect(readdirSync(join(folder, 'vxlab', 'vteps'))).toEqual([]);
    expect(process.listenerCount('SIGUSR1')).toBe(0);
  });

  test('says the counters in words', async () => {
    const host = ['--host', 'fd00:42::1/64,02:00:00:00:00:01'];
    const ran = await cli([...LOCAL, '--remote', '127.0.0.2', ...host, '--for', '1500ms'], { env });
    expect(ran.out).toMatch(/^127\.0\.0\.1:25789 udp mtu 1450, 1\.\d+ s\n {4}RX: 0 bytes 0 datagrams/);
    // The host asks for routers and whether its address is its own.
    expect(ran.out).toMatch(
      /\nvni 42: 0 MACs behind other VTEPs\n {4}RX: 0 bytes 0 frames\n {4}TX: \d+ bytes [1-9]\d* frames?\n/,
    );
  });

  test('ends on Ctrl-C with 130', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const ran = await cli([...LOCAL, '--remote', '127.0.0.2'], { env, signal: stop.signal });
    expect(ran.code).toBe(130);
    expect(ran.err).toContain('; Ctrl-C ends it\n');
  });

  test('shows its tables while it runs', async () => {
    const stop = new AbortController();
    const more = ['--fdb', '02:00:00:00:00:09=127.0.0.9', '--neigh', '10.42.0.9=02:00:00:00:00:09'];
    const running = cli([...LOCAL, '--remote', '127.0.0.2', '--host', '10.42.0.1/24', ...more], {
      env,
      signal: stop.signal,
    });
    const asked = async (...argv: string[]): Promise<string> => {
      for (;;) {
        const ran = await cli(['show', ...argv, '--vtep'], { env });
        if (ran.code === 0) return ran.out;
        expect(ran.err).toContain('none runs');
        await new Promise((done) => setTimeout(done, 20));
      }
    };
    expect(await asked('fdb')).toBe(
      '# 127.0.0.1 vni42\n' +
        '00:00:00:00:00:00 dev vxlan0 dst 127.0.0.2 self permanent\n' +
        '02:00:00:00:00:09 dev vxlan0 dst 127.0.0.9 self permanent\n' +
        '02:42:0a:2a:00:01 dev veth0 master br0 permanent\n',
    );
    expect(await asked('neigh')).toContain('10.42.0.9 dev vxlan0 lladdr 02:00:00:00:00:09 PERMANENT\n');
    expect(await asked('links')).toContain('vxlan id 42 srcport 32768 60999 dstport 25789');
    expect(await asked('peers')).toMatch(
      /vni42 +42 +lo +127\.0\.0\.1 +25789 +127\.0\.0\.2 +host1 +10\.42\.0\.1\/24/,
    );
    const json = await cli(['show', 'fdb', '--vtep', `127.0.0.1:${PORT}`, '--json'], { env });
    expect(documentOf('show', json)).toMatchObject({ profile: 'vtep', table: 'fdb' });
    const wrong = await cli(['show', 'dns', '--vtep'], { env });
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('fdb, links, peers, neigh')]);
    const taken = await cli([...LOCAL.with(6, '25790'), '--name', `127.0.0.1:${PORT}`, '--for', '1s'], {
      env,
    });
    expect([taken.code, taken.err]).toEqual([4, expect.stringContaining('give this one another --name')]);
    stop.abort();
    expect((await running).code).toBe(130);
    const gone = await cli(['show', 'fdb', '--vtep'], { env });
    expect([gone.code, gone.err]).toEqual([2, expect.stringContaining('none runs')]);
  });

  test.each<[string, string[], number, string]>([
    ['no VNI', ['vtep', '--local', '127.0.0.1'], 2, '--vni'],
    ['a VNI twice', [...LOCAL, '--vni', '42'], 2, 'VNI 42 is given twice'],
    ['itself as a remote', [...LOCAL, '--remote', '127.0.0.1'], 2, 'this VTEP itself'],
    ['a remote of the other family', [...LOCAL, '--remote', '::2'], 2, 'not of one family'],
    ['a group as a remote', [...LOCAL, '--remote', '239.1.1.1'], 2, 'give it as --group'],
    ['a group that is none', [...LOCAL, '--group', '10.0.0.1'], 2, 'not a multicast group'],
    ['a group of strangers', [...LOCAL, '--group', '239.1.1.1'], 2, '--accept SUBNET, or --accept-any'],
    ['a host for one VNI of two', [...LOCAL, '--vni', '43', '--host', '10.0.0.1/24'], 2, '--host VALUE@42'],
    ['a VNI that is not there', [...LOCAL, '--host', '10.0.0.1/24@7'], 2, '@7 is none of --vni 42'],
    ['a TOS without headers of its own', [...LOCAL, '--tos', '0x10'], 2, '--backend batch or raw'],
    [
      'more than the underlay carries',
      [...LOCAL, '--mtu', '1451'],
      2,
      'more than the underlay carries: 1450',
    ],
    [
      'an address of somebody else',
      [...LOCAL.with(4, '192.0.2.9'), '--accept-any'],
      4,
      'not an address of this machine',
    ],
    ['a user whom nobody knows', [...LOCAL, '--user', 'nobody-knows'], 2, 'there is no user nobody-knows'],
    [
      'a capture that cannot be',
      [...LOCAL, '--capture', '/no/such/folder/x.pcapng', '--for', '50ms'],
      3,
      'no such file',
    ],
  ])('refuses %s in a sentence', async (_, argv, code, words) => {
    const ran = await cli(argv, { env });
    expect([ran.code, ran.err]).toEqual([code, expect.stringContaining(words)]);
    expect(ran.err.split('\n').length).toBeLessThan(5);
  });

  test('refuses a port that another one has', async () => {
    const stop = new AbortController();
    const first = cli([...LOCAL, '--accept-any'], { env, signal: stop.signal });
    await new Promise((done) => setTimeout(done, 300));
    const second = await cli([...LOCAL, '--accept-any', '--for', '1s', '--name', 'second'], { env });
    stop.abort();
    expect([second.code, second.err]).toEqual([
      4,
      expect.stringContaining(`UDP port ${PORT} on 127.0.0.1 is in use`),
    ]);
    expect((await first).code).toBe(130);
  });
});

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const TSX = createRequire(import.meta.url).resolve('tsx');

/** Runs the program as another user, or with packages that are not there. */
function ran(
  args: readonly string[],
  how: { readonly uid?: number; readonly without?: string },
): {
  readonly code: number | null;
  readonly err: string;
} {
  const hook = join(folder, `without-${how.without}.cjs`);
  writeFileSync(
    hook,
    `const { Module } = require('node:module'); const load = Module._load;
     Module._load = (name, ...rest) => { if (name === ${JSON.stringify(how.without ?? '')}) throw new Error('not installed'); return load(name, ...rest); };`,
  );
  const hooked = how.without === undefined ? [] : ['--require', hook];
  const run = spawnSync(process.execPath, [...hooked, '--import', TSX, MAIN, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, XDG_RUNTIME_DIR: '' },
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
  });
  return { code: run.status, err: run.stderr };
}

describe('what is missing', () => {
  const what = [
    'vtep',
    '--vni',
    '42',
    '--local',
    '127.0.0.1',
    '--port',
    '25791',
    '--accept-any',
    '--for',
    '100ms',
  ];

  test.each<[string, string[], string, string]>([
    ['koffi, with --backend batch', ['--backend', 'batch'], 'koffi', 'needs the optional package koffi'],
    ['koffi, with --attach', ['--attach', 'vxlab-t0'], 'koffi', '--attach needs the optional package koffi'],
    [
      'raw-socket, with --backend raw',
      ['--backend', 'raw'],
      'raw-socket',
      'needs the optional package raw-socket',
    ],
  ])('%s, is said in a sentence: exit 4', (_, more, without, words) => {
    const { code, err } = ran([...what, ...more], { without });
    expect([code, err]).toEqual([4, expect.stringContaining(words)]);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('nothing of that is needed otherwise: auto is udp then', () => {
    const { code, err } = ran(what, { without: 'koffi' });
    expect([code, err]).toEqual([0, expect.stringContaining('backend udp')]);
  });

  const root = process.getuid?.() === 0;
  const readable = ((): boolean => {
    try {
      readFileSync(MAIN);
      return root && spawnSync('true', { uid: 65_534, gid: 65_534 }).status === 0;
    } catch {
      return false;
    }
  })();

  test.skipIf(!readable).each<[string, string[], number, string]>([
    ['the udp backend works', ['--host', '10.0.0.1/24'], 0, 'backend udp'],
    ['the raw backend says so', ['--backend', 'raw'], 4, 'needs root or CAP_NET_RAW'],
    ['the batch backend says so', ['--backend', 'batch'], 4, 'needs root or CAP_NET_RAW'],
    ['a TAP device says so', ['--attach', 'vxlab-t1'], 4, 'root'],
    ['an interface says so', ['--attach', 'lo'], 4, 'needs root or CAP_NET_RAW'],
    ['becoming another user says so', ['--user', '1:1'], 4, 'only root can become'],
  ])('without root %s', (_, more, code, words) => {
    const done = ran([...what, ...more], { uid: 65_534 });
    expect([done.code, done.err]).toEqual([code, expect.stringContaining(words)]);
  });

  test.skipIf(!root)('root is given up with --user', () => {
    const done = ran([...what, '--user', '65534:65534', '--host', '10.0.0.1/24'], {});
    expect([done.code, done.err]).toEqual([0, expect.stringContaining('backend batch')]);
  });
});
