import { describe, expect, test } from 'vitest';
import { Dissection, L, LAYER_FLAG } from '../../../src/core/dissect/layer.ts';
import { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import { finish, sum } from '../../../src/core/wire/checksum.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, captureNames, truth } from '../../support/captures.ts';

/** No port says VXLAN, GPE or Geneve. */
const NO_PORTS = new WalkOptions({ vxlan: [], gpe: [], geneve: [] });

/** The row of a VXLAN header outside a quote, by its bytes alone or by its port; -1 without. */
function vxlanRow(d: Dissection, guessed: boolean): number {
  for (let row = 0; row < d.count; row++) {
    const flags = d.flags(row);
    if (d.kind(row) === L.vxlan && !d.quoted(row) && ((flags & LAYER_FLAG.guessed) !== 0) === guessed)
      return row;
  }
  return -1;
}

interface Found {
  /** VNIs by packet number, of headers that were found by their bytes, and of those that a port names. */
  readonly guessed: Map<number, number>;
  readonly named: Map<number, number>;
}

function look(name: string, options: WalkOptions): Found {
  const found: Found = { guessed: new Map(), named: new Map() };
  const d = new Dissection();
  const reader = new AnyReader((view, start, end, meta) => {
    dissect(view, start, end, meta.linkType, d, options, meta.originalLength);
    for (const [guessed, into] of [
      [true, found.guessed],
      [false, found.named],
    ] as const) {
      const row = vxlanRow(d, guessed);
      if (row >= 0) into.set(meta.number, vxlan.vni(view, d.start(row)));
    }
  });
  reader.push(captureBytes(name));
  reader.end();
  return found;
}

const CAPTURES = ['docker-swarm', 'kernel', 'ovs', 'formats', 'public']
  .flatMap((folder) => captureNames(folder))
  .filter((name) => /\.(pcap|pcapng|cap|trace|dat|bin)(\.gz)?$/.test(name));

describe('VXLAN on ports that nobody named', () => {
  test('is found in no packet of any capture that is not VXLAN, and in each with the right VNI', () => {
    let total = 0;
    const wrong: string[] = [];
    for (const name of CAPTURES) {
      const { guessed } = look(name, NO_PORTS);
      const { named, guessed: more } = look(name, new WalkOptions());
      for (const [packet, vni] of guessed) {
        total++;
        if (named.get(packet) !== vni) wrong.push(`${name}#${packet}`);
      }
      for (const packet of more.keys()) wrong.push(`${name}#${packet} with the ports known`);
    }
    expect(wrong).toEqual([]);
    expect(total).toBeGreaterThan(12_000);
  });

  test.each([
    ['kernel/flannel.pcap', []],
    ['kernel/unicast4.pcap', []],
    ['kernel/inner-vlan.pcap', []],
    ['kernel/ipv6-underlay.pcap', []],
    ['kernel/http-offload.pcap', []],
    ['docker-swarm/traffic-worker1-eth0.pcap', []],
    ['docker-swarm/traffic-offload-worker1-eth0.pcap', []],
    ['docker-swarm/attach-underlay.pcap', []],
    ['ovs/port8472.pcap', []],
    // Remote checksum offload sets a reserved bit.
    ['kernel/csum-remcsum.pcap', [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]],
    // Spanning tree has no EtherType.
    ['kernel/misc-stp.pcap', [1, 2, 3, 4, 5, 6, 7, 8, 15]],
  ] as [string, number[]][])(
    'is found in every packet of %s that tshark calls VXLAN, but for %j',
    (name, missed) => {
      const { guessed } = look(name, NO_PORTS);
      const theirs = truth(name)
        .filter((row) => (row['vxlan.vni'] ?? '') !== '')
        .map((row) => [Number(row['frame.number']), Number(row['vxlan.vni'])] as const);
      expect([...guessed]).toEqual(theirs.filter(([packet]) => !missed.includes(packet)));
      expect(theirs.length - guessed.size).toBe(missed.length);
    },
  );

  test('a port that the user names replaces the defaults; the others are asked by their bytes', () => {
    const { guessed, named } = look('kernel/flannel.pcap', new WalkOptions({ vxlan: [4789] }));
    expect([guessed.size, named.size]).toEqual([28, 0]);
    const off = look('kernel/flannel.pcap', new WalkOptions({ vxlan: [4789], heuristics: false }));
    expect([off.guessed.size, off.named.size]).toEqual([0, 0]);
  });

  test('what the user says of a port wins over the defaults of other tunnels', () => {
    const { ports } = new WalkOptions({ gpe: [4789], geneve: [8472, 53] });
    const defaults = new WalkOptions().ports;
    expect(ports[4789]).toBe(defaults[4790]);
    expect([ports[8472], ports[53]]).toEqual([defaults[6081], defaults[6081]]);
    expect([ports[4790], ports[6081]]).toEqual([0, 0]);
  });
});

/** An IPv4 header that adds up, whatever length it claims. */
function ip4(total: number): string {
  const bytes = hex(`4500 ${total.toString(16).padStart(4, '0')} 00010000 40fe 0000 0a000001 0a000002`);
  const view = viewOf(bytes);
  view.setUint16(10, finish(sum(view, 0, 20)));
  return toHex(bytes);
}

const ETHERNET = '020000000002 020000000001';
const IP4 = `0800 ${ip4(20)}`;
const IP6 = `86dd 60000000 0008 fd 40 ${'00'.repeat(16)} ${'00'.repeat(16)} 0102030405060708`;
const ARP = '0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002';

/** One UDP datagram to port 7789, of which `captured` bytes are there. */
function guess(
  payload: string,
  captured = Number.POSITIVE_INFINITY,
  options = new WalkOptions(),
): Dissection {
  const data = hex(payload);
  const word = (n: number): string => n.toString(16).padStart(4, '0');
  const frame = hex(
    `${ETHERNET} 0800 4500 ${word(data.length + 28)} 00010000 4011 0000 c0000201 c0000202 c350 1e6d ${word(data.length + 8)} 0000 ${payload}`,
  );
  const d = new Dissection();
  const end = Math.min(frame.length, captured);
  dissect(viewOf(frame), 0, end, 1, d, options, frame.length);
  return d;
}

function isGuessed(d: Dissection): boolean {
  return vxlanRow(d, true) === 3;
}

describe('what is asked of the bytes', () => {
  test.each([
    ['IPv4', `0800000000000500 ${ETHERNET} ${IP4}`],
    ['IPv4 and padding', `0800000000000500 ${ETHERNET} ${IP4} ${'00'.repeat(26)}`],
    ['IPv6', `0800000000000500 ${ETHERNET} ${IP6}`],
    ['ARP', `0800000000000500 ${ETHERNET} ${ARP}`],
    ['IPv4 behind a tag', `0800000000000500 ${ETHERNET} 8100 0064 ${IP4}`],
    ['IPv4 behind two tags', `0800000000000500 ${ETHERNET} 88a8 0064 8100 0065 ${IP4}`],
    ['group policy', `8848006400000500 ${ETHERNET} ${IP4}`],
    ['an empty group', `8800000000000500 ${ETHERNET} ${IP4}`],
    ['VNI 0', `0800000000000000 ${ETHERNET} ${IP4}`],
  ])('%s: taken for VXLAN', (_, payload) => {
    expect(isGuessed(guess(payload))).toBe(true);
  });

  test.each([
    ['I clear', `0000000000000500 ${ETHERNET} ${IP4}`],
    ['a reserved flag', `0900000000000500 ${ETHERNET} ${IP4}`],
    ['reserved bits before the VNI', `0800000100000500 ${ETHERNET} ${IP4}`],
    ['a reserved byte behind the VNI', `0800000000000501 ${ETHERNET} ${IP4}`],
    ['policy bits without G', `0848006400000500 ${ETHERNET} ${IP4}`],
    ['G without I', `8000006400000500 ${ETHERNET} ${IP4}`],
    ['a reserved bit beside policy bits', `8858006400000500 ${ETHERNET} ${IP4}`],
    ['a group address as source', `0800000000000500 020000000002 030000000001 ${IP4}`],
    ['a checksum that is wrong', `0800000000000500 ${ETHERNET} ${IP4.replace('40fe', '40fd')}`],
    ['an IPv4 length past the end', `0800000000000500 ${ETHERNET} 0800 ${ip4(0x15)}`],
    ['an IPv4 length below the header', `0800000000000500 ${ETHERNET} 0800 ${ip4(0x13)}`],
    ['an IPv4 length of 0 where it could be told', `0800000000000500 ${ETHERNET} 0800 ${ip4(0x00)}`],
    ['an IPv6 length that is too small', `0800000000000500 ${ETHERNET} ${IP6.replace('0008 fd', '0007 fd')}`],
    ['an IPv6 length that is too large', `0800000000000500 ${ETHERNET} ${IP6.replace('0008 fd', '0009 fd')}`],
    ['IPv4 named IPv6', `0800000000000500 ${ETHERNET} ${IP4.replace('0800 ', '86dd ')} ${'00'.repeat(40)}`],
    ['half of an ARP packet', `0800000000000500 ${ETHERNET} ${ARP.slice(0, -8)}`],
    ['three tags', `0800000000000500 ${ETHERNET} 8100 0064 8100 0064 8100 0064 ${IP4}`],
    ['an EtherType that nobody knows', `0800000000000500 ${ETHERNET} 88b5 ${IP4}`],
    ['a header and nothing else', '0800000000000500'],
    ['tags and nothing else', `0800000000000500 ${ETHERNET} ${'8100 8100'.repeat(5)}`],
  ])('%s: not', (_, payload) => {
    const d = guess(payload);
    expect(isGuessed(d)).toBe(false);
    expect(d.kind(3)).toBe(L.payload);
  });

  test('a capture that was cut behind the inner header is enough', () => {
    const payload = `0800000000000500 ${ETHERNET} ${IP6}`;
    expect(isGuessed(guess(payload, 42 + 8 + 14 + 40))).toBe(true);
    expect(isGuessed(guess(payload, 42 + 8 + 14 + 39))).toBe(false);
  });

  test('the VXLAN row alone is marked', () => {
    const payload = `0800000000000500 ${ETHERNET} ${IP4}`;
    const d = guess(payload);
    expect(Array.from({ length: d.count }, (_, row) => d.flags(row) & LAYER_FLAG.guessed)).toEqual([
      0,
      0,
      0,
      LAYER_FLAG.guessed,
      0,
      0,
    ]);
    const options = new WalkOptions({ heuristics: false });
    expect(guess(payload, undefined, options).kind(3)).toBe(L.payload);
  });

  test('DNS queries on other ports are guessed by the same switch', () => {
    const query = '962e 0100 0001 0000 0000 0000 03777777 00 0001 0001';
    expect(guess(query).kind(3)).toBe(L.dns);
    expect(guess(query, undefined, new WalkOptions({ heuristics: false })).kind(3)).toBe(L.payload);
  });
});
