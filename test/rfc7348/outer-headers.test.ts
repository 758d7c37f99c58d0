// RFC 7348's sentences on the outer headers (s.4.2, s.4.3, s.5), judged by the bytes that two nodes with the profile
// `flood-and-learn` put on their cables, a router in between.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../src/core/frame/frame.ts';
import { readAll } from '../../src/core/pcap/index.ts';
import { groupMac4 } from '../../src/core/wire/address.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import * as udp from '../../src/core/wire/udp.ts';
import { Peers } from '../../src/engine/fabric/peers.ts';
import type { TunnelReceiver } from '../../src/engine/fabric/underlay.ts';
import type { Host } from '../../src/engine/host/host.ts';
import { Tunnel } from '../../src/engine/host/tunnel.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { A, B, ether, wrap } from '../engine/fabric/ground.ts';
import { concat, packet4, udpBytes } from '../engine/host/packets.ts';
import { viewOf } from '../support/bytes.ts';
import { captureBytes } from '../support/captures.ts';
import { gateway, Lab, pattern } from '../support/lab.ts';

const RFC = profileOf('flood-and-learn');
const TUNNEL = { sourcePorts: RFC.sourcePorts, checksum: RFC.udpChecksum, ttl: RFC.ttl };
const GROUP = '239.0.16.0';

class Received implements TunnelReceiver {
  readonly got: Uint8Array[] = [];
  input(frame: Frame): void {
    this.got.push(frame.toBytes());
    frame.release();
  }
}

let lab: Lab;
let peers: Peers;
let a: Host;
let r: Host;
let b: Host;
let atB: Received;
let ta: Tunnel;
let tb: Tunnel;

function setUp(port: number = RFC.port, far = 1500): void {
  lab = new Lab();
  peers = new Peers();
  const options = { reassembly: !RFC.discardFragments };
  a = lab.host('a', options);
  r = lab.host('r', { forwarding: true });
  b = lab.host('b', options);
  lab.wire(a, { ips: ['10.0.1.1/24', 'fd01::1/64'] }, r, { ips: ['10.0.1.254/24', 'fd01::fe/64'] });
  const plug = (ips: string[]): { ips: string[]; mtu: number } => ({ ips, mtu: far });
  lab.wire(r, plug(['10.0.2.254/24', 'fd02::fe/64']), b, plug(['10.0.2.1/24', 'fd02::1/64']));
  for (const via of ['10.0.1.254', 'fd01::fe']) gateway(a, via);
  for (const via of ['10.0.2.254', 'fd02::fe']) gateway(b, via);
  atB = new Received();
  ta = new Tunnel(a, peers, new Received(), { ...TUNNEL, port });
  tb = new Tunnel(b, peers, atB, { ...TUNNEL, port });
}

beforeEach(() => setUp());
afterEach(() => lab.end());

const send = (to: string, payload: Uint8Array, entropy = 0): void =>
  ta.sendTo(peers.idOf(parseIp(to)), entropy, 0, lab.pool.from(payload));
/** IP packets that a host sent: the frames' bytes. */
const by = (host: string, type = 0x0800): Uint8Array[] => lab.frames(type, host).map(({ bytes }) => bytes);
const last = (host: string, type = 0x0800): DataView => viewOf(by(host, type).at(-1) as Uint8Array);
/** A VXLAN packet from elsewhere, as it comes to b; `checksum` null leaves the right one in. */
function arrive(payload: Uint8Array, checksum: number | null): void {
  const datagram = udpBytes('10.0.9.9', '10.0.2.1', 50000, RFC.port, payload);
  if (checksum !== null) viewOf(datagram).setUint16(6, checksum);
  const to = b.interfaces[0]?.mac as number;
  lab.inject(b, packet4({ to, from: B }, { src: '10.0.9.9', dst: '10.0.2.1', proto: 17 }, datagram));
}
const PAYLOAD = wrap(100, ether(B, A));

describe('RFC 7348 s.5, outer UDP header', () => {
  test('s.5: the checksum SHOULD be transmitted as zero', () => {
    send('10.0.2.1', PAYLOAD);
    expect(udp.checksum(last('a'), 34)).toBe(0);
  });

  test('s.5: received with a checksum of zero, it MUST be accepted', () => {
    arrive(PAYLOAD, 0);
    expect(atB.got).toEqual([PAYLOAD]);
  });

  test('s.5: a checksum that is not zero, verified and right: it MUST be accepted', () => {
    arrive(PAYLOAD, null);
    expect(atB.got).toEqual([PAYLOAD]);
  });

  test('s.5: one that is wrong, where it is verified, MUST have the packet dropped', () => {
    for (const wrong of [1, 0x1234, 0xffff]) arrive(PAYLOAD, wrong);
    expect([atB.got, b.counters.dropped(DROP.checksum)]).toEqual([[], 3]);
  });

  test('s.5: a receiver that does not verify MUST accept the packet, be the checksum zero, right or wrong', () => {
    tb.close();
    tb = new Tunnel(b, peers, atB, { ...TUNNEL, port: RFC.port, verify: false });
    for (const checksum of [0, null, 1, 0x1234, 0xffff]) arrive(PAYLOAD, checksum);
    expect([atB.got, b.counters.dropped(DROP.checksum)]).toEqual([new Array(5).fill(PAYLOAD), 0]);
  });

  test.each([
    { to: '192.168.22.5', mac: 0x000cbd063a74, count: 54, right: true },
    { to: '192.168.22.4', mac: 0x000cbd063a75, count: 73, right: false },
  ])('s.5: so with packets of others: $count to $to, whose checksums are right: $right', (given) => {
    const { to, mac, count, right } = given;
    const { packets } = readAll(captureBytes('public/ndpi/vxlan.pcap'));
    // The outer tag (VLAN 5) is off.
    const frames = packets.map(({ bytes }) => concat(bytes.subarray(0, 12), bytes.subarray(16)));
    const toHere = frames.filter((bytes) => ethernet.dst(viewOf(bytes), 0) === mac);
    const payloads = toHere.map((bytes) => bytes.slice(42));
    expect(payloads.length).toBe(count);
    for (const verify of [true, false]) {
      const host = lab.host(`at ${to}`);
      lab.alone(host, { ips: [`${to}/24`], mac });
      const received = new Received();
      new Tunnel(host, peers, received, { ...TUNNEL, port: RFC.port, verify });
      for (const bytes of toHere) lab.inject(host, bytes);
      const accepted = right || !verify;
      expect(received.got).toEqual(accepted ? payloads : []);
      expect(host.counters.dropped(DROP.checksum)).toBe(accepted ? 0 : count);
    }
  });

  test('s.5: the destination port is 4789, and SHOULD be configurable', () => {
    send('10.0.2.1', PAYLOAD);
    expect(udp.dstPort(last('a'), 34)).toBe(4789);
    lab.end();
    setUp(8472);
    send('10.0.2.1', PAYLOAD);
    expect([udp.dstPort(last('a'), 34), atB.got.length]).toEqual([8472, 1]);
    arrive(PAYLOAD, 0);
    expect([atB.got.length, b.counters.dropped(DROP.noListener)]).toEqual([1, 1]);
  });

  test('s.5: source ports are in 49152 to 65535 whatever the flow', () => {
    const ports = [0, 1, 0x1000_0000, 0x4000_0000, 0x7fff_ffff].map((entropy) => {
      send('10.0.2.1', PAYLOAD, entropy);
      return udp.srcPort(last('a'), 34);
    });
    expect([Math.min(...ports), Math.max(...ports)]).toEqual([49152, 65535]);
    expect(new Set(ports).size).toBeGreaterThan(3);
  });
});

describe('RFC 7348 s.5, outer IP and Ethernet headers', () => {
  test('s.5: the source address is that of the VTEP, the destination that of the other', () => {
    send('10.0.2.1', PAYLOAD);
    const view = last('a');
    expect([ipv4.src(view, 14), ipv4.dst(view, 14)]).toEqual([parseIp('10.0.1.1'), parseIp('10.0.2.1')]);
  });

  test('s.5: the destination MAC is that of the next router, which takes one from the TTL', () => {
    send('10.0.2.1', PAYLOAD);
    expect(ethernet.dst(last('a'), 0)).toBe(r.interfaces[0]?.mac);
    expect(ethernet.dst(last('r'), 0)).toBe(b.interfaces[0]?.mac);
    expect([ipv4.ttl(last('a'), 14), ipv4.ttl(last('r'), 14)]).toEqual([RFC.ttl, RFC.ttl - 1]);
    const datagram = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset + 34);
    expect(datagram(last('r'))).toEqual(datagram(last('a')));
  });

  test('s.5: the outer header may be IPv6', () => {
    send('fd02::1', PAYLOAD);
    expect(atB.got).toEqual([PAYLOAD]);
    const view = last('a', 0x86dd);
    expect([view.getUint8(20), udp.dstPort(view, 54)]).toEqual([17, 4789]);
  });

  test('s.4.2: to a group goes one packet, to the MAC of the group; receivers join with IGMP, and (*,G)', () => {
    const group = peers.idOf(parseIp(GROUP));
    tb.join(group);
    lab.run(2);
    expect(by('b').filter((bytes) => bytes[23] === 2).length).toBeGreaterThan(0);
    expect(b.interfaces[0]?.groups.has(parseIp(GROUP))).toBe(true);
    send(GROUP, PAYLOAD);
    expect(by('a').length).toBe(1);
    expect(ethernet.dst(last('a'), 0)).toBe(groupMac4(parseIp(GROUP) as number));
    // Whoever sends: the membership names no source.
    for (const src of ['10.0.2.7', '10.0.9.9']) {
      const datagram = udpBytes(src, GROUP, 50000, 4789, PAYLOAD);
      const to = groupMac4(parseIp(GROUP) as number);
      lab.inject(b, packet4({ to, from: B }, { src, dst: GROUP, proto: 17, ttl: 4 }, datagram));
    }
    expect(atB.got.length).toBe(2);
    tb.leave(group);
    lab.run(5);
  });
});

describe('RFC 7348 s.4.3, physical infrastructure requirements', () => {
  const long = wrap(100, ether(B, A, 1400));

  test('s.4.3: intermediate routers may fragment; the destination VTEP MAY silently discard the pieces', () => {
    lab.end();
    setUp(RFC.port, 1000);
    send('10.0.2.1', long);
    const whole = by('a').filter((bytes) => bytes[23] === 17);
    const pieces = by('r').filter((bytes) => bytes[23] === 17);
    expect(whole.map((bytes) => ipv4.isFragment(viewOf(bytes), 14))).toEqual([false]);
    expect(pieces.map((bytes) => ipv4.isFragment(viewOf(bytes), 14))).toEqual([true, true]);
    expect([atB.got, b.counters.dropped(DROP.outerFragment)]).toEqual([[], 2]);
    expect(by('b').filter((bytes) => bytes[23] === 1)).toEqual([]);
  });

  test('s.4.3: an MTU that is large enough carries the same frame in one piece', () => {
    send('10.0.2.1', long);
    expect(atB.got).toEqual([long]);
  });

  test('s.4.3: path MTU discovery MAY be used: what a router said is what the VTEP goes by', () => {
    const peer = peers.idOf(parseIp('10.0.2.1'));
    expect(ta.room(peer, 1)).toBe(1500 - 28);
    a.learnMtu(parseIp('10.0.2.1'), 1000);
    expect(ta.room(peer, 1)).toBe(1000 - 28);
  });
});

test('s.7: anyone who can send UDP to the port can inject, from any address', () => {
  const forged = wrap(100, pattern(60));
  arrive(forged, 0);
  expect(atB.got).toEqual([forged]);
});
