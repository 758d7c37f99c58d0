import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import * as udp from '../../../src/core/wire/udp.ts';
import type { PeerId } from '../../../src/engine/fabric/peers.ts';
import { Peers } from '../../../src/engine/fabric/peers.ts';
import type { TunnelReceiver } from '../../../src/engine/fabric/underlay.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import type { TunnelOptions } from '../../../src/engine/host/tunnel.ts';
import { Tunnel } from '../../../src/engine/host/tunnel.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { viewOf } from '../../support/bytes.ts';
import { gateway, Lab, pattern } from '../../support/lab.ts';

class Received implements TunnelReceiver {
  readonly got: { peer: PeerId; tos: number; bytes: Uint8Array }[] = [];
  input(frame: Frame, peer: PeerId, tos: number): void {
    this.got.push({ peer, tos, bytes: frame.toBytes() });
    frame.release();
  }
}

const OPTIONS: TunnelOptions = { port: 4789, sourcePorts: [49152, 65535], checksum: true, ttl: 64 };
const FAMILIES = [
  { name: 'IPv4', a: '10.0.1.1', b: '10.0.2.1', header: 20, group: '239.1.1.1', nowhere: '10.9.9.9' },
  { name: 'IPv6', a: 'fd01::1', b: 'fd02::1', header: 40, group: 'ff05::5', nowhere: 'fd99::1' },
];

let lab: Lab;
let peers: Peers;
let a: Host;
let b: Host;
let r: Host;
let atA: Received;
let atB: Received;
let ta: Tunnel;
let tb: Tunnel;

function setUp(options: Partial<TunnelOptions> = {}, mtu = 1400): void {
  lab = new Lab(true);
  peers = new Peers();
  a = lab.host('a');
  r = lab.host('r', { forwarding: true });
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.1.1/24', 'fd01::1/64'] }, r, { ips: ['10.0.1.254/24', 'fd01::fe/64'] });
  lab.wire(r, { ips: ['10.0.2.254/24', 'fd02::fe/64'], mtu }, b, { ips: ['10.0.2.1/24', 'fd02::1/64'], mtu });
  for (const via of ['10.0.1.254', 'fd01::fe']) gateway(a, via);
  for (const via of ['10.0.2.254', 'fd02::fe']) gateway(b, via);
  atA = new Received();
  atB = new Received();
  ta = new Tunnel(a, peers, atA, { ...OPTIONS, ...options });
  tb = new Tunnel(b, peers, atB, { ...OPTIONS, ...options });
}

beforeEach(() => setUp());
afterEach(() => lab.end());

const id = (ip: string): PeerId => peers.idOf(parseIp(ip));

describe.each(FAMILIES)('tunnel over $name', (family) => {
  const datagrams = (host: string): Uint8Array[] =>
    lab.sent.flatMap(({ host: by, bytes }) => {
      const proto = family.name === 'IPv4' ? bytes[23] : bytes[20];
      return by === host && proto === 17 ? [bytes.slice(14 + family.header)] : [];
    });

  test("what one end sends the other gets, with the sender's number and the TOS", () => {
    ta.sendTo(id(family.b), 0x8000_0000, 0x2a, lab.pool.from(pattern(100)));
    expect(atB.got).toEqual([{ peer: id(family.a), tos: 0x2a, bytes: pattern(100) }]);
    tb.sendTo(id(family.a), 1, 0, lab.pool.from(pattern(50)));
    expect(atA.got).toEqual([{ peer: id(family.b), tos: 0, bytes: pattern(50) }]);
  });

  test('a sender never seen gets a number', () => {
    const other = new Peers();
    const strange = new Received();
    tb.close();
    new Tunnel(b, other, strange, OPTIONS);
    ta.sendTo(id(family.b), 0, 0, lab.pool.from(pattern(9)));
    expect(strange.got.map((got) => formatIp(other.addressOf(got.peer)))).toEqual([family.a]);
  });

  test('the source port is in the range and follows the entropy; the checksum as configured', () => {
    for (const checksum of [true, false]) {
      setUp({ checksum, sourcePorts: [50000, 50999] });
      const ports = [0, 0x2000_0000, 0x7fff_ffff, 0].map((entropy) => {
        lab.sent.length = 0;
        ta.sendTo(id(family.b), entropy, 0, lab.pool.from(pattern(30)));
        const bytes = datagrams('a').at(-1) as Uint8Array;
        expect(udp.checksum(viewOf(bytes), 0) !== 0).toBe(checksum);
        expect(udp.dstPort(viewOf(bytes), 0)).toBe(4789);
        return udp.srcPort(viewOf(bytes), 0);
      });
      expect(ports).toEqual([50000, 50250, 50999, 50000]);
      expect(atB.got.length).toBe(4);
    }
  });

  test('a frame that others hold reaches the receiver as its own copy', () => {
    ta.sendTo(id(family.b), 0, 0, lab.pool.from(pattern(20)));
    const bytes = lab.sent.filter((frame) => frame.host === 'r').at(-1)?.bytes as Uint8Array;
    const held = lab.pool.from(bytes).retain();
    b.receive(held, 0);
    expect(atB.got.length).toBe(2);
    expect(held.toBytes()).toEqual(bytes);
    held.release();
  });

  test('room is the path MTU less the headers, and shrinks when a router says so', () => {
    setUp({}, 1300);
    const peer = id(family.b);
    const overhead = family.header + 8;
    expect(ta.room(peer, 1)).toBe(1500 - overhead);
    if (family.name === 'IPv6') {
      ta.sendTo(peer, 0, 0, lab.pool.from(pattern(1400)));
      expect(ta.room(peer, 1)).toBe(1300 - overhead);
    }
    a.learnMtu(parseIp(family.b), 1290);
    expect(ta.room(peer, 1)).toBe(1290 - overhead);
    lab.run(600);
    expect(ta.room(peer, 1)).toBe(1500 - overhead);
  });

  test('without a route frames are dropped with that reason', () => {
    a.routes.remove((route) => route.prefix === 0);
    ta.sendTo(id(family.nowhere), 0, 0, lab.pool.from(pattern(20)));
    expect(a.counters.dropped(DROP.noRoute)).toBe(1);
    expect(ta.room(id(family.nowhere), 1)).toBe(0xffff);
    ta.join(id(family.group));
    expect(a.interfaces[0]?.groups.has(parseIp(family.group))).toBe(true);
  });

  test('several ways: the entropy chooses', () => {
    const dev = a.interfaces[0] as Interface;
    const hops = [1, 2, 3].map((n) => {
      const via = parseIp(family.name === 'IPv4' ? `10.0.1.${n + 100}` : `fd01::${n + 100}`);
      a.neighbours.pin(via, dev, 0x020000000100 + n);
      return { via, dev };
    });
    a.routes.add({ ip: parseIp(family.nowhere), prefix: family.name === 'IPv4' ? 32 : 128, hops });
    const macs = [0, 1, 2, 3].map((entropy) => {
      lab.sent.length = 0;
      ta.sendTo(id(family.nowhere), entropy, 0, lab.pool.from(pattern(9)));
      return lab.sent[0]?.bytes[5];
    });
    expect(macs).toEqual([1, 2, 3, 1]);
  });

  test('joining and leaving a group', () => {
    const group = id(family.group);
    ta.join(group);
    expect(a.interfaces[0]?.groups.has(parseIp(family.group))).toBe(true);
    ta.leave(group);
    expect(a.interfaces[0]?.groups.has(parseIp(family.group))).toBe(false);
  });

  test('errors about what was sent are survived, and after close nobody listens', () => {
    tb.close();
    ta.sendTo(id(family.b), 0, 0, lab.pool.from(pattern(20)));
    expect(b.counters.dropped(DROP.noListener)).toBe(1);
    expect(atA.got).toEqual([]);
  });

  test('the outer headers are told to the recorder', () => {
    ta.sendTo(id(family.b), 0, 0, lab.pool.from(pattern(20)));
    const recorder = lab.recorder;
    const events = Array.from({ length: recorder?.length ?? 0 }, (_, i) => recorder?.at(i));
    const outer = events.filter((event) => event?.what === TRACE.outer);
    expect(outer.map((event) => [event?.a, event?.b])).toEqual([[49152, 4789]]);
  });
});

test('a host without interface joins nothing', () => {
  const none = lab.host('none');
  const tunnel = new Tunnel(none, peers, new Received(), OPTIONS);
  tunnel.join(id('239.1.1.1'));
  expect(none.interfaces).toEqual([]);
});
