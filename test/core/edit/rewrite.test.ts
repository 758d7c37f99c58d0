import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CHECKSUM, checksumVerdict, isOffloaded } from '../../../src/core/dissect/checksums.ts';
import { Dissection, L } from '../../../src/core/dissect/layer.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import type { RewriteOptions } from '../../../src/core/edit/rewrite/rewrite.ts';
import { Rewrite } from '../../../src/core/edit/rewrite/rewrite.ts';
import type { Pairs } from '../../../src/core/edit/rewrite/substitutes.ts';
import type { Packet } from '../../../src/core/pcap/reader.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import type { Ip, Mac } from '../../../src/core/wire/address.ts';
import { isIp6, parseMac, readIp6, readMac } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, captureNames, truthNames } from '../../support/captures.ts';
import { scratch } from '../../support/judges.ts';
import { hasTool, runTool } from '../../support/peers.ts';
import type { Edited, Given, How } from './run.ts';
import { edited, essence, fileOf } from './run.ts';

function rewrite(file: Uint8Array, options: RewriteOptions, how: How = {}): Edited {
  return edited(file, (outlet, source) => new Rewrite(outlet, source, options), how);
}

const NAMES = truthNames().filter((name) => !/\.(snoop|zst)$/.test(name));
const folder = scratch('rewrite');
afterAll(() => folder.done());

/** Everything that a capture holds, to be turned into something else. */
interface Found {
  readonly vnis: Set<number>;
  readonly outerIps: Map<string, Ip>;
  readonly innerIps: Map<string, Ip>;
  readonly outerMacs: Set<Mac>;
  readonly innerMacs: Set<Mac>;
}

function contentsOf(packets: readonly Packet[]): Found {
  const found: Found = {
    vnis: new Set(),
    outerIps: new Map(),
    innerIps: new Map(),
    outerMacs: new Set(),
    innerMacs: new Set(),
  };
  for (const packet of packets) {
    const { view, d } = walked(packet);
    let inside = false;
    for (let row = 0; row < d.count; row++) {
      const at = d.start(row);
      const ips = inside ? found.innerIps : found.outerIps;
      const macs = inside ? found.innerMacs : found.outerMacs;
      const have = d.end(row) - at;
      if ((d.kind(row) === L.vxlan || d.kind(row) === L.gpe) && have >= 8) {
        found.vnis.add(view.getUint32(at + 4) >>> 8);
        inside = true;
      } else if (d.kind(row) === L.ethernet && have >= 14) {
        for (const mac of [readMac(view, at), readMac(view, at + 6)]) macs.add(mac);
      } else if (d.kind(row) === L.ipv4 && have >= 20) {
        for (const ip of [view.getUint32(at + 12), view.getUint32(at + 16)]) ips.set(String(ip), ip);
      } else if (d.kind(row) === L.ipv6 && have >= 40) {
        for (const ip of [readIp6(view, at + 8), readIp6(view, at + 24)]) ips.set(JSON.stringify(ip), ip);
      }
    }
  }
  return found;
}

function walked(packet: Packet): { view: DataView; d: Dissection } {
  const view = viewOf(packet.bytes);
  const d = new Dissection();
  dissect(view, 0, packet.bytes.length, packet.linkType, d, undefined, packet.originalLength);
  return { view, d };
}

/** Turns every address and VNI of a capture into one that it does not hold, by adding the same to all. */
function everythingElse(found: Found): Required<Omit<RewriteOptions, 'checksums'>> {
  const other = (ip: Ip): Ip =>
    isIp6(ip) ? { ...ip, b: (ip.b ^ 0x5a5a1234) >>> 0 } : (ip ^ 0x01130a05) >>> 0;
  const mac = (one: Mac): Mac => one - (one % 0x1_0000) + ((one % 0x1_0000) ^ 0x1357);
  return {
    vnis: [...found.vnis].map((vni) => [vni, vni ^ 0x800001] as const),
    vteps: [...found.outerIps.values()].map((ip) => [ip, other(ip)] as const),
    innerIps: [...found.innerIps.values()].map((ip) => [ip, other(ip)] as const),
    outerMacs: [...found.outerMacs].map((one) => [one, mac(one)] as const),
    innerMacs: [...found.innerMacs].map((one) => [one, mac(one)] as const),
    ports: [
      [4789, 8472],
      [8472, 4789],
    ],
  };
}

function reversed<T>(pairs: Pairs<T>): Pairs<T> {
  return pairs.map(([from, to]) => [to, from] as const);
}

/** The verdict on every checksum of every packet, in order; with `unfinished` for what was left to a network card. */
function verdicts(packets: readonly Packet[]): string[] {
  return packets.map((packet) => {
    const { view, d } = walked(packet);
    const all: string[] = [];
    for (let row = 0; row < d.count; row++) {
      const verdict = checksumVerdict(view, d, row);
      const transport = d.kind(row) === L.udp || d.kind(row) === L.tcp;
      const unfinished = verdict === CHECKSUM.bad && transport && isOffloaded(view, d, row);
      all.push(unfinished ? 'unfinished' : String(verdict));
    }
    return all.join(' ');
  });
}

describe('rewrite', () => {
  test.each(NAMES)('leaves every checksum of %s as right or wrong as it was, and can be undone', (name) => {
    const file = captureBytes(name);
    const before = readAll(file).packets;
    const all = everythingElse(contentsOf(before));
    const there = rewrite(file, all);
    expect(there.packets).toHaveLength(before.length);
    expect(verdicts(there.packets)).toEqual(verdicts(before));
    const back = rewrite(there.bytes, {
      vnis: reversed(all.vnis),
      vteps: reversed(all.vteps),
      innerIps: reversed(all.innerIps),
      outerMacs: reversed(all.outerMacs),
      innerMacs: reversed(all.innerMacs),
      ports: reversed(all.ports),
    });
    expect(back.packets.map(essence)).toEqual(before.map(essence));
    expect(there.counts['changed']).toBeGreaterThanOrEqual(before.length - 1);
  });

  test.each(NAMES)('changes nothing in %s when everything becomes itself', (name) => {
    const before = readAll(captureBytes(name)).packets;
    const found = contentsOf(before);
    const same = <T>(all: Iterable<T>): Pairs<T> => [...all].map((one) => [one, one] as const);
    const { packets, counts } = rewrite(captureBytes(name), {
      vnis: same(found.vnis),
      vteps: same(found.outerIps.values()),
      innerIps: same(found.innerIps.values()),
      outerMacs: same(found.outerMacs),
      innerMacs: same(found.innerMacs),
      ports: [[4789, 4789]],
    });
    expect(packets.map(essence)).toEqual(before.map(essence));
    expect(counts['unchanged']).toBe(before.length);
  });

  test('changes the VNI and the outer UDP checksum, and nothing else', () => {
    const file = captureBytes('docker-swarm/traffic-worker1-eth0.pcap');
    const before = readAll(file).packets;
    const { packets, counts } = rewrite(file, { vnis: [[4098, 0xabcdef]] });
    expect(counts).toEqual({ changed: 110, unchanged: 24, readInPart: 0 });
    for (const [i, packet] of packets.entries()) {
      const was = before[i]?.bytes.slice() ?? new Uint8Array();
      if (toHex(was.subarray(46, 49)) === '001002') {
        was.set([0xab, 0xcd, 0xef], 46);
        was.set(packet.bytes.subarray(40, 42), 40);
      }
      expect(toHex(packet.bytes)).toBe(toHex(was));
    }
  });

  test('leaves a UDP checksum of 0 at 0', () => {
    const file = captureBytes('kernel/csum-noudpcsum.pcap');
    const all = everythingElse(contentsOf(readAll(file).packets));
    for (const checksums of ['fix', 'keep-wrong'] as const) {
      const { packets } = rewrite(file, { ...all, checksums });
      const tunnels = packets.filter(
        ({ bytes }) => bytes.length > 50 && viewOf(bytes).getUint16(36) === 8472,
      );
      expect(tunnels.length).toBeGreaterThan(0);
      for (const { bytes } of tunnels) expect(viewOf(bytes).getUint16(40)).toBe(0);
    }
  });

  test('keeps the outer addresses apart from equal inner ones', () => {
    const bytes = frame({ outer: [10, 0, 0, 1], inner: [10, 0, 0, 1] });
    const outside = only(
      rewrite(fileOf([{ bytes }]), { vteps: [[parseIp('10.0.0.1'), parseIp('9.9.9.9')]] }),
    );
    expect([toHex(outside.subarray(26, 30)), toHex(outside.subarray(76, 80))]).toEqual([
      '09090909',
      '0a000001',
    ]);
    const inside = only(
      rewrite(fileOf([{ bytes }]), { innerIps: [[parseIp('10.0.0.1'), parseIp('9.9.9.9')]] }),
    );
    expect([toHex(inside.subarray(26, 30)), toHex(inside.subarray(76, 80))]).toEqual([
      '0a000001',
      '09090909',
    ]);
  });

  test('swaps two of a kind', () => {
    const file = captureBytes('kernel/overlap-two-vnis.pcap');
    const swapped = rewrite(file, {
      vnis: [
        [100, 200],
        [200, 100],
      ],
    });
    const vnis = (packets: readonly Packet[]): number[] =>
      packets.map(({ bytes }) =>
        bytes.length > 50 && viewOf(bytes).getUint16(36) === 4789 ? viewOf(bytes).getUint32(46) >>> 8 : 0,
      );
    const before = vnis(readAll(file).packets);
    expect(new Set(before)).toEqual(new Set([0, 100, 200]));
    expect(vnis(swapped.packets)).toEqual(before.map((vni) => (vni === 0 ? 0 : 300 - vni)));
  });

  test('follows addresses into ARP, inside and outside', () => {
    const file = captureBytes('kernel/unicast4.pcap');
    const { packets } = rewrite(file, {
      vteps: [[parseIp('198.51.100.2'), parseIp('203.0.113.9')]],
      outerMacs: [[parseMac('52:54:00:aa:00:01'), parseMac('02:00:00:00:00:99')]],
      innerIps: [[parseIp('10.1.1.1'), parseIp('10.9.9.9')]],
      innerMacs: [[parseMac('0a:00:00:00:00:01'), parseMac('02:00:00:00:00:77')]],
    });
    // Frames 6 and 8 of the fixture: an outer and an inner question.
    expect(toHex(packets[5]?.bytes ?? new Uint8Array())).toBe(
      'ffffffffffff' +
        '020000000099' +
        '08060001080006040001' +
        '020000000099c6336401' +
        '000000000000cb007109',
    );
    expect(toHex(packets[7]?.bytes.subarray(50) ?? new Uint8Array())).toBe(
      'ffffffffffff' +
        '020000000077' +
        '08060001080006040001' +
        '0200000000770a090909' +
        '0000000000000a010102',
    );
  });

  test('leaves a datagram in fragments one that tshark and we can put together', () => {
    const file = captureBytes('kernel/outer-frag.pcap');
    const { packets } = rewrite(file, {
      vteps: [[parseIp('198.51.100.1'), parseIp('203.0.113.1')]],
      vnis: [[78, 5]],
    });
    const before = readAll(file).packets;
    // Frames 15 and 16 are the fragments of a datagram: both have new addresses, only the first the ports and the VNI.
    const [first, second] = [packets[14]?.bytes, packets[15]?.bytes];
    expect(toHex(first?.subarray(26, 30) ?? new Uint8Array())).toBe('cb007101');
    expect(toHex(second?.subarray(26, 30) ?? new Uint8Array())).toBe('cb007101');
    expect(toHex(second?.subarray(34) ?? new Uint8Array())).toBe(
      toHex(before[15]?.bytes.subarray(34) ?? new Uint8Array()),
    );
  });

  test('rewrites what ICMP errors quote, checksums included', () => {
    const file = captureBytes('docker-swarm/traffic-underlay.pcap');
    const before = readAll(file).packets;
    const errors = before.flatMap(({ bytes }, i) => (bytes[23] === 1 && bytes[34] === 3 ? [i] : []));
    expect(errors.length).toBeGreaterThan(0);
    const { packets } = rewrite(file, { vteps: [[parseIp('192.0.2.1'), parseIp('198.51.100.77')]] });
    for (const i of errors) {
      const bytes = packets[i]?.bytes ?? new Uint8Array();
      // The error's source is the quoted packet's destination.
      expect(toHex(bytes.subarray(26, 30))).toBe('c633644d');
      expect(toHex(bytes.subarray(58, 62))).toBe('c633644d');
      expect(ones(bytes, 42, 62), 'quoted IPv4 header').toBe(0xffff);
      expect(ones(bytes, 34, bytes.length), 'ICMP').toBe(0xffff);
    }
  });

  test('follows addresses into neighbour discovery', () => {
    const file = captureBytes('kernel/ipv6-underlay.pcap');
    const before = readAll(file).packets;
    const all = everythingElse(contentsOf(before));
    const { packets } = rewrite(file, all);
    const hexOf = (ip: Ip | undefined): string => JSON.stringify(ip);
    // Frames 15 and 16: a question and its answer in the tunnel, each with an Ethernet address as its option.
    for (const [i, type] of [
      [14, 135],
      [15, 136],
    ] as const) {
      const was = viewOf(before[i]?.bytes ?? new Uint8Array());
      const is = viewOf(packets[i]?.bytes ?? new Uint8Array());
      expect(was.getUint8(124)).toBe(type);
      const target = hexOf(readIp6(was, 132));
      const newTarget = hexOf(all.innerIps.find(([from]) => hexOf(from) === target)?.[1]);
      expect(newTarget).not.toBe(undefined);
      expect(hexOf(readIp6(is, 132))).toBe(newTarget);
      const mac = all.innerMacs.find(([from]) => from === readMac(was, 150));
      expect(readMac(is, 150)).toBe(mac?.[1]);
    }
  });

  test('follows addresses into segment routing, whose last segment is the address that checksums are over', () => {
    const bytes = segmentRouted();
    const verdictOf = (packet: Uint8Array): string | undefined =>
      verdicts(readAll(fileOf([{ bytes: packet }])).packets)[0];
    expect(verdictOf(bytes)).toContain(String(CHECKSUM.good));
    const options: RewriteOptions = {
      vteps: [
        [parseIp('2001:db8::9'), parseIp('2001:db8:1::99')],
        [parseIp('2001:db8::5'), parseIp('2001:db8:2::55')],
      ],
    };
    const out = only(rewrite(fileOf([{ bytes }]), options));
    expect(verdictOf(out)).toBe(verdictOf(bytes));
    expect(toHex(out.subarray(62, 78))).toBe('20010db8000100000000000000000099');
    expect(toHex(out.subarray(38, 54))).toBe('20010db8000200000000000000000055');
    // Wrong before: nobody can say here what would be right, so it stays as it is.
    const wrong = bytes.slice();
    wrong[101] = (wrong[101] ?? 0) ^ 1;
    expect(toHex(only(rewrite(fileOf([{ bytes: wrong }]), { checksums: 'fix' })))).toBe(toHex(wrong));
  });

  test('makes wrong checksums right when told so, those left to a network card too', () => {
    const file = captureBytes('kernel/http-offload.pcap');
    const wrong = verdicts(readAll(file).packets).filter((one) => one.includes('unfinished'));
    expect(wrong.length).toBeGreaterThan(0);
    const { packets, counts } = rewrite(file, { checksums: 'fix' });
    expect(verdicts(packets).filter((one) => /unfinished|\b0\b/.test(one))).toEqual([]);
    expect(counts['changed']).toBeGreaterThanOrEqual(wrong.length);
  });

  test('carries a checksum that was wrong on by the same difference', () => {
    const bytes = frame({ outer: [10, 0, 0, 1], inner: [10, 0, 0, 2] });
    const view = viewOf(bytes);
    view.setUint16(24, (view.getUint16(24) + 5) % 0xffff);
    const out = only(
      rewrite(fileOf([{ bytes }]), { vteps: [[parseIp('10.0.0.1'), parseIp('11.22.33.44')]] }),
    );
    expect(ones(out, 14, 34)).toBe(ones(bytes, 14, 34));
    expect(ones(bytes, 14, 34)).not.toBe(0xffff);
  });

  test('leaves a wrong checksum of 0xffff over bytes that stay', () => {
    const bytes = frame({ outer: [10, 0, 0, 1], inner: [10, 0, 0, 2] });
    viewOf(bytes).setUint16(74, 0xffff);
    const before = bytes.slice();
    const out = only(
      rewrite(fileOf([{ bytes }]), { vteps: [[parseIp('10.0.0.1'), parseIp('11.22.33.44')]] }),
    );
    expect(ones(before, 64, 84)).not.toBe(0xffff);
    expect(toHex(out.subarray(64, 84))).toBe(toHex(before.subarray(64, 84)));
  });

  test('rewrites as far as headers can be read, and says so', () => {
    const bytes = frame({ outer: [10, 0, 0, 1], inner: [10, 0, 0, 2] });
    const cut: Given[] = [66, 52, 45, 33, 13].map((length) => ({
      bytes: bytes.subarray(0, length),
      original: bytes.length,
    }));
    const { packets, counts } = rewrite(fileOf(cut), {
      vteps: [[parseIp('10.0.0.1'), parseIp('9.9.9.9')]],
      vnis: [[5, 6]],
      outerMacs: [[parseMac('02:00:00:00:00:01'), parseMac('02:00:00:00:00:09')]],
    });
    expect(packets.map(({ bytes: out }) => toHex(out.subarray(26, 30)))).toEqual(
      ['09090909', '09090909', '09090909', '0a000001', ''].map((ip, i) => (i === 3 ? ip.slice(0, 8) : ip)),
    );
    expect(packets.map(({ bytes: out }) => out.length)).toEqual([66, 52, 45, 33, 13]);
    expect(counts).toEqual({ changed: 4, unchanged: 1, readInPart: 5 });
  });

  test('refuses what cannot be written', () => {
    const bad = (options: RewriteOptions) => () => rewrite(fileOf([]), options);
    expect(bad({ vteps: [[parseIp('10.0.0.1'), parseIp('2001:db8::1')]] })).toThrow('same family');
    expect(bad({ vnis: [[1, 2 ** 24]] })).toThrow('not a VNI');
    expect(bad({ ports: [[0, 1]] })).toThrow('a UDP port');
  });

  test('never throws, keeps lengths and changes only what is mapped, on damaged packets', () => {
    const sources = [
      'docker-swarm/traffic-underlay.pcap',
      'kernel/ipv6-underlay.pcap',
      'kernel/gpe.pcap',
      'kernel/outer-frag.pcap',
    ]
      .flatMap((name) => readAll(captureBytes(name)).packets)
      .filter(({ bytes }) => bytes.length < 400);
    const all = everythingElse(contentsOf(sources));
    fc.assert(
      fc.property(
        fc.nat(sources.length - 1),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }),
        fc.nat(200),
        fc.constantFrom('fix' as const, 'keep-wrong' as const),
        (which, damage, length, checksums) => {
          const bytes = sources[which]?.bytes.slice(0, Math.max(length, 1)) ?? new Uint8Array();
          for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value;
          const { packets } = rewrite(fileOf([{ bytes }]), { ...all, checksums });
          expect(packets[0]?.bytes.length).toBe(bytes.length);
          expect(packets[0]?.originalLength).toBe(bytes.length);
          const none = rewrite(fileOf([{ bytes }]), {
            vnis: [[3, 4]],
            innerIps: [[parseIp('1.2.3.4'), parseIp('4.3.2.1')]],
          });
          expect(toHex(only(none))).toBe(toHex(bytes));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('reads every public capture without a throw', () => {
    for (const name of captureNames('public').filter((one) => /cap(ng)?$/.test(one))) {
      const file = captureBytes(name);
      const before = readAll(file).packets;
      const all = everythingElse(contentsOf(before));
      const there = rewrite(file, all);
      expect(there.packets.length, name).toBe(before.length);
      expect(verdicts(there.packets), name).toEqual(verdicts(before));
    }
  });
});

describe.skipIf(!hasTool('tshark'))('tshark of what rewrite wrote', () => {
  const FIELDS = [
    ...['frame.len', 'frame.protocols', 'ip.checksum.status', 'udp.checksum.status', 'tcp.checksum.status'],
    ...[
      'icmp.checksum.status',
      'icmpv6.checksum.status',
      '_ws.malformed',
      'ip.len',
      'udp.length',
      'tcp.seq',
      'dns.id',
    ],
  ];
  const CHECKS = ['ip', 'udp', 'tcp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);

  test.each([
    'docker-swarm/traffic-worker1-eth0.pcap',
    'docker-swarm/traffic-offload-worker1-eth0.pcap',
    'kernel/http-noffload.pcap',
    'kernel/ipv6-underlay.pcap',
    'kernel/csum-udpcsum.pcap',
    'kernel/outer-frag.pcap',
    'ovs/kernel.pcap',
  ])('finds the same in %s, and every checksum as it was', (name) => {
    const file = captureBytes(name);
    const all = everythingElse(contentsOf(readAll(file).packets));
    const path = folder.path('rewritten.pcapng');
    const read = (bytes: Uint8Array): string => {
      writeFileSync(path, bytes);
      const wanted = FIELDS.flatMap((field) => ['-e', field]);
      return runTool('tshark', [
        '-n',
        '-r',
        path,
        '-d',
        'udp.port==8472,vxlan',
        ...CHECKS,
        '-T',
        'fields',
        ...wanted,
      ]);
    };
    const after = rewrite(file, all);
    expect(read(after.bytes)).toBe(read(file));
    const fixed = rewrite(file, { ...all, checksums: 'fix' });
    writeFileSync(path, fixed.bytes);
    const bad = ['ip', 'udp', 'tcp'].map((layer) => `${layer}.checksum.status==0`).join(' || ');
    expect(runTool('tshark', ['-n', '-r', path, '-d', 'udp.port==8472,vxlan', ...CHECKS, '-Y', bad])).toBe(
      '',
    );
  });
});

/** A UDP datagram in a tunnel, every checksum right, from VTEP `outer` and endpoint `inner` to others. */
function frame({ outer, inner }: { outer: readonly number[]; inner: readonly number[] }): Uint8Array {
  const bytes = new Uint8Array(100);
  const view = viewOf(bytes);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0], 0);
  bytes.set([2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 3, 8, 0], 50);
  const ip = (at: number, end: number, src: readonly number[]): void => {
    bytes.set([0x45, 0, 0, end - at, 0, 1, 0, 0, 64, 17, 0, 0, ...src, 10, 0, 0, 200], at);
    view.setUint16(at + 10, ~ones(bytes, at, at + 20));
  };
  ip(14, 100, outer);
  ip(64, 100, inner);
  bytes.set([0xc0, 0, 0x12, 0xb5, 0, 66, 0, 0, 8, 0, 0, 0, 0, 0, 5, 0], 34);
  bytes.set([0x30, 0, 0x40, 0, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], 84);
  return bytes;
}

/** UDP from 2001:db8::1 by way of 2001:db8::5 to 2001:db8::9 (RFC 8754), its checksum right. */
function segmentRouted(): Uint8Array {
  const bytes = new Uint8Array(110);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 56, 43, 64], 0);
  const address = (at: number, last: number): void => {
    bytes.set([0x20, 0x01, 0x0d, 0xb8], at);
    bytes[at + 15] = last;
  };
  address(22, 1);
  address(38, 5);
  // Next header UDP, 40 bytes, type 4, one segment left of two: the final one stands first.
  bytes.set([17, 4, 4, 1, 1, 0, 0, 0], 54);
  address(62, 9);
  address(78, 5);
  bytes.set([0x30, 0, 0x40, 0, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], 94);
  const pseudo = new Uint8Array(56);
  pseudo.set(bytes.subarray(22, 38), 0);
  pseudo.set(bytes.subarray(62, 78), 16);
  pseudo.set([0, 0, 0, 16, 0, 0, 0, 17], 32);
  pseudo.set(bytes.subarray(94, 110), 40);
  viewOf(bytes).setUint16(100, ~ones(pseudo, 0, 56));
  return bytes;
}

/** The one's complement sum of sixteen-bit words, as RFC 1071 puts it. */
function ones(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2)
    sum += ((bytes[at] ?? 0) << 8) | (at + 1 < end ? (bytes[at + 1] ?? 0) : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function only({ packets }: Edited): Uint8Array {
  expect(packets).toHaveLength(1);
  return packets[0]?.bytes ?? new Uint8Array();
}
