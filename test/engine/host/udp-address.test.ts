import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { SENT } from '../../../src/engine/host/destination.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { SocketOptions, UdpSocket } from '../../../src/engine/host/udp.ts';
import { address, Inbox, Lab, pattern } from '../../support/lab.ts';

let lab: Lab;
let a: Host;
let b: Host;

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.0.1/24', 'fd00::1/64'] }, b, { ips: ['10.0.0.2/24', 'fd00::2/64'] });
  b.addAddress(b.interfaces[0] as never, address('10.0.0.3/32'));
});

afterEach(() => lab.end());

const IN_USE = expect.objectContaining({ code: 'PORT_IN_USE' });

function bind(ip: string | null, translated = false, port = 53): { inbox: Inbox; socket: UdpSocket } {
  const inbox = new Inbox();
  const options: SocketOptions = ip === null ? { translated } : { address: parseIp(ip), translated };
  return { inbox, socket: b.udp.bind(port, inbox, options) };
}

describe('who hears a datagram', () => {
  test("the socket bound to its address, before one bound to none: Docker's resolver beside a server on all addresses", () => {
    const resolver = bind('127.0.0.11', true).inbox;
    const own = bind(null).inbox;
    const asker = b.udp.bind(0, new Inbox());
    asker.send(parseIp('127.0.0.11'), 53, pattern(1));
    asker.send(parseIp('127.0.0.1'), 53, pattern(2));
    a.udp.bind(0, new Inbox()).send(parseIp('10.0.0.2'), 53, pattern(3));
    expect(resolver.datagrams.map(({ bytes }) => bytes.length)).toEqual([1]);
    expect(own.datagrams.map(({ bytes }) => bytes.length)).toEqual([2, 3]);
  });

  test('each of several addresses has its own; one bound to another address is as good as none', () => {
    const second = bind('10.0.0.2').inbox;
    const third = bind('10.0.0.3').inbox;
    const errors = new Inbox();
    const client = a.udp.bind(0, errors);
    client.send(parseIp('10.0.0.3'), 53, pattern(3));
    client.send(parseIp('10.0.0.2'), 53, pattern(2));
    client.send(parseIp('fd00::2'), 53, pattern(6));
    expect(second.datagrams.map(({ bytes }) => bytes.length)).toEqual([2]);
    expect(third.datagrams.map(({ bytes }) => bytes.length)).toEqual([3]);
    expect(errors.errors.map(({ type, code }) => [type, code])).toEqual([[257, 4]]);
  });

  test('0.0.0.0 hears IPv4 only; :: and no address hear both', () => {
    const four = bind('0.0.0.0').inbox;
    const both = bind('::', false, 54).inbox;
    const client = a.udp.bind(0, new Inbox());
    for (const to of ['10.0.0.2', '10.0.0.3', 'fd00::2']) {
      client.send(parseIp(to), 53, pattern(3));
      client.send(parseIp(to), 54, pattern(3));
    }
    expect([four.datagrams.length, both.datagrams.length]).toEqual([2, 3]);
  });

  test('an error goes to the socket that sent: the one bound to the source, else the one bound to none', () => {
    const bound = bind('10.0.0.3', true, 7000);
    const wide = bind(null, false, 7000);
    bound.socket.send(parseIp('10.0.0.1'), 9, pattern(3));
    expect([bound.inbox.errors.length, wide.inbox.errors.length]).toEqual([1, 0]);
    wide.socket.send(parseIp('10.0.0.1'), 9, pattern(3));
    expect([bound.inbox.errors.length, wide.inbox.errors.length]).toEqual([1, 1]);
    wide.socket.send(parseIp('fd00::1'), 9, pattern(3));
    expect([bound.inbox.errors.length, wide.inbox.errors.length]).toEqual([1, 2]);
  });
});

describe('who may have a port', () => {
  test.each([
    [null, null],
    [null, '0.0.0.0'],
    [null, '10.0.0.2'],
    ['0.0.0.0', '10.0.0.2'],
    ['::', '0.0.0.0'],
    [null, 'fd00::2'],
    ['10.0.0.2', '10.0.0.2'],
  ])('%s and %s exclude each other, whoever comes first', (x, y) => {
    for (const [first, second] of [
      [x, y],
      [y, x],
    ] as const) {
      const { socket } = bind(first);
      expect(() => bind(second)).toThrowError(IN_USE);
      b.udp.unbind(socket);
    }
    b.udp.unbind(bind(y).socket);
  });

  test.each([
    ['10.0.0.2', '10.0.0.3'],
    ['10.0.0.2', 'fd00::2'],
    ['0.0.0.0', 'fd00::2'],
  ])('%s and %s may stand side by side', (x, y) => {
    bind(x);
    bind(y);
    expect(b.udp.isFree(53)).toBe(false);
  });

  test('a translated socket stands beside a wide one, but not beside another of its address', () => {
    bind(null);
    bind('127.0.0.11', true);
    expect(() => bind('127.0.0.11', true)).toThrowError(IN_USE);
    expect(() => bind(null)).toThrowError(IN_USE);
  });

  test("an address that is not the host's cannot be bound", () => {
    const notLocal = expect.objectContaining({ code: 'NOT_LOCAL' });
    expect(() => bind('10.0.0.1')).toThrowError(notLocal);
    expect(() => bind('fd00::1')).toThrowError(notLocal);
    expect(b.udp.isFree(53)).toBe(true);
  });

  test('after any order of binding and unbinding each datagram finds the socket of its address', () => {
    const ADDRESSES = ['10.0.0.2', '10.0.0.3', '127.0.0.11', 'fd00::2', null] as const;
    const client = b.udp.bind(0, new Inbox());
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: ADDRESSES.length - 1 }), { maxLength: 20 }), (steps) => {
        const open = new Map<string | null, { inbox: Inbox; socket: UdpSocket }>();
        for (const step of steps) {
          const at = ADDRESSES[step] as string | null;
          const known = open.get(at);
          if (known === undefined) open.set(at, bind(at, at !== null));
          else {
            b.udp.unbind(known.socket);
            b.udp.unbind(known.socket);
            open.delete(at);
          }
        }
        for (const at of ADDRESSES) {
          const to = at ?? '127.0.0.1';
          const before = [...open].map(([key, { inbox }]) => [key, inbox.datagrams.length] as const);
          client.send(parseIp(to), 53, pattern(1));
          const heard = before.filter(([key, count]) => open.get(key)?.inbox.datagrams.length !== count);
          const owner = open.has(at) ? at : open.has(null) ? null : undefined;
          expect(heard.map(([key]) => key)).toEqual(owner === undefined ? [] : [owner]);
        }
        for (const { socket } of open.values()) b.udp.unbind(socket);
        expect(b.udp.isFree(53)).toBe(true);
      }),
    );
  });
});

describe('sending from a bound address', () => {
  test('the source is the address, also when routes change under it', () => {
    const server = new Inbox();
    a.udp.bind(53, server);
    const { socket } = bind('10.0.0.3', false, 9);
    for (let i = 0; i < 3; i++) {
      expect(socket.send(parseIp('10.0.0.1'), 53, pattern(3))).toBe(SENT.ok);
      b.routes.generation++;
    }
    const sources = lab.frames(0x0800, 'b').map(({ bytes }) => [...bytes.slice(26, 30)].join('.'));
    expect(sources).toEqual(['10.0.0.3', '10.0.0.3', '10.0.0.3']);
  });

  test('the way is found once while it stays, so that sending makes none anew', () => {
    const { socket } = bind('10.0.0.3');
    const way = socket.destination(parseIp('10.0.0.1'));
    expect(way).not.toBeNull();
    expect(socket.destination(parseIp('10.0.0.1'))).toBe(way);
  });

  test('an IPv4 socket sends no IPv6 and the other way round', () => {
    for (const ip of ['10.0.0.2', '0.0.0.0']) {
      const { socket } = bind(ip);
      expect(socket.send(parseIp('fd00::1'), 53, pattern(1))).toBe(SENT.noRoute);
      b.udp.unbind(socket);
    }
    expect(bind('fd00::2').socket.send(parseIp('10.0.0.1'), 53, pattern(1))).toBe(SENT.noRoute);
  });
});
