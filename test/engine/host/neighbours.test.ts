import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseMac } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import { parseIp, parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { Inbox, Lab, stateOf } from '../../support/lab.ts';
import { arpFrame } from './packets.ts';

const MAC_A = parseMac('52:54:00:aa:00:01');
const MAC_B = parseMac('52:54:00:aa:00:02');
const MAC_C = parseMac('52:54:00:aa:00:03');
const A = '198.51.100.1';
const B = '198.51.100.2';

let lab: Lab;
let a: Host;
let b: Host;
let devA: Interface;
let inbox: Inbox;

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b');
  [devA] = lab.wire(a, { ips: [`${A}/24`], mac: MAC_A }, b, { ips: [`${B}/24`], mac: MAC_B });
  inbox = new Inbox();
});

afterEach(() => lab.end());

function send(payload: number, to = B): void {
  const socket = a.udp.bind(0, new Inbox());
  socket.send(parseIp(to), 7, Uint8Array.of(payload));
  a.udp.unbind(socket);
}

const state = (ip = B): string => stateOf(a.neighbours.find(parseIp(ip), devA));
const arps = (host?: string): string[] =>
  lab.frames(0x0806, host).map(({ time, bytes }) => {
    const op = arp.op(viewOf(bytes), 14) === 1 ? 'who-has' : 'is-at';
    const unicast = ((bytes[0] as number) & 1) === 0;
    return `${time} ${op}${unicast ? ' unicast' : ''}`;
  });

describe('neighbour table and ARP', () => {
  test('question and answer have the bytes that the kernel sends', () => {
    a.udp.bind(7, inbox);
    const socket = b.udp.bind(0, new Inbox());
    socket.send(parseIp(A), 7, Uint8Array.of(1));
    // Frames 7 and 8: 198.51.100.2 asks for 198.51.100.1.
    const captured = packetsOf(captureBytes('kernel/mcast3-underlay.pcap')).slice(6, 8);
    expect(lab.frames(0x0806).map((frame) => toHex(frame.bytes))).toEqual(
      captured.map((packet) => toHex(packet.bytes)),
    );
  });

  test('the first packet asks, waits and goes out with the answer', () => {
    b.udp.bind(7, inbox);
    expect(state()).toBe('none');
    send(1);
    expect(arps()).toEqual(['0 who-has', '0 is-at unicast']);
    expect(inbox.datagrams.map((d) => d.bytes[0])).toEqual([1]);
    expect(state()).toBe('REACHABLE');
    expect(stateOf(b.neighbours.find(parseIp(A), b.interfaces[0] as Interface))).toBe('STALE');
  });

  test('what waits goes out in order once the answer comes', () => {
    b.udp.bind(7, inbox);
    const port = devA.port;
    devA.port = lab.hole();
    for (let i = 0; i < 5; i++) send(i);
    expect(state()).toBe('INCOMPLETE');
    devA.port = port;
    lab.run(1);
    expect(inbox.datagrams.map((d) => d.bytes[0])).toEqual([0, 1, 2, 3, 4]);
  });

  test('three questions a second apart, then FAILED: the sender hears host unreachable', () => {
    const errors = new Inbox();
    const socket = a.udp.bind(5000, errors);
    socket.send(parseIp('198.51.100.77'), 9, Uint8Array.of(1));
    expect(state('198.51.100.77')).toBe('INCOMPLETE');
    lab.run(2.9);
    expect(arps()).toEqual(['0 who-has', '1 who-has', '2 who-has']);
    expect(errors.errors).toEqual([]);
    lab.run(0.1);
    expect(state('198.51.100.77')).toBe('FAILED');
    expect(errors.errors).toEqual([{ from: parseIp(A), type: 3, code: 1, port: 9, mtu: 0 }]);
    expect(a.counters.dropped(DROP.neighbourFailed)).toBe(1);
    expect(lab.clock.pending).toBe(0);
    // A later packet asks again.
    socket.send(parseIp('198.51.100.77'), 9, Uint8Array.of(1));
    expect(arps().length).toBe(4);
  });

  test('REACHABLE for 30 s, then STALE, DELAY for 5 s, a unicast question, REACHABLE again', () => {
    b.udp.bind(7, inbox);
    send(1);
    lab.run(30);
    send(2);
    expect(state()).toBe('REACHABLE');
    lab.run(0.001);
    send(3);
    expect(state()).toBe('DELAY');
    expect(inbox.datagrams.length).toBe(3);
    lab.sent.length = 0;
    lab.run(5);
    expect(arps()).toEqual(['35.001 who-has unicast', '35.001 is-at unicast']);
    expect(state()).toBe('REACHABLE');
  });

  test('a neighbour that went away: DELAY, PROBE with three unicast questions, FAILED', () => {
    b.udp.bind(7, inbox);
    send(1);
    lab.run(31);
    devA.port = lab.hole();
    send(2);
    expect(state()).toBe('DELAY');
    lab.run(5);
    expect(state()).toBe('PROBE');
    send(3);
    lab.run(2.5);
    expect(state()).toBe('PROBE');
    lab.run(0.5);
    expect(state()).toBe('FAILED');
    const asked = lab.sent.filter((frame) => frame.host === 'hole' && frame.type === 0x0806);
    expect(asked.map((frame) => frame.time)).toEqual([36, 37, 38]);
    expect(asked.every((frame) => toHex(frame.bytes.slice(0, 6)) === '525400aa0002')).toBe(true);
  });

  test('an answer that comes while probing makes it REACHABLE', () => {
    b.udp.bind(7, inbox);
    send(1);
    lab.run(31);
    const port = devA.port;
    devA.port = lab.hole();
    send(2);
    lab.run(5.5);
    expect(state()).toBe('PROBE');
    devA.port = port;
    lab.run(0.5);
    expect(state()).toBe('REACHABLE');
    expect(lab.clock.pending).toBe(0);
  });

  test('101 frames wait; with the next the oldest goes', () => {
    devA.port = lab.hole();
    b.udp.bind(7, inbox);
    const target = '198.51.100.50';
    for (let i = 0; i < 103; i++) send(i, target);
    expect(a.counters.dropped(DROP.neighbourFailed)).toBe(2);
    expect(a.neighbours.find(parseIp(target), devA)?.waiting.length).toBe(101);
    lab.run(3);
    expect(a.counters.dropped(DROP.neighbourFailed)).toBe(103);
  });

  test('gratuitous ARP moves a known neighbour and makes no new one', () => {
    b.udp.bind(7, inbox);
    b.arp.announce(b.interfaces[0] as Interface, parseIp4(B));
    expect(state()).toBe('none');
    send(1);
    const head = { to: 0xffffffffffff, from: MAC_C };
    lab.inject(a, arpFrame(head, 1, MAC_C, B, 0, B));
    expect(a.neighbours.find(parseIp(B), devA)?.mac).toBe(MAC_C);
    expect(state()).toBe('STALE');
    // A broadcast answer is no answer to us: it moves the entry and confirms nothing.
    lab.inject(a, arpFrame({ to: 0xffffffffffff, from: MAC_B }, 2, MAC_B, B, 0xffffffffffff, B));
    expect(a.neighbours.find(parseIp(B), devA)?.mac).toBe(MAC_B);
    expect(state()).toBe('STALE');
    // One that says what is known changes nothing.
    lab.inject(a, arpFrame({ to: MAC_A, from: MAC_B }, 2, MAC_B, B, MAC_A, A));
    expect(state()).toBe('REACHABLE');
    lab.inject(a, arpFrame({ to: 0xffffffffffff, from: MAC_B }, 1, MAC_B, B, 0, B));
    expect(state()).toBe('REACHABLE');
  });

  test('a permanent entry neither ages nor moves, and nobody is asked', () => {
    b.udp.bind(7, inbox);
    b.neighbours.pin(parseIp(A), b.interfaces[0] as Interface, MAC_A);
    a.neighbours.pin(parseIp(B), devA, MAC_B);
    send(1);
    lab.inject(a, arpFrame({ to: MAC_A, from: MAC_C }, 2, MAC_C, B, MAC_A, A));
    lab.run(100);
    send(2);
    expect(state()).toBe('PERMANENT');
    expect(arps()).toEqual([]);
    expect(inbox.datagrams.length).toBe(2);
    expect(a.neighbours.entries().map((n) => n.mac)).toEqual([MAC_B]);
  });

  test('pinning lets go what waits; forgetting drops it', () => {
    devA.port = lab.hole();
    send(1, '198.51.100.40');
    a.neighbours.pin(parseIp('198.51.100.40'), devA, MAC_C);
    expect(lab.sent.filter((frame) => frame.type === 0x0800).length).toBe(1);
    send(2, '198.51.100.41');
    expect(a.neighbours.forget(parseIp('198.51.100.41'), devA)).toBe(true);
    expect(a.counters.dropped(DROP.neighbourFailed)).toBe(1);
    expect(a.neighbours.forget(parseIp('198.51.100.99'), devA)).toBe(false);
  });

  test('a probe (sender 0.0.0.0, RFC 5227) is answered and teaches nothing', () => {
    lab.inject(a, arpFrame({ to: 0xffffffffffff, from: MAC_C }, 1, MAC_C, '0.0.0.0', 0, A));
    expect(arps('a')).toEqual(['0 is-at unicast']);
    expect(a.neighbours.entries()).toEqual([]);
  });

  test('questions for others are not answered, own frames and broken ones are dropped', () => {
    lab.inject(
      a,
      arpFrame({ to: 0xffffffffffff, from: MAC_C }, 1, MAC_C, '198.51.100.9', 0, '198.51.100.10'),
    );
    lab.inject(a, arpFrame({ to: 0xffffffffffff, from: MAC_A }, 1, MAC_A, '198.51.100.9', 0, A));
    lab.inject(a, arpFrame({ to: MAC_A, from: MAC_C }, 1, MAC_C, B, 0, A).slice(0, 30));
    expect(arps()).toEqual([]);
    expect(a.counters.dropped(DROP.martian)).toBe(1);
    expect(a.counters.dropped(DROP.invalidHeader)).toBe(1);
    expect(a.neighbours.entries()).toEqual([]);
  });

  test('an interface without IPv4 address asks nobody', () => {
    const lonely = lab.host('lonely');
    const dev = lab.alone(lonely, { ips: [] });
    lonely.arp.solicit(lonely.neighbours.entry(parseIp(B), dev), false);
    expect(lab.frames(undefined, 'lonely')).toEqual([]);
  });

  test('closing drops what waits without a word', () => {
    devA.port = lab.hole();
    const errors = new Inbox();
    a.udp.bind(5001, errors).send(parseIp('198.51.100.60'), 9, Uint8Array.of(1));
    a.close();
    expect(errors.errors).toEqual([]);
    expect(a.counters.dropped(DROP.neighbourFailed)).toBe(1);
  });
});
