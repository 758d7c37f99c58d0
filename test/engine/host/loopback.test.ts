import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { REACH, SENT } from '../../../src/engine/host/destination.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import { isLoopback, LOOPBACK_MTU } from '../../../src/engine/host/loopback.ts';
import type { PingResult } from '../../../src/engine/host/ping.ts';
import { Ping } from '../../../src/engine/host/ping.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { gateway, Inbox, Lab, pattern } from '../../support/lab.ts';
import { packet4, packet6, udpBytes } from './packets.ts';

let lab: Lab;
let a: Host;
let b: Host;

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b', { forwarding: true });
  lab.wire(a, { ips: ['10.0.0.1/24', 'fd00::1/64'] }, b, { ips: ['10.0.0.2/24', 'fd00::2/64'] });
  gateway(a, '10.0.0.2');
  gateway(b, '10.0.0.1');
  lab.run(1);
  lab.sent.length = 0;
});

afterEach(() => lab.end());

function ping(host: Host, to: string, size = 56): PingResult {
  const one = new Ping(host, parseIp(to), { count: 1, size });
  one.start();
  lab.run(3);
  return one.result;
}

describe('the interface', () => {
  test('lo has both loopback addresses and stands beside the numbered ones', () => {
    expect(a.lo.name).toBe('lo');
    expect(a.interface('lo')).toBe(a.lo);
    expect(a.lo.mtu).toBe(LOOPBACK_MTU);
    expect(a.lo.mac).toBe(0);
    expect(a.lo.addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`)).toEqual([
      '127.0.0.1/8',
      '::1/128',
    ]);
    expect(a.interfaces.map(({ name, index }) => `${index} ${name}`)).toEqual(['0 eth0']);
  });

  test('is made with the first packet that needs it, and what listens there comes up before that packet', () => {
    const made: string[] = [];
    const inbox = new Inbox();
    a.onLoopback = (host) => {
      made.push(host.name);
      host.udp.bind(53, inbox, { address: parseIp('127.0.0.11') });
    };
    const socket = a.udp.bind(0, new Inbox());
    socket.send(parseIp('10.0.0.2'), 53, pattern(3));
    expect(made).toEqual([]);
    for (let i = 0; i < 2; i++) socket.send(parseIp('127.0.0.11'), 53, pattern(3));
    expect(made).toEqual(['a']);
    expect(inbox.datagrams.length).toBe(2);
  });
});

describe('a host to itself', () => {
  test.each(['127.0.0.1', '127.0.0.11', '127.255.255.254', '::1'])(
    '%s answers, and nothing is on a wire',
    (ip) => {
      const { replies } = ping(a, ip);
      expect(replies.map(({ from, rtt }) => [formatIp(from), rtt])).toEqual([[ip, 0]]);
      expect(a.isLocal(parseIp(ip))).toBe(true);
      expect(lab.sent).toEqual([]);
    },
  );

  test.each([
    ['127.0.0.11', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['fd00::1', 'fd00::1'],
  ])('to %s it speaks from %s', (to, from) => {
    const way = a.destination(parseIp(to));
    expect(way?.reach).toBe(REACH.local);
    expect(way?.dev).toBe(a.lo);
    expect(formatIp(way?.src as number)).toBe(from);
  });

  test('its own addresses are reached over lo too, uncut up to the MTU of 65536', () => {
    for (const ip of ['10.0.0.1', 'fd00::1', '127.0.0.1', '::1']) {
      const before = a.lo.counters.rxPackets;
      expect(ping(a, ip, 60_000).replies.map(({ bytes }) => bytes)).toEqual([60_008]);
      expect(a.lo.counters.rxPackets - before).toBe(2);
    }
    expect(a.lo.counters.txPackets).toBe(a.lo.counters.rxPackets);
    expect(lab.sent).toEqual([]);
  });

  test('a port that nobody has is told of, as over a wire', () => {
    const client = new Inbox();
    const socket = a.udp.bind(0, client);
    socket.send(parseIp('127.0.0.1'), 9, pattern(3));
    socket.send(parseIp('::1'), 9, pattern(3));
    expect(client.errors.map(({ type, code, port }) => [type, code, port])).toEqual([
      [3, 3, 9],
      [257, 4, 9],
    ]);
  });

  test('however often: errors are limited on wires only (Linux: icmpv4_xrlim_allow)', () => {
    for (const ip of ['127.0.0.1', '::1', '10.0.0.1']) {
      const client = new Inbox();
      const socket = a.udp.bind(0, client);
      for (let i = 0; i < 20; i++) socket.send(parseIp(ip), 9, pattern(3));
      expect([ip, client.errors.length]).toEqual([ip, 20]);
    }
  });

  test('from loopback to another of its addresses and back', () => {
    const server = new Inbox();
    const client = new Inbox();
    const there = a.udp.bind(53, server);
    const here = a.udp.bind(0, client, { address: parseIp('127.0.0.1') });
    expect(here.send(parseIp('10.0.0.1'), 53, pattern(4))).toBe(SENT.ok);
    there.send(parseIp('127.0.0.1'), server.datagrams[0]?.srcPort as number, pattern(5));
    expect(client.datagrams).toEqual([{ srcPort: 53, bytes: pattern(5) }]);
    expect(lab.sent).toEqual([]);
  });
});

describe('wires', () => {
  const HEAD = { to: 0, from: 0 };

  function inject(src: string, dst: string): void {
    const head = { ...HEAD, to: b.interfaces[0]?.mac as number, from: a.interfaces[0]?.mac as number };
    const udp = udpBytes(src, dst, 9, 53, pattern(3));
    const six = src.includes(':');
    lab.inject(
      b,
      six ? packet6(head, { src, dst, next: 17 }, udp) : packet4(head, { src, dst, proto: 17 }, udp),
    );
  }

  test.each([
    ['127.0.0.1', '10.0.0.2'],
    ['127.0.0.1', '127.0.0.1'],
    ['10.0.0.1', '127.0.0.1'],
    ['10.0.0.1', '127.3.2.1'],
    ['127.0.0.1', '10.9.9.9'],
    ['10.0.0.2', '10.0.0.2'],
    ['::1', 'fd00::2'],
    ['fd00::1', '::1'],
    ['::1', '::1'],
  ])('%s to %s from a wire is a martian, also to a router', (src, dst) => {
    const inbox = new Inbox();
    b.udp.bind(53, inbox);
    inject(src, dst);
    expect(b.counters.dropped(DROP.martian)).toBe(1);
    expect(inbox.datagrams).toEqual([]);
    expect(lab.sent).toEqual([]);
  });

  test('a loopback source does not leave, whatever the routes say', () => {
    for (const [src, dst] of [
      ['127.0.0.1', '10.0.0.2'],
      ['127.0.0.11', '192.0.2.1'],
      ['::1', 'fd00::2'],
    ] as const) {
      expect(a.destinationFrom(parseIp(dst), parseIp(src))).toBeNull();
      const socket = a.udp.bind(0, new Inbox(), { address: parseIp(src) });
      expect(socket.send(parseIp(dst), 53, pattern(3))).toBe(SENT.noRoute);
    }
    expect(lab.sent).toEqual([]);
    expect(a.counters.dropped(DROP.noRoute)).toBe(3);
  });

  test('all of 127.0.0.0/8 and ::1 alone are loopback', () => {
    for (const ip of ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'])
      expect(isLoopback(parseIp(ip))).toBe(true);
    for (const ip of ['126.255.255.255', '128.0.0.0', '::', '::2', '1::1'])
      expect(isLoopback(parseIp(ip))).toBe(false);
  });
});
