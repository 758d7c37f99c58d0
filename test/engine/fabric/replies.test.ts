import { describe, expect, test } from 'vitest';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import { pseudo6, verifies } from '../../../src/core/wire/checksum.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as icmpv6 from '../../../src/core/wire/icmpv6.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import * as nd from '../../../src/core/wire/nd.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { PeerDb } from '../../../src/engine/fabric/peer-db.ts';
import { pmtuReply } from '../../../src/engine/fabric/pmtu-reply.ts';
import { answerTo, NO_ANSWER, NO_QUESTION, writeAnswer } from '../../../src/engine/fabric/proxy.ts';
import { viewOf } from '../../support/bytes.ts';
import type { Packet4 } from '../host/packets.ts';
import { arpFrame, concat, icmp6Bytes, icmpBytes, packet4, packet6 } from '../host/packets.ts';
import { A, ALL, B, ether } from './ground.ts';

const HEAD = { to: B, from: A };
const UDP4: Packet4 = { src: '10.0.0.1', dst: '10.0.0.2', proto: 17, dontFragment: true };
const UDP6 = { src: 'fd00::1', dst: 'fd00::2', next: 17 };

function reply(bytes: Uint8Array, mtu = 1450): Uint8Array | null {
  const pool = new FramePool();
  const frame = pool.from(bytes);
  const made = pmtuReply(pool, frame, mtu);
  const out = made?.toBytes() ?? null;
  expect(frame.toBytes()).toEqual(bytes);
  made?.release();
  frame.release();
  expect(pool.out).toBe(0);
  return out;
}

describe('path-MTU errors', () => {
  test.each([
    [60, 88],
    [1500, 576],
  ])(
    'IPv4 with DF, %i bytes: type 3 code 4, an error of at most %i bytes that quotes the packet',
    (length, most) => {
      const given = packet4(HEAD, UDP4, new Uint8Array(length - 20).fill(7));
      const bytes = reply(given) as Uint8Array;
      const view = viewOf(bytes);
      expect([ethernet.dst(view, 0), ethernet.src(view, 0)]).toEqual([A, B]);
      expect([ipv4.src(view, 14), ipv4.dst(view, 14)]).toEqual([parseIp('10.0.0.2'), parseIp('10.0.0.1')]);
      expect([ipv4.check(view, 14, bytes.length), ipv4.checksumOk(view, 14)]).toEqual([0, true]);
      expect([bytes[34], bytes[35], view.getUint16(40)]).toEqual([3, 4, 1450]);
      expect(verifies(view, 34, bytes.length)).toBe(true);
      expect(bytes.length - 14).toBe(Math.min(28 + length, most));
      expect(bytes.slice(42)).toEqual(given.slice(14, 14 + bytes.length - 42));
    },
  );

  test.each([100, 1500])('IPv6, %i bytes: packet too big, at most 1280 bytes', (length) => {
    const given = packet6(HEAD, UDP6, new Uint8Array(length - 40).fill(7));
    const bytes = reply(given, 1430) as Uint8Array;
    const view = viewOf(bytes);
    expect([bytes[54], bytes[55], view.getUint32(58)]).toEqual([2, 0, 1430]);
    expect(verifies(view, 54, bytes.length, pseudo6(view, 14, 58, bytes.length - 54))).toBe(true);
    expect(bytes.length - 14).toBe(Math.min(48 + length, 1280));
    expect(bytes.slice(62)).toEqual(given.slice(14, 14 + bytes.length - 62));
    expect(ipv6.check(view, 14, bytes.length)).toBe(0);
  });

  test('none about what may be fragmented, groups, what is not IP, and IP that is broken', () => {
    expect(reply(packet4(HEAD, { ...UDP4, dontFragment: false }, new Uint8Array(40)))).toBeNull();
    expect(reply(packet4({ to: ALL, from: A }, UDP4, new Uint8Array(40)))).toBeNull();
    expect(reply(packet6({ to: 0x333300000001, from: A }, UDP6, new Uint8Array(40)))).toBeNull();
    expect(reply(ether(B, A, 200))).toBeNull();
    expect(reply(packet4(HEAD, UDP4, new Uint8Array(40)).slice(0, 40))).toBeNull();
  });

  test.each([
    ['10.0.0.1', '239.1.1.1'],
    ['10.0.0.1', '255.255.255.255'],
    ['0.0.0.0', '10.0.0.2'],
    ['127.0.0.1', '10.0.0.2'],
    ['239.1.1.1', '10.0.0.2'],
    ['255.255.255.255', '10.0.0.2'],
  ])(
    'none about IPv4 from %s to %s, though both MAC addresses are unicast (RFC 1122 s.3.2.2)',
    (src, dst) => {
      expect(reply(packet4(HEAD, { ...UDP4, src, dst }, new Uint8Array(40)))).toBeNull();
    },
  );

  test.each([
    ['fd00::1', 'ff05::1'],
    ['::', 'fd00::2'],
    ['::1', 'fd00::2'],
    ['ff02::1', 'fd00::2'],
  ])('none about IPv6 from %s to %s, though both MAC addresses are unicast (as Linux)', (src, dst) => {
    expect(reply(packet6(HEAD, { ...UDP6, src, dst }, new Uint8Array(40)))).toBeNull();
  });

  test('none to a group as Ethernet source', () => {
    expect(reply(packet4({ to: B, from: 0x01005e000001 }, UDP4, new Uint8Array(40)))).toBeNull();
  });

  test('none about ICMP errors; about echoes there is one', () => {
    const four = (type: number): Uint8Array | null =>
      reply(packet4(HEAD, { ...UDP4, proto: 1 }, icmpBytes(type, 0, new Uint8Array(36))));
    expect([3, 5, 11, 12].map(four)).toEqual([null, null, null, null]);
    expect([0, 8].map((type) => four(type) !== null)).toEqual([true, true]);
    const six = (type: number): boolean =>
      reply(
        packet6(HEAD, { ...UDP6, next: 58 }, icmp6Bytes(UDP6.src, UDP6.dst, type, 0, new Uint8Array(36))),
      ) !== null;
    expect([1, 2, 3, 4, 128, 129].map(six)).toEqual([false, false, false, false, true, true]);
  });
});

describe('questions for neighbours', () => {
  const db = new PeerDb();
  db.set(B, [parseIp('10.0.0.2'), parseIp('fd00::2')], 3);
  const pool = new FramePool();
  const ask = (bytes: Uint8Array, own = 0): number => {
    const frame = pool.from(bytes);
    const answer = answerTo(frame, db, own);
    frame.release();
    return answer;
  };
  const who = (target: string, op = 1, to = ALL): Uint8Array =>
    arpFrame({ to, from: A }, op, A, '10.0.0.1', 0, target);
  const solicit = (target: string, from = 'fd00::1'): Uint8Array => {
    const body = new Uint8Array(28);
    const ip = parseIp(target) as { a: number; b: number; c: number; d: number };
    for (const [i, word] of [ip.a, ip.b, ip.c, ip.d].entries()) viewOf(body).setUint32(4 + 4 * i, word);
    body.set([1, 1, 2, 0, 0, 0, 0, 10], 20);
    const message = icmp6Bytes(from, 'ff02::1:ff00:2', 135, 0, body);
    return packet6(
      { to: 0x3333ff000002, from: A },
      { src: from, dst: 'ff02::1:ff00:2', next: 58, hops: 255 },
      message,
    );
  };

  test('ARP: known, unknown, on the own node, unicast, not a request, broken, not ARP', () => {
    expect(ask(who('10.0.0.2'))).toBe(B);
    expect(ask(who('10.0.0.2', 1, B))).toBe(B);
    expect(ask(who('10.0.0.9'))).toBe(NO_ANSWER);
    expect(ask(who('10.0.0.1'))).toBe(NO_ANSWER);
    expect(ask(who('10.0.0.2'), 3)).toBe(NO_ANSWER);
    expect(ask(who('10.0.0.2', 2))).toBe(NO_QUESTION);
    expect(ask(who('10.0.0.2').slice(0, 30))).toBe(NO_QUESTION);
    expect(ask(ether(B, A))).toBe(NO_QUESTION);
  });

  test('ND: known, unknown, on the own node, another message, cut short at any byte', () => {
    expect([ask(solicit('fd00::2')), ask(solicit('fd00::9')), ask(solicit('fd00::2'), 3)]).toEqual([
      B,
      NO_ANSWER,
      NO_ANSWER,
    ]);
    expect(
      ask(packet6(HEAD, { ...UDP6, next: 58 }, icmp6Bytes(UDP6.src, UDP6.dst, 136, 0, new Uint8Array(28)))),
    ).toBe(NO_QUESTION);
    expect(ask(packet6(HEAD, UDP6, new Uint8Array(30)))).toBe(NO_QUESTION);
    for (let end = 14; end < 78; end++) expect(ask(solicit('fd00::2').slice(0, end))).toBe(NO_QUESTION);
  });

  test('the answer to ARP', () => {
    const frame = pool.from(concat(who('10.0.0.2'), new Uint8Array(18)));
    writeAnswer(frame, B);
    const { view, start } = frame;
    expect([ethernet.dst(view, start), ethernet.src(view, start)]).toEqual([A, B]);
    expect(arp.read(view, start + 14)).toMatchObject({
      op: 2,
      senderMac: B,
      senderIp: parseIp('10.0.0.2'),
      targetMac: A,
      targetIp: parseIp('10.0.0.1'),
    });
    frame.release();
  });

  test('the answer to a solicitation: solicited, override, hop limit 255, checksum right', () => {
    const frame = pool.from(solicit('fd00::2'));
    writeAnswer(frame, B);
    const bytes = frame.toBytes();
    const view = viewOf(bytes);
    expect([ethernet.dst(view, 0), ethernet.src(view, 0), bytes.length]).toEqual([A, B, 86]);
    expect([ipv6.src(view, 14), ipv6.dst(view, 14), bytes[21]]).toEqual([
      parseIp('fd00::2'),
      parseIp('fd00::1'),
      255,
    ]);
    expect(icmpv6.type(view, 54)).toBe(136);
    expect([nd.flags(view, 54), nd.target(view, 54)]).toEqual([0x60, parseIp('fd00::2')]);
    expect(nd.linkAddress(view, 54, 86, nd.OPTION.targetLink)).toBe(B);
    expect(verifies(view, 54, 86, pseudo6(view, 14, 58, 32))).toBe(true);
    frame.release();
    expect(pool.out).toBe(0);
  });

  test('a probe for a duplicate address is answered to everybody, unsolicited (RFC 4861 s.7.2.4)', () => {
    const frame = pool.from(solicit('fd00::2', '::'));
    writeAnswer(frame, B);
    const view = viewOf(frame.toBytes());
    expect(ethernet.dst(view, 0)).toBe(0x333300000001);
    expect(ipv6.dst(view, 14)).toEqual(parseIp('ff02::1'));
    expect(nd.flags(view, 54)).toBe(nd.FLAG.override);
    expect(verifies(view, 54, 86, pseudo6(view, 14, 58, 32))).toBe(true);
    frame.release();
  });
});
