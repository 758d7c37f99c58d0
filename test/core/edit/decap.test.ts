import { describe, expect, test } from 'vitest';
import { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { Decap } from '../../../src/core/edit/decap.ts';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { hex, toHex } from '../../support/bytes.ts';
import { captureBytes, captureNames, truth, truthNames } from '../../support/captures.ts';
import type { Edited } from './run.ts';
import { edited, fileOf } from './run.ts';

/** The ports that the ground truth was made with. */
const PORTS = new WalkOptions({ vxlan: [4789, 8472, 7789] });

function decap(file: Uint8Array, options = {}, how = {}): Edited {
  return edited(file, (outlet, source) => new Decap(outlet, source, options), { walk: PORTS, ...how });
}

/** Bytes of the headers that tshark names in front of the inner frame. */
const HEADER: Readonly<Record<string, number>> = {
  eth: 14,
  vlan: 4,
  sll: 20,
  ip: 20,
  ipv6: 40,
  udp: 8,
  vxlan: 8,
};

/** How many bytes stand in front of the first inner frame, by tshark's list of protocols. */
function innerAt(protocols: string): number {
  const names = protocols.split(':');
  // VXLAN-GPE is not named.
  const outer = names.includes('vxlan')
    ? names.slice(0, names.indexOf('vxlan') + 1)
    : [...names.slice(0, names.indexOf('udp') + 1), 'vxlan'];
  return outer.reduce((sum, name) => sum + (HEADER[name] ?? 0), 0);
}

const ETHERNET = '52540000000152540000000';
const IP = 'c0000201c0000202';
/** Ethernet, IPv4 and UDP in front of `payload`, to this port. */
function outer(port: number, payload: string): string {
  const bytes = payload.length / 2;
  const length = (28 + bytes).toString(16).padStart(4, '0');
  const datagram = (8 + bytes).toString(16).padStart(4, '0');
  const portHex = port.toString(16).padStart(4, '0');
  return `${ETHERNET}20800 4500${length}00014000401100 00${IP} c001${portHex}${datagram}0000${payload}`;
}
const FRAME = 'ffffffffffff0242ac110002080600010800060400010242ac110002ac110002000000000000ac110003';
const VXLAN = (vni: number): string => `08000000${vni.toString(16).padStart(6, '0')}00`;

describe('decap', () => {
  // Snoop and zstd are not read.
  const NAMES = truthNames().filter((name) => !/\.(snoop|zst)$/.test(name));

  test.each(NAMES)('writes the bytes behind the tunnel header of each packet of %s', (name) => {
    const source = readAll(captureBytes(name)).packets;
    const { packets, counts } = decap(captureBytes(name));
    const expected: unknown[] = [];
    for (const [i, row] of truth(name).entries()) {
      if (row['vxlan.vni'] === '') continue;
      const packet = source[i];
      if (packet === undefined) throw new Error(`no packet ${i + 1}`);
      const protocols = row['frame.protocols'] ?? '';
      if (protocols.includes('icmp:ip:udp:vxlan')) continue;
      const at = innerAt(protocols);
      const length = Number((row['udp.length'] ?? '').split(';')[0]) - 16;
      const whole = at + length <= packet.originalLength;
      // tshark shows the datagram that a last fragment completes: the frame is then not in this packet alone.
      const bytes = whole ? toHex(packet.bytes.subarray(at, at + length)) : 'in fragments';
      expected.push({ time: packet.time, vni: row['vxlan.vni']?.split(';')[0], length, bytes });
    }
    const found = decapped(name, packets);
    for (const [i, one] of found.entries()) {
      if ((expected[i] as { bytes: string } | undefined)?.bytes === 'in fragments')
        one.bytes = 'in fragments';
    }
    expect(found).toEqual(expected);
    expect(counts['noFrame']).toBe(0);
  });

  function decapped(name: string, packets: Edited['packets']) {
    const { interfaces } = decap(captureBytes(name));
    return packets.map(({ time, bytes, originalLength, interfaceId }) => ({
      time,
      vni: interfaces[interfaceId]?.name.replace('vni', ''),
      length: originalLength,
      bytes: toHex(bytes),
    }));
  }

  // The same frames, captured on the tunnel devices at the same time. There the kernel had not filled in some checksums yet.
  test.each([
    ['kernel/unicast4.pcap', 'kernel/unicast4-inner.pcap'],
    ['formats/usec-le.pcap', 'formats/inner-vx0.pcap'],
    ['kernel/gpe.pcap', 'kernel/gpe-inner-rawip.pcap'],
  ])('makes of %s what the kernel showed on the tunnel device', (outside, inside) => {
    const ours = decap(captureBytes(outside)).packets;
    const kernels = readAll(captureBytes(inside)).packets;
    const seen = kernels
      .map(({ bytes, linkType }) => `${linkType} ${withoutChecksum(bytes, linkType)}`)
      .sort();
    const mine = ours.map(({ bytes, linkType }) => `${linkType} ${withoutChecksum(bytes, linkType)}`).sort();
    expect(mine).toEqual(seen);
  });

  test('gives frames of datagrams in fragments when they complete, whole', () => {
    const source = readAll(captureBytes('kernel/outer-frag.pcap')).packets;
    const { packets, counts } = decap(captureBytes('kernel/outer-frag.pcap'));
    // Frames 15 and 16 are the two fragments of one datagram (fixtures/captures/truth).
    const payloads = [14, 15].map((i) => toHex((source[i]?.bytes ?? new Uint8Array()).subarray(34)));
    const frame = payloads.join('').slice(32);
    const one = packets.find(({ time }) => time === source[15]?.time);
    expect(toHex(one?.bytes ?? new Uint8Array())).toBe(frame);
    expect(one?.originalLength).toBe(frame.length / 2);
    expect(counts).toMatchObject({ fragments: 2, withoutTunnel: 8 });
  });

  test('keeps the length that a cut frame had', () => {
    const whole = decap(captureBytes('formats/nsec-le.pcap')).packets;
    const cut = decap(captureBytes('formats/snaplen96.pcap')).packets;
    expect(cut.map(({ originalLength }) => originalLength)).toEqual(
      whole.map(({ originalLength }) => originalLength),
    );
    expect(cut.some(({ bytes, originalLength }) => bytes.length < originalLength)).toBe(true);
    for (const [i, { bytes }] of cut.entries()) {
      expect(bytes.length).toBeLessThanOrEqual(96 - 50);
      expect(toHex(whole[i]?.bytes.subarray(0, bytes.length) ?? new Uint8Array()).slice(0, 28)).toBe(
        toHex(bytes).slice(0, 28),
      );
    }
  });

  test('takes only the VNIs that were asked for and names an interface after each', () => {
    const file = captureBytes('docker-swarm/traffic-underlay.pcap');
    const { packets, interfaces, counts } = decap(file, { vnis: new Set([4097, 4099]) });
    expect(interfaces.map(({ name }) => name).sort()).toEqual(['vni4097', 'vni4099']);
    const perName = interfaces.map(
      ({ name }, i) => `${name} ${packets.filter(({ interfaceId }) => interfaceId === i).length}`,
    );
    expect(perName.sort()).toEqual(['vni4097 40', 'vni4099 4']);
    expect(counts).toMatchObject({ otherVni: 110, withoutTunnel: 621 - 154 });
  });

  test('keeps the others as they are when told so, and no fragment of what it takes off', () => {
    const file = captureBytes('kernel/outer-frag.pcap');
    const source = readAll(file).packets;
    const { packets, counts } = decap(file, { keepOthers: true });
    expect(packets).toHaveLength(28 - 2);
    expect(counts).toMatchObject({ kept: 8, withoutTunnel: 0, fragments: 2 });
    for (const i of [0, 5])
      expect(toHex(packets[i]?.bytes ?? new Uint8Array())).toBe(toHex(source[i]?.bytes ?? new Uint8Array()));
  });

  test('takes off the outermost tunnel of several, or all up to the innermost, or as many as it may', () => {
    const nested = outer(4789, VXLAN(1) + outer(4789, VXLAN(2) + FRAME).replaceAll(' ', ''));
    const file = fileOf([{ bytes: hex(nested) }]);
    const one = decap(file);
    expect(one.interfaces.map(({ name }) => name)).toEqual(['vni1']);
    expect(toHex(one.packets[0]?.bytes ?? new Uint8Array())).toBe(
      outer(4789, VXLAN(2) + FRAME).replaceAll(' ', ''),
    );
    const all = decap(file, { innermost: true });
    expect(all.interfaces.map(({ name }) => name)).toEqual(['vni2']);
    expect(toHex(all.packets[0]?.bytes ?? new Uint8Array())).toBe(FRAME);
    const shallow = decap(file, { innermost: true, depth: 1 });
    expect(shallow.interfaces.map(({ name }) => name)).toEqual(['vni1']);
    const second = decap(file, { vnis: new Set([2]) });
    expect(toHex(second.packets[0]?.bytes ?? new Uint8Array())).toBe(FRAME);
  });

  test('keeps comments and directions in pcapng', () => {
    const bytes = hex(outer(4789, VXLAN(7) + FRAME));
    const { packets } = decap(fileOf([{ bytes, comment: 'first\nsecond', direction: 2 }]));
    expect(packets[0]).toMatchObject({ comments: ['first\nsecond'], direction: 2 });
  });

  test('gives bare IP of VXLAN-GPE link type RAW in pcapng and an Ethernet header in pcap', () => {
    const file = captureBytes('kernel/gpe.pcap');
    const raw = decap(file);
    expect(new Set(raw.packets.map(({ linkType }) => linkType))).toEqual(new Set([LINKTYPE.raw]));
    const pcap = decap(file, {}, { format: 'pcap', linkType: LINKTYPE.ethernet });
    expect(pcap.counts['madeEthernet']).toBe(raw.packets.length);
    for (const [i, { bytes, originalLength, linkType }] of pcap.packets.entries()) {
      const inner = raw.packets[i];
      const type = (inner?.bytes[0] ?? 0) >> 4 === 6 ? '86dd' : '0800';
      expect(toHex(bytes)).toBe(`${'00'.repeat(12)}${type}${toHex(inner?.bytes ?? new Uint8Array())}`);
      expect(originalLength).toBe((inner?.originalLength ?? 0) + 14);
      expect(linkType).toBe(LINKTYPE.ethernet);
    }
  });

  test('puts an Ethernet header before MPLS and NSH, which have no link type, and leaves out what it does not know', () => {
    const gpe = (next: string): string => `0c0000${next}00000700`;
    const file = fileOf(
      ['05', '04', '09', '03'].map((next) => ({
        bytes: hex(outer(4790, `${gpe(next)}000641ff45000014${FRAME}`)),
      })),
    );
    const { packets, counts } = decap(file);
    expect(packets.map(({ bytes }) => toHex(bytes.subarray(0, 14)).slice(24))).toEqual([
      '8847',
      '894f',
      'ffff',
    ]);
    expect(counts).toMatchObject({ madeEthernet: 2, noFrame: 1 });
  });

  test('bounds the interfaces of a capture with a VNI a packet', () => {
    const file = fileOf(
      Array.from({ length: 4200 }, (_, vni) => ({ bytes: hex(outer(4789, VXLAN(vni) + FRAME)) })),
    );
    const { packets, interfaces } = decap(file);
    expect(packets).toHaveLength(4200);
    expect(interfaces).toHaveLength(4097);
    expect(interfaces.at(-1)?.name).toBe('vni-others');
  });

  test('reads every public capture in either format without a throw, whatever the size of the pieces', () => {
    for (const name of captureNames('public').filter((one) => /cap(ng)?$/.test(one))) {
      const file = captureBytes(name);
      const all = decap(file, { innermost: true, keepOthers: true });
      if (file.length > 200_000) continue;
      const pieces = decap(file, { innermost: true, keepOthers: true }, { chunk: 97 });
      expect(toHex(pieces.bytes), name).toBe(toHex(all.bytes));
      decap(file, {}, { format: 'pcap', linkType: LINKTYPE.ethernet });
    }
  });
});

/** A frame in hex, its UDP or TCP checksum blanked. */
function withoutChecksum(frame: Uint8Array, linkType: number): string {
  const bytes = frame.slice();
  const ip = linkType === LINKTYPE.raw ? 0 : 14;
  if (linkType !== LINKTYPE.raw && toHex(bytes.subarray(12, 14)) !== '0800') return toHex(bytes);
  const v6 = (bytes[ip] ?? 0) >> 4 === 6;
  const protocol = bytes[ip + (v6 ? 6 : 9)];
  const at = ip + (v6 ? 40 : 20) + (protocol === 17 ? 6 : 16);
  if (protocol === 17 || protocol === 6) bytes.fill(0, at, at + 2);
  return toHex(bytes);
}
