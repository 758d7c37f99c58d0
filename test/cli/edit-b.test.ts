// split, merge, filter, anonymize, correlate: from the command line to the files, with Wireshark's programs as judges.

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Packet } from '../../src/core/pcap/reader.ts';
import { readAll } from '../../src/core/pcap/reader.ts';
import { captureBytes, capturePath } from '../support/captures.ts';
import { hasTool, runTool } from '../support/peers.ts';
import type { Ran } from './harness.ts';
import { cli, documentOf } from './harness.ts';

const UNDERLAY = capturePath('docker-swarm/traffic-underlay.pcap');
const WORKER1 = capturePath('docker-swarm/traffic-worker1-eth0.pcap');
const WORKER2 = capturePath('docker-swarm/traffic-worker2-eth0.pcap');
const INSIDE = capturePath('docker-swarm/traffic-inner-vxlan0-mywebnw.pcap');
const CLIENT = capturePath('kernel/http-noffload.pcap');
const SERVER = capturePath('kernel/http-noffload-peer.pcap');

interface EditDocument {
  readonly verb: string;
  readonly out: readonly { readonly name: string; readonly format: string; readonly packets: number }[];
  readonly packets: Readonly<Record<string, number>>;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-edit-b-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function at(name: string): string {
  return join(folder, name);
}

function packetsOf(name: string): readonly Packet[] {
  const { packets, cutShort } = readAll(new Uint8Array(readFileSync(at(name))));
  expect(cutShort).toBeNull();
  return packets;
}

/** What must survive: time, bytes, length on the wire, link type. */
function essence({ time, bytes, originalLength, linkType }: Packet): string {
  return `${time} ${linkType} ${originalLength} ${Buffer.from(bytes).toString('hex')}`;
}

async function vxlab(...argv: string[]): Promise<Ran> {
  const ran = await cli(argv, { cwd: folder });
  expect([ran.code, ran.err.includes('fault')]).toEqual([0, false]);
  return ran;
}

describe('help', () => {
  test.each(['split', 'merge', 'filter', 'anonymize', 'correlate'])(
    'of %s opens with two examples, and both work as printed',
    async (command) => {
      copyFileSync(WORKER1, at('capture.pcap'));
      copyFileSync(WORKER1, at('worker1.pcap'));
      copyFileSync(WORKER2, at('worker2.pcap'));
      const help = await vxlab(command, '--help');
      const examples = [...help.out.matchAll(/^ {2}\$ vxlab (.+)$/gm)].map(([, line = '']) => line);
      expect(examples).toHaveLength(2);
      for (const line of examples) await vxlab(...line.split(' '));
      const text = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
      for (const line of examples) expect(text).toContain(`\n$ vxlab ${line}\n`);
    },
  );
});

describe('vxlab split', () => {
  test('and merge give the same packets back', async () => {
    for (const by of ['vni', 'tunnel', 'vtep']) {
      const ran = await vxlab('split', UNDERLAY, '-o', `parts-${by}`, '--by', by, '--json');
      const { out, packets } = documentOf<EditDocument>('edit', ran);
      expect([packets['read'], packets['written']]).toEqual([621, 621]);
      expect(readdirSync(at(`parts-${by}`)).sort()).toEqual(
        out.map(({ name }) => name.split('/').pop()).sort(),
      );
      for (const { name, packets: count } of out) expect(packetsOf(name)).toHaveLength(count);
      await vxlab('merge', ...out.map(({ name }) => name), '-o', `whole-${by}.pcapng`);
      const before = readAll(captureBytes('docker-swarm/traffic-underlay.pcap')).packets.map(essence);
      expect(packetsOf(`whole-${by}.pcapng`).map(essence).sort()).toEqual(before.sort());
    }
  });

  test('keeps interfaces, comments and nanoseconds of pcapng', async () => {
    await vxlab('up', '--for', '3s', '--taps', 'all', '--capture', 'lab.pcapng');
    await vxlab('split', 'lab.pcapng', '-o', 'lab-parts');
    const lab = readAll(new Uint8Array(readFileSync(at('lab.pcapng'))));
    const names = new Set<string>();
    let count = 0;
    for (const file of readdirSync(at('lab-parts'))) {
      const part = readAll(new Uint8Array(readFileSync(at(`lab-parts/${file}`))));
      for (const { name } of part.interfaces) names.add(name);
      count += part.packets.length;
    }
    expect(count).toBe(lab.packets.length);
    const used = new Set(lab.packets.map(({ interfaceId }) => lab.interfaces[interfaceId]?.name));
    expect(names).toEqual(used);
  });

  test('of more VNIs than there are buffers writes whole files', async () => {
    // The VNI of one packet in its place, three rounds of 200 of them.
    const one = readAll(captureBytes('kernel/misc-vni-0.pcap')).packets.find(
      ({ bytes }) => bytes.length > 90,
    );
    const frame = (one as Packet).bytes;
    const file = [new Uint8Array(captureBytes('kernel/misc-vni-0.pcap').subarray(0, 24))];
    for (let i = 0; i < 600; i++) {
      const record = new Uint8Array(16 + frame.length);
      const view = new DataView(record.buffer);
      view.setUint32(0, 1000 + i, true);
      view.setUint32(8, frame.length, true);
      view.setUint32(12, frame.length, true);
      record.set(frame, 16);
      view.setUint32(16 + 46, (i % 200) << 8);
      file.push(record);
    }
    writeFileSync(at('many.pcap'), Buffer.concat(file));
    for (const pattern of ['many/%s.pcap', 'many/%s.pcapng']) {
      const ran = await vxlab('split', 'many.pcap', '-o', pattern, '--json');
      const { out } = documentOf<EditDocument>('edit', ran);
      expect(out).toHaveLength(200);
      for (const { name } of out) {
        const seconds = packetsOf(name).map(({ time }) => Number((time as bigint) / 1_000_000_000n) - 1000);
        const vni = Number(/vni-(\d+)/.exec(name)?.[1]);
        expect(seconds).toEqual([vni, vni + 200, vni + 400]);
      }
    }
  });

  test('names the files and their packets, and takes a filter', async () => {
    const ran = await vxlab('split', UNDERLAY, '-o', 'some-%s.pcap', '-Y', 'vxlan.vni == 4099');
    expect(ran.out).toBe('some-vni-4099.pcap 4\n');
    expect(ran.err).toContain('621 packets read, 4 written, 617 not taken by the filter');
  });

  test.each([
    [['split', UNDERLAY, '-o', '-'], /folder or a pattern/],
    [['split', UNDERLAY, '-o', 'x', '--by', 'colour'], /vni, tunnel, vtep/],
    [['split', UNDERLAY], /--output/],
    [['merge', '-o', 'x.pcap'], /missing required argument/],
    [['merge', '-', '-', '-o', 'x.pcap'], /read once/],
    [['filter', UNDERLAY, '-o', 'x.pcap'], /-Y FILTER/],
    [['filter', UNDERLAY, '-o', 'x.pcap', '-Y', 'vxlan.vnj == 1'], /vxlan\.vni/],
    [['anonymize', UNDERLAY, '-o', 'x.pcap', '--keep-payload', '--cut-payload'], /cannot be used with/],
    [['anonymize', UNDERLAY, '-o', 'x.pcap', '--key', 'a', '--key-file', 'b'], /give one/],
    [['anonymize', UNDERLAY, '-o', 'x.pcap', '--key', ''], /empty/],
    [['correlate'], /missing required argument/],
    [['correlate', UNDERLAY, '--follow'], /reads to the end/],
    [['correlate', UNDERLAY, '--window', '0s'], /longer than 0/],
  ])('%j is answered with 2 and a sentence', async (argv, words) => {
    const ran = await cli(argv, { cwd: folder });
    expect([ran.code, ran.out]).toEqual([2, '']);
    expect(ran.err).toMatch(words);
    expect(existsSync(at('x.pcap'))).toBe(false);
  });

  test.each(['split', 'merge', 'anonymize', 'correlate'])(
    '%s of what is no capture is answered with 3',
    async (verb) => {
      writeFileSync(at('words.txt'), 'these are words and no packets at all');
      for (const input of ['words.txt', 'nowhere.pcap']) {
        const output = verb === 'correlate' ? [] : ['-o', 'none/%s.pcap'];
        const ran = await cli([verb, input, ...output], { cwd: folder });
        expect([ran.code, ran.out]).toEqual([3, '']);
        expect(ran.err).toMatch(/vxlab: cannot read/);
      }
      expect(existsSync(at('none'))).toBe(false);
    },
  );
});

const FIELDS = [
  '-T',
  'fields',
  '-e',
  'frame.time_epoch',
  '-e',
  'frame.len',
  '-e',
  'frame.cap_len',
  '-e',
  'frame.md5_hash',
];
const HASHES = ['-o', 'frame.generate_md5_hash:TRUE'];

describe('vxlab merge', () => {
  const SETS = [
    ['docker-swarm/traffic-worker1-eth0.pcap', 'docker-swarm/traffic-worker2-eth0.pcap'],
    ['kernel/http-noffload.pcap', 'kernel/http-noffload-peer.pcap'],
    ['formats/nsec.pcapng', 'formats/any-sll2.pcap'],
    ['kernel/mcast3-vtep1.pcap', 'kernel/mcast3-underlay.pcap', 'kernel/gpe-inner-rawip.pcap'],
    [
      'docker-swarm/traffic-underlay.pcap',
      'docker-swarm/traffic-appserver1-any.pcap',
      'formats/big-endian.pcapng',
    ],
    ['formats/concatenated-2sections.pcapng', 'formats/any-sll2.pcap'],
  ];

  test.skipIf(!hasTool('mergecap') || !hasTool('tshark'))('has the order of mergecap', async () => {
    for (const names of SETS) {
      const paths = names.map(capturePath);
      await vxlab('merge', ...paths, '-o', 'ours.pcapng');
      runTool('mergecap', ['-w', at('theirs.pcapng'), ...paths]);
      const [ours, theirs] = ['ours', 'theirs'].map((file) =>
        runTool('tshark', ['-n', '-r', at(`${file}.pcapng`), ...HASHES, ...FIELDS]).split('\n'),
      );
      expect(ours?.length).toBeGreaterThan(20);
      // Packets of one time from several files may stand in another order: mergecap lets the later file go first.
      const grouped = (lines: readonly string[] | undefined): string[] => {
        const out: string[] = [];
        let same: string[] = [];
        for (const line of lines ?? []) {
          if (same[0]?.split('\t')[0] !== line.split('\t')[0]) {
            out.push(...same.sort());
            same = [];
          }
          same.push(line);
        }
        return [...out, ...same.sort()];
      };
      expect([names, grouped(ours)]).toEqual([names, grouped(theirs)]);
    }
  });

  test('keeps every interface, named for its file', async () => {
    await vxlab(
      'merge',
      capturePath('formats/any-sll2.pcap'),
      capturePath('formats/dumpcap.pcapng'),
      '-o',
      'two.pcapng',
    );
    const { interfaces, packets } = readAll(new Uint8Array(readFileSync(at('two.pcapng'))));
    expect(interfaces.map(({ name, linkType }) => [name.split('/')[0], linkType]).sort()).toEqual([
      ['any-sll2.pcap', 276],
      ['dumpcap.pcapng', 1],
    ]);
    expect(packets).toHaveLength(80);
  });

  test('reads gzip, and writes to standard output what goes into one link type', async () => {
    writeFileSync(at('server.pcap.gz'), gzipSync(readFileSync(SERVER)));
    await vxlab('merge', CLIENT, 'server.pcap.gz', '-o', 'both.pcap');
    expect(packetsOf('both.pcap')).toHaveLength(180);
    const ran = await vxlab('merge', CLIENT, capturePath('formats/any-sll2.pcap'), '-o', 'mixed.pcap');
    expect(ran.err).toContain('60 left out: their link type does not go into the pcap file');
  });

  test('of a file that was cut takes what there is, and says where', async () => {
    const ran = await vxlab('merge', capturePath('formats/truncated-tail.pcap'), CLIENT, '-o', 'cut.pcapng');
    expect(ran.err).toMatch(/truncated-tail\.pcap was read up to byte \d+ \(19 packets\)/);
    expect(packetsOf('cut.pcapng')).toHaveLength(19 + 90);
  });
});

describe('vxlab filter', () => {
  test.skipIf(!hasTool('tshark'))('takes the packets that tshark takes', async () => {
    for (const filter of ['tcp.port == 80 && vxlan', 'arp || icmp', 'http.request.method == "POST"']) {
      await vxlab('filter', WORKER1, '-Y', filter, '-o', 'some.pcap');
      runTool('tshark', ['-n', '-r', WORKER1, '-Y', filter, '-w', at('theirs.pcap')]);
      expect(packetsOf('some.pcap').map(essence)).toEqual(packetsOf('theirs.pcap').map(essence));
      expect(packetsOf('some.pcap').length).toBeGreaterThan(0);
    }
  });
});

describe('vxlab anonymize', () => {
  const KEY = ['--key', 'test'];

  test('gives the same bytes for the same key, as a phrase, in hex, or from a file', async () => {
    await vxlab('anonymize', WORKER1, '-o', 'one.pcapng', ...KEY);
    writeFileSync(at('key.txt'), 'test\n');
    await vxlab('anonymize', WORKER1, '-o', 'two.pcapng', '--key-file', 'key.txt');
    expect(readFileSync(at('two.pcapng')).equals(readFileSync(at('one.pcapng')))).toBe(true);
    const first = await vxlab('anonymize', WORKER1, '-o', 'three.pcapng');
    const key = /^key ([0-9a-f]{64}): /m.exec(first.err)?.[1] ?? '';
    await vxlab('anonymize', WORKER1, '-o', 'four.pcapng', '--key', key);
    expect(readFileSync(at('four.pcapng')).equals(readFileSync(at('three.pcapng')))).toBe(true);
    expect(readFileSync(at('four.pcapng')).equals(readFileSync(at('one.pcapng')))).toBe(false);
  });

  test('leaves out names, comments and machines that pcapng holds', async () => {
    const source = readFileSync(capturePath('formats/dumpcap.pcapng')).toString('latin1');
    expect(source).toMatch(/Linux|Dumpcap/);
    await vxlab('anonymize', capturePath('formats/dumpcap.pcapng'), '-o', 'plain.pcapng', ...KEY);
    const { interfaces, sections } = readAll(new Uint8Array(readFileSync(at('plain.pcapng'))));
    expect(interfaces.map(({ name, description }) => [name, description])).toEqual([['if0', '']]);
    expect(sections.map(({ hardware, os, application }) => [hardware, os, application])).toEqual([
      ['', '', ''],
    ]);
    await vxlab('up', '--for', '2s', '--capture', 'named.pcapng');
    await vxlab('anonymize', 'named.pcapng', '-o', 'unnamed.pcapng', ...KEY);
    expect(readFileSync(at('unnamed.pcapng')).toString('latin1')).not.toMatch(/manager|worker|eth0/);
  });

  const JUDGED = [
    'docker-swarm/traffic-worker1-eth0.pcap',
    'docker-swarm/traffic-underlay.pcap',
    'docker-swarm/dns-in-container-lo.pcap',
    'kernel/http-noffload.pcap',
    'kernel/mcast3-vtep1.pcap',
    'kernel/flannel.pcap',
    'kernel/inner-vlan.pcap',
    'kernel/ipv6-underlay.pcap',
    'kernel/ipv6-underlay-multicast.pcap',
    'kernel/outer-frag.pcap',
    'kernel/misc-no-vtep.pcap',
    'kernel/misc-stp.pcap',
    'kernel/unicast4.pcap',
    'ovs/vlan-trunk-noisy.pcap',
  ];

  /** What is no address and no name. */
  const KINDS = [
    ...[
      'ip.proto',
      'vxlan.vni',
      'udp.port',
      'tcp.port',
      'tcp.flags',
      'arp.opcode',
      'icmp.type',
      'icmpv6.type',
    ],
    ...['dns.id', 'dns.qry.type', 'igmp.type', 'vlan.id', 'stp.type'],
  ];

  test.skipIf(!hasTool('tshark')).each(JUDGED)(
    '%s: tshark finds nothing malformed and all checksums right',
    async (name) => {
      await vxlab('anonymize', capturePath(name), '-o', 'judged.pcapng', ...KEY);
      // Zeros on MySQL's port are no MySQL.
      const common = ['-n', '--disable-protocol', 'mysql', '-d', 'udp.port==8472,vxlan'];
      const checks = ['ip', 'udp', 'tcp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
      const bad = ['ip', 'udp', 'tcp', 'icmp', 'icmpv6', 'igmp'].map(
        (layer) => `${layer}.checksum.status == 0`,
      );
      const complain = (path: string): string[] =>
        runTool('tshark', [
          ...common,
          ...checks,
          '-r',
          path,
          '-Y',
          `_ws.malformed || ${bad.join(' || ')}`,
          '-T',
          'fields',
          '-e',
          'frame.number',
        ])
          .split('\n')
          .filter((line) => line !== '');
      const before = new Set(complain(capturePath(name)));
      expect(complain(at('judged.pcapng')).filter((number) => !before.has(number))).toEqual([]);
      const kinds = (path: string): string =>
        runTool('tshark', [
          ...common,
          '-r',
          path,
          '-T',
          'fields',
          ...KINDS.flatMap((field) => ['-e', field]),
        ]);
      expect(kinds(at('judged.pcapng'))).toBe(kinds(capturePath(name)));
    },
  );

  test.skipIf(!hasTool('tshark'))('tshark shows no original address in any field', async () => {
    const fields = [
      'eth.addr',
      'ip.addr',
      'ipv6.addr',
      'arp.src.proto_ipv4',
      'arp.dst.proto_ipv4',
      'arp.src.hw_mac',
      'arp.dst.hw_mac',
      'icmpv6.nd.ns.target_address',
      'icmpv6.opt.linkaddr',
      'dns.a',
      'dns.aaaa',
      'dns.qry.name',
      'igmp.maddr',
      'icmpv6.mldr.mar.multicast_address',
      'stp.bridge.hw',
      'stp.root.hw',
    ];
    const kept =
      /^(ff:ff:ff:ff:ff:ff|00:00:00:00:00:00|01:80:c2.*|01:00:5e:00:00:.*|33:33:00:00:.*|0\.0\.0\.0|127\..*|255\.255\.255\.255|224\.0\.0\..*|::1?|ff0.::[0-9a-f]{1,3}|)$/;
    for (const name of JUDGED) {
      await vxlab('anonymize', capturePath(name), '-o', 'judged.pcapng', ...KEY);
      const values = (path: string): Set<string> => {
        const text = runTool('tshark', [
          '-n',
          '-r',
          path,
          '-d',
          'udp.port==8472,vxlan',
          '-T',
          'fields',
          ...fields.flatMap((field) => ['-e', field]),
        ]);
        return new Set(text.split(/[\t\n,]/).filter((value) => !kept.test(value)));
      };
      const before = values(capturePath(name));
      expect(before.size).toBeGreaterThan(3);
      const after = values(at('judged.pcapng'));
      expect([name, [...before].filter((value) => after.has(value))]).toEqual([name, []]);
    }
  });
});

interface Hop {
  readonly from: string;
  readonly to: string;
  readonly frames: number;
  readonly lost: number;
  readonly delay: { readonly min: number; readonly median: number; readonly max: number } | null;
}

interface CorrelateDocument {
  readonly taps: readonly { readonly name: string; readonly packets: number }[];
  readonly frames: number;
  readonly lost: number;
  readonly hops: readonly Hop[];
  readonly ways: readonly { readonly taps: readonly string[]; readonly frames: number }[];
}

interface FrameDocument {
  readonly frame: string;
  readonly steps: readonly { readonly tap: string; readonly number: number; readonly after: number }[];
  readonly lostBefore: string | null;
}

async function frames(...argv: string[]): Promise<FrameDocument[]> {
  const ran = await vxlab('correlate', '--frames', '--json', ...argv);
  return ran.out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => documentOf<FrameDocument>('correlate-frame', { ...ran, out: line }));
}

describe('vxlab correlate', () => {
  test('finds every frame of a conversation at both ends', async () => {
    const ran = await vxlab('correlate', CLIENT, SERVER, '--json');
    const { frames: count, lost, hops, ways } = documentOf<CorrelateDocument>('correlate', ran);
    expect([count, lost, ways.length]).toEqual([90, 0, 2]);
    expect(ways.every(({ taps }) => taps.length === 2)).toBe(true);
    for (const { delay } of hops) expect(delay?.max).toBeLessThan(1_000_000);
  });

  test('follows frames through nodes, the underlay and into a sandbox', async () => {
    const ran = await vxlab('correlate', WORKER1, WORKER2, UNDERLAY, INSIDE, '--json');
    const { lost, taps, ways } = documentOf<CorrelateDocument>('correlate', ran);
    expect(lost).toBe(0);
    expect(taps.map(({ packets }) => packets).reduce((sum, n) => sum + n, 0)).toBe(134 + 40 + 621 + 84);
    // Every tunnelled packet at a worker was seen on the underlay too.
    const at = (name: string): number =>
      ways.filter((way) => way.taps.includes(name)).reduce((sum, way) => sum + way.frames, 0);
    const and = (name: string, other: string): number =>
      ways
        .filter((way) => way.taps.includes(name) && way.taps.includes(other))
        .reduce((sum, way) => sum + way.frames, 0);
    expect(and('traffic-worker1-eth0.pcap', 'traffic-underlay.pcap')).toBe(at('traffic-worker1-eth0.pcap'));
    expect(and('traffic-worker2-eth0.pcap', 'traffic-underlay.pcap')).toBe(at('traffic-worker2-eth0.pcap'));
    expect(and('traffic-inner-vxlan0-mywebnw.pcap', 'traffic-worker1-eth0.pcap')).toBeGreaterThan(60);
  });

  test('names the packets that tshark shows to be the same', async () => {
    const [first] = await frames(WORKER1, UNDERLAY, '-Y', 'http.request.method == "POST"');
    const numbers = Object.fromEntries((first?.steps ?? []).map(({ tap, number }) => [tap, number]));
    expect(numbers['traffic-worker1-eth0.pcap']).toBe(36);
    const bytes = (name: string, number: number): string | undefined => {
      const packet = readAll(captureBytes(`docker-swarm/${name}`)).packets[number - 1];
      return packet === undefined ? undefined : Buffer.from(packet.bytes).toString('hex');
    };
    expect(bytes('traffic-underlay.pcap', numbers['traffic-underlay.pcap'] ?? 0)).toBe(
      bytes('traffic-worker1-eth0.pcap', 36),
    );
  });

  test('in an emulated lab without loss loses nothing, and shows the cables delay', async () => {
    await vxlab(
      'up',
      '--for',
      '5s',
      '--taps',
      'all',
      '--delay',
      '2ms',
      '--traffic',
      'ping',
      '--capture',
      'well.pcapng',
    );
    const ran = await vxlab('correlate', 'well.pcapng', '--json');
    const { lost, hops, ways } = documentOf<CorrelateDocument>('correlate', ran);
    expect(lost).toBe(0);
    expect(Math.max(...ways.map(({ taps }) => taps.length))).toBeGreaterThanOrEqual(6);
    const cables = hops.filter(({ from, to }) => from.endsWith('/eth0') && to.endsWith('/eth0'));
    expect(cables.length).toBeGreaterThan(2);
    // Two cables of 2 ms each, to the switch and from it.
    for (const { delay } of cables) expect(Math.abs((delay?.median ?? 0) - 4_000_000)).toBeLessThan(200_000);
    const local = hops.filter(({ from, to }) => from.split('/')[0] === to.split('/')[0]);
    for (const { delay } of local) expect(delay?.median).toBeLessThan(100_000);
  });

  test('in a lossy lab finds every loss, on the cable where it was', async () => {
    const up = await vxlab(
      'up',
      '--traffic',
      'ping',
      '--for',
      '30s',
      '--taps',
      'all',
      '--loss',
      '4%',
      '--seed',
      '5',
      '--capture',
      'ill.pcapng',
      '--json',
    );
    const { drops } = documentOf<{ drops: { reason: string; count: number }[] }>('up', up);
    const dropped = drops.find(({ reason }) => reason === 'impairment')?.count ?? 0;
    expect(dropped).toBeGreaterThan(20);
    const ran = await vxlab('correlate', 'ill.pcapng', '--json');
    const { lost, hops } = documentOf<CorrelateDocument>('correlate', ran);
    expect(lost).toBe(dropped);
    for (const { from, to } of hops.filter((hop) => hop.lost > 0)) {
      expect([from.endsWith('/eth0'), to.endsWith('/eth0'), from === to]).toEqual([true, true, false]);
    }
    const dead = (await frames('ill.pcapng')).filter(({ lostBefore }) => lostBefore !== null);
    expect(dead).toHaveLength(dropped);
    for (const { steps, lostBefore } of dead) {
      expect(steps.at(-1)?.tap).toMatch(/\/eth0$/);
      expect(lostBefore).toMatch(/\/eth0$/);
    }
  });

  test('says in words what it found', async () => {
    const ran = await vxlab('correlate', CLIENT, SERVER);
    expect(ran.out).toMatch(/^90 frames at 2 taps\n/);
    expect(ran.out).toMatch(/^FROM +TO +FRAMES +LOST +DELAY MIN\/MEDIAN\/MAX MS$/m);
    expect(ran.err).toContain('90 frames followed, 0 lost');
    const lines = await vxlab('correlate', CLIENT, SERVER, '--frames', '-Y', 'tcp.flags.syn == 1');
    expect(lines.out).toMatch(
      /^\d+\.\d{9} {2}10\.80\.0\.1 > 10\.80\.0\.2 TCP .+http-noffload\.pcap #\d+, http-noffload-peer\.pcap #\d+ \+0\.\d{3}$/m,
    );
  });
});
