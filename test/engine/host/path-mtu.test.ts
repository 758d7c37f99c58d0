import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { SENT } from '../../../src/engine/host/destination.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import { Ping } from '../../../src/engine/host/ping.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { gateway, Inbox, Lab, pattern } from '../../support/lab.ts';

// a ── 1500 ── r ── 1300 ── b, in both families.
let lab: Lab;
let a: Host;
let r: Host;
let b: Host;

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  r = lab.host('r', { forwarding: true });
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.1.1/24', 'fd01::1/64'] }, r, { ips: ['10.0.1.254/24', 'fd01::fe/64'] });
  lab.wire(r, { ips: ['10.0.2.254/24', 'fd02::fe/64'], mtu: 1300 }, b, {
    ips: ['10.0.2.1/24', 'fd02::1/64'],
    mtu: 1300,
  });
  for (const via of ['10.0.1.254', 'fd01::fe']) gateway(a, via);
  for (const via of ['10.0.2.254', 'fd02::fe']) gateway(b, via);
});

afterEach(() => lab.end());

const mtu = (to: string): number => a.destination(parseIp(to))?.mtu(lab.clock.now) as number;

describe('path MTU', () => {
  test('IPv4: a router that may not fragment tells its MTU, which is believed for ten minutes (RFC 1191)', () => {
    const inbox = new Inbox();
    const far = new Inbox();
    b.udp.bind(7, far);
    const socket = a.udp.bind(6000, inbox, { dontFragment: true });
    expect(socket.send(parseIp('10.0.2.1'), 7, pattern(1300))).toBe(SENT.ok);
    expect(inbox.errors).toEqual([{ from: parseIp('10.0.1.254'), type: 3, code: 4, port: 7, mtu: 1300 }]);
    expect(r.counters.dropped(DROP.mtuExceeded)).toBe(1);
    expect(mtu('10.0.2.1')).toBe(1300);
    expect(mtu('10.0.2.2')).toBe(1500);
    expect(socket.send(parseIp('10.0.2.1'), 7, pattern(1300))).toBe(SENT.tooLong);
    expect(socket.send(parseIp('10.0.2.1'), 7, pattern(1272))).toBe(SENT.ok);
    expect(far.datagrams.map((d) => d.bytes.length)).toEqual([1272]);
    lab.run(599);
    expect(mtu('10.0.2.1')).toBe(1300);
    lab.run(1);
    expect(mtu('10.0.2.1')).toBe(1500);
  });

  test('IPv4: what may be fragmented is, by the router', () => {
    const far = new Inbox();
    b.udp.bind(7, far);
    a.udp.bind(6000, new Inbox()).send(parseIp('10.0.2.1'), 7, pattern(1400));
    expect(lab.frames(0x0800, 'r').map((f) => f.bytes.length)).toEqual([14 + 20 + 1280, 14 + 20 + 128]);
    expect(far.datagrams.map((d) => d.bytes)).toEqual([pattern(1400)]);
  });

  test('IPv6: the router says too big, the sender fragments from then on (RFC 8201)', () => {
    const inbox = new Inbox();
    const far = new Inbox();
    b.udp.bind(7, far);
    const socket = a.udp.bind(6000, inbox);
    socket.send(parseIp('fd02::1'), 7, pattern(1400));
    expect(inbox.errors).toEqual([{ from: parseIp('fd01::fe'), type: 256 + 2, code: 0, port: 7, mtu: 1300 }]);
    expect(far.datagrams).toEqual([]);
    expect(mtu('fd02::1')).toBe(1300);
    socket.send(parseIp('fd02::1'), 7, pattern(1400));
    expect(far.datagrams.map((d) => d.bytes)).toEqual([pattern(1400)]);
    lab.run(600);
    expect(mtu('fd02::1')).toBe(1500);
  });

  test("IPv6: a socket with don't fragment is told instead (RFC 3542 s.11.2)", () => {
    const far = new Inbox();
    b.udp.bind(7, far);
    const socket = a.udp.bind(6000, new Inbox(), { dontFragment: true });
    expect(socket.send(parseIp('fd02::1'), 7, pattern(1453))).toBe(SENT.tooLong);
    expect(socket.send(parseIp('fd02::1'), 7, pattern(1452))).toBe(SENT.ok);
    expect(socket.send(parseIp('fd02::1'), 7, pattern(1253))).toBe(SENT.tooLong);
    expect(socket.send(parseIp('fd02::1'), 7, pattern(1252))).toBe(SENT.ok);
    expect(far.datagrams.map((d) => d.bytes.length)).toEqual([1252]);
  });

  test('IPv6: ping hears of too big and gets through with the next', () => {
    const p = new Ping(a, parseIp('fd02::1'), { count: 2, size: 1400 });
    p.start();
    lab.run(5);
    expect(p.result.errors).toEqual([{ seq: 1, from: parseIp('fd01::fe'), type: 2, code: 0, mtu: 1300 }]);
    expect(p.result.replies.map((reply) => [reply.seq, reply.bytes])).toEqual([[2, 1408]]);
  });

  test('"too big" and "fragmentation needed" are never held back', () => {
    const inbox = new Inbox();
    const socket = a.udp.bind(6000, inbox, { dontFragment: true });
    for (let i = 0; i < 20; i++) {
      for (const to of ['10.0.2.1', 'fd02::1']) {
        const destination = a.destination(parseIp(to));
        if (destination !== null) destination.pathMtu = 0;
        socket.send(parseIp(to), 7, pattern(1400));
      }
    }
    expect(inbox.errors.filter((error) => error.type === 3).length).toBe(20);
    expect(inbox.errors.filter((error) => error.type === 258).length).toBe(20);
  });

  test('less than 552 or 1280 is not believed, nor larger than what is known', () => {
    a.learnMtu(parseIp('10.0.2.1'), 68);
    expect(mtu('10.0.2.1')).toBe(552);
    a.learnMtu(parseIp('10.0.2.1'), 1000);
    expect(mtu('10.0.2.1')).toBe(552);
    a.learnMtu(parseIp('fd02::1'), 500);
    expect(mtu('fd02::1')).toBe(1280);
    a.learnMtu(parseIp('10.0.2.3'), 9000);
    expect(mtu('10.0.2.3')).toBe(1500);
  });

  test('every way of a route with several learns; a change of routes keeps what was learned', () => {
    const dev = a.interfaces[0] as never;
    const hops = ['10.0.1.254', '10.0.1.253'].map((via) => ({ via: parseIp(via), dev }));
    a.routes.add({ ip: parseIp('10.0.3.0'), prefix: 24, hops });
    a.learnMtu(parseIp('10.0.3.1'), 1200);
    const now = lab.clock.now;
    for (const hash of [0, 1]) expect(a.destination(parseIp('10.0.3.1'), hash)?.mtu(now)).toBe(1200);
    a.routes.add({ ip: parseIp('10.0.4.0'), prefix: 24, hops });
    expect(a.destination(parseIp('10.0.3.1'), 1)?.mtu(now)).toBe(1200);
    a.routes.remove(() => true);
    a.learnMtu(parseIp('10.0.3.1'), 1000);
    expect(a.destination(parseIp('10.0.3.1'))).toBeNull();
  });

  test('a local destination takes anything that fits a length field', () => {
    const inbox = new Inbox();
    a.udp.bind(9, inbox);
    const socket = a.udp.bind(6000, new Inbox());
    for (const [to, most] of [
      ['10.0.1.1', 65507],
      ['fd01::1', 65527],
    ] as const) {
      expect(socket.send(parseIp(to), 9, pattern(most))).toBe(SENT.ok);
      expect(socket.send(parseIp(to), 9, pattern(most + 1))).toBe(SENT.tooLong);
      expect(inbox.datagrams.at(-1)?.bytes.length).toBe(most);
    }
    expect(inbox.datagrams.length).toBe(2);
  });
});
