import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { SENT } from '../../../src/engine/host/destination.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { viewOf } from '../../support/bytes.ts';
import { address, Inbox, Lab, pattern } from '../../support/lab.ts';
import { packet4, packet6, udpBytes } from './packets.ts';

const FAMILIES = [
  { name: 'IPv4', a: '10.0.0.1', b: '10.0.0.2' },
  { name: 'IPv6', a: 'fd00::1', b: 'fd00::2' },
];

let lab: Lab;
let a: Host;
let b: Host;

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.0.1/24', 'fd00::1/64'] }, b, { ips: ['10.0.0.2/24', 'fd00::2/64'] });
});

afterEach(() => lab.end());

/** Hands b a datagram with these bytes; the checksum field is as given. */
function inject(family: (typeof FAMILIES)[number], bytes: Uint8Array): void {
  const head = { to: b.interfaces[0]?.mac as number, from: a.interfaces[0]?.mac as number };
  const { a: src, b: dst } = family;
  lab.inject(
    b,
    src.includes(':')
      ? packet6(head, { src, dst, next: 17 }, bytes)
      : packet4(head, { src, dst, proto: 17 }, bytes),
  );
}

describe.each(FAMILIES)('UDP over $name', (family) => {
  test('there and back, of any length', () => {
    const there = new Inbox();
    const back = new Inbox();
    const server = b.udp.bind(53, there);
    const client = a.udp.bind(0, back);
    for (const length of [0, 1, 2, 511, 1452]) {
      expect(client.send(parseIp(family.b), 53, pattern(length))).toBe(SENT.ok);
    }
    expect(there.datagrams.map((d) => d.bytes)).toEqual([0, 1, 2, 511, 1452].map(pattern));
    server.send(parseIp(family.a), there.datagrams[0]?.srcPort as number, pattern(5));
    expect(back.datagrams).toEqual([{ srcPort: 53, bytes: pattern(5) }]);
  });

  test('to oneself, without a frame on the wire', () => {
    const inbox = new Inbox();
    a.udp.bind(53, inbox);
    lab.sent.length = 0;
    a.udp.bind(0, new Inbox()).send(parseIp(family.a), 53, pattern(9));
    expect(inbox.datagrams.length).toBe(1);
    expect(lab.sent).toEqual([]);
  });

  test('without a route nothing goes', () => {
    const to = family.a.includes(':') ? 'fd99::1' : '10.99.0.1';
    expect(a.udp.bind(0, new Inbox()).send(parseIp(to), 53, pattern(9))).toBe(SENT.noRoute);
    expect(a.counters.dropped(DROP.noRoute)).toBe(1);
  });

  test('a wrong checksum is dropped, whatever bit is wrong', () => {
    const inbox = new Inbox();
    b.udp.bind(53, inbox);
    const good = udpBytes(family.a, family.b, 9, 53, pattern(6));
    for (const at of [0, 6, 7, 8, 13]) {
      inject(
        family,
        Uint8Array.from(good, (byte, i) => (i === at ? byte ^ 0x10 : byte)),
      );
    }
    expect(b.counters.dropped(DROP.checksum)).toBe(5);
    inject(family, good);
    expect(inbox.datagrams.length).toBe(1);
  });

  test('no checksum: fine over IPv4, over IPv6 for sockets that say so (RFC 6935)', () => {
    const inbox = new Inbox();
    const tunnel = new Inbox();
    b.udp.bind(53, inbox);
    b.udp.bind(4789, tunnel, { zeroChecksum: true });
    for (const port of [53, 4789]) {
      const bytes = udpBytes(family.a, family.b, 9, port, pattern(6));
      viewOf(bytes).setUint16(6, 0);
      inject(family, bytes);
    }
    expect(inbox.datagrams.length).toBe(family.name === 'IPv4' ? 1 : 0);
    expect(tunnel.datagrams.length).toBe(1);
  });

  test('frames of our own are not summed again, yet a missing IPv6 checksum is noticed', () => {
    const inbox = new Inbox();
    a.udp.bind(53, inbox);
    const socket = a.udp.bind(9, new Inbox(), { zeroChecksum: true });
    socket.send(parseIp(family.a), 53, pattern(6));
    const destination = a.destination(parseIp(family.a));
    const frame = lab.pool.from(pattern(6));
    frame.summed = true;
    if (destination !== null) socket.sendFrame(frame, destination, 9, 53, true, 0);
    expect(inbox.datagrams.length).toBe(family.name === 'IPv4' ? 2 : 0);
  });

  test('lengths that lie are dropped; bytes behind the length are not payload', () => {
    const inbox = new Inbox();
    b.udp.bind(53, inbox);
    const good = udpBytes(family.a, family.b, 9, 53, pattern(6));
    inject(family, good.slice(0, 7));
    inject(family, good.slice(0, 12));
    inject(family, Uint8Array.from([...good, 1, 2, 3, 4]));
    expect(b.counters.dropped(DROP.invalidHeader)).toBe(2);
    expect(inbox.datagrams.map((d) => d.bytes)).toEqual([pattern(6)]);
  });

  test('type of service and hop limit are what the socket says', () => {
    const destination = a.destination(parseIp(family.b));
    const socket = a.udp.bind(9, new Inbox(), { ttl: 17 });
    if (destination !== null) socket.sendFrame(lab.pool.from(pattern(6)), destination, 1, 2, false, 0xb8);
    const sent = lab.sent.find((f) => f.host === 'a' && (f.bytes[23] === 17 || f.bytes[20] === 17));
    const view = viewOf(sent?.bytes as Uint8Array);
    const four = family.name === 'IPv4';
    expect(four ? view.getUint8(15) : (view.getUint16(14) >>> 4) & 0xff).toBe(0xb8);
    expect(view.getUint8(four ? 22 : 21)).toBe(17);
  });
});

describe('ports', () => {
  test('a port has one socket until it is unbound', () => {
    const first = a.udp.bind(53, new Inbox());
    expect(() => a.udp.bind(53, new Inbox())).toThrowError(expect.objectContaining({ code: 'PORT_IN_USE' }));
    a.udp.unbind(first);
    const second = a.udp.bind(53, new Inbox());
    a.udp.unbind(first);
    expect(() => a.udp.bind(53, new Inbox())).toThrowError(expect.objectContaining({ code: 'PORT_IN_USE' }));
    a.udp.unbind(second);
  });

  test.each([-1, 65536, 1.5, Number.NaN])('%d is not a port', (port) => {
    expect(() => a.udp.bind(port, new Inbox())).toThrowError(expect.objectContaining({ code: 'BAD_PORT' }));
  });

  test('ephemeral ports are 32768 to 60999, each once, until none is left', () => {
    const count = 60999 - 32768 + 1;
    a.udp.bind(32770, new Inbox());
    const sockets = Array.from({ length: count - 1 }, () => a.udp.bind(0, new Inbox()));
    const ports = sockets.map((socket) => socket.port);
    expect(new Set([...ports, 32770]).size).toBe(count);
    expect(Math.min(...ports)).toBe(32768);
    expect(Math.max(...ports)).toBe(60999);
    expect(() => a.udp.bind(0, new Inbox())).toThrowError(expect.objectContaining({ code: 'NO_FREE_PORT' }));
    a.udp.unbind(sockets[77] as never);
    expect(a.udp.bind(0, new Inbox()).port).toBe(ports[77]);
  });

  test('after close nobody listens', () => {
    const inbox = new Inbox();
    const errors = new Inbox();
    b.udp.bind(53, inbox);
    b.udp.close();
    const socket = a.udp.bind(9, errors);
    socket.send(parseIp('10.0.0.2'), 53, pattern(1));
    expect(inbox.datagrams).toEqual([]);
    expect(errors.errors.length).toBe(1);
  });

  test('a broadcast reaches everybody on the link', () => {
    const inbox = new Inbox();
    b.udp.bind(67, inbox);
    const socket = a.udp.bind(68, new Inbox());
    socket.send(parseIp('10.0.0.255'), 67, pattern(3));
    socket.send(parseIp('255.255.255.255'), 67, pattern(3));
    expect(inbox.datagrams.length).toBe(2);
  });

  test('an answer may be sent from another of the own addresses', () => {
    const inbox = new Inbox();
    b.udp.bind(53, inbox);
    a.addAddress(a.interfaces[0] as never, address('10.0.0.100/32'));
    const to = a.destination(parseIp('10.0.0.2'));
    const socket = a.udp.bind(9, new Inbox());
    if (to !== null)
      socket.sendFrame(lab.pool.from(pattern(4)), to.from(parseIp('10.0.0.100')), 9, 53, false, 0);
    expect(inbox.datagrams.length).toBe(1);
    const sent = lab.frames(0x0800, 'a').at(-1)?.bytes as Uint8Array;
    expect([...sent.slice(26, 30)]).toEqual([10, 0, 0, 100]);
    if (to !== null) expect(to.from(to.src)).toBe(to);
  });
});
