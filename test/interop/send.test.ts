// `vxlab send` between namespaces, with tcpdump and the kernel's VXLAN as witnesses. Needs root; everything made here is taken away.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PcapWriter } from '../../src/core/pcap/pcap-writer.ts';
import { readAll } from '../../src/core/pcap/reader.ts';
import { cli, documentOf } from '../cli/harness.ts';
import { toHex, viewOf } from '../support/bytes.ts';
import { captureBytes, capturePath } from '../support/captures.ts';
import { vxlabArguments } from '../support/live-vtep.ts';
import { canMakeNamespaces } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { UnderlayNet } from '../support/underlay-net.ts';
import { collect } from '../support/written.ts';

const able = canMakeNamespaces() && hasTool('tcpdump');

interface Document {
  readonly backend: string;
  readonly packets: { readonly sent: number; readonly failed: Readonly<Record<string, number>> };
  readonly bytes: number;
  readonly seconds: number;
}

function has(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    console.error(`the package ${name} is not here: what it sends is not tested`);
    return false;
  }
}

/** A TUN device whose packets are printed in hex. */
const TUN = `
import fcntl, os, struct
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'tun9', 0x1001))
print('open', flush=True)
while True: print(os.read(tun, 65536).hex(), flush=True)
`;

/** A frame of a local experiment's EtherType (IEEE 802) with its number, so many bytes long. */
function experiment(number: number, length: number): Uint8Array {
  const frame = new Uint8Array(length);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, number >> 8, number & 0xff]);
  return frame;
}

/** A capture of frames at these milliseconds. */
function captureOf(frames: readonly Uint8Array[], times: readonly number[] = []): Uint8Array {
  return collect((sink) => {
    const writer = new PcapWriter(sink);
    for (const [i, frame] of frames.entries()) {
      const ms = times[i] ?? 0;
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

describe.skipIf(!able)('vxlab send', () => {
  let net: UnderlayNet;
  const folder = mkdtempSync(join(tmpdir(), 'vxlab-send-'));
  beforeAll(() => {
    net = new UnderlayNet('send', 2);
  });
  afterAll(() => {
    net?.remove();
    rmSync(folder, { recursive: true });
  });

  function file(name: string, bytes: Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  function send(...args: string[]): Document {
    const done = net.in(1, process.execPath, ...vxlabArguments('send', '--json', ...args));
    if (!done.ok) throw new Error(done.err);
    return documentOf<Document>('send', { code: 0, out: done.out, err: done.err });
  }

  /** What tcpdump hears in the second namespace while something is sent: as many packets as are waited for. */
  async function heard(
    filter: string,
    count: number,
    during: () => void,
  ): Promise<ReturnType<typeof readAll>['packets']> {
    const path = join(folder, 'heard.pcap');
    const what = ['-i', 'eth0', '-U', '-Z', 'root', '--nano', '-w', path, '-c', String(count), filter];
    const child: ChildProcessWithoutNullStreams = net.start(2, 'tcpdump', '-n', '-B', '16384', ...what);
    const gone = once(child, 'exit');
    const killer = setTimeout(() => child.kill('SIGINT'), 10_000);
    let words = '';
    await new Promise<void>((ready) => {
      child.stderr.on('data', (piece: Uint8Array) => {
        words += String(piece);
        if (words.includes('listening on')) ready();
      });
      child.once('exit', () => ready());
    });
    during();
    await gone;
    clearTimeout(killer);
    return readAll(readFileSync(path)).packets;
  }

  const means = ['batch', 'cap'].filter((name) => has(name === 'batch' ? 'koffi' : name));

  test.each(means)('every byte of every frame arrives, in order, by %s', async (backend) => {
    const frames = Array.from({ length: 2000 }, (_, i) => experiment(i, 16 + ((i * 37) % 1498)));
    const path = file('frames.pcap', captureOf(frames));
    let document: Document | null = null;
    const packets = await heard('ether proto 0x88b5', frames.length, () => {
      document = send(path, '--dev', 'eth0', '--backend', backend, '--pps', '20000');
    });
    expect(document).toMatchObject({ backend, packets: { sent: frames.length, failed: {} } });
    // The wire's shortest frame is longer than some: a veth carries them as they are.
    expect(packets.map(({ bytes }) => toHex(bytes))).toEqual(frames.map(toHex));
  });

  test.each(means)('frames longer than the MTU are counted, with the rest sent, by %s', (backend) => {
    const frames = [60, 1514, 1515, 3000, 60].map((length, i) => experiment(i, length));
    const path = file('long.pcap', captureOf(frames));
    const done = net.in(
      1,
      process.execPath,
      ...vxlabArguments('send', path, '--dev', 'eth0', '--backend', backend, '--top', '--json'),
    );
    const { packets } = JSON.parse(done.out) as Document;
    expect([done.ok, packets.sent, packets.failed]).toEqual([false, 3, { tooLong: 2 }]);
  });

  test.each(means)('an interface that goes down ends it: 4, with the report, by %s', async (backend) => {
    net.ip('-n', net.space(1), 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
    net.ip('-n', net.space(1), 'link', 'set', 'd1', 'up');
    net.ip('-n', net.space(1), 'link', 'set', 'd0', 'up');
    const path = file('steady.pcap', captureOf(Array.from({ length: 3000 }, (_, i) => experiment(i, 60))));
    const child = net.start(
      1,
      process.execPath,
      ...vxlabArguments('send', path, '--dev', 'd0', '--backend', backend, '--pps', '300'),
    );
    let err = '';
    child.stderr.on('data', (piece: Uint8Array) => {
      err += String(piece);
    });
    const gone = once(child, 'exit');
    const sent = (): number => Number(net.in(1, 'cat', '/sys/class/net/d0/statistics/tx_packets').out);
    while (sent() < 20 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 30));
    net.ip('-n', net.space(1), 'link', 'set', 'd0', 'down');
    expect((await gone)[0]).toBe(4);
    expect(err).toMatch(new RegExp(`^\\d+ packets, \\d+ bytes, sent onto d0 \\(${backend}\\) in `, 'm'));
    expect(err).toMatch(/^not sent: \d+ when the interface was down$/m);
    expect(err).toMatch(/^vxlab: the interface d0 went down/m);
    net.ip('-n', net.space(1), 'link', 'del', 'd0');
  });

  test('recorded gaps are kept: the pauses of the capture are the pauses on the wire', async () => {
    const times = [0, 1, 2, 300, 301, 302, 303, 700, 701];
    const path = file(
      'gaps.pcap',
      captureOf(
        times.map((_, i) => experiment(i, 60)),
        times,
      ),
    );
    const packets = await heard('ether proto 0x88b5', times.length, () => send(path, '--dev', 'eth0'));
    const seen = packets.map(({ time }) => Number(time ?? 0n) / 1e6);
    const gaps = seen.slice(1).map((ms, i) => ms - (seen[i] ?? 0));
    // The two long gaps are the longest, and no shorter than recorded less what a late packet before them takes away.
    expect([...gaps.keys()].sort((a, b) => (gaps[b] ?? 0) - (gaps[a] ?? 0)).slice(0, 2)).toEqual([6, 2]);
    expect((seen.at(-1) ?? 0) - (seen[0] ?? 0)).toBeGreaterThan(500);
  });

  test('the kernel learns from a captured session played to its VXLAN device', async () => {
    const overview = await cli(['inspect', '--json', capturePath('kernel/unicast4.pcap')]);
    const { vnis } = JSON.parse(overview.out) as {
      vnis: { vni: number; endpoints: { mac: string; vtep: string }[] }[];
    };
    const [{ vni, endpoints } = { vni: 0, endpoints: [] }] = vnis;
    net.vxlan(
      2,
      'vx1',
      '10.66.0.2/24',
      'id',
      String(vni),
      'dstport',
      '4789',
      'local',
      '192.0.2.2',
      'dev',
      'eth0',
    );
    try {
      const { packets } = send(capturePath('kernel/unicast4.pcap'), '--to', '192.0.2.2', '--top');
      expect(packets.sent).toBeGreaterThan(0);
      const learned = net.in(2, 'bridge', 'fdb', 'show', 'dev', 'vx1').out;
      expect(endpoints.length).toBeGreaterThan(0);
      for (const { mac } of endpoints) expect(learned).toContain(`${mac} dst 192.0.2.1 self`);
    } finally {
      net.ip('-n', net.space(2), 'link', 'del', 'vx1');
    }
  });

  test.each(['batch', 'raw'].filter((name) => has(name === 'batch' ? 'koffi' : 'raw-socket')))(
    'recorded source ports are kept by %s',
    async (backend) => {
      const capture = captureBytes('kernel/unicast4.pcap');
      const udpPort = (bytes: Uint8Array): number => viewOf(bytes).getUint16(34);
      const recorded = readAll(capture)
        .packets.filter(
          ({ bytes }) => viewOf(bytes).getUint8(23) === 17 && viewOf(bytes).getUint16(36) === 4789,
        )
        .map(({ bytes }) => udpPort(bytes));
      expect(new Set(recorded).size).toBeGreaterThan(2);
      const packets = await heard('udp port 14789', recorded.length, () =>
        send(
          capturePath('kernel/unicast4.pcap'),
          '--to',
          '192.0.2.2:14789',
          '--top',
          '--source-port',
          'recorded',
          '--backend',
          backend,
        ),
      );
      expect(packets.map(({ bytes }) => udpPort(bytes))).toEqual(recorded);
    },
  );

  test.each(
    [
      ['batch', '192.0.2.', 'koffi'],
      ['batch', '2001:db8::', 'koffi'],
      ['raw', '192.0.2.', 'raw-socket'],
      ['udp', '2001:db8::', ''],
    ].filter(([, , needed = '']) => needed === '' || has(needed)),
  )('a kernel VXLAN peer answers what comes through a tunnel of %s over %s1', async (backend, base) => {
    const how = ['id', '88', 'dstport', '4789', 'local', `${base}2`, 'remote', `${base}1`, 'dev', 'eth0'];
    net.vxlan(2, 'vx2', '10.88.0.2/24', ...how, ...(base.includes(':') ? ['udp6zerocsumrx'] : []));
    try {
      const path = join(folder, 'ask.pcap');
      const asked =
        '--ether src=02:00:00:00:00:09 --arp hwsrc=02:00:00:00:00:09,psrc=10.88.0.9,pdst=10.88.0.2';
      net.in(1, process.execPath, ...vxlabArguments('craft', ...asked.split(' '), '-o', path));
      const packets = await heard('udp port 4789', 2, () => {
        send(
          path,
          '--vni',
          '88',
          '--remote',
          base.includes(':') ? `[${base}2]` : `${base}2`,
          '--backend',
          backend,
        );
      });
      // The answer: ARP's operation 2 from the device's own address.
      const answers = packets.filter(({ bytes }) => toHex(bytes).includes('0806000108000604' + '0002'));
      expect(answers).toHaveLength(1);
      expect(net.in(2, 'bridge', 'fdb', 'show', 'dev', 'vx2').out).toContain(
        `02:00:00:00:00:09 dst ${base}1 self`,
      );
    } finally {
      net.ip('-n', net.space(2), 'link', 'del', 'vx2');
    }
  });

  test.skipIf(!hasTool('python3'))('IP goes onto a TUN device without its Ethernet header', async () => {
    const frames = readAll(captureBytes('kernel/unicast4-inner.pcap')).packets.map(({ bytes }) => bytes);
    const ip = frames.filter((bytes) => viewOf(bytes).getUint16(12) === 0x0800);
    expect(ip.length).toBeGreaterThan(0);
    const reader = net.start(1, 'python3', '-c', TUN);
    let told = '';
    const lines = (): string[] => told.split('\n').slice(0, -1);
    reader.stdout.on('data', (piece: Uint8Array) => {
      told += String(piece);
    });
    try {
      while (!told.includes('open')) await new Promise((resolve) => setTimeout(resolve, 20));
      net.ip('-n', net.space(1), 'link', 'set', 'tun9', 'addrgenmode', 'none');
      net.ip('-n', net.space(1), 'link', 'set', 'tun9', 'up');
      const { packets } = send(capturePath('kernel/unicast4-inner.pcap'), '--dev', 'tun9', '--top');
      expect(packets.sent).toBe(ip.length);
      while (lines().length < 1 + ip.length) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(lines().slice(1)).toEqual(
        ip.map((bytes) => toHex(bytes.subarray(14, 14 + viewOf(bytes).getUint16(16)))),
      );
    } finally {
      reader.kill();
    }
  });

  test('a crafted frame is put on the wire, so often, by vxlab craft', async () => {
    const packets = await heard('ether proto 0x0806', 5, () => {
      const layers = ['--ether', '--arp', 'psrc=192.0.2.77,pdst=192.0.2.99'];
      const done = net.in(
        1,
        process.execPath,
        ...vxlabArguments('craft', ...layers, '--send', 'eth0', '--count', '5', '--pps', '500', '--json'),
      );
      expect(
        documentOf<{ packets: number }>('craft', { code: 0, out: done.out, err: done.err }).packets,
      ).toBe(5);
    });
    expect(packets).toHaveLength(5);
    expect(new Set(packets.map(({ bytes }) => toHex(bytes))).size).toBe(1);
  });
});
