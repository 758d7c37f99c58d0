import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as icmp from '../../../src/core/wire/icmp.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { parseIp, parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { PingOptions, PingResult } from '../../../src/engine/host/ping.ts';
import { Ping } from '../../../src/engine/host/ping.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { viewOf } from '../../support/bytes.ts';
import { address, gateway, Inbox, Lab, pattern } from '../../support/lab.ts';
import { icmpBytes, packet4, udpBytes } from './packets.ts';

let lab: Lab;
let a: Host;
let r: Host;
let b: Host;

// a 10.0.1.1 ── 10.0.1.254 r 10.0.2.254 ── 10.0.2.1 b
beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  r = lab.host('r', { forwarding: true });
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.1.1/24'] }, r, { ips: ['10.0.1.254/24'] });
  lab.wire(r, { ips: ['10.0.2.254/24'] }, b, { ips: ['10.0.2.1/24'] });
  gateway(a, '10.0.1.254');
  gateway(b, '10.0.2.254');
});

afterEach(() => lab.end());

function ping(to: string, options: Partial<PingOptions> = {}, from = a): PingResult {
  const p = new Ping(from, parseIp(to), { count: 1, ...options });
  p.start();
  lab.clock.runUntilIdle();
  expect(p.finished).toBe(true);
  return p.result;
}

const toA = (): { to: number; from: number } => ({
  to: a.interfaces[0]?.mac as number,
  from: r.interfaces[0]?.mac as number,
});

/** The ICMP messages that a host sent: type and code. */
const messages = (host: string): string[] =>
  lab.frames(0x0800, host).flatMap(({ bytes }) => {
    const view = viewOf(bytes);
    const at = 14 + ipv4.headerLength(view, 14);
    return ipv4.protocol(view, 14) === 1 ? [`${icmp.type(view, at)}/${icmp.code(view, at)}`] : [];
  });

describe('echo', () => {
  test('a neighbour answers with its TTL, bytes and round trip', () => {
    const { sent, replies, errors, duplicates } = ping('10.0.1.254', { count: 3, interval: SECOND / 2 });
    expect({ sent, errors, duplicates }).toEqual({ sent: 3, errors: [], duplicates: 0 });
    expect(replies.map((reply) => [reply.seq, reply.ttl, reply.bytes, reply.rtt])).toEqual([
      [1, 64, 64, 0],
      [2, 64, 64, 0],
      [3, 64, 64, 0],
    ]);
  });

  test('ping ends with the last answer, or a second after the last question without one', () => {
    const ends: number[] = [];
    for (const to of ['10.0.1.254', '224.0.0.1']) {
      new Ping(a, parseIp(to), { count: 3, interval: SECOND / 2 }, () =>
        ends.push(lab.clock.now / SECOND),
      ).start();
    }
    lab.run(10);
    expect(ends).toEqual([1, 2]);
  });

  test('through a router the TTL is one less', () => {
    expect(ping('10.0.2.1').replies).toEqual([
      { seq: 1, from: parseIp4('10.0.2.1'), ttl: 63, bytes: 64, rtt: 0 },
    ]);
  });

  test("the payload is iputils' and comes back unchanged", () => {
    ping('10.0.1.254', { size: 24, epoch: 1_700_000_000 * SECOND + 5000 });
    const [request, reply] = lab.frames(0x0800);
    const view = viewOf(request?.bytes as Uint8Array);
    expect(view.getBigUint64(42, true)).toBe(1_700_000_000n);
    expect(view.getBigUint64(50, true)).toBe(5n);
    expect(request?.bytes.slice(58)).toEqual(Uint8Array.of(16, 17, 18, 19, 20, 21, 22, 23));
    expect(reply?.bytes.slice(38)).toEqual(request?.bytes.slice(38));
  });

  test('a host answers itself without a frame on the wire', () => {
    expect(ping('10.0.1.1').replies.length).toBe(1);
    expect(lab.sent).toEqual([]);
  });

  test('the answer comes from the address that was asked', () => {
    r.addAddress(r.interfaces[0] as never, address('10.0.1.200/32'));
    expect(ping('10.0.1.200').replies[0]?.from).toBe(parseIp4('10.0.1.200'));
  });

  test('echoes to the broadcast address and to groups are not answered', () => {
    for (const to of ['10.0.1.255', '255.255.255.255', '224.0.0.1']) {
      expect(ping(to, { ttl: 1 }).replies).toEqual([]);
    }
    expect(r.counters.dropped(DROP.notForUs)).toBe(3);
    expect(messages('r')).toEqual([]);
  });

  test('without a route, and without an answer, ping says so', () => {
    a.routes.remove((route) => route.prefix === 0);
    expect(ping('10.0.2.1').errors).toEqual([{ seq: 1, from: null, type: 3, code: 0, mtu: 0 }]);
    lab.inject(
      a,
      packet4(toA(), { src: '10.0.1.254', dst: '10.0.1.1', proto: 1 }, icmpBytes(0, 0, pattern(20))),
    );
    expect(ping('10.0.1.77', { deadline: 5 * SECOND }).errors).toEqual([
      { seq: 1, from: parseIp4('10.0.1.1'), type: 3, code: 1, mtu: 0 },
    ]);
  });

  test('a second answer to one request is a duplicate, and one to none is nothing', () => {
    let result: PingResult | null = null;
    const p = new Ping(a, parseIp('10.0.1.254'), { count: 2 }, (done) => {
      result = done;
    });
    p.start();
    const [reply] = lab.frames(0x0800, 'r');
    lab.inject(a, reply?.bytes as Uint8Array);
    const stranger = reply?.bytes.slice() as Uint8Array;
    viewOf(stranger).setUint16(40, 99);
    icmp.setChecksum(viewOf(stranger), 34, 0);
    const fixed = icmpBytes(0, 0, stranger.slice(38));
    stranger.set(fixed, 34);
    lab.inject(a, stranger);
    lab.clock.runUntilIdle();
    expect(result).toMatchObject({ sent: 2, duplicates: 1 });
    p.stop();
    expect(p.result.replies.length).toBe(2);
  });

  test("more than the MTU: refused with don't fragment, cut without", () => {
    expect(ping('10.0.1.254', { size: 1473 }).errors).toEqual([
      { seq: 1, from: null, type: 3, code: 4, mtu: 0 },
    ]);
    expect(ping('10.0.1.254', { size: 1473, dontFragment: false }).replies[0]?.bytes).toBe(1481);
    expect(ping('10.0.1.254', { size: 1472 }).replies.length).toBe(1);
  });
});

describe('errors', () => {
  test('a closed port is port unreachable, and the socket hears of it', () => {
    const inbox = new Inbox();
    a.udp.bind(6000, inbox).send(parseIp('10.0.2.1'), 7, pattern(20));
    expect(inbox.errors).toEqual([{ from: parseIp4('10.0.2.1'), type: 3, code: 3, port: 7, mtu: 0 }]);
    expect(b.counters.dropped(DROP.noListener)).toBe(1);
    // Precedence internetwork control, and the whole datagram quoted.
    const error = lab.frames(0x0800, 'b').at(-1)?.bytes as Uint8Array;
    expect(error[15]).toBe(0xc0);
    expect(error.length).toBe(14 + 20 + 8 + 20 + 8 + 20);
  });

  test('no more than 576 bytes are sent back', () => {
    a.udp.bind(6000, new Inbox()).send(parseIp('10.0.2.1'), 7, pattern(1200));
    expect(lab.frames(0x0800, 'b').at(-1)?.bytes.length).toBe(14 + 576);
  });

  test('an unknown protocol is protocol unreachable', () => {
    lab.inject(a, packet4(toA(), { src: '10.0.1.254', dst: '10.0.1.1', proto: 200 }, pattern(30)));
    expect(messages('a')).toEqual(['3/2']);
    expect(a.counters.dropped(DROP.unknownProtocol)).toBe(1);
  });

  test('a protocol that was registered gets its packets', () => {
    const got: number[] = [];
    a.ip4.protocols.set(200, {
      input: (frame, ip, at, end) => {
        got.push(at - ip, end - at);
        frame.release();
      },
    });
    lab.inject(a, packet4(toA(), { src: '10.0.1.254', dst: '10.0.1.1', proto: 200 }, pattern(30)));
    expect(got).toEqual([20, 30]);
  });

  test("a hop limit that runs out tells where: a traceroute's first step", () => {
    expect(ping('10.0.2.1', { ttl: 1 }).errors).toEqual([
      { seq: 1, from: parseIp4('10.0.1.254'), type: 11, code: 0, mtu: 0 },
    ]);
    expect(r.counters.dropped(DROP.hopLimit)).toBe(1);
  });

  test('a router without a route says net unreachable, for a silent neighbour host unreachable', () => {
    const inbox = new Inbox();
    const socket = a.udp.bind(6000, inbox);
    socket.send(parseIp('10.9.9.9'), 7, pattern(4));
    expect(inbox.errors).toEqual([{ from: parseIp4('10.0.1.254'), type: 3, code: 0, port: 7, mtu: 0 }]);
    socket.send(parseIp('10.0.2.99'), 7, pattern(4));
    lab.run(3);
    expect(inbox.errors[1]).toEqual({ from: parseIp4('10.0.1.254'), type: 3, code: 1, port: 7, mtu: 0 });
  });

  test('six errors at once and one a second after that; others are not held back', () => {
    const inbox = new Inbox();
    const socket = a.udp.bind(6000, inbox);
    for (let i = 0; i < 10; i++) socket.send(parseIp('10.0.2.1'), 7, pattern(4));
    expect(inbox.errors.length).toBe(6);
    lab.run(2);
    for (let i = 0; i < 10; i++) socket.send(parseIp('10.0.2.1'), 7, pattern(4));
    expect(inbox.errors.length).toBe(8);
    r.udp.bind(6000, inbox).send(parseIp('10.0.2.1'), 7, pattern(4));
    expect(inbox.errors.length).toBe(9);
    lab.run(3600);
    for (let i = 0; i < 10; i++) socket.send(parseIp('10.0.2.1'), 7, pattern(4));
    expect(inbox.errors.length).toBe(15);
  });

  test('nothing is said about errors, groups, broadcasts, later fragments or nobody', () => {
    const udp = udpBytes('10.0.1.254', '10.0.1.1', 1, 7, pattern(8));
    const src = '10.0.1.254';
    lab.inject(
      a,
      packet4(toA(), { src, dst: '10.0.1.255', proto: 17 }, udpBytes(src, '10.0.1.255', 1, 7, pattern(8))),
    );
    lab.inject(
      a,
      packet4(toA(), { src, dst: '224.0.0.1', proto: 17 }, udpBytes(src, '224.0.0.1', 1, 7, pattern(8))),
    );
    lab.inject(a, packet4(toA(), { src: '0.0.0.0', dst: '10.0.1.1', proto: 200 }, udp));
    lab.inject(a, packet4(toA(), { src: '224.1.1.1', dst: '10.0.1.1', proto: 200 }, udp));
    // An error about a time exceeded that has no route any further, and one without a type to look at.
    const stray = packet4(
      { ...toA(), to: r.interfaces[0]?.mac as number },
      { src: '10.0.1.1', dst: '10.9.9.9', proto: 1 },
      icmpBytes(11, 0, pattern(28)),
    );
    lab.inject(r, stray);
    lab.inject(
      r,
      packet4(
        { ...toA(), to: r.interfaces[0]?.mac as number },
        { src: '10.0.1.1', dst: '10.9.9.9', proto: 1 },
        new Uint8Array(0),
      ),
    );
    lab.inject(
      r,
      packet4(
        { ...toA(), to: r.interfaces[0]?.mac as number },
        { src: '10.0.1.1', dst: '10.9.9.9', proto: 17, offset: 8 },
        udp,
      ),
    );
    expect(messages('a')).toEqual([]);
    expect(messages('r')).toEqual([]);
    expect(r.counters.dropped(DROP.noRoute)).toBe(3);
  });

  test('errors that quote nothing of ours, or too little, are passed over', () => {
    const inbox = new Inbox();
    a.udp.bind(6000, inbox);
    const udp = udpBytes('10.0.1.1', '10.0.2.1', 6000, 7, pattern(4));
    const ours = packet4({ to: 0, from: 0 }, { src: '10.0.1.1', dst: '10.0.2.1', proto: 17 }, udp).slice(14);
    const theirs = packet4({ to: 0, from: 0 }, { src: '10.0.1.9', dst: '10.0.2.1', proto: 17 }, udp).slice(
      14,
    );
    const other = packet4({ to: 0, from: 0 }, { src: '10.0.1.1', dst: '10.0.2.1', proto: 99 }, udp).slice(14);
    const error = (type: number, quoted: Uint8Array): void => {
      const rest = new Uint8Array(4 + quoted.length);
      rest.set(quoted, 4);
      lab.inject(
        a,
        packet4(toA(), { src: '10.0.1.254', dst: '10.0.1.1', proto: 1 }, icmpBytes(type, 0, rest)),
      );
    };
    error(3, theirs);
    error(3, other);
    error(3, ours.slice(0, 27));
    error(
      3,
      Uint8Array.from(ours, (byte, i) => (i === 0 ? 0x4f : byte)),
    );
    error(5, ours);
    expect(inbox.errors).toEqual([]);
    error(12, ours);
    expect(inbox.errors.length).toBe(1);
  });

  test('a wrong checksum, in IP or ICMP, ends it', () => {
    const bytes = packet4(
      toA(),
      { src: '10.0.1.254', dst: '10.0.1.1', proto: 1 },
      icmpBytes(8, 0, pattern(20)),
    );
    for (const at of [16, 45]) {
      const bad = bytes.slice();
      bad[at + 8] = (bad[at + 8] as number) ^ 1;
      lab.inject(a, bad);
    }
    expect(a.counters.dropped(DROP.checksum)).toBe(2);
    lab.inject(a, packet4(toA(), { src: '10.0.1.254', dst: '10.0.1.1', proto: 1 }, pattern(5)));
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(1);
    expect(messages('a')).toEqual([]);
  });

  test('an echo from nowhere is not answered', () => {
    b.routes.remove((route) => route.prefix === 0);
    const head = { to: b.interfaces[0]?.mac as number, from: r.interfaces[1]?.mac as number };
    lab.inject(
      b,
      packet4(head, { src: '10.0.1.1', dst: '10.0.2.1', proto: 1 }, icmpBytes(8, 0, pattern(20))),
    );
    expect(b.counters.dropped(DROP.noRoute)).toBe(1);
  });
});
