import { describe, expect, test } from 'vitest';
import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { Decap } from '../../../src/core/edit/decap.ts';
import { Outlet } from '../../../src/core/edit/outlet.ts';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { PcapWriter } from '../../../src/core/pcap/pcap-writer.ts';
import { AnyReader, readAll } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { bareIpAt, bareIpLength } from '../../../src/live/send/bare-ip.ts';
import { Held } from '../../../src/live/send/held.ts';
import type { PickOptions } from '../../../src/live/send/pick.ts';
import { Pick } from '../../../src/live/send/pick.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { collect } from '../../support/written.ts';

interface Picked {
  readonly packets: readonly Uint8Array[];
  readonly ports: readonly number[];
  readonly skipped: Readonly<Record<string, number>>;
}

function picked(capture: Uint8Array, options: Partial<PickOptions> = {}): Picked {
  const held = new Held();
  const sight = new Sight();
  const skipped = new Map<string, number>();
  const reader: AnyReader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    pick.packet(sight, meta, view, start, end);
  });
  const pick = new Pick(held, reader, skipped, {
    what: 'frames',
    begins: 'ethernet',
    vni: null,
    cut: 'skip',
    from: 'x.pcap',
    to: 'eth0',
    ...options,
  });
  reader.push(capture);
  reader.end();
  pick.end();
  const packets = Array.from({ length: held.count }, (_, i) =>
    held.bytes.slice(held.starts[i], held.ends[i]),
  );
  return { packets, ports: held.ports.slice(0, held.count), skipped: Object.fromEntries(skipped) };
}

/** The frames that `vxlab decap` writes. */
function decapped(capture: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const outlet = new Outlet((bytes) => chunks.push(bytes.slice()), 'pcap', LINKTYPE.ethernet);
  const sight = new Sight();
  const reader: AnyReader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    decap.packet(sight, meta, view, start, end);
  });
  const decap = new Decap(outlet, reader);
  reader.push(capture);
  reader.end();
  outlet.flush();
  return readAll(new Uint8Array(Buffer.concat(chunks))).packets.map(({ bytes }) => bytes);
}

/** The first packet of a capture, cut or of another link type. */
function oneOf(bytes: Uint8Array, linkType: number = LINKTYPE.ethernet, original = bytes.length): Uint8Array {
  return collect((sink) => {
    const writer = new PcapWriter(sink, { linkType });
    writer.writePacket(0, 1, 0, viewOf(bytes), 0, bytes.length, original);
    return writer;
  }).bytes;
}

describe('what of a capture is sent', () => {
  const kernel = captureBytes('kernel/unicast4.pcap');

  test('frames as they were captured', () => {
    const { packets, skipped } = picked(kernel);
    expect(packets.map(toHex)).toEqual(readAll(kernel).packets.map(({ bytes }) => toHex(bytes)));
    expect(skipped).toEqual({});
  });

  test.each(['kernel/unicast4.pcap', 'kernel/outer-frag.pcap', 'docker-swarm/traffic-worker1-eth0.pcap'])(
    'the frames inside tunnels are those that decap writes: %s',
    (name) => {
      const frames = decapped(captureBytes(name));
      expect(frames.length).toBeGreaterThan(0);
      expect(picked(captureBytes(name), { what: 'inner' }).packets.map(toHex)).toEqual(frames.map(toHex));
    },
  );

  test.each(['kernel/unicast4.pcap', 'kernel/outer-frag.pcap', 'kernel/ipv6-underlay.pcap'])(
    'datagrams begin with their VXLAN header, hold the same frames and keep their source port: %s',
    (name) => {
      const { packets, ports } = picked(captureBytes(name), { what: 'datagrams' });
      const frames = decapped(captureBytes(name)).map(toHex);
      expect(packets.map((bytes) => toHex(bytes.subarray(vxlan.HEADER_LEN)))).toEqual(frames);
      const sight = new Sight();
      const crossing = new Crossing();
      const seen: [number, number][] = [];
      const reader = new AnyReader((view, start, end, meta) => {
        sight.read(view, start, end, meta);
        const part = sight.parts.find((one) => crossing.find(one.view, one.d, one.from));
        if (part === undefined) return;
        seen.push([crossing.vni, part.view.getUint16(part.d.start(crossing.udp))]);
      });
      reader.push(captureBytes(name));
      reader.end();
      expect(packets.map((bytes, i) => [vxlan.vni(viewOf(bytes), 0), ports[i]])).toEqual(seen);
    },
  );

  test('packets without a tunnel, and fragments, are counted', () => {
    const mixed = captureBytes('kernel/outer-frag.pcap');
    const { packets, skipped } = picked(mixed, { what: 'datagrams' });
    const { fragments = 0, withoutTunnel = 0 } = skipped;
    expect(fragments).toBeGreaterThan(0);
    expect(packets.length + fragments + withoutTunnel).toBe(readAll(mixed).packets.length);
  });

  test('a tunnel gets a header of its VNI', () => {
    const [first = new Uint8Array()] = picked(kernel, { vni: 4097 }).packets;
    expect(toHex(first.subarray(0, 8))).toBe('0800000000100100');
    expect(toHex(first.subarray(8))).toBe(toHex(readAll(kernel).packets[0]?.bytes ?? first));
  });

  test('what was cut short is left out, sent as it is, or padded with zeros', () => {
    const cut = oneOf(hex('020000000002 020000000001 0800 45'), LINKTYPE.ethernet, 17);
    expect(picked(cut)).toMatchObject({ packets: [], skipped: { cutShort: 1 } });
    expect(picked(cut, { cut: 'send' }).packets.map(toHex)).toEqual(['020000000002020000000001080045']);
    expect(picked(cut, { cut: 'pad' }).packets.map(toHex)).toEqual(['0200000000020200000000010800450000']);
    const snapped = captureBytes('formats/snaplen96.pcap');
    const all = readAll(snapped).packets;
    const whole = all.filter((one) => one.bytes.length === one.originalLength);
    expect(whole.length).toBeLessThan(all.length);
    expect(picked(snapped).packets).toHaveLength(whole.length);
    expect(picked(snapped, { cut: 'pad' }).packets.map(({ length }) => length)).toEqual(
      all.map(({ originalLength }) => originalLength),
    );
  });

  test('a capture with no frames for the place is refused in a sentence', () => {
    expect(() => picked(captureBytes('formats/any-sll2.pcap'))).toThrow(
      'x.pcap holds packets of link type LINUX_SLL2, and eth0 takes Ethernet frames',
    );
    expect(() => picked(oneOf(hex('00'), LINKTYPE.radiotap), { begins: 'ip', to: 'tun0' })).toThrow(
      'link type IEEE802_11_RADIO, and tun0 takes IP packets',
    );
  });
});

describe('for an interface without Ethernet', () => {
  const ip = '4500001c 00010000 4011 66ce 0a000001 0a000002 c000 0009 0008 2bd2';
  const pad = '000000000000';

  test.each([
    ['Ethernet, and its padding', LINKTYPE.ethernet, `020000000002 020000000001 0800 ${ip} ${pad}`],
    ['two VLAN tags', LINKTYPE.ethernet, `020000000002 020000000001 88a80003 81000004 0800 ${ip}`],
    ['nothing', LINKTYPE.raw, ip],
    ['a loopback header', LINKTYPE.null, `02000000 ${ip}`],
    ['a cooked header', LINKTYPE.linuxSll, `0000 0001 0006 020000000001 0000 0800 ${ip}`],
    [
      'a cooked header of the second kind',
      LINKTYPE.linuxSll2,
      `0800 0000 00000001 0001 00 06 0200000000010000 ${ip}`,
    ],
  ])('%s is taken off', (_, linkType, packet) => {
    const { packets } = picked(oneOf(hex(packet), linkType), { begins: 'ip' });
    expect(packets.map(toHex)).toEqual([toHex(hex(ip))]);
  });

  test('what is no IP is left out', () => {
    const arp = hex('ffffffffffff 020000000001 0806 0001 0800 06 04 0001');
    expect(picked(oneOf(arp), { begins: 'ip' })).toMatchObject({ packets: [], skipped: { notIp: 1 } });
  });

  test('IPv6 says its length itself', () => {
    const six = hex(`60000000 0002 11 40 ${'00'.repeat(32)} abcd ${pad}`);
    const view = viewOf(six);
    expect(bareIpAt(LINKTYPE.raw, view, 0, six.length)).toBe(0);
    expect(bareIpLength(view, 0)).toBe(42);
  });

  test.each([[''], ['4500'], ['50'.repeat(40)], ['60'.repeat(39)], [`45000010${'00'.repeat(16)}`]])(
    'no header, no packet: %s',
    (text) => {
      const bytes = hex(text);
      expect(bareIpAt(LINKTYPE.raw, viewOf(bytes), 0, bytes.length)).toBe(-1);
    },
  );
});
