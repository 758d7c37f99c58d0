import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Dissection, L, LAYER_FLAG, LAYERS_MAX, reportFault } from '../../../src/core/dissect/layer.ts';
import { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { dissect, LINK_TYPE } from '../../../src/core/dissect/walk.ts';
import { trailerStart } from '../../../src/core/inspect/fields-link.ts';
import type { Packet } from '../../../src/core/pcap/index.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { hex, viewOf } from '../../support/bytes.ts';
import type { Reading } from '../../support/columns.ts';
import { packetsOf, readPacket, values } from '../../support/columns.ts';

const PUBLIC = new URL('../../../fixtures/captures/public/', import.meta.url);

function packet(file: string, number = 1): Packet {
  return packetsOf(readFileSync(new URL(file, PUBLIC)))[number - 1] as Packet;
}

function read(file: string, number = 1, options?: WalkOptions): Reading {
  return readPacket(packet(file, number), options);
}

/** Made bytes of one packet, `original` long on the wire. */
function made(bytes: Uint8Array, options?: WalkOptions, original = bytes.length): Reading {
  const p = { number: 1, offset: 0, time: null, interfaceId: 0, direction: 0, comments: [] };
  return readPacket({ ...p, bytes, originalLength: original, linkType: 1 }, options);
}

function stack(reading: Reading): string {
  return reading.protocols.join(':');
}

function faults(reading: Reading): string[] {
  return reading.tree.layers.flatMap((layer) => (layer.fault === null ? [] : [layer.fault.text]));
}

const ETHERNET = '020000000002 020000000001';

/** An IPv4 header of 20 bytes; its checksum is left 0. */
function ip4(total: number, protocol: number, fragment = 0): string {
  const word = (n: number): string => n.toString(16).padStart(4, '0');
  return `4500 ${word(total)} 0001 ${word(fragment)} 40 ${protocol.toString(16).padStart(2, '0')} 0000 c0000201 c0000202`;
}

function udp(from: number, to: number, length: number): string {
  return [from, to, length, 0].map((n) => n.toString(16).padStart(4, '0')).join('');
}

/** VXLAN in VXLAN, `times` over, around an empty ARP-typed frame. */
function nested(times: number, port = 4789): Uint8Array {
  let inner = `${ETHERNET} 88b5`;
  for (let i = 0; i < times; i++) {
    const payload = hex(inner).length + 16;
    inner = `${ETHERNET} 0800 ${ip4(payload + 20, 17)} ${udp(50000, port, payload)} 08000000 ${(100 + i).toString(16).padStart(6, '0')}00 ${inner}`;
  }
  return hex(inner);
}

describe('captures that others made are walked layer by layer', () => {
  test.each([
    ['tcpdump/vxlan.pcap', 1, 'eth:ip:udp:vxlan:eth:ip:icmp:data'],
    ['tcpdump/vxlan_port_8472.pcap', 2, 'eth:ip:udp:vxlan:eth:arp'],
    ['ndpi/vxlan.pcap', 1, 'eth:vlan:ip:udp:vxlan:eth:ip:udp:dns'],
    ['suricata-verify/vxlan-non-zero-reserved-fields.pcap', 1, 'eth:ip:udp:vxlan:eth:ip:tcp'],
    ['zeek/tunnels/vxlan-encapsulated-igmp-v2.pcap', 1, 'eth:ip:udp:vxlan:eth:ip:igmp'],
    ['tcpdump/nsh-over-vxlan-gpe.pcap', 1, 'eth:ip:udp:vxlan:nsh:ip:udp:data'],
    ['tcpdump/gso-ipv6-vxlan-ipv6.pcap', 1, 'eth:ipv6:udp:vxlan:eth:ipv6:tcp:data'],
    ['tcpdump/bigtcp-ipv4-vxlan-ipv4.pcap', 1, 'eth:ip:udp:vxlan:eth:ip:tcp:data'],
    ['tcpdump/bigtcp-ipv4-vxlan-ipv6.pcap', 1, 'eth:ip:udp:vxlan:eth:ipv6:tcp:data'],
    ['tcpdump/bigtcp-ipv6-vxlan-ipv4.pcap', 1, 'eth:ipv6:udp:vxlan:eth:ip:tcp:data'],
    ['tcpdump/bigtcp-ipv6-hbh.pcap', 1, 'eth:ipv6:ipv6.hopopts:tcp:data'],
    ['tcpdump/ipv6_jumbogram_1.pcap', 1, 'eth:ipv6:ipv6.hopopts:icmpv6:data'],
    ['tcpdump/geneve-gcp.pcap', 1, 'eth:ip:udp:geneve:ip:tcp'],
    ['suricata-verify/geneve-decoder.pcap', 3, 'eth:ip:udp:geneve:eth:ip:icmp:data'],
    ['tcpdump/mpls-over-udp.pcap', 1, 'eth:ip:udp:mpls:ip:icmp:data'],
    ['zeek/l2/mpls-in-vlan.pcap', 3, 'eth:vlan:mpls:mpls:ip:tcp:http'],
    ['suricata-verify/erspan-typeI-02.pcap', 1, 'eth:ip:gre:erspan:eth:vlan:ip:icmp:data'],
    ['suricata-verify/erspan-typeII-01.pcap', 3, 'eth:ip:gre:erspan:eth:ip:icmp:data'],
    ['suricata-verify/arp-encap.pcap', 1, 'eth:vlan:ip:gre:arp'],
    ['suricata-verify/nsh-type1.pcap', 1, 'eth:nsh:ip:udp:data'],
    ['tcpdump/802.1ad_QinQ.pcap', 1, 'eth:ieee8021ad:vlan:arp'],
    ['zeek/l2/vlan-qinqinq.pcap', 1, 'eth:vlan:vlan:vlan:ip:tcp'],
    ['zeek/l2/snap-arp.pcapng', 1, 'eth:llc:arp'],
    ['pcapplusplus/null_loopback.pcap', 1, 'null:ipv6:tcp:data'],
    ['pcapplusplus/null_loopback.pcap', 3, 'null:ip:udp:dns'],
    ['tcpdump/LINKTYPE_RAW_ipv6.pcap', 1, 'raw:ipv6:udp:dns'],
    ['tcpdump/LINKTYPE_IPV4.pcap', 1, 'ip:udp:dns'],
    ['pcapplusplus/sll2.pcap', 1, 'sll:ip:tcp:data'],
    ['arkime/ipv6-in-ipv4.pcap', 1, 'eth:ip:ipv6:icmpv6:data'],
  ])('%s, packet %i: %s', (file, number, expected) => {
    const reading = read(file, number);
    expect(stack(reading)).toBe(expected);
    expect(faults(reading)).toEqual([]);
  });

  test('every VXLAN packet of the public captures has the VNI that tshark and tcpdump agree on', () => {
    const vnis = (file: string): number[] => [
      ...new Set(packetsOf(readFileSync(new URL(file, PUBLIC))).map((p) => readPacket(p).summary.vni ?? -1)),
    ];
    expect(vnis('tcpdump/vxlan.pcap')).toEqual([100]);
    expect(vnis('zeek/tunnels/vxlan.pcap')).toEqual([123]);
    expect(vnis('ndpi/vxlan.pcap')).toEqual([1111]);
    expect(vnis('zeek/tunnels/vxlan-overlapping-http-get.pcap').sort()).toEqual([-1, 4242, 4711]);
    expect(vnis('pcapplusplus/Vxlan1.pcap')).toEqual([3000001]);
    expect(vnis('tcpdump/nsh-over-vxlan-gpe.pcap')).toEqual([16777215]);
    expect(vnis('tcpdump/bigtcp-ipv6-vxlan-ipv4.pcap')).toEqual([5001]);
  });

  test('group policy bits are read where the draft has them', () => {
    const reading = read('pcapplusplus/Vxlan1.pcap');
    const flags = [
      'vxlan.flags',
      'vxlan.flag_g',
      'vxlan.flag_i',
      'vxlan.flag_d',
      'vxlan.flag_a',
      'vxlan.gbp',
    ];
    expect(flags.map((name) => values(reading, name)[0])).toEqual(['0x8848', '1', '1', '1', '1', '100']);
  });

  test('a BIG TCP frame, all of whose lengths are 0, holds the 80000 bytes that tcpdump finds', () => {
    const reading = read('tcpdump/bigtcp-ipv4-vxlan-ipv4.pcap');
    expect(values(reading, 'ip.len')).toEqual(['0', '0']);
    expect(values(reading, 'udp.length')).toEqual(['0']);
    expect(values(reading, 'tcp.len')).toEqual(['80000']);
  });
});

describe('ports', () => {
  test('the destination port is asked first, then the source port', () => {
    const frame = (from: number, to: number): Uint8Array =>
      hex(`${ETHERNET} 0800 ${ip4(50, 17)} ${udp(from, to, 30)} 0800000000000500 ${ETHERNET} 88b5`);
    expect(made(frame(49152, 4789)).d.kind(3)).toBe(L.vxlan);
    expect(made(frame(8472, 40000)).d.kind(3)).toBe(L.vxlan);
    expect(made(frame(4789, 4790)).d.kind(3)).toBe(L.gpe);
    expect(made(frame(4789, 6081)).d.kind(3)).toBe(L.geneve);
    expect(made(frame(53, 4789)).d.kind(3)).toBe(L.vxlan);
    expect(made(frame(40000, 7789)).d.kind(3)).toBe(L.payload);
    expect(made(frame(40000, 7789), new WalkOptions({ vxlan: [7789] })).d.kind(3)).toBe(L.vxlan);
    expect(made(frame(40000, 4789), new WalkOptions({ vxlan: [7789] })).d.kind(3)).toBe(L.payload);
  });

  test('a port or depth that cannot be is refused', () => {
    expect(() => new WalkOptions({ vxlan: [0] })).toThrow(VxlabError);
    expect(() => new WalkOptions({ geneve: [65536] })).toThrow(/65536 is not a UDP port/);
    expect(() => new WalkOptions({ depth: 33 })).toThrow(/33 is not a tunnel depth/);
  });
});

describe('tunnels in tunnels', () => {
  test('each frame is one tunnel deeper, and both ends of the chain are known', () => {
    const { d, view } = made(nested(3));
    expect(Array.from({ length: d.count }, (_, i) => d.depth(i))).toEqual([
      0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3,
    ]);
    expect(vxlan.vni(view, d.start(d.vxlan))).toBe(102);
    expect(vxlan.vni(view, d.start(d.innerVxlan))).toBe(100);
  });

  test('the walk stops at the depth that was set and says so', () => {
    expect(faults(made(nested(8)))).toEqual([]);
    const reading = made(nested(9));
    expect(faults(reading)).toHaveLength(1);
    expect(faults(reading)[0]).toMatch(/^Frame: 8 layers or tunnels within one another are the most/);
    expect(reading.d.depth(reading.d.count - 1)).toBe(8);
    expect(stack(made(nested(2), new WalkOptions({ depth: 0 })))).toBe('eth:ip:udp:vxlan:data');
  });

  test('rows are bounded: a frame of tags alone ends with a fault', () => {
    const reading = made(hex(`${ETHERNET} 8100 ${'0001 8100'.repeat(200)}`));
    expect(reading.d.count).toBe(LAYERS_MAX);
    expect(reportFault(reading.d, LAYERS_MAX - 1)?.kind).toBe('endless');
  });
});

describe('a fault names layer, place, need, what was there and the field that set the bound', () => {
  const plain = `${ETHERNET} 0800 ${ip4(40, 17)} ${udp(1000, 2000, 20)} 000000000000000000000000`;

  test('a whole packet has none', () => {
    expect(faults(made(hex(plain)))).toEqual([]);
  });

  test('an IPv4 length past the frame', () => {
    const reading = made(hex(plain.replace(ip4(40, 17), ip4(41, 17))));
    expect(reading.tree.layers[2]?.fault).toMatchObject({
      layer: 'IPv4',
      kind: 'overrun',
      offset: 14,
      needed: 41,
      had: 40,
      bound: 'frame length',
    });
    expect(stack(reading)).toBe('eth:ip:udp:data');
  });

  test('a UDP length past the IPv4 length', () => {
    const reading = made(hex(plain.replace(udp(1000, 2000, 20), udp(1000, 2000, 130))));
    expect(faults(reading)).toEqual([
      'UDP: the length field says 130, but only 20 bytes are left (bounded by the IPv4 total length); UDP starts at byte 34.',
    ]);
  });

  test('a header past the UDP length', () => {
    const reading = made(hex(`${ETHERNET} 0800 ${ip4(32, 17)} ${udp(1000, 4789, 12)} 08000000`));
    expect(reading.tree.layers.at(-1)?.fault).toMatchObject({
      layer: 'VXLAN',
      offset: 42,
      needed: 8,
      had: 4,
      bound: 'UDP length',
    });
  });

  test('a capture that was cut is told apart from a packet that lies', () => {
    const cut = made(hex(plain).slice(0, 44), undefined, 54);
    expect(faults(cut)).toEqual([]);
    expect(cut.d.flags(1) & LAYER_FLAG.cut).not.toBe(0);
    const header = made(hex(plain).slice(0, 38), undefined, 54);
    expect(header.tree.layers.at(-1)?.fault).toMatchObject({
      layer: 'UDP',
      needed: 8,
      had: 4,
      bound: 'captured length',
    });
    const lie = made(hex(plain.replace(ip4(40, 17), ip4(400, 17))).slice(0, 44), undefined, 54);
    expect(lie.tree.layers[2]?.fault).toMatchObject({
      layer: 'IPv4',
      needed: 400,
      had: 40,
      bound: 'frame length',
    });
  });

  test('a length below the header, a wrong version and an 802.3 length past the frame', () => {
    const underrun = made(hex(`${ETHERNET} 0800 ${ip4(19, 17)} 0000`));
    expect(underrun.tree.layers.at(-1)?.fault?.kind).toBe('underrun');
    const version = made(hex(`${ETHERNET} 86dd ${ip4(40, 17)} ${'00'.repeat(24)}`));
    expect(version.tree.layers.at(-1)?.fault).toMatchObject({ layer: 'IPv6', kind: 'version', needed: 4 });
    const long = made(hex(`${ETHERNET} 0040 424203 00`));
    expect(long.tree.layers[1]?.fault).toMatchObject({
      layer: 'Ethernet',
      kind: 'overrun',
      needed: 78,
      had: 18,
    });
  });
});

test('a query to a resolver on a port of its own is taken for DNS, and marked as guessed', () => {
  const query = '962e 0100 0001 0000 0000 0000 03777777 00 0001 0001';
  const frame = (payload: string): Uint8Array => {
    const length = hex(payload).length + 8;
    return hex(`${ETHERNET} 0800 ${ip4(length + 20, 17)} ${udp(56494, 33176, length)} ${payload}`);
  };
  const reading = made(frame(query));
  expect(stack(reading)).toBe('eth:ip:udp:dns');
  expect(reading.tree.layers.map((l) => l.guessed)).toEqual([false, false, false, true]);
  expect(reading.summary.info).toBe('Standard query 0x962e A www');
  const edns = query.replace('0000 03', '0001 03');
  expect(stack(made(frame(`${edns} 00 0029 1000 00000000 0000`)))).toBe('eth:ip:udp:dns');
  for (const other of [
    edns,
    `${query} 00`,
    query.replace('0100', '8100'),
    query.replace('0001 0000', '0002 0000'),
    query.replace('0001 0001', '0020 0001'),
    query.replace('03777777', '43777777'),
    query.replace('03777777', '3f777777'),
    query.slice(0, -5),
  ]) {
    expect(stack(made(frame(other)))).toBe('eth:ip:udp:data');
  }
});

describe('fragments, quotes and trailers', () => {
  test('only the first fragment has the transport header, and its length is no lie', () => {
    const first = made(hex(`${ETHERNET} 0800 ${ip4(28, 17, 0x2000)} ${udp(1000, 4789, 1500)}`));
    expect(stack(first)).toBe('eth:ip:udp');
    expect(faults(first)).toEqual([]);
    const later = made(hex(`${ETHERNET} 0800 ${ip4(28, 17, 0x0002)} ${udp(1000, 4789, 1500)}`));
    expect(stack(later)).toBe('eth:ip:data');
  });

  test('an IPv6 fragment header on a whole datagram makes no fragment (RFC 6946)', () => {
    const ip6 = `60000000 0010 2c 40 ${'20010db8'.padEnd(32, '0')} ${'20010db8'.padEnd(32, '0')}`;
    const whole = made(hex(`${ETHERNET} 86dd ${ip6} 1100 0000 00000001 ${udp(1, 2, 8)}`));
    expect(stack(whole)).toBe('eth:ipv6:ipv6.fraghdr:udp');
    expect(whole.d.flags(3) & LAYER_FLAG.fragment).toBe(0);
    const later = made(hex(`${ETHERNET} 86dd ${ip6} 1100 0008 00000001 ${udp(1, 2, 8)}`));
    expect(stack(later)).toBe('eth:ipv6:ipv6.fraghdr:data');
  });

  test('what an ICMP error quotes is marked, is cut without fault and does not count as the packet', () => {
    const error = `0303 0000 00000000 ${ip4(500, 17)} ${udp(1000, 2000, 480)}`;
    const { d, summary, ...reading } = made(hex(`${ETHERNET} 0800 ${ip4(56, 1)} ${error}`));
    expect(reading.protocols).toEqual(['eth', 'ip', 'icmp', 'ip', 'udp']);
    expect([0, 1, 2, 3, 4].map((i) => d.quoted(i))).toEqual([false, false, false, true, true]);
    expect(faults({ d, summary, ...reading })).toEqual([]);
    expect(d.network).toBe(1);
    expect(d.transport).toBe(2);
    expect(summary.info).toBe('Destination unreachable (Port unreachable)');
  });

  test('the length of RFC 4884 ends the quote before the extensions', () => {
    const error = `0b00 0000 00070000 ${ip4(28, 17)} ${udp(1000, 2000, 8)} 2000beef0000`;
    const { d } = made(hex(`${ETHERNET} 0800 ${ip4(62, 1)} ${error}`));
    expect(d.end(3)).toBe(14 + 20 + 8 + 28);
  });

  test('padding after the IPv4 total length belongs to Ethernet', () => {
    const frame = `${ETHERNET} 0800 ${ip4(28, 17)} ${udp(1, 2, 8)}`;
    const padded = made(hex(`${frame} ${'00'.repeat(18)}`));
    expect(trailerStart(padded.d, 0)).toBe(42);
    expect(padded.tree.layers[0]?.fields.find((f) => f.name === 'eth.padding')).toMatchObject({
      from: 42,
      to: 60,
    });
    expect(values(made(hex(`${frame} 0000 beef`)), 'eth.trailer')).toEqual(['00:00:be:ef']);
    expect(stack(padded)).toBe('eth:ip:udp');
  });
});

test('a Dissection is filled anew: nothing of the packet before is left', () => {
  const d = new Dissection();
  const bad = hex(`${ETHERNET} 0800 ${ip4(19, 17)} 0000`);
  dissect(viewOf(bad), 0, bad.length, LINK_TYPE.ethernet, d);
  expect(d.firstFault).toBe(1);
  const good = nested(1);
  dissect(viewOf(good), 0, good.length, LINK_TYPE.ethernet, d);
  expect(d.firstFault).toBe(-1);
  expect(Array.from({ length: d.count }, (_, i) => d.fault(i))).toEqual([0, 0, 0, 0, 0]);
  dissect(viewOf(good), 0, 0, LINK_TYPE.ethernet, d);
  expect(d.vxlan).toBe(-1);
});
