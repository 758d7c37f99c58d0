import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import type { PingOptions, PingResult } from '../../../src/engine/host/ping.ts';
import { Ping } from '../../../src/engine/host/ping.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { viewOf } from '../../support/bytes.ts';
import { address, gateway, Inbox, Lab, pattern } from '../../support/lab.ts';
import { concat, icmp6Bytes, packet6, udpBytes } from './packets.ts';

let lab: Lab;
let a: Host;
let r: Host;
let b: Host;

// a fd01::1 ── fd01::fe r fd02::fe ── fd02::1 b
beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  r = lab.host('r', { forwarding: true });
  b = lab.host('b');
  lab.wire(a, { ips: ['fd01::1/64'] }, r, { ips: ['fd01::fe/64'] });
  lab.wire(r, { ips: ['fd02::fe/64'] }, b, { ips: ['fd02::1/64'] });
  gateway(a, 'fd01::fe');
  gateway(b, 'fd02::fe');
  lab.run(2);
  lab.sent.length = 0;
});

afterEach(() => lab.end());

function ping(to: string, options: Partial<PingOptions> = {}, from = a): PingResult {
  const p = new Ping(from, parseIp(to), { count: 1, ...options });
  p.start();
  lab.clock.runUntilIdle();
  expect(p.finished).toBe(true);
  return p.result;
}

/** Type, code and second word of the ICMPv6 errors that a host sent. */
const errors = (host: string): string[] =>
  lab.frames(0x86dd, host).flatMap(({ bytes }) => {
    if (bytes[20] !== 58 || (bytes[54] as number) >= 128) return [];
    return [`${bytes[54]}/${bytes[55]} ${viewOf(bytes).getUint32(58)}`];
  });

const mac = (host: Host, dev = 0): number => (host.interfaces[dev] as Interface).mac;

/** A packet from r's side to a, or from a to r. */
const toA = (
  next: number,
  payload: Uint8Array,
  more: Partial<{ src: string; dst: string; hops: number }> = {},
) =>
  lab.inject(
    a,
    packet6({ to: mac(a), from: mac(r) }, { src: 'fd01::fe', dst: 'fd01::1', next, ...more }, payload),
  );
const toR = (
  next: number,
  payload: Uint8Array,
  more: Partial<{ src: string; dst: string; hops: number }> = {},
) =>
  lab.inject(
    r,
    packet6({ to: mac(r), from: mac(a) }, { src: 'fd01::1', dst: 'fd02::1', next, ...more }, payload),
  );

describe('addresses', () => {
  test('an interface with an IPv6 address has a link-local one, made from its MAC', () => {
    const dev = a.interfaces[0] as Interface;
    expect(dev.addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`)).toEqual([
      'fd01::1/64',
      `${formatIp(dev.linkLocal ?? 0)}/64`,
    ]);
    expect(formatIp(dev.linkLocal ?? 0)).toBe('fe80::ff:fe00:1');
    const four = lab.host('four');
    expect(lab.alone(four, { ips: ['10.0.0.1/24'] }).linkLocal).toBeNull();
    four.addAddress(four.interfaces[0] as Interface, address('fd00::1/64'));
    expect(four.interfaces[0]?.linkLocal).not.toBeNull();
  });

  test('one that is given is kept', () => {
    const given = lab.host('given');
    const dev = lab.alone(given, { ips: ['fd00::1/64', 'fe80::1/64'] });
    expect(formatIp(dev.linkLocal ?? 0)).toBe('fe80::1');
    expect(dev.addresses.length).toBe(2);
  });
});

describe('echo', () => {
  test('a neighbour, through a router, oneself', () => {
    expect(ping('fd01::fe').replies.map((reply) => [reply.ttl, reply.bytes])).toEqual([[64, 64]]);
    expect(ping('fd02::1').replies).toEqual([
      { seq: 1, from: parseIp('fd02::1'), ttl: 63, bytes: 64, rtt: 0 },
    ]);
    lab.sent.length = 0;
    expect(ping('fd01::1').replies.length).toBe(1);
    expect(lab.sent).toEqual([]);
  });

  test('between link-local addresses, on a router that has several links too', () => {
    expect(ping(formatIp(r.interfaces[0]?.linkLocal ?? 0)).replies.length).toBe(1);
    // b is not on the link that r's first route for fe80::/64 leads to.
    expect(ping(formatIp(r.interfaces[1]?.linkLocal ?? 0), {}, b).replies.length).toBe(1);
  });

  test('all nodes answer, each from its own address', () => {
    const replies = ping('ff02::1').replies;
    expect(replies.map((reply) => formatIp(reply.from))).toEqual([formatIp(r.interfaces[0]?.linkLocal ?? 0)]);
  });

  test('the answer comes from the address that was asked', () => {
    b.addAddress(b.interfaces[0] as Interface, address('fd02::77/128'));
    expect(ping('fd02::77').replies[0]?.from).toEqual(parseIp('fd02::77'));
  });

  test('more than the MTU is fragmented and answered whole', () => {
    expect(ping('fd02::1', { size: 5000 }).replies.map((reply) => reply.bytes)).toEqual([5008]);
  });

  test('without a route, and without an answer, ping says so', () => {
    a.routes.remove((route) => route.prefix === 0);
    expect(ping('fd02::1').errors).toEqual([{ seq: 1, from: null, type: 3, code: 0, mtu: 0 }]);
    expect(ping('fd01::77', { deadline: 5 * SECOND }).errors).toEqual([
      { seq: 1, from: parseIp('fd01::1'), type: 1, code: 3, mtu: 0 },
    ]);
  });

  test('an echo from nowhere is not answered', () => {
    b.routes.remove((route) => route.prefix === 0);
    ping('fd02::1');
    expect(b.counters.dropped(DROP.noRoute)).toBe(1);
  });

  test('a wrong checksum or a short message ends it; an unknown answer is passed over', () => {
    const message = icmp6Bytes('fd01::fe', 'fd01::1', 128, 0, pattern(20));
    toA(
      58,
      Uint8Array.from(message, (byte, i) => (i === 9 ? byte ^ 1 : byte)),
    );
    toA(58, message.slice(0, 7));
    toA(58, icmp6Bytes('fd01::fe', 'fd01::1', 129, 0, pattern(20)));
    expect(a.counters.dropped(DROP.checksum)).toBe(1);
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(1);
    expect(lab.sent).toEqual([]);
  });
});

describe('errors', () => {
  test('a closed port, a hop limit that runs out, no route, a silent neighbour', () => {
    const inbox = new Inbox();
    const socket = a.udp.bind(6000, inbox);
    socket.send(parseIp('fd02::1'), 7, pattern(20));
    expect(inbox.errors.pop()).toEqual({ from: parseIp('fd02::1'), type: 257, code: 4, port: 7, mtu: 0 });
    expect(ping('fd02::1', { ttl: 1 }).errors).toEqual([
      { seq: 1, from: parseIp('fd01::fe'), type: 3, code: 0, mtu: 0 },
    ]);
    socket.send(parseIp('fd99::1'), 7, pattern(20));
    expect(inbox.errors.pop()).toEqual({ from: parseIp('fd01::fe'), type: 257, code: 0, port: 7, mtu: 0 });
    socket.send(parseIp('fd02::99'), 7, pattern(20));
    lab.run(3);
    expect(inbox.errors.pop()).toEqual({ from: parseIp('fd01::fe'), type: 257, code: 3, port: 7, mtu: 0 });
  });

  test('six at once and one a second after that', () => {
    const inbox = new Inbox();
    const socket = a.udp.bind(6000, inbox);
    for (let i = 0; i < 10; i++) socket.send(parseIp('fd02::1'), 7, pattern(4));
    expect(inbox.errors.length).toBe(6);
    lab.run(2);
    for (let i = 0; i < 10; i++) socket.send(parseIp('fd02::1'), 7, pattern(4));
    expect(inbox.errors.length).toBe(8);
  });

  test('no error is longer than the least MTU', () => {
    a.udp.bind(6000, new Inbox()).send(parseIp('fd02::1'), 7, pattern(1400));
    expect(lab.frames(0x86dd, 'b').at(-1)?.bytes.length).toBe(14 + 1280);
  });

  test('an unknown protocol is a parameter problem that points at its number', () => {
    toA(200, pattern(30));
    toA(60, concat(Uint8Array.of(200, 0, 1, 4, 0, 0, 0, 0), pattern(30)));
    expect(errors('a')).toEqual(['4/1 6', '4/1 40']);
    expect(a.counters.dropped(DROP.unknownProtocol)).toBe(2);
    // No next header: nothing to say.
    toA(59, new Uint8Array(0));
    expect(errors('a').length).toBe(2);
  });

  test('a protocol that was registered gets its packets', () => {
    const got: number[] = [];
    a.ip6.protocols.set(200, {
      input: (frame, ip, at, end) => {
        got.push(at - ip, end - at);
        frame.release();
      },
    });
    toA(200, pattern(30));
    toA(60, concat(Uint8Array.of(200, 0, 1, 4, 0, 0, 0, 0), pattern(30)));
    expect(got).toEqual([40, 30, 48, 30]);
  });

  test('nothing is said about errors, redirects, groups, nobody and what cannot be told', () => {
    const payload = pattern(30);
    toA(200, payload, { src: '::' });
    toA(200, payload, { dst: 'ff02::1' });
    for (const type of [1, 3, 137]) {
      toR(58, icmp6Bytes('fd01::1', 'fd99::1', type, 0, payload), { dst: 'fd99::1' });
    }
    // A later fragment of ICMPv6, and an empty message.
    toR(44, concat(Uint8Array.of(58, 0, 0, 8, 0, 0, 0, 1), payload), { dst: 'fd99::1' });
    toR(58, new Uint8Array(0), { dst: 'fd99::1' });
    expect([...errors('a'), ...errors('r')]).toEqual([]);
    expect(r.counters.dropped(DROP.noRoute)).toBe(5);
    // A later fragment of UDP can be told.
    toR(44, concat(Uint8Array.of(17, 0, 0, 8, 0, 0, 0, 1), payload), { dst: 'fd99::1' });
    expect(errors('r')).toEqual(['1/0 0']);
  });

  test('errors that quote nothing of ours, or too little, are passed over', () => {
    const inbox = new Inbox();
    a.udp.bind(6000, inbox);
    const quote = (src: string, next = 17): Uint8Array =>
      packet6(
        { to: 0, from: 0 },
        { src, dst: 'fd02::1', next },
        udpBytes('fd01::1', 'fd02::1', 6000, 7, pattern(8)),
      ).slice(14);
    const error = (quoted: Uint8Array, type = 1): void =>
      toA(58, icmp6Bytes('fd01::fe', 'fd01::1', type, 0, concat(new Uint8Array(4), quoted)));
    error(quote('fd01::9'));
    error(quote('fd01::1', 6));
    error(quote('fd01::1').slice(0, 47));
    error(Uint8Array.from(quote('fd01::1'), (byte, i) => (i === 0 ? 0x45 : byte)));
    error(concat(quote('fd01::1', 60).slice(0, 40), Uint8Array.of(17, 9, 0, 0, 0, 0, 0, 0)));
    error(concat(quote('fd01::1', 44).slice(0, 40), Uint8Array.of(17, 0, 0, 8, 0, 0, 0, 0), pattern(8)));
    error(concat(quote('fd01::1', 60).slice(0, 40), Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0), pattern(7)));
    error(quote('fd01::1'), 5);
    expect(inbox.errors).toEqual([]);
    error(quote('fd01::1'), 4);
    expect(inbox.errors).toEqual([{ from: parseIp('fd01::fe'), type: 260, code: 0, port: 7, mtu: 0 }]);
  });

  test('a link-local sender is told on its link', () => {
    toA(200, pattern(8), { src: 'fe80::99' });
    a.neighbours.pin(parseIp('fe80::99'), a.interfaces[0] as Interface, mac(r));
    expect(errors('a')).toEqual(['4/1 6']);
  });
});

describe('forwarding', () => {
  test('takes one off the hop limit and the padding off the frame', () => {
    const inbox = new Inbox();
    b.udp.bind(7, inbox);
    const bytes = packet6(
      { to: mac(r), from: mac(a) },
      { src: 'fd01::1', dst: 'fd02::1', next: 17, hops: 2 },
      udpBytes('fd01::1', 'fd02::1', 9, 7, pattern(3)),
    );
    lab.inject(r, concat(bytes, pattern(9)));
    const sent = lab.frames(0x86dd, 'r').at(-1)?.bytes as Uint8Array;
    expect(sent.length).toBe(bytes.length);
    expect(ipv6.hopLimit(viewOf(sent), 14)).toBe(1);
    expect(inbox.datagrams.map((d) => d.bytes)).toEqual([pattern(3)]);
  });

  test('link-local, unspecified and loopback addresses are not routed', () => {
    const udp = udpBytes('fd01::1', 'fd02::1', 9, 7, pattern(3));
    const before = r.counters.dropped(DROP.notForUs);
    for (const dst of ['fe80::99', '::']) toR(17, udp, { dst });
    expect(r.counters.dropped(DROP.notForUs) - before).toBe(2);
    toR(17, udp, { dst: '::1' });
    expect(r.counters.dropped(DROP.martian)).toBe(1);
    toR(17, udp, { src: 'fe80::99' });
    toR(17, udp, { src: '::' });
    toR(17, udp, { src: '::1' });
    expect(r.counters.dropped(DROP.martian)).toBe(4);
    r.neighbours.pin(parseIp('fe80::99'), r.interfaces[0] as Interface, mac(a));
    // Beyond scope, to the one that can be told.
    expect(errors('r')).toEqual(['1/2 0']);
  });

  test('groups and frames to everybody are not routed, nor anything by a host', () => {
    const udp = udpBytes('fd01::1', 'ff05::5', 9, 7, pattern(3));
    const count = (host: Host): number => host.counters.dropped(DROP.notForUs);
    const before = [count(r), count(a)];
    toR(17, udp, { dst: 'ff05::5' });
    lab.inject(
      r,
      packet6({ to: 0xffffffffffff, from: 1 }, { src: 'fd01::1', dst: 'fd02::1', next: 17 }, udp),
    );
    toA(17, udp, { dst: 'fd02::1' });
    expect([count(r), count(a)]).toEqual([(before[0] as number) + 2, (before[1] as number) + 1]);
    expect(lab.sent).toEqual([]);
  });

  test('a group is no source', () => {
    toA(17, pattern(8), { src: 'ff02::1' });
    expect(a.counters.dropped(DROP.martian)).toBe(1);
  });
});

describe('extension headers', () => {
  const DATAGRAM = udpBytes('fd01::fe', 'fd01::1', 9, 7, pattern(4));
  let inbox: Inbox;

  beforeEach(() => {
    inbox = new Inbox();
    a.udp.bind(7, inbox);
  });

  /** A header of 8 bytes whose options are the last six. */
  const header = (next: number, ...rest: number[]): Uint8Array => Uint8Array.of(next, 0, ...rest);
  const PAD = [1, 4, 0, 0, 0, 0];

  test.each([
    ['hop-by-hop with padding', 0, [header(17, ...PAD)]],
    ['single bytes of padding', 0, [header(17, 0, 0, 0, 0, 0, 0)]],
    ['a router alert', 0, [header(17, 5, 2, 0, 0, 1, 0)]],
    ['options that may be skipped', 60, [header(17, 0x1e, 4, 9, 9, 9, 9)]],
    ['several in order', 0, [header(60, ...PAD), header(43, ...PAD), header(17, 0, 0, 0, 0, 0, 0)]],
    ['a routing header that is used up', 43, [header(17, 0, 0, 0, 0, 0, 0)]],
  ])('%s: delivered', (_name, next, headers) => {
    toA(next, concat(...headers, DATAGRAM));
    expect(inbox.datagrams.map((d) => d.bytes)).toEqual([pattern(4)]);
    expect(lab.sent).toEqual([]);
  });

  test.each([
    ['an option to discard in silence', 60, [header(17, 0x5e, 4, 0, 0, 0, 0)], []],
    ['an option to tell about', 60, [header(17, 0x9e, 4, 0, 0, 0, 0)], ['4/2 42']],
    ['an option to tell about unless to a group', 0, [header(17, 1, 1, 0, 0xde, 1, 0)], ['4/2 45']],
    ['an option that ends behind its header', 60, [header(17, 0x1e, 9, 0, 0, 0, 0)], []],
    ['an option cut after its type', 60, [header(17, 1, 3, 0, 0, 0, 0x1e)], []],
    ['a route that is not followed (RFC 5095)', 43, [header(17, 0, 1, 0, 0, 0, 0)], ['4/0 42']],
    ['hop-by-hop out of its place', 60, [header(0, ...PAD), header(17, ...PAD)], ['4/1 40']],
  ])('%s: dropped', (_name, next, headers, told) => {
    toA(next, concat(...headers, DATAGRAM));
    expect(inbox.datagrams).toEqual([]);
    expect(errors('a')).toEqual(told);
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(1);
  });

  test('to a group: the option that is then silent is, the one that tells tells', () => {
    toA(60, concat(header(17, 0xde, 4, 0, 0, 0, 0), DATAGRAM), { dst: 'ff02::1' });
    expect(errors('a')).toEqual([]);
    toA(60, concat(header(17, 0x9e, 4, 0, 0, 0, 0), DATAGRAM), { dst: 'ff02::1' });
    expect(errors('a')).toEqual(['4/2 42']);
  });

  test('a chain cut short is dropped', () => {
    toA(0, Uint8Array.of(17, 3, 1, 4, 0, 0, 0, 0));
    toA(0, Uint8Array.of(17));
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(2);
  });

  test('a payload length of 0 means no payload: there are no jumbograms here', () => {
    const bytes = packet6(
      { to: mac(a), from: mac(r) },
      { src: 'fd01::fe', dst: 'fd01::1', next: 17 },
      DATAGRAM,
    );
    viewOf(bytes).setUint16(18, 0);
    lab.inject(a, bytes);
    expect(inbox.datagrams).toEqual([]);
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(1);
  });
});
