// `vxlab sniff` on a real interface: frames of a capture are put on one end of a veth, and sniffed at the other. Needs root, and
// the optional package cap; everything made here is taken away again.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PcapWriter, readAll } from '../../src/core/pcap/index.ts';
import { cli, validates } from '../cli/harness.ts';
import { captureBytes, capturePath } from '../support/captures.ts';
import { canMakeNamespaces, NamespacePair } from '../support/netns.ts';
import { hasTool, runTool } from '../support/peers.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const CAPTURE = 'kernel/unicast4.pcap';

/** Puts every packet of a little-endian pcap file on eth0. */
const REPLAY = `
import socket, struct, sys
data = open(sys.argv[1], 'rb').read()
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(('eth0', 0))
at = 24
while at < len(data):
    length = struct.unpack('<I', data[at + 8:at + 12])[0]
    out.send(data[at + 16:at + 16 + length])
    at += 16 + length
`;

function hasCap(): boolean {
  try {
    createRequire(import.meta.url)('cap');
    return true;
  } catch {
    console.error('the package cap is not built here: the tests of live capture are skipped');
    return false;
  }
}

function hasKoffi(): boolean {
  try {
    createRequire(import.meta.url)('koffi');
    return true;
  } catch {
    console.error('the package koffi is not installed: the test of the drop counter is skipped');
    return false;
  }
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

describe.skipIf(!(canMakeNamespaces() && hasTool('python3') && hasCap()))('vxlab sniff', () => {
  let pair: NamespacePair | null = null;
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vxlab-sniff-'));
    pair = new NamespacePair('sniff');
  }, 20_000);
  afterAll(() => {
    pair?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Scene {
    /** Played at the other end as soon as the capture is open; default the capture. */
    readonly played?: string;
    /** Runs when it was played. */
    readonly during?: (child: ChildProcessWithoutNullStreams) => unknown;
    /** In front of Node: a program and its arguments. */
    readonly under?: readonly string[];
    readonly node?: readonly string[];
    readonly iface?: string;
  }

  /** Sniffs at one end while a capture is played at the other. */
  async function sniffed(argv: readonly string[], scene: Scene = {}): Promise<Ended> {
    const both = pair as NamespacePair;
    const node = [process.execPath, ...(scene.node ?? []), '--import', 'tsx', MAIN];
    const [program = '', ...rest] = [...(scene.under ?? []), ...node];
    const child = both.startInB(program, ...rest, 'sniff', scene.iface ?? 'eth0', ...argv);
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes) => {
      out += String(bytes);
    });
    const ended = once(child, 'close');
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (bytes) => {
        err += String(bytes);
        if (err.includes('capturing on')) resolve();
      });
      child.once('exit', () => resolve());
    });
    const played = both.inA('python3', '-c', REPLAY, scene.played ?? capturePath(CAPTURE));
    expect(played.err).toBe('');
    await scene.during?.(child);
    const [code] = (await ended) as [number | null];
    clearTimeout(late);
    return { code, out, err };
  }

  /** Asks again and again, as long as a test may take. */
  async function until(asked: () => boolean): Promise<void> {
    while (!asked()) await wait(20);
  }

  /** The process that libpcap runs in, of a command that runs. */
  function captureProcess({ pid }: ChildProcessWithoutNullStreams): number {
    const pids = runTool('ps', ['-o', 'pid=', '--ppid', String(pid)])
      .trim()
      .split(/\s+/)
      .map(Number);
    const found = pids.find((of) => readFileSync(`/proc/${of}/cmdline`, 'utf8').includes('capture-process'));
    if (found === undefined) throw new Error('there is no capture process');
    return found;
  }

  /** A capture of frames, for playing. */
  function captureOf(name: string, frames: readonly Uint8Array[]): string {
    const path = join(folder, name);
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((bytes) => chunks.push(bytes));
    for (const frame of frames) {
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      writer.writePacket(0, 0, 0, view, 0, frame.length, frame.length);
    }
    writer.flush();
    writeFileSync(path, Buffer.concat(chunks));
    return path;
  }

  /** Lines without number and time. */
  function told(text: string): string[] {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^ *\d+ +\d+\.\d+ /, ''));
  }

  test('shows what inspect shows of the same packets, tunnels only unless told', async () => {
    const expected = told((await cli(['inspect', '--packets', '-Y', 'vxlan', capturePath(CAPTURE)])).out);
    const { code, out, err } = await sniffed(['-c', '33']);
    expect(expected.length).toBe(33);
    expect(told(out)).toEqual(expected);
    expect(code).toBe(0);
    expect(err).toMatch(/33 packets captured, 33 shown, (0 dropped by the kernel|drops not known)/);
  }, 20_000);

  test('writes the packets that a display filter takes, byte for byte', async () => {
    const path = join(folder, 'arp.pcapng');
    const { code, out } = await sniffed(['-f', '', '-Y', 'vxlan && arp', '-w', path, '-c', '5']);
    expect([code, out]).toEqual([0, '']);
    const { interfaces, packets, cutShort } = readAll(readFileSync(path));
    expect(interfaces.map(({ name }) => name)).toEqual(['eth0']);
    expect(cutShort).toBeNull();
    const source = readAll(captureBytes(CAPTURE)).packets.map(({ bytes }) =>
      Buffer.from(bytes).toString('hex'),
    );
    expect(packets.length).toBe(5);
    for (const { bytes } of packets) expect(source).toContain(Buffer.from(bytes).toString('hex'));
  }, 20_000);

  test('leaves a whole file and 130 when it is interrupted', async () => {
    const path = join(folder, 'cut.pcap');
    const written = (): number => (existsSync(path) ? readAll(readFileSync(path)).packets.length : 0);
    const { code, err } = await sniffed(['-w', path], {
      // Who follows the file sees all of it before the end.
      during: async (child) => {
        await until(() => written() === 33);
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(err).toContain('33 written');
    const { packets, cutShort } = readAll(readFileSync(path));
    expect([packets.length, cutShort]).toEqual([33, null]);
  }, 20_000);

  test('ends after the time that it was given, whatever is collected as garbage until then', async () => {
    const node = ['--expose-gc', '--import', 'data:text/javascript,setInterval(gc, 10).unref()'];
    const { code, out } = await sniffed(['--for', '1s', '-f', 'udp port 9', '--json'], { node });
    expect([code, out]).toEqual([0, '']);
  }, 20_000);

  test('prints objects that follow their schema', async () => {
    const { code, out } = await sniffed(['-c', '3', '--json']);
    const rows = out.trim().split('\n');
    expect([code, rows.length]).toEqual([0, 3]);
    for (const row of rows) validates('packet', JSON.parse(row));
  }, 20_000);

  test('finds tunnels in one VLAN and in two, and fragments, without a capture filter', async () => {
    const frame = readAll(captureBytes(CAPTURE)).packets.find(({ bytes }) => bytes.length > 120)?.bytes;
    const plain = Buffer.from(frame as Uint8Array);
    const tagged = (tags: string): Buffer =>
      Buffer.concat([plain.subarray(0, 12), Buffer.from(tags, 'hex'), plain.subarray(12)]);
    const later = Buffer.from(plain);
    later.writeUInt16BE(100, 20);
    const tcp = Buffer.from(plain);
    tcp[23] = 6;
    const played = captureOf('tags.pcap', [
      plain,
      tagged('81000005'),
      tagged('88a8000681000007'),
      later,
      tcp,
      tagged('81000005').fill(6, 27, 28),
      plain,
    ]);
    const path = join(folder, 'seen.pcapng');
    await sniffed(['-w', path, '-c', '5'], { played });
    const seen = readAll(readFileSync(path)).packets.map(({ bytes }) => bytes.length - plain.length);
    expect(seen).toEqual([0, 4, 8, 0, 0]);
  }, 20_000);

  test('captures on all interfaces at once', async () => {
    const { code, err } = await sniffed(['-c', '33'], { iface: 'any' });
    expect(code).toBe(0);
    expect(err).toContain('33 packets captured, 33 shown');
  }, 20_000);

  test.skipIf(!hasTool('ps') || !hasKoffi())(
    'every packet is captured or counted as dropped',
    async () => {
      const { packets } = readAll(captureBytes(CAPTURE));
      const frames = packets.filter(({ bytes }) => bytes.length > 100).map(({ bytes }) => bytes);
      const many = Array.from({ length: 3000 }, (_, i) => frames[i % frames.length] as Uint8Array);
      const flood = captureOf('flood.pcap', many);
      const { code, err } = await sniffed(['-f', 'udp or tcp or icmp', '--buffer', '64k'], {
        played: captureOf('nothing.pcap', []),
        during: async (child) => {
          const stopped = captureProcess(child);
          process.kill(stopped, 'SIGSTOP');
          const both = pair as NamespacePair;
          expect(both.inA('python3', '-c', REPLAY, flood).err).toBe('');
          process.kill(stopped, 'SIGCONT');
          await wait(500);
          child.kill('SIGINT');
        },
      });
      expect(code).toBe(130);
      const [, captured, dropped] = /^(\d+) packets? captured, \d+ shown, (\d+) dropped/m.exec(err) ?? [];
      expect(Number(dropped)).toBeGreaterThan(0);
      expect(Number(captured) + Number(dropped)).toBe(many.length);
    },
    20_000,
  );

  test('says so when nobody can tell the drops', async () => {
    const { code, err } = await sniffed(['-c', '33'], { under: without('koffi') });
    expect(code).toBe(0);
    expect(err).toContain('33 packets captured, 33 shown, drops not known (koffi is not installed)');
  }, 20_000);

  test('answers 4 without cap, and says how to get it', async () => {
    const { code, err } = await sniffed([], { under: without('cap') });
    expect(code).toBe(4);
    expect(err).toMatch(/^vxlab: live capture needs the optional package cap.*\n {2}apt install libpcap-dev/);
  }, 20_000);

  /** A program that runs Node as if a package were not there. */
  function without(name: string): string[] {
    const path = join(folder, `without-${name}.cjs`);
    writeFileSync(
      path,
      `const Module = require('node:module');
       const { _resolveFilename: resolve } = Module;
       Module._resolveFilename = (name, ...more) => resolve(name === '${name}' ? './not-there' : name, ...more);`,
    );
    return ['env', `NODE_OPTIONS=--require ${path}`];
  }

  test.each([
    ['goes down', ['set', 'cap0', 'down'], 'the interface went down'],
    ['goes away', ['del', 'cap0'], 'the interface is gone'],
  ])(
    'ends with 4 and a whole file when the interface %s',
    async (_, change, words) => {
      const b = (pair as NamespacePair).b;
      const link = (...args: string[]): string => runTool('ip', ['-n', b, 'link', ...args]);
      const path = join(folder, `${change[0]}.pcap`);
      link('add', 'cap0', 'type', 'veth', 'peer', 'name', 'cap1');
      try {
        link('set', 'cap1', 'up');
        link('set', 'cap0', 'up');
        const { code, err } = await sniffed(['-f', '', '-w', path], {
          iface: 'cap0',
          during: () => link(...change),
        });
        expect(code).toBe(4);
        expect(err).toMatch(/^\d+ packets? captured, \d+ written, .*\nvxlab: /m);
        expect(err).toContain(`vxlab: the capture on cap0 ended: ${words}\n`);
        expect(readAll(readFileSync(path)).cutShort).toBeNull();
      } finally {
        if (change[0] !== 'del') link('del', 'cap0');
      }
    },
    20_000,
  );

  test.skipIf(!hasTool('ps'))(
    'leaves no process behind when it is killed',
    async () => {
      let left = 0;
      await sniffed([], {
        during: (child) => {
          left = captureProcess(child);
          child.kill('SIGKILL');
        },
      });
      await until(() => !existsSync(`/proc/${left}`));
    },
    20_000,
  );
});

describe.skipIf(!hasCap() || process.getuid?.() !== 0)('vxlab sniff that cannot begin', () => {
  test.each([
    [['nosuch0'], /^vxlab: there is no interface nosuch0; there are .*lo/],
    [['lo', '-f', 'udp prt 1'], /^vxlab: capture filter "udp prt 1": .*syntax error/],
    [['lo', '-Y', 'vxlan.vnj'], /^vxlab: filter, column 1/],
    [['lo', '--json', '-w', '-'], /^vxlab: --json and the capture/],
    [['lo', '--print', '-w', '-'], /^vxlab: --print and the capture/],
    [['lo', '--buffer', 'big'], /^vxlab: .*A size is/],
  ])('answers 2 to %j', async (argv, words) => {
    const ran = await cli(['sniff', ...argv, '--for', '1s']);
    expect([ran.code, ran.out]).toEqual([2, '']);
    expect(ran.err).toMatch(words);
  });

  test.skipIf(!hasTool('setpriv'))('answers 4 without the privilege, and says how to get it', () => {
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
    const ran = spawnSync(
      'setpriv',
      [...nobody, process.execPath, '--import', 'tsx', MAIN, 'sniff', 'lo', '--for', '1s'],
      { encoding: 'utf8', timeout: 20_000 },
    );
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/^vxlab: capturing on lo is not permitted.*\n {2}run it as root/);
  });
});
