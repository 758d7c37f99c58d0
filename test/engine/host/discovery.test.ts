import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp, parseMac, writeIp6, writeMac } from '../../../src/core/wire/address.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import * as nd from '../../../src/core/wire/nd.ts';
import { parseIp, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { Inbox, Lab, pattern, stateOf } from '../../support/lab.ts';
import { icmp6Bytes, packet6 } from './packets.ts';

const MAC_A = parseMac('0a:00:00:00:00:01');
const MAC_B = parseMac('0a:00:00:00:00:02');
const MAC_C = parseMac('0a:00:00:00:00:03');
const A = 'fd00:6::1';
const B = 'fd00:6::2';
const LINK_A = 'fe80::800:ff:fe00:1';

let lab: Lab;
let a: Host;
let b: Host;
let devA: Interface;
let devB: Interface;
let inbox: Inbox;

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b');
  [devA, devB] = lab.wire(a, { ips: [`${A}/64`], mac: MAC_A }, b, { ips: [`${B}/64`], mac: MAC_B });
  lab.run(2);
  lab.sent.length = 0;
  inbox = new Inbox();
  b.udp.bind(7, inbox);
});

afterEach(() => lab.end());

function send(to = B): void {
  const socket = a.udp.bind(0, new Inbox());
  socket.send(parseIp(to), 7, pattern(4));
  a.udp.unbind(socket);
}

const state = (ip = B): string => stateOf(a.neighbours.find(parseIp(ip), devA));

interface Said {
  readonly time: number;
  readonly what: string;
}

/** Neighbour messages: who, from, to, about, flags and option. */
const said = (host?: string): Said[] =>
  lab.frames(0x86dd, host).flatMap(({ bytes, time }) => {
    const view = viewOf(bytes);
    const type = bytes[54];
    if (bytes[20] !== 58 || (type !== 135 && type !== 136)) return [];
    expect(ipv6.hopLimit(view, 14)).toBe(255);
    const from = formatIp(ipv6.src(view, 14));
    const to = formatIp(ipv6.dst(view, 14));
    const about = formatIp(nd.target(view, 54));
    const flags = type === 136 ? ` ${nd.flags(view, 54).toString(16)}` : '';
    const option = bytes.length > 78 ? ` ${toHex(bytes.slice(78))}` : '';
    return [{ time, what: `${type === 135 ? 'NS' : 'NA'} ${from} > ${to} ${about}${flags}${option}` }];
  });

/** A neighbour message made by hand. */
function message(
  type: number,
  from: string,
  to: string,
  target: string,
  more: { flags?: number; option?: number; mac?: number; hops?: number; code?: number; ether?: number } = {},
): Uint8Array {
  const rest = new Uint8Array(more.mac === undefined ? 20 : 28);
  const view = viewOf(rest);
  rest[0] = more.flags ?? 0;
  writeIp6(view, 4, parseIp6(target));
  if (more.mac !== undefined) {
    rest[20] = more.option ?? (type === 135 ? 1 : 2);
    rest[21] = 1;
    writeMac(view, 22, more.mac);
  }
  const head = { to: more.ether ?? MAC_A, from: MAC_C };
  const bytes = icmp6Bytes(from, to, type, more.code ?? 0, rest);
  return packet6(head, { src: from, dst: to, next: 58, hops: more.hops ?? 255 }, bytes);
}

const ns = (from: string, to: string, target: string, more = {}): void =>
  lab.inject(a, message(135, from, to, target, more));
const na = (target: string, flags: number, mac?: number, to = A, more = {}): void =>
  lab.inject(a, message(136, target, to, target, { flags, ...(mac === undefined ? {} : { mac }), ...more }));

describe('neighbour discovery', () => {
  test('question and answer have the bytes that the kernel sends', () => {
    // Frames 15 and 16 behind their outer headers: fd00:6::1 asks for fd00:6::2.
    const captured = packetsOf(captureBytes('kernel/ipv6-underlay.pcap')).slice(14, 16);
    send();
    const frames = lab.sent.filter((frame) => frame.bytes[20] === 58).map((frame) => toHex(frame.bytes));
    expect(frames).toEqual(captured.map((packet) => toHex(packet.bytes.slice(70))));
    expect(state()).toBe('REACHABLE');
    expect(inbox.datagrams.length).toBe(1);
  });

  test('three questions a second apart, then FAILED: the sender hears address unreachable', () => {
    const errors = new Inbox();
    a.udp.bind(5000, errors).send(parseIp('fd00:6::77'), 9, pattern(1));
    lab.run(2.9);
    expect(said('a').map((s) => [s.time, s.what.split(' ')[3]])).toEqual([
      [2, 'ff02::1:ff00:77'],
      [3, 'ff02::1:ff00:77'],
      [4, 'ff02::1:ff00:77'],
    ]);
    lab.run(0.1);
    expect(state('fd00:6::77')).toBe('FAILED');
    expect(errors.errors).toEqual([{ from: parseIp(A), type: 256 + 1, code: 3, port: 9, mtu: 0 }]);
  });

  test('STALE after 30 s, DELAY, then a unicast question from the link-local address', () => {
    send();
    lab.run(31);
    lab.sent.length = 0;
    send();
    expect(state()).toBe('DELAY');
    lab.run(5);
    expect(said('a')[0]).toEqual({ time: 38, what: `NS ${LINK_A} > ${B} ${B} 01010a0000000001` });
    // To us alone: no override, no address (Linux).
    expect(said('b')[0]).toEqual({ time: 38, what: `NA ${B} > ${LINK_A} ${B} 40` });
    expect(state()).toBe('REACHABLE');
    lab.run(100);
    expect(lab.clock.pending).toBe(0);
  });

  test('a question to the group is answered solicited and override; its sender becomes STALE', () => {
    devA.port = lab.hole();
    ns(B, 'ff02::1:ff00:1', A, { mac: MAC_B, ether: 0x3333ff000001 });
    expect(said('hole').map((s) => s.what)).toEqual([`NA ${A} > ${B} ${A} 60 02010a0000000001`]);
    expect(state()).toBe('DELAY');
    expect(a.neighbours.find(parseIp(B), devA)?.mac).toBe(MAC_B);
  });

  test("a question without its sender's MAC has it asked for before the answer goes", () => {
    ns(B, A, A);
    expect(said('a').map((s) => s.what)).toEqual([
      `NS ${A} > ff02::1:ff00:2 ${B} 01010a0000000001`,
      `NA ${A} > ${B} ${A} 40`,
    ]);
  });

  test('somebody who tries our address out (from ::) is told before all nodes', () => {
    ns('::', 'ff02::1:ff00:1', A, { ether: 0x3333ff000001 });
    ns('::', 'ff02::1:ff00:1', 'fd00:6::ee00:1', { ether: 0x3333ff000001 });
    expect(said('a').map((s) => s.what)).toEqual([`NA ${A} > ff02::1 ${A} 20 02010a0000000001`]);
    expect(toHex(lab.sent[0]?.bytes.slice(0, 6) as Uint8Array)).toBe('333300000001');
    expect(a.neighbours.find(parseIp('::'), devA)).toBeUndefined();
  });

  test('a router says that it is one', () => {
    const r = lab.host('r', { forwarding: true });
    const dev = lab.alone(r, { ips: ['fd00:9::1/64'], mac: MAC_A });
    r.ip6.discovery.announce(dev, parseIp6('fd00:9::1'));
    lab.inject(r, message(135, '::', 'ff02::1:ff00:1', 'fd00:9::1', { ether: 0x3333ff000001 }));
    expect(said('r').map((s) => s.what.split(' ')[5])).toEqual(['a0', 'a0']);
  });

  test('an announcement updates what is known and makes nothing new', () => {
    b.ip6.discovery.announce(devB, parseIp6(B));
    expect(state()).toBe('none');
    send();
    na(B, 0x20, MAC_C, 'ff02::1', { ether: 0x333300000001 });
    expect(a.neighbours.find(parseIp(B), devA)?.mac).toBe(MAC_C);
    expect(state()).toBe('STALE');
  });

  test('without override another MAC only casts doubt (RFC 4861 s.7.2.5)', () => {
    send();
    na(B, 0x40, MAC_C);
    expect(state()).toBe('STALE');
    expect(a.neighbours.find(parseIp(B), devA)?.mac).toBe(MAC_B);
    na(B, 0x40, MAC_C);
    expect(state()).toBe('STALE');
    na(B, 0x60, MAC_C);
    expect(state()).toBe('REACHABLE');
    expect(a.neighbours.find(parseIp(B), devA)?.mac).toBe(MAC_C);
  });

  test('an answer without a MAC confirms what is known and begins nothing', () => {
    send();
    lab.run(31);
    na(B, 0x40);
    expect(state()).toBe('REACHABLE');
    lab.run(20);
    na(B, 0);
    send();
    expect(state()).toBe('REACHABLE');
    devA.port = lab.hole();
    send('fd00:6::50');
    na('fd00:6::50', 0x60);
    expect(state('fd00:6::50')).toBe('INCOMPLETE');
    na('fd00:6::50', 0, MAC_C);
    expect(state('fd00:6::50')).toBe('STALE');
  });

  test('answers about unknown and failed neighbours are passed over', () => {
    na('fd00:6::50', 0x60, MAC_C);
    expect(state('fd00:6::50')).toBe('none');
    devA.port = lab.hole();
    send('fd00:6::50');
    lab.run(3);
    na('fd00:6::50', 0x60, MAC_C);
    expect(state('fd00:6::50')).toBe('FAILED');
  });

  test.each([
    ['a hop limit below 255: it was routed', () => ns(B, A, A, { mac: MAC_B, hops: 254 })],
    ['a code other than 0', () => ns(B, A, A, { mac: MAC_B, code: 1 })],
    ['a group as the target', () => ns(B, A, 'ff02::1', { mac: MAC_B })],
    ['a trial with a MAC', () => ns('::', 'ff02::1:ff00:1', A, { mac: MAC_B })],
    ['a trial to another address', () => ns('::', A, A)],
    ['a trial to all nodes', () => ns('::', 'ff02::1', A)],
    ['an advertisement to a group that claims to be solicited', () => na(B, 0x40, MAC_B, 'ff02::1')],
    ['an option of length 0', endless],
  ])('%s is dropped (RFC 4861 s.7.1)', (_name, inject) => {
    inject();
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(1);
    expect(said('a')).toEqual([]);
  });

  test('questions about others are not answered', () => {
    ns(B, 'ff02::1:ff00:1', 'fd00:6::7700:1', { mac: MAC_B, ether: 0x3333ff000001 });
    expect(said('a')).toEqual([]);
    expect(a.neighbours.find(parseIp(B), devA)).toBeUndefined();
  });

  test('packets of others that wait: the question comes from our link-local address', () => {
    const r = lab.host('r', { forwarding: true });
    const dev = lab.alone(r, { ips: ['fd00:9::1/64'], mac: MAC_A });
    lab.run(2);
    lab.sent.length = 0;
    const bytes = packet6(
      { to: MAC_A, from: MAC_C },
      { src: 'fd00:8::1', dst: 'fd00:9::5', next: 59 },
      new Uint8Array(0),
    );
    lab.inject(r, bytes);
    expect(said('r').map((s) => s.what)).toEqual([
      `NS ${LINK_A} > ff02::1:ff00:5 fd00:9::5 01010a0000000001`,
    ]);
    r.removeAddress(dev, parseIp('fd00:9::1'));
    r.removeAddress(dev, parseIp(LINK_A));
    lab.sent.length = 0;
    lab.run(1);
    expect(said('r')).toEqual([]);
  });

  test('routers are configured, not discovered: their messages are passed over', () => {
    const rest = new Uint8Array(12);
    const before = a.counters.dropped();
    for (const type of [133, 134, 137, 143]) {
      lab.inject(
        a,
        packet6(
          { to: MAC_A, from: MAC_C },
          { src: 'fe80::9', dst: A, next: 58, hops: 255 },
          icmp6Bytes('fe80::9', A, type, 0, rest),
        ),
      );
    }
    expect(lab.sent).toEqual([]);
    expect(a.counters.dropped()).toBe(before);
  });
});

function endless(): void {
  const bytes = message(135, B, A, A, { mac: MAC_B });
  bytes[79] = 0;
  bytes.set(icmp6Bytes(B, A, 135, 0, bytes.slice(58)), 54);
  lab.inject(a, bytes);
}
