import { describe, expect, test } from 'vitest';
import { CHECKSUM, checksumVerdict, isOffloaded } from '../../../src/core/dissect/checksums.ts';
import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { Dissection, L, LAYER_PROTOCOLS } from '../../../src/core/dissect/layer.ts';
import { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import { summarize } from '../../../src/core/inspect/summary.ts';
import { tree } from '../../../src/core/inspect/tree.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import type { Part } from '../../../src/core/reassembly/sight.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { fold, pseudo4 } from '../../../src/core/wire/checksum.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { carried, cutsAt, ethernet, ip4, ip6, join, meta, payload, see, tunnelled, udp4 } from './cut.ts';

function stack({ d }: Part): string {
  return Array.from({ length: d.count }, (_, row) => LAYER_PROTOCOLS[d.kind(row)]).join(':');
}

/** The frames that carry `whole` in pieces cut at `places`. */
function frames(whole: Uint8Array, places: readonly number[], ip = {}): Uint8Array[] {
  return cutsAt(whole.length, places).map((cut) => ethernet(0x800, ip4(whole, ip, cut)));
}

/** Rows as numbers: kind, start, head, end, depth. */
function rows(d: Dissection): number[][] {
  return Array.from({ length: d.count }, (_, i) => [d.kind(i), d.start(i), d.head(i), d.end(i), d.depth(i)]);
}

function readAll(name: string, each: (sight: Sight, number: number) => void, snap = 1 << 20): Sight {
  const sight = new Sight();
  const reader = new AnyReader((view, start, end, about) => {
    sight.read(view, start, Math.min(end, start + snap), about);
    each(sight, about.number);
  });
  reader.push(captureBytes(name));
  reader.end();
  return sight;
}

const INNER = ethernet(0x800, ip4(udp4(1000, 2000, payload(1400))));

describe('a packet that completes a datagram has a second part', () => {
  test('over IPv4: headers that fit, the payload, and rows behind the IP header', () => {
    const sight = new Sight();
    const whole = tunnelled(INNER, 77);
    const [one, two] = frames(whole, [800]) as [Uint8Array, Uint8Array];
    expect(see(sight, one, 1)).toHaveLength(1);
    const parts = see(sight, two, 2);
    expect(parts.map(stack)).toEqual(['eth:ip:data', 'eth:ip:udp:vxlan:eth:ip:udp:data']);
    const last = sight.last;
    expect(last).toBe(parts[1]);
    expect(sight.own).toBe(parts[0]);
    expect([last.from, last.packets]).toEqual([2, [1, 2]]);
    expect(carried(last, 1)).toEqual(whole);
    const { view, d } = last;
    expect(ipv4.isFragment(view, d.start(1))).toBe(false);
    expect(ipv4.totalLength(view, d.start(1))).toBe(20 + whole.length);
    for (const row of [1, 2, 5, 6]) expect(checksumVerdict(view, d, row)).toBe(CHECKSUM.good);
    expect(d.firstFault).toBe(-1);
    expect(d.original).toBe(two.length);
    expect(d.network).toBe(5);
    expect([d.vxlan, d.innerVxlan]).toEqual([3, 3]);
    expect(summarize(view, d)).toMatchObject({ protocol: 'UDP', length: two.length, vni: 77 });
  });

  test('whichever fragment comes last completes it', () => {
    const whole = tunnelled(INNER, 77);
    const [a, b, c] = frames(whole, [480, 1000]) as [Uint8Array, Uint8Array, Uint8Array];
    for (const order of [
      [a, b, c],
      [c, b, a],
      [b, c, a],
      [c, a, b],
    ]) {
      const sight = new Sight();
      const counts = order.map((frame, i) => see(sight, frame, i + 1).length);
      expect(counts).toEqual([1, 1, 2]);
      expect(carried(sight.last, 1)).toEqual(whole);
      expect(stack(sight.last)).toBe('eth:ip:udp:vxlan:eth:ip:udp:data');
      expect([sight.last.d.vxlan, sight.last.d.fragment]).toEqual([3, -1]);
    }
  });

  test('the next packet has one part again', () => {
    const sight = new Sight();
    for (const frame of frames(tunnelled(INNER, 1), [800])) see(sight, frame);
    expect(sight.parts).toHaveLength(2);
    expect(see(sight, ethernet(0x800, ip4(udp4(1, 2, payload(9)))))).toHaveLength(1);
    expect(sight.last).toBe(sight.own);
  });

  test('over IPv6, behind hop-by-hop options: the fragment header stays, as of a whole datagram', () => {
    const whole = payload(100);
    const sight = new Sight();
    // What a later fragment says of the next header does not count (RFC 8200 s.4.5).
    const pieces = cutsAt(100, [40]).map((cut) =>
      ethernet(
        0x86dd,
        ip6(whole, cut, { first: 0, before: '2c 00 0104 00000000', next: cut.offset === 0 ? 253 : 17 }),
      ),
    );
    see(sight, pieces[0] as Uint8Array, 1);
    const { d, view, from } = see(sight, pieces[1] as Uint8Array, 2)[1] as Part;
    expect(stack(sight.last)).toBe('eth:ipv6:ipv6.hopopts:ipv6.fraghdr:data');
    expect(from).toBe(4);
    expect(view.getUint16(d.start(1) + 4)).toBe(8 + 8 + 100);
    expect(view.getUint32(d.start(3))).toBe(253 * 0x1000000);
    expect(carried(sight.last, 3)).toEqual(whole);
  });

  test('inner fragments: lengths around count the whole, checksums keep their verdict', () => {
    const inner = udp4(1000, 2000, payload(2500));
    const outer = frames(inner, [1200]).map((frame) => ethernet(0x800, ip4(tunnelled(frame, 5))));
    // Byte 41 is the second of the outer UDP checksum.
    for (const damage of [0, 0x5a]) {
      const sight = new Sight();
      const second = (outer[1] as Uint8Array).slice();
      second[41] = (second[41] as number) ^ damage;
      see(sight, outer[0] as Uint8Array, 1);
      const [own, part] = see(sight, second, 2) as [Part, Part];
      expect(stack(part)).toBe('eth:ip:udp:vxlan:eth:ip:udp:data');
      expect(part.from).toBe(6);
      const verdict = damage === 0 ? CHECKSUM.good : CHECKSUM.bad;
      expect(checksumVerdict(own.view, own.d, 2)).toBe(verdict);
      expect(checksumVerdict(part.view, part.d, 2)).toBe(verdict);
      for (const row of [1, 5, 6]) expect(checksumVerdict(part.view, part.d, row)).toBe(CHECKSUM.good);
      const again = new Dissection();
      dissect(part.view, 0, part.view.byteLength, 1, again);
      expect(rows(again)).toEqual(rows(part.d));
    }
  });

  test('an outer UDP checksum of 0 stays 0', () => {
    const outer = frames(udp4(1, 2, payload(2500)), [1200]).map((frame) => {
      const datagram = tunnelled(frame, 5);
      datagram.fill(0, 6, 8);
      return ethernet(0x800, ip4(datagram));
    });
    const sight = new Sight();
    for (const frame of outer) see(sight, frame);
    expect(checksumVerdict(sight.last.view, sight.last.d, 2)).toBe(CHECKSUM.absent);
  });

  test('an outer UDP checksum that was left to the network card is still told apart from a wrong one', () => {
    const [first, second] = frames(udp4(1, 2, payload(2500)), [1200]) as [Uint8Array, Uint8Array];
    const datagram = tunnelled(second, 5);
    viewOf(datagram).setUint16(6, fold(pseudo4(0xc0000201, 0xc0000202, 17, datagram.length)));
    const sight = new Sight();
    see(sight, ethernet(0x800, ip4(tunnelled(first, 5))));
    for (const { view, d } of see(sight, ethernet(0x800, ip4(datagram)))) {
      expect(checksumVerdict(view, d, 2)).toBe(CHECKSUM.bad);
      expect(isOffloaded(view, d, 2)).toBe(true);
    }
    expect(sight.parts).toHaveLength(2);
  });

  test('inner fragments in outer fragments make a third part', () => {
    const inner = udp4(1000, 2000, payload(2600));
    const outer = frames(inner, [1400]).flatMap((frame, i) =>
      frames(tunnelled(frame, 9), [1000], { id: 50 + i }),
    );
    const sight = new Sight();
    expect(outer.map((frame, i) => see(sight, frame, i + 1).length)).toEqual([1, 2, 1, 3]);
    expect(sight.parts.map(stack)).toEqual([
      'eth:ip:data',
      'eth:ip:udp:vxlan:eth:ip:data',
      'eth:ip:udp:vxlan:eth:ip:udp:data',
    ]);
    expect(sight.parts.map((part) => part.from)).toEqual([0, 2, 6]);
    expect(sight.parts.map((part) => part.packets)).toEqual([[], [3, 4], [2, 4]]);
    expect(carried(sight.last, 5)).toEqual(inner);
    expect(sight.reassembler.counts).toMatchObject({ fragments: 6, completed: 3 });
  });

  test('a datagram that fills 65535 bytes inside a tunnel: outer lengths are 0, which is all that is there', () => {
    const inner = payload(65515);
    const places = Array.from({ length: 60 }, (_, i) => i * 1200);
    const sight = new Sight();
    for (const frame of frames(inner, places, { protocol: 253 })) {
      see(sight, ethernet(0x800, ip4(tunnelled(frame, 5))));
    }
    const { view, d } = sight.last;
    expect(carried(sight.last, 5)).toEqual(inner);
    expect([ipv4.totalLength(view, d.start(1)), view.getUint16(d.start(2) + 4)]).toEqual([0, 0]);
    expect(ipv4.totalLength(view, d.start(5))).toBe(65535);
    expect(checksumVerdict(view, d, 2)).toBe(CHECKSUM.good);
    expect(sight.reassembler.counts.oversize).toBe(0);
  });

  test('fragments in LLC with an 802.3 length, which could not say how long the whole is', () => {
    const whole = payload(2400);
    const sight = new Sight();
    for (const cut of cutsAt(whole.length, [1200])) {
      const packet = ip4(whole, { protocol: 253 }, cut);
      see(sight, ethernet(packet.length + 8, join('aaaa03 000000 0800', packet)));
    }
    expect(stack(sight.last)).toBe('eth:llc:ip:data');
    expect(carried(sight.last, 2)).toEqual(whole);
  });

  test('options of the walk hold for the whole datagram too', () => {
    const sight = new Sight(new WalkOptions({ vxlan: [5000], depth: 0 }));
    for (const frame of frames(tunnelled(INNER, 77, 5000), [800])) see(sight, frame);
    expect(stack(sight.last)).toBe('eth:ip:udp:vxlan:data');
    expect(sight.last.d.firstFault).toBe(4);
  });

  test('VXLAN on a port of its own is seen in the whole datagram', () => {
    const sight = new Sight();
    for (const frame of frames(tunnelled(INNER, 77, 5000), [800])) see(sight, frame);
    expect(stack(sight.last)).toBe('eth:ip:udp:vxlan:eth:ip:udp:data');
    expect(tree(sight.last.view, sight.last.d).layers.map((l) => l.guessed)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('what belongs together', () => {
  const inner = udp4(1000, 2000, payload(1600));
  const [a, b] = frames(inner, [800]) as [Uint8Array, Uint8Array];
  const over = (frame: Uint8Array, vni: number, src = 0xc0000201): Uint8Array =>
    ethernet(0x800, ip4(tunnelled(frame, vni), { src }));
  const tagged = (frame: Uint8Array, tag: string): Uint8Array =>
    join(frame.subarray(0, 12), '8100', tag, frame.subarray(12));
  /** The IPv4 packet of a frame behind GRE with these flags and fields, in IPv4. */
  const gre = (frame: Uint8Array, fields: string): Uint8Array =>
    ethernet(0x800, ip4(join(fields, frame), { protocol: 47 }));
  const inGeneve = (frame: Uint8Array, vni: string): Uint8Array =>
    ethernet(0x800, ip4(udp4(50000, 6081, join('00006558', vni, '00', frame))));
  const inGpe = (frame: Uint8Array, vni: string): Uint8Array =>
    ethernet(0x800, ip4(udp4(50000, 4790, join('0c000003', vni, '00', frame))));
  const changed = (ip: object): Uint8Array => frames(inner, [800], ip)[1] as Uint8Array;

  test.each<[string, Uint8Array, Uint8Array, boolean]>([
    ['the same VNI', over(a, 5), over(b, 5), true],
    ['the same VNI by another path', over(a, 5), over(b, 5, 0xc0000299), true],
    ['two VNIs', over(a, 5), over(b, 6), false],
    ['in a tunnel and in the clear', over(a, 5), b, false],
    ['the same VLAN with another priority', tagged(a, '0064'), tagged(b, 'e064'), true],
    ['two VLANs', tagged(a, '0064'), tagged(b, '0065'), false],
    ['tagged and untagged', a, tagged(b, '0064'), false],
    ['the same GRE key', gre(a, '2000655800000007'), gre(b, '2000655800000007'), true],
    ['two GRE keys', gre(a, '2000655800000007'), gre(b, '2000655800000008'), false],
    ['a GRE key and none', gre(a, '2000655800000007'), gre(b, '00006558'), false],
    [
      'ERSPAN, as often as it counts',
      gre(a, '100088be 00000001 1000000000000000'),
      gre(b, '100088be 00000002 1000000000000000'),
      true,
    ],
    ['mirrored and not', gre(a, '100088be 00000001 1000000000000000'), gre(b, '00006558'), false],
    ['the same VNI of Geneve', inGeneve(a, '000007'), inGeneve(b, '000007'), true],
    ['two VNIs of Geneve', inGeneve(a, '000007'), inGeneve(b, '000008'), false],
    ['VXLAN and Geneve', over(a, 7), inGeneve(b, '000007'), false],
    ['two VNIs of GPE', inGpe(a, '000007'), inGpe(b, '000008'), false],
    ['IPv4 in IPv4 and bare', ethernet(0x800, ip4(a.subarray(14), { protocol: 4 })), b, false],
    ['another identification', a, changed({ id: 2 }), false],
    ['another protocol', a, changed({ protocol: 6 }), false],
    ['another source', a, changed({ src: 1 }), false],
    ['another destination', a, changed({ dst: 1 }), false],
    ['the direction back', a, changed({ src: 0xc0000202, dst: 0xc0000201 }), false],
  ])('%s', (_, one, two, together) => {
    const sight = new Sight();
    see(sight, one, 1);
    expect(see(sight, two, 2).length).toBe(together ? 2 : 1);
  });

  test.each<[string, object, boolean]>([
    ['the same', {}, true],
    ['another identification in the upper 16 bits', { id: 0x10001 }, false],
    ['another next header, which is the first fragment’s to say', { next: 6 }, true],
  ])('IPv6: %s', (_, two, together) => {
    const [c, d] = cutsAt(inner.length, [800]) as [never, never];
    const sight = new Sight();
    see(sight, ethernet(0x86dd, ip6(inner, c)), 1);
    expect(see(sight, ethernet(0x86dd, ip6(inner, d, two)), 2).length).toBe(together ? 2 : 1);
  });

  test('a capture taken at two taps: copies complete the datagram once more, or are passed over', () => {
    for (const [order, expected] of [
      [
        [a, b, a, b],
        [1, 2, 1, 2],
      ],
      [
        [a, a, b, b],
        [1, 1, 2, 1],
      ],
      [
        [b, b, a, a],
        [1, 1, 2, 1],
      ],
    ] as const) {
      const sight = new Sight();
      expect(order.map((frame, i) => see(sight, frame, i + 1).length)).toEqual(expected);
    }
  });
});

describe('what is never put together', () => {
  test('fragments that a snap length cut', () => {
    const whole = readAll('kernel/outer-frag.pcap', () => {});
    expect(whole.reassembler.counts.completed).toBe(6);
    let more = 0;
    const cut = readAll(
      'kernel/outer-frag.pcap',
      (sight) => {
        more += sight.parts.length - 1;
      },
      96,
    );
    expect(more).toBe(0);
    // The short ones are whole and wait for the others.
    expect(cut.reassembler.counts.fragments).toBeGreaterThan(0);
    expect(cut.reassembler.counts.completed).toBe(0);
  });

  test('what an ICMP error quotes', () => {
    const quoted = cutsAt(64, [32]).map((cut) => ip4(payload(64), {}, cut));
    const sight = new Sight();
    for (const packet of quoted) {
      see(sight, ethernet(0x800, ip4(join('0b01 0000 00000000', packet), { protocol: 1 })));
    }
    expect(sight.parts).toHaveLength(1);
    expect(sight.reassembler.counts.fragments).toBe(0);
  });

  test('a whole IPv6 datagram in one fragment, which is no fragment (RFC 6946)', () => {
    const sight = new Sight();
    const whole = udp4(1, 2, payload(32));
    see(sight, ethernet(0x86dd, ip6(whole, { offset: 0, length: whole.length, more: false })));
    expect(sight.own.d.fragment).toBe(-1);
    expect(stack(sight.last)).toBe('eth:ipv6:ipv6.fraghdr:udp:data');
  });

  test('padding behind the IP length is no payload', () => {
    const whole = payload(44);
    const sight = new Sight();
    for (const frame of frames(whole, [40], { protocol: 253 })) see(sight, join(frame, '00'.repeat(22)));
    expect(carried(sight.last, 1)).toEqual(whole);
  });

  test('bytes that are missing at the end of the frame', () => {
    const [a, b] = frames(payload(64), [32]) as [Uint8Array, Uint8Array];
    const sight = new Sight();
    see(sight, a);
    expect(see(sight, b.subarray(0, b.length - 1))).toHaveLength(1);
    expect(sight.reassembler.counts.fragments).toBe(1);
    expect(see(sight, b)).toHaveLength(2);
  });
});

test('a first fragment is no crossing; the packet that completes its datagram is one', () => {
  const crossing = new Crossing();
  const vnis: (number | null)[] = [];
  readAll('kernel/outer-frag.pcap', ({ last }, number) => {
    if (number >= 15 && number <= 18) vnis.push(crossing.find(last.view, last.d) ? crossing.vni : null);
  });
  expect(vnis).toEqual([null, 13, null, 13]);
});

test('a packet without a fragment leaves everything as it was', () => {
  const sight = new Sight();
  const { parts, own, reassembler } = sight;
  const view = viewOf(ethernet(0x800, ip4(tunnelled(INNER, 3))));
  sight.read(view, 0, view.byteLength, meta(1, 0, view.byteLength));
  expect(sight.parts).toBe(parts);
  expect(sight.own).toBe(own);
  expect(own.view).toBe(view);
  expect(own.d.kind(3)).toBe(L.vxlan);
  expect([reassembler.waiting, reassembler.bytes]).toEqual([0, 0]);
});
