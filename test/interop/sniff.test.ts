// `vxlab sniff` on a real interface: frames of a capture are put on one end of a veth, and sniffed at the other. Needs root, and
// the optional package cap; everything made here is taken away again.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAll } from '../../src/core/pcap/index.ts';
import { cli } from '../cli/harness.ts';
import { captureBytes, capturePath } from '../support/captures.ts';
import { canMakeNamespaces, NamespacePair } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';

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

  /** Sniffs at one end while the capture is played at the other; `during` may end it. */
  async function sniffed(
    argv: readonly string[],
    during: (child: ChildProcessWithoutNullStreams) => void = () => {},
  ): Promise<Ended> {
    const both = pair as NamespacePair;
    const child = both.startInB(process.execPath, '--import', 'tsx', MAIN, 'sniff', 'eth0', ...argv);
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes) => {
      out += String(bytes);
    });
    const ended = once(child, 'exit');
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (bytes) => {
        err += String(bytes);
        if (err.includes('capturing on')) resolve();
      });
      child.once('exit', () => resolve());
    });
    const played = both.inA('python3', '-c', REPLAY, capturePath(CAPTURE));
    expect(played.err).toBe('');
    during(child);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const [code] = (await ended) as [number | null];
    clearTimeout(late);
    return { code, out, err };
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
    const { code, err } = await sniffed(['-w', path], (child) => {
      setTimeout(() => child.kill('SIGINT'), 500);
    });
    expect(code).toBe(130);
    expect(err).toContain('33 written');
    const { packets, cutShort } = readAll(readFileSync(path));
    expect([packets.length, cutShort]).toEqual([33, null]);
  }, 20_000);

  test('ends after the time that it was given', async () => {
    const { code, out } = await sniffed(['--for', '1s', '-f', 'udp port 9', '--json']);
    expect([code, out]).toEqual([0, '']);
  }, 20_000);
});

describe.skipIf(!hasCap() || process.getuid?.() !== 0)('vxlab sniff that cannot begin', () => {
  test.each([
    [['nosuch0'], /^vxlab: there is no interface nosuch0; there are .*lo/],
    [['lo', '-f', 'udp prt 1'], /^vxlab: capture filter "udp prt 1": .*syntax error/],
    [['lo', '-Y', 'vxlan.vnj'], /^vxlab: filter, column 1/],
    [['lo', '--json', '-w', '-'], /^vxlab: --json and the capture/],
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
