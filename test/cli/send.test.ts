import { spawn, spawnSync } from 'node:child_process';
import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import { PcapWriter } from '../../src/core/pcap/pcap-writer.ts';
import { viewOf } from '../support/bytes.ts';
import { capturePath } from '../support/captures.ts';
import { collect } from '../support/written.ts';
import { cli, documentOf } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'vxlab-send-'));
afterAll(() => rmSync(folder, { recursive: true }));

const UNICAST = capturePath('kernel/unicast4.pcap');
const INNER = capturePath('kernel/unicast4-inner.pcap');
/** A port of no other test. */
const PORT = 25_489;
const THERE = `127.0.0.1:${PORT}`;

interface Document {
  readonly backend: string;
  readonly passes: number;
  readonly packets: {
    readonly read: number;
    readonly sent: number;
    readonly skipped: Readonly<Record<string, number>>;
    readonly failed: Readonly<Record<string, number>>;
  };
  readonly bytes: number;
  readonly seconds: number;
  readonly to: object;
  readonly interrupted: boolean;
}

/** Frames of 20 bytes and more, so many milliseconds apart, each with its number. */
function capture(count: number, gap: number, linkType: number = LINKTYPE.ethernet): Uint8Array {
  return collect((sink) => {
    const writer = new PcapWriter(sink, { linkType });
    for (let i = 0; i < count; i++) {
      const frame = new Uint8Array(20 + (i % 100));
      frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, i >> 8, i & 0xff]);
      const ms = 5_000_000 + i * gap;
      writer.writePacket(
        0,
        Math.floor(ms / 1000),
        (ms % 1000) * 1e6,
        viewOf(frame),
        0,
        frame.length,
        frame.length,
      );
    }
    return writer;
  }).bytes;
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Runs while a socket hears what comes to the port, until so many datagrams came. */
async function heard<T>(
  count: number,
  during: () => Promise<T>,
): Promise<{ result: T; datagrams: Buffer[] }> {
  const socket: Socket = createSocket('udp4');
  const datagrams: Buffer[] = [];
  let enough: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    enough = resolve;
  });
  socket.on('message', (bytes) => {
    datagrams.push(bytes);
    if (datagrams.length === count) enough();
  });
  socket.bind(PORT, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const result = await during();
    if (count > 0) await all;
    return { result, datagrams };
  } finally {
    socket.close();
  }
}

describe('vxlab send', () => {
  test('sends the datagrams of a tunnel as they were, without root', async () => {
    const inner = documentOf<{ packets: { written: number } }>(
      'edit',
      await cli(['decap', UNICAST, '-o', join(folder, 'inner.pcap'), '--json']),
    );
    const { written } = inner.packets;
    const { result, datagrams } = await heard(written, () =>
      cli(['send', UNICAST, '--to', THERE, '--backend', 'udp', '--top', '--json']),
    );
    expect(result.code).toBe(0);
    const document = documentOf<Document>('send', result);
    expect(document).toMatchObject({
      backend: 'udp',
      passes: 1,
      packets: { sent: written, failed: {} },
      to: { local: '127.0.0.1', address: '127.0.0.1', port: PORT, vni: null },
      lateness: null,
    });
    const frames = readFileSync(join(folder, 'inner.pcap'));
    for (const bytes of datagrams) expect(frames.includes(bytes.subarray(8))).toBe(true);
    expect(document.bytes).toBe(datagrams.reduce((sum, { length }) => sum + length, 0));
  });

  test('puts frames into a tunnel of its own, and tells the filter from what is sent', async () => {
    const argv = ['send', INNER, '--vni', '42', '--remote', THERE, '--backend', 'udp', '--top', '-Y', 'icmp'];
    const { result, datagrams } = await heard(1, () => cli([...argv, '--limit', '1', '--json']));
    const { packets } = documentOf<Document>('send', result);
    expect(packets.sent).toBe(1);
    expect(packets.skipped['filteredOut']).toBeGreaterThan(0);
    expect(datagrams[0]?.subarray(0, 8).toString('hex')).toBe('0800000000002a00');
    expect(readFileSync(INNER).includes(datagrams[0]?.subarray(8) ?? '')).toBe(true);
  });

  test('goes round, ends at its limit, and says what it did in words', async () => {
    const path = file('ten.pcap', capture(10, 1));
    const tunnel = ['--vni', '7', '--remote', THERE, '--backend', 'udp'];
    const { result, datagrams } = await heard(25, () =>
      cli(['send', path, ...tunnel, '--loop', '3', '--limit', '25', '--top']),
    );
    expect([result.code, result.out]).toEqual([0, '']);
    expect(result.err).toMatch(/^25 packets, \d+ bytes, sent in VNI 7 to 127\.0\.0\.1:25489 \(udp\) in /);
    expect(datagrams.map((bytes) => bytes.readUInt16BE(22))).toEqual(
      Array.from({ length: 25 }, (_, i) => i % 10),
    );
    const { result: more } = await heard(20, () =>
      cli(['send', path, ...tunnel, '--loop', '2', '--top', '--json']),
    );
    expect(documentOf<Document>('send', more)).toMatchObject({ passes: 2, packets: { read: 20, sent: 20 } });
  });

  test('keeps the recorded time, faster or slower', async () => {
    const path = file('slow.pcap', capture(5, 100));
    const sent = async (...argv: string[]): Promise<Document> => {
      const ran = await cli([
        'send',
        path,
        '--vni',
        '7',
        '--remote',
        THERE,
        '--backend',
        'udp',
        '--json',
        ...argv,
      ]);
      expect(ran.code).toBe(0);
      return documentOf<Document>('send', ran);
    };
    expect((await sent()).seconds).toBeGreaterThanOrEqual(0.4);
    const fast = await sent('--speed', '4');
    expect(fast.seconds).toBeGreaterThanOrEqual(0.1);
    expect(fast.seconds).toBeLessThan(0.35);
    expect((await sent('--max-gap', '10ms')).seconds).toBeLessThan(0.35);
    expect((await sent('--pps', '20')).seconds).toBeGreaterThanOrEqual(0.2);
    // 28 to 31 bytes before the last one: 118 bytes.
    expect((await sent('--rate', '8kbit')).seconds).toBeGreaterThanOrEqual(0.118);
  });

  test('reads gzip, and standard input as it comes', async () => {
    const bytes = capture(100, 0);
    const path = file('hundred.pcap.gz', gzipSync(bytes));
    const argv = ['send', path, '--vni', '7', '--remote', THERE, '--backend', 'udp', '--top'];
    const { datagrams } = await heard(100, () => cli(argv));
    expect(datagrams.map((one) => one.readUInt16BE(22))).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const two = capture(2, 0);
    const first = 24 + 16 + 20;
    const { result: child } = await heard(1, () => {
      const started = spawn(process.execPath, ['--import', TSX, MAIN, ...argv.with(1, '-')]);
      started.stdin.write(two.subarray(0, first));
      return Promise.resolve(started);
    });
    // The first packet has left, and the capture goes on.
    child.stdin.end(two.subarray(first));
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('ends on Ctrl-C with 130 and its report', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    const path = file('hours.pcap', capture(3, 3_600_000));
    const argv = ['send', path, '--vni', '7', '--remote', THERE, '--backend', 'udp', '--json'];
    const ran = await cli(argv, { signal: stop.signal });
    expect(ran.code).toBe(130);
    expect(documentOf<Document>('send', ran)).toMatchObject({
      interrupted: true,
      passes: 0,
      packets: { sent: 1 },
    });
    const timed = await cli([...argv, '--for', '200ms', '--loop', '0']);
    expect([timed.code, documentOf<Document>('send', timed).interrupted]).toEqual([0, false]);
  });

  test('counts what is too long or was cut short, and answers 1 when something did not leave', async () => {
    const long = collect((sink) => {
      const writer = new PcapWriter(sink);
      for (const length of [100, 66_000])
        writer.writePacket(0, 1, 0, viewOf(new Uint8Array(length)), 0, length, length);
      return writer;
    }).bytes;
    const tunnel = ['--vni', '7', '--remote', THERE, '--backend', 'udp', '--top'];
    const ran = await cli(['send', file('long.pcap', long), ...tunnel]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('not sent: 1 longer than the MTU\n');
    const cut = await cli(['send', capturePath('formats/snaplen96.pcap'), ...tunnel]);
    expect([cut.code, cut.err]).toEqual([
      0,
      expect.stringMatching(/left out: \d+ cut short in the capture\n/),
    ]);
    const none = await cli(['send', INNER, '--to', THERE, '--backend', 'udp', '--top']);
    expect([none.code, none.err]).toEqual([1, expect.stringMatching(/left out: \d+ without a tunnel\n/)]);
  });

  const tunnel = ['--vni', '7', '--remote', THERE, '--backend', 'udp'];
  test.each<[string, string[], number, string]>([
    ['no place', ['send', INNER], 2, 'say where to: --dev IFACE, --to IP or --vni N --remote IP'],
    ['two places', ['send', INNER, '--to', THERE, ...tunnel], 2, '--to and --remote are two places'],
    ['a tunnel without a VNI', ['send', INNER, '--remote', THERE], 2, '--remote needs --vni'],
    ['a VNI without a tunnel', ['send', INNER, '--dev', 'lo', '--vni', '7'], 2, 'it needs --remote'],
    ['two speeds', ['send', INNER, ...tunnel, '--top', '--pps', '5'], 2, '--pps and --top are two speeds'],
    [
      'a gap at a rate',
      ['send', INNER, ...tunnel, '--pps', '5', '--max-gap', '1s'],
      2,
      '--max-gap cuts recorded gaps',
    ],
    ['no speed at all', ['send', INNER, ...tunnel, '--speed', '0'], 2, 'a number above 0'],
    ['inner datagrams', ['send', INNER, '--to', THERE, '--inner'], 2, '--inner goes with --dev or --remote'],
    ['standard input twice', ['send', '-', ...tunnel, '--loop', '2'], 2, 'read once'],
    [
      'a source port onto an interface',
      ['send', INNER, '--dev', 'lo', '--source-port', '5'],
      2,
      '--source-port is of datagrams',
    ],
    [
      'recorded ports in a new tunnel',
      ['send', INNER, ...tunnel, '--source-port', 'recorded'],
      2,
      'recorded is of --to',
    ],
    [
      'recorded ports through dgram',
      ['send', UNICAST, '--to', THERE, '--backend', 'udp', '--source-port', 'recorded'],
      2,
      '--backend batch or raw',
    ],
    [
      'datagrams by libpcap',
      ['send', UNICAST, '--to', THERE, '--backend', 'cap'],
      2,
      'sends frames onto an interface',
    ],
    [
      'frames by dgram',
      ['send', INNER, '--dev', 'lo', '--backend', 'udp'],
      2,
      '--backend udp sends datagrams',
    ],
    [
      'two families',
      ['send', INNER, '--vni', '7', '--remote', THERE, '--local', '::1'],
      2,
      'not of one family',
    ],
    ['no address', ['send', INNER, '--vni', '7', '--remote', 'here'], 2, 'here'],
    [
      'an interface that is not there',
      ['send', INNER, '--dev', 'nosuch0'],
      2,
      'there is no interface nosuch0; there are ',
    ],
    [
      'an address of somebody else',
      ['send', INNER, ...tunnel, '--local', '192.0.2.9'],
      4,
      'not an address of this machine',
    ],
    ['a bad filter', ['send', INNER, ...tunnel, '-Y', 'vxlan.vnj'], 2, 'filter, column 1'],
    ['a file that is not there', ['send', 'nosuch.pcap', ...tunnel], 3, 'no such file'],
    ['no capture', ['send', fileURLToPath(import.meta.url), ...tunnel], 3, 'cannot read'],
    ['no Ethernet', ['send', capturePath('formats/any-sll2.pcap'), ...tunnel], 3, 'takes Ethernet frames'],
  ])('refuses %s in a sentence', async (_, argv, code, words) => {
    const ran = await cli(argv, { cwd: folder });
    expect([ran.code, ran.out, ran.err]).toEqual([code, '', expect.stringContaining(words)]);
    expect(ran.err.split('\n').length).toBeLessThan(5);
  });
});

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const TSX = createRequire(import.meta.url).resolve('tsx');
const root = process.getuid?.() === 0;

/** Runs the program as another user, or as if packages were not there. */
function ran(
  args: readonly string[],
  { without = [], uid }: { without?: string[]; uid?: number },
): [number | null, string] {
  const hook = join(folder, `without-${without.join('-')}.cjs`);
  writeFileSync(
    hook,
    `const Module = require('node:module'); const { _load: load } = Module;
     Module._load = (name, ...rest) => { if (${JSON.stringify(without)}.includes(name)) throw new Error('not installed'); return load(name, ...rest); };`,
  );
  const done = spawnSync(process.execPath, ['--import', TSX, MAIN, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, ...(without.length > 0 ? { NODE_OPTIONS: `--require ${hook}` } : {}) },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return [done.status, done.stderr];
}

describe('what is missing', () => {
  const onto = ['send', UNICAST, '--dev', 'lo', '--top', '--limit', '1'];

  test.each<[string, string[], string[], string]>([
    ['koffi and cap', onto, ['koffi', 'cap'], 'koffi and cap, and neither is here: npm install koffi'],
    ['koffi, asked for', [...onto, '--backend', 'batch'], ['koffi'], 'needs the optional package koffi'],
    ['cap, asked for', [...onto, '--backend', 'cap'], ['cap'], 'needs the optional package cap'],
    [
      'raw-socket',
      ['send', UNICAST, '--to', THERE, '--backend', 'raw'],
      ['raw-socket'],
      'needs the optional package raw-socket',
    ],
  ])('%s is said in a sentence: exit 4', (_, argv, without, words) => {
    const [code, err] = ran(argv, { without });
    expect([code, err]).toEqual([4, expect.stringContaining(words)]);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('without koffi datagrams go by dgram', () => {
    const [code, err] = ran(['send', UNICAST, '--to', THERE, '--top'], { without: ['koffi'] });
    expect([code, err]).toEqual([0, expect.stringContaining('(udp)')]);
  });

  const readable = root && spawnSync('cat', [MAIN], { uid: 65_534, gid: 65_534 }).status === 0;
  test.skipIf(!readable).each<[string, string[], number, string]>([
    ['datagrams work', ['send', UNICAST, '--to', THERE, '--top'], 0, '(udp)'],
    ['a tunnel works', ['send', INNER, '--vni', '7', '--remote', THERE, '--top'], 0, '(udp)'],
    ['an interface says so', onto, 4, 'sending onto lo needs root or CAP_NET_RAW'],
    ['libpcap says so', [...onto, '--backend', 'cap'], 4, 'sending onto lo needs root or CAP_NET_RAW'],
    ['recorded ports say so', ['send', UNICAST, '--to', THERE, '--source-port', 'recorded'], 4, 'as root'],
    ['craft says so', ['craft', '--ether', '--ip', '--send', 'lo'], 4, 'needs root or CAP_NET_RAW'],
  ])('without root %s', (_, argv, code, words) => {
    expect(ran(argv, { uid: 65_534 })).toEqual([code, expect.stringContaining(words)]);
  });
});

describe('vxlab craft --send', () => {
  test.each<[string, string[], string]>([
    ['an interface that is not there', ['--ether', '--send', 'nosuch0'], 'no interface nosuch0'],
    ['a rate without it', ['--ether', '--rate', '1mbit'], '--rate, --pps and --top are of --send'],
    ['with a capture', ['--ether', '--send', 'lo', '-o', 'x.pcap'], 'cannot be used with'],
    ['a packet that begins with UDP', ['--udp', '--send', 'lo'], 'a packet begins with --ether'],
  ])('refuses %s', async (_, argv, words) => {
    const done = await cli(['craft', ...argv], { cwd: folder });
    expect([done.code, done.err]).toEqual([2, expect.stringContaining(words)]);
  });
});
