import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { Decap } from '../../../src/core/edit/decap.ts';
import type { EncapOptions } from '../../../src/core/edit/encap.ts';
import { Encap } from '../../../src/core/edit/encap.ts';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { PcapngWriter } from '../../../src/core/pcap/pcapng-writer.ts';
import type { Packet } from '../../../src/core/pcap/reader.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { parseMac } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import { scratch } from '../../support/judges.ts';
import { hasTool, runTool } from '../../support/peers.ts';
import { collect } from '../../support/written.ts';
import type { Edited } from './run.ts';
import { edited, essence, fileOf } from './run.ts';

const TUNNEL: EncapOptions = { vni: 4097, src: parseIp('192.0.2.1'), dst: parseIp('192.0.2.2') };
const TUNNEL6: EncapOptions = { vni: 7, src: parseIp('2001:db8::1'), dst: parseIp('2001:db8::2') };

function encap(file: Uint8Array, options: EncapOptions = TUNNEL, how = {}): Edited {
  return edited(file, (outlet, source) => new Encap(outlet, source, options), {
    linkType: LINKTYPE.ethernet,
    ...how,
  });
}

function decap(file: Uint8Array, port = 4789): Edited {
  return edited(file, (outlet, source) => new Decap(outlet, source), {
    walk: new WalkOptions({ vxlan: [port], heuristics: false }),
  });
}

const folder = scratch('encap');
afterAll(() => folder.done());

const ARP = 'ffffffffffff0242ac110002080600010800060400010242ac110002ac110002000000000000ac110003';
/** UDP 10.0.0.1:1000 to 10.0.0.2:2000, TOS as told; only what the tunnel looks at is right. */
function udp4(tos: string, ports = '03e807d0'): string {
  return `0200000000020200000000010800 45${tos}001c00010000401100000a0000010a000002${ports}00080000`.replaceAll(
    ' ',
    '',
  );
}

function tunnelled(frame: string, options: EncapOptions): string {
  const { packets } = encap(fileOf([{ bytes: hex(frame) }]), options);
  return toHex(packets[0]?.bytes ?? new Uint8Array());
}

describe('encap', () => {
  test('writes the headers of RFC 7348 byte by byte', () => {
    expect(tunnelled(ARP, { ...TUNNEL, srcPort: 51000 })).toBe(
      // Ethernet, MACs by the addresses; IPv4, total length 92, id 1, TTL 64; UDP 51000 to 4789, no checksum; VXLAN.
      `0242c00002020242c00002010800 4500004e00010000 4011f69cc0000201c0000202 c73812b5003a0000 0800000000100100${ARP}`
        .replaceAll(' ', '')
        .replace('f69c', checksum4('4500004e000100004011c0000201c0000202')),
    );
  });

  test('writes what was asked for into the outer headers', () => {
    const bytes = tunnelled(udp4('b9'), {
      ...TUNNEL,
      srcMac: parseMac('02:00:00:00:00:0a'),
      dstMac: parseMac('02:00:00:00:00:0b'),
      srcPort: 50000,
      dstPort: 8472,
      udpChecksum: 'computed',
      ttl: 9,
      dscp: 'inherit',
      dontFragment: true,
      vlan: { vid: 100, pcp: 5 },
      gbp: 0x1234,
    });
    expect(bytes.slice(0, 36)).toBe('02000000000b02000000000a8100a0640800');
    expect(bytes.slice(36, 60)).toBe(`45b9004e00004000${'0911'}${bytes.slice(56, 60)}`);
    expect(bytes.slice(76, 84)).toBe('c3502118');
    expect(bytes.slice(88, 92)).not.toBe('0000');
    expect(bytes.slice(92, 108)).toBe('8800123400100100');
    expect(tunnelled(ARP, { ...TUNNEL, id: 0xbeef }).slice(36, 44)).toBe('beef0000');
  });

  test.each([
    ['copy', ['00', '01', '02', '03']],
    ['linux', ['00', '01', '02', '02']],
    ['none', ['00', '00', '00', '00']],
  ] as const)('marks congestion outside by the rule %s (RFC 6040)', (ecn, outside) => {
    const tos = ['b8', 'b9', 'ba', 'bb'].map((inner) =>
      tunnelled(udp4(inner), { ...TUNNEL, ecn }).slice(30, 32),
    );
    expect(tos).toEqual(outside);
    const v6 = tunnelled(udp4('bb'), { ...TUNNEL6, ecn, dscp: 10 });
    expect(v6.slice(28, 32)).toBe(`6${((10 << 2) | Number(outside[3])).toString(16).padStart(2, '0')}0`);
  });

  test('sends to the MAC address of a multicast group', () => {
    expect(tunnelled(ARP, { ...TUNNEL, dst: parseIp('239.129.1.1') }).slice(0, 12)).toBe('01005e010101');
    expect(tunnelled(ARP, { ...TUNNEL6, dst: parseIp('ff05::1:2') }).slice(0, 12)).toBe('333300010002');
  });

  test('counts the identification up, past 65535 too', () => {
    const file = fileOf(Array.from({ length: 65_540 }, () => ({ bytes: hex(ARP.slice(0, 28)) })));
    const ids = encap(file).packets.map(({ bytes }) => viewOf(bytes).getUint16(18));
    expect([ids[0], ids[1], ids[65_534], ids[65_535], ids[65_536]]).toEqual([1, 2, 65_535, 0, 1]);
  });

  test('refuses frames that outer lengths cannot count, and takes the longest that they can', () => {
    const sizes = [65_499, 65_500, 65_519, 65_520, 200_000];
    const file = fileOf(sizes.map((size) => ({ bytes: new Uint8Array(size) })));
    const v4 = encap(file);
    expect(v4.packets.map(({ originalLength }) => originalLength - 50)).toEqual([65_499]);
    expect(v4.counts).toMatchObject({ tooLong: 4 });
    const v6 = encap(file, TUNNEL6);
    expect(v6.packets.map(({ originalLength }) => originalLength - 70)).toEqual([65_499, 65_500, 65_519]);
    expect(decap(v6.bytes).packets.map(({ bytes }) => bytes.length)).toEqual([65_499, 65_500, 65_519]);
  });

  test('leaves what is no Ethernet frame out, unless VXLAN-GPE can carry it', () => {
    const ip = udp4('00').slice(28);
    const file = fileOf([{ bytes: hex(ip) }, { bytes: hex(`6${ip.slice(1)}`) }], LINKTYPE.raw);
    expect(encap(file).counts).toEqual({ tooLong: 0, notEthernet: 2, withoutChecksum: 0 });
    const gpe = encap(file, { ...TUNNEL, gpe: true });
    expect(gpe.packets.map(({ bytes }) => toHex(bytes.subarray(36, 50)).slice(0, 28))).toEqual(
      ['01', '02'].map(
        (next) =>
          `12b6${toHex(gpe.packets[0]?.bytes.subarray(38, 42) ?? new Uint8Array())}0c0000${next}00100100`,
      ),
    );
    const back = edited(gpe.bytes, (outlet, source) => new Decap(outlet, source));
    expect(back.packets.map(essence)).toEqual(readAll(file).packets.map(essence));
    expect(encap(fileOf([{ bytes: hex(ARP) }]), { ...TUNNEL, gpe: true }).packets[0]?.bytes[45]).toBe(3);
    expect(encap(fileOf([{ bytes: hex(ARP) }], LINKTYPE.linuxSll)).counts['notEthernet']).toBe(1);
  });

  test('sums up what it can and says which it cannot', () => {
    const cut = { bytes: hex(ARP).subarray(0, 20), original: 42 };
    const { packets, counts } = encap(fileOf([{ bytes: hex(ARP) }, cut]), TUNNEL6);
    expect(packets.map(({ bytes }) => viewOf(bytes).getUint16(60) !== 0)).toEqual([true, false]);
    expect(packets.map(({ bytes, originalLength }) => [bytes.length, originalLength])).toEqual([
      [112, 112],
      [90, 112],
    ]);
    expect(counts['withoutChecksum']).toBe(1);
  });

  test('keeps names of interfaces, comments and directions', () => {
    const { packets, interfaces } = encap(fileOf([{ bytes: hex(ARP), comment: 'why', direction: 1 }]));
    expect(interfaces.map(({ name, linkType }) => [name, linkType])).toEqual([['eth7', LINKTYPE.ethernet]]);
    expect(packets[0]).toMatchObject({ comments: ['why'], direction: 1 });
  });

  test('refuses a tunnel that cannot be', () => {
    const bad =
      (options: Partial<EncapOptions>): (() => Edited) =>
      () =>
        encap(fileOf([]), { ...TUNNEL, ...options });
    expect(bad({ dst: TUNNEL6.dst })).toThrow('one family');
    expect(bad({ gpe: true, gbp: 1 })).toThrow('one or the other');
    expect(bad({ vni: 2 ** 24 })).toThrow('not a VNI');
    expect(bad({ ttl: 256 })).toThrow('the TTL must be');
    expect(bad({ srcPort: { min: 9, max: 8 } })).toThrow('the source port must be');
    expect(bad({ vlan: { vid: 4096 } })).toThrow('the VLAN must be');
  });
});

describe('the source port', () => {
  const portOf = (frame: string, range = {}): number =>
    Number.parseInt(tunnelled(frame, { ...TUNNEL, ...range }).slice(68, 72), 16);

  test('is one for a flow, others for other flows, and within the range', () => {
    const ports = Array.from({ length: 2000 }, (_, i) =>
      portOf(udp4('00', `${(1000 + i).toString(16).padStart(4, '0')}07d0`)),
    );
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(49_152);
    expect(new Set(ports).size).toBeGreaterThan(1800);
    // Spread: of 16 equal parts of the range each gets about 125.
    const parts = new Array<number>(16).fill(0);
    for (const port of ports) parts[(port - 49_152) >> 10] = (parts[(port - 49_152) >> 10] ?? 0) + 1;
    expect(Math.min(...parts)).toBeGreaterThan(80);
    expect(Math.max(...parts)).toBeLessThan(180);
    expect(portOf(udp4('00'))).toBe(portOf(udp4('b8')));
    expect(portOf(udp4('00', '03e807d0'))).not.toBe(portOf(udp4('00', '07d003e8')));
    expect(portOf(udp4('00'), { srcPort: { min: 5, max: 6 } })).toBeLessThan(7);
  });

  test('is one for all fragments of a datagram', () => {
    const first = udp4('00').replace('0001 0000'.replace(' ', ''), '00012000');
    const later = udp4('00', 'ffffffff').replace('0001 0000'.replace(' ', ''), '00010001');
    expect(first).not.toBe(udp4('00'));
    expect(portOf(first)).toBe(portOf(later));
  });

  test('looks at addresses behind tags and at MAC addresses where there is no IP', () => {
    const tagged = (frame: string): string => `${frame.slice(0, 24)}81000005${frame.slice(24)}`;
    expect(portOf(tagged(udp4('00')))).toBe(portOf(udp4('00')));
    expect(portOf(ARP)).not.toBe(portOf(ARP.replace('0242ac110002', '0242ac110009')));
    expect(portOf(ARP.slice(0, 12))).toBeGreaterThanOrEqual(49_152);
  });
});

describe('decap of encap', () => {
  const options = fc.record(
    {
      vni: fc.integer({ min: 0, max: 0xffffff }),
      srcPort: fc.constantFrom(1, 49_152, 65_535),
      dstPort: fc.constantFrom(4789, 8472, 53, 9999),
      udpChecksum: fc.constantFrom('zero' as const, 'computed' as const),
      dscp: fc.constantFrom(0, 63, 'inherit' as const),
      ecn: fc.constantFrom('copy' as const, 'linux' as const, 'none' as const),
      vlan: fc.constantFrom({ vid: 5 }, { vid: 4094, pcp: 7 }),
      gbp: fc.integer({ min: 0, max: 0xffff }),
      dontFragment: fc.boolean(),
    },
    { requiredKeys: ['vni'] },
  );
  const packet = fc
    .record({ bytes: fc.uint8Array({ maxLength: 200 }), more: fc.constantFrom(0, 0, 1, 5000) })
    .map(({ bytes, more }) => ({ bytes, original: bytes.length + more, direction: bytes.length % 3 }));

  test('is the identity on any bytes, lengths and times', () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 8 }), options, fc.boolean(), (packets, given, v6) => {
        const file = fileOf(packets);
        const there = encap(file, { ...(v6 ? TUNNEL6 : TUNNEL), ...given });
        const back = decap(there.bytes, given.dstPort ?? 4789);
        expect(back.packets.map(essence)).toEqual(readAll(file).packets.map(essence));
        for (const { name } of back.interfaces.slice(0, packets.length)) expect(name).toBe(`vni${given.vni}`);
      }),
      { numRuns: 200 },
    );
  });

  test.each(['docker-swarm', 'kernel', 'ovs', 'formats', 'public'])(
    'is the identity on the captures in %s, tunnels in them included',
    (under) => {
      let tried = 0;
      for (const name of captureNames(under).filter((one) => /cap(ng)?$/.test(one))) {
        const file = captureBytes(name);
        const taken = readAll(file).packets.filter(
          ({ linkType, originalLength, bytes }) =>
            linkType === LINKTYPE.ethernet && Math.max(originalLength, bytes.length) <= 65_519,
        );
        const back = decap(encap(file, TUNNEL6).bytes);
        expect(back.packets.map(essence), name).toEqual(taken.map(asWritten));
        if (taken.length > 0) tried++;
      }
      expect(tried).toBeGreaterThan(3);
    },
  );

  /** What is kept: several comments become one, and a packet without a time gets 0. */
  function asWritten(packet: Packet): unknown {
    const comments = packet.comments.length > 1 ? [packet.comments.join('\n')] : packet.comments;
    return essence({ ...packet, comments, time: packet.time ?? 0n });
  }

  test('takes a frame check sequence off', () => {
    const { bytes: file } = collect((sink) => {
      const writer = new PcapngWriter(sink);
      writer.addInterface({ linkType: LINKTYPE.ethernet });
      writer.writePacket(0, 1, 0, viewOf(hex(`${ARP}deadbeef`)), 0, 46, 46);
      return writer;
    });
    // if_fcslen 4 in place of the interface's time resolution, which is nanoseconds: an option of the same size.
    const view = viewOf(file);
    for (let at = 0; at + 8 < file.length; at += 4) {
      if (view.getUint32(at, true) === 0x0001_0009) {
        view.setUint32(at, 0x0001_000d, true);
        view.setUint8(at + 4, 4);
        break;
      }
    }
    expect(readAll(file).interfaces[0]?.fcsLength).toBe(4);
    expect(decap(encap(file).bytes).packets.map(({ bytes }) => toHex(bytes))).toEqual([ARP]);
  });
});

describe.skipIf(!hasTool('tshark'))('tshark, every checksum verified, of what encap wrote', () => {
  const CHECKS = ['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE'];
  const FIELDS = [
    'vxlan.vni',
    'ip.checksum.status',
    'udp.checksum.status',
    'udp.dstport',
    'vlan.id',
    '_ws.malformed',
  ];

  test.each([
    ['IPv4', { ...TUNNEL, udpChecksum: 'computed' }, 'pcap'],
    [
      'IPv4 behind a tag, with a group policy',
      { ...TUNNEL, udpChecksum: 'computed', vlan: { vid: 9 }, gbp: 3 },
      'pcapng',
    ],
    ['IPv6', TUNNEL6, 'pcapng'],
    ['IPv4 without checksum', TUNNEL, 'pcapng'],
  ] as const)('finds nothing wrong over %s', (_, options, format) => {
    // Frames whose own checksums are all right, so that a bad one can only be ours.
    const inner = decap(captureBytes('kernel/unicast4.pcap')).bytes;
    const out = encap(inner, options as EncapOptions, { format });
    const path = folder.path(`${format}-${out.packets.length}.cap`);
    writeFileSync(path, out.bytes);
    const rows = runTool('tshark', [
      ...['-n', '-r', path, ...CHECKS, '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=;'],
      ...FIELDS.flatMap((field) => ['-e', field]),
    ])
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
    expect(rows).toHaveLength(33);
    for (const [vni, ip = '', udp = '', ports = '', vid, malformed] of rows) {
      expect(vni).toBe(String(options.vni));
      expect(`${ip};${udp}`.split(';')).not.toContain('0');
      expect(udp.split(';')[0]).toBe('udpChecksum' in options || options === TUNNEL6 ? '1' : '3');
      expect(ports.split(';')[0]).toBe('4789');
      expect(vid).toBe('vlan' in options ? '9' : '');
      expect(malformed).toBe('');
    }
  });
});

/** The IPv4 header checksum over a header without it, worked out by hand: sixteen bits at a time. */
function checksum4(header: string): string {
  let sum = 0;
  for (let at = 0; at < header.length; at += 4) sum += Number.parseInt(header.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return (~sum & 0xffff).toString(16).padStart(4, '0');
}
