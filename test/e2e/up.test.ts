import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UpDocument } from '../../src/cli/report.ts';
import { Dissection } from '../../src/core/dissect/layer.ts';
import { dissect, LINK_TYPE } from '../../src/core/dissect/walk.ts';
import { summarize } from '../../src/core/inspect/summary.ts';
import { readAll } from '../../src/core/pcap/reader.ts';
import { cli, documentOf, LECTURE } from '../cli/harness.ts';
import { hasTool, runTool } from '../support/peers.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-up-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the lecture's stack for ten seconds and answers with the capture and the report. */
async function up(
  name: string,
  ...more: readonly string[]
): Promise<{ path: string; bytes: Buffer; report: UpDocument }> {
  const argv = ['up', LECTURE, '--for', '10s', '--capture', name, '--json', ...more];
  const ran = await cli(argv, { cwd: folder });
  expect([ran.code, ran.err]).toEqual([0, expect.stringContaining('took down 5 containers')]);
  const path = join(folder, name);
  return { path, bytes: readFileSync(path), report: documentOf<UpDocument>('up', ran) };
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('vxlab up --for 10s --capture', () => {
  test('one seed gives byte-identical files, another seed another file', async () => {
    const first = hash((await up('a.pcapng')).bytes);
    expect(hash((await up('b.pcapng')).bytes)).toBe(first);
    expect(hash((await up('c.pcapng', '--seed', '2')).bytes)).not.toBe(first);
  });

  test('every ping across nodes is answered, and both ways of it are in the file', async () => {
    const { bytes, report } = await up('d.pcapng', '--traffic', 'ping');
    const capture = readAll(new Uint8Array(bytes));
    expect(capture.cutShort).toBeNull();
    expect(report.capture).toEqual({
      file: 'd.pcapng',
      packets: capture.packets.length,
      interfaces: ['manager1/eth0', 'worker1/eth0', 'worker2/eth0'],
    });
    const sent = report.traffic.reduce((sum, row) => sum + row.sent, 0);
    expect(report.traffic.every((row) => row.sent === 10 && row.received === 10)).toBe(true);
    expect(report.vxlan.packets).toBe(2 * sent);
    expect(report.drops).toEqual([]);
    const d = new Dissection();
    const vnis = capture.packets.map((packet) => {
      const view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.length);
      dissect(view, 0, packet.bytes.length, LINK_TYPE.ethernet, d);
      return summarize(view, d).vni;
    });
    expect(vnis.filter((vni) => vni !== null)).toHaveLength(report.vxlan.packets);
    expect(new Set(vnis)).toEqual(new Set([null, 4097, 4099]));
  });

  test('without a word the three tiers ask each other by name, through virtual addresses', async () => {
    const { report } = await up('h.pcapng');
    expect(report.requests.map(({ service, peer, kind }) => [service, kind, peer])).toEqual([
      ['webserver', 'http-client', 'appserver'],
      ['appserver', 'app-server', 'mysql'],
    ]);
    for (const { requests, failures, latency } of report.requests) {
      expect([requests, failures]).toEqual([20, 0]);
      expect(latency.p50).toBeLessThanOrEqual(latency.p99);
    }
    expect(
      report.connections.map(({ from, to, port, connections, retransmits }) => [
        from,
        to,
        port,
        connections,
        retransmits,
      ]),
    ).toEqual([
      ['webserver', 'appserver', 8080, 20, 0],
      ['appserver', 'mysql', 3306, 2, 0],
    ]);
    expect(report.traffic).toEqual([]);
  });

  test('over cables that lose, reorder and repeat every request is answered all the same', async () => {
    const { report } = await up(
      'i.pcapng',
      '--loss',
      '2%',
      '--delay',
      '1ms',
      '--reorder',
      '1%',
      '--duplicate',
      '1%',
    );
    expect(report.requests.every(({ requests, failures }) => requests >= 18 && failures === 0)).toBe(true);
    expect(report.connections.reduce((sum, { retransmits }) => sum + retransmits, 0)).toBeGreaterThan(0);
  });

  test('the text report has the same numbers', async () => {
    const { report } = await up('e.pcapng');
    const { out } = await cli(['up', LECTURE, '--for', '10s', '--capture', 'e.pcapng'], { cwd: folder });
    expect(out).toContain(
      `${report.vxlan.packets} VXLAN packets, ${report.vxlan.bytes} bytes of inner frames`,
    );
    expect(out).toContain(`capture e.pcapng: ${report.capture?.packets} packets on 3 interfaces`);
    for (const { name, node } of report.containers)
      expect(out).toMatch(new RegExp(`^${name} +${node} `, 'm'));
  });

  test('--no-traffic sends nothing through the tunnels', async () => {
    const { report } = await up('f.pcapng', '--no-traffic');
    expect(report.traffic).toEqual([]);
    expect(report.vxlan.packets).toBe(0);
  });

  test('cables lose what they are told to lose', async () => {
    const { report } = await up('g.pcapng', '--loss', '10%', '--traffic', 'ping');
    const lost = report.traffic.reduce((sum, row) => sum + row.sent - row.received, 0);
    expect(lost).toBeGreaterThan(0);
    expect(report.drops[0]).toMatchObject({ reason: 'impairment' });
  });

  test('Ctrl-C ends a long run on virtual time too', async () => {
    const stop = new AbortController();
    const running = cli(['up', LECTURE, '--for', '500h', '--json'], { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    const ran = await running;
    expect(ran.code).toBe(130);
    const { duration } = documentOf<UpDocument>('up', ran);
    expect(duration).toBeLessThan(500 * 3600e9);
  });

  test('Ctrl-C ends a run that follows the wall clock: everything is taken down and told, exit 130', async () => {
    const stop = new AbortController();
    const running = cli(['up', LECTURE, '--json'], { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    const ran = await running;
    expect(ran.code).toBe(130);
    const report = documentOf<UpDocument>('up', ran);
    expect(report.interrupted).toBe(true);
    expect(report.duration).toBeGreaterThan(0);
    expect(ran.err).toMatch(/^stopped after .+: took down 5 containers, 4 networks and 3 nodes$/m);
  });
});

/** Anything from a warning on, and whatever the analysis of TCP finds strange; a FIN is a note. */
const BLAMED = '_ws.malformed || _ws.short || _ws.expert.severity >= 0x600000 || tcp.analysis.flags';

/** tshark with every checksum checked and flannel's port known. */
function tshark(path: string, ...args: readonly string[]): string {
  const checks = ['ip', 'udp', 'tcp'].flatMap((one) => ['-o', `${one}.check_checksum:TRUE`]);
  return runTool('tshark', ['-n', '-r', path, '-d', 'udp.port==8472,vxlan', ...checks, ...args]);
}

/** Two suites may run on one machine at a time. */
const PORT = 20_000 + (process.pid % 10_000);

describe('vxlab up --underlay udp', () => {
  test('real datagrams carry the pings between loopback addresses', async () => {
    const argv = ['up', LECTURE, '--underlay', 'udp', '--port', String(PORT), '--for', '700ms', '--json'];
    const ran = await cli([...argv, '--traffic', 'ping']);
    expect(ran.code).toBe(0);
    const report = documentOf<UpDocument>('up', ran);
    expect(report.nodes.map(({ address }) => address)).toEqual(['127.0.0.11', '127.0.0.12', '127.0.0.13']);
    expect(report.traffic.every(({ sent, received }) => sent === 1 && received === 1)).toBe(true);
    expect(report.vxlan.packets).toBe(14);
    expect(ran.err).toContain(`tcpdump -ni lo udp port ${PORT}`);
  });

  test('real datagrams carry the requests of programs', async () => {
    const argv = [
      'up',
      LECTURE,
      '--underlay',
      'udp',
      '--port',
      String(PORT + 2),
      '--for',
      '2500ms',
      '--json',
    ];
    const report = documentOf<UpDocument>('up', await cli(argv));
    expect(report.requests.length).toBe(2);
    for (const { requests, failures } of report.requests) {
      expect(requests).toBeGreaterThanOrEqual(2);
      expect(failures).toBe(0);
    }
  });

  test('answers 4 when the port is taken, and says by what to look', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((done) => socket.bind(PORT + 1, '127.0.0.12', done));
    const ran = await cli(['up', LECTURE, '--underlay', 'udp', '--port', String(PORT + 1), '--for', '1s']);
    await new Promise<void>((done) => socket.close(() => done()));
    expect(ran.code).toBe(4);
    expect(ran.err).toContain(`UDP port ${PORT + 1} on 127.0.0.12 is in use`);
  });
});

describe.skipIf(!hasTool('tshark'))('tshark', () => {
  test.each([
    [[]],
    // Seen at both ends of a cable, every segment of TCP would be its own retransmission.
    [['--taps', 'both', '--traffic', 'ping']],
    [['--taps', 'all', '--traffic', 'ping']],
    [['--profile', 'flood-and-learn']],
    [['--profile', 'head-end']],
    [['--profile', 'flannel']],
    [['--racks', '2', '--nodes', '4']],
    [['--ipv6-underlay']],
    [['--mtu', '9000']],
  ])('finds no malformed packet, no expert note and no wrong checksum with %j', async (more) => {
    const { path, report } = await up('judged.pcapng', ...more);
    // Behind flooding VTEPs every node's load balancer answers for the virtual addresses (docs/fidelity.md).
    const floods = more.includes('flood-and-learn') || more.includes('head-end');
    const blamed = floods ? `(${BLAMED}) && !arp.duplicate-address-detected` : BLAMED;
    expect(tshark(path, '-Y', blamed)).toBe('');
    const fields = [
      'frame.interface_name',
      'ip.checksum.status',
      'udp.checksum.status',
      'icmp.checksum.status',
      'tcp.checksum.status',
    ];
    const lines = tshark(path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(lines).toHaveLength(report.capture?.packets as number);
    // 1 is good; 3 is absent, which a profile without UDP checksums makes.
    for (const [, ...statuses] of lines) expect(statuses.join(',')).toMatch(/^[13,]*$/);
    const names = new Set(lines.map(([name]) => name));
    for (const name of names) expect(report.capture?.interfaces).toContain(name);
  });

  test('would have told: one damaged byte, and it does', async () => {
    const { path, bytes } = await up('damaged.pcapng', '--traffic', 'ping');
    // In the middle of an echo request's payload, which counts up.
    const at = bytes.indexOf(Buffer.from([0x30, 0x31, 0x32, 0x33]));
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] as number) ^ 0xff;
    writeFileSync(path, bytes);
    expect(tshark(path, '-Y', BLAMED)).not.toBe('');
  });
});
