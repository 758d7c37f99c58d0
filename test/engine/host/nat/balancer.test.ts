// A load balancer by itself: segments are handed to it, and what it sends is looked at.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ipv4 } from '../../../../src/core/wire/index.ts';
import { parseIp, parseIp4 } from '../../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../../src/engine/host/host.ts';
import type { Interface } from '../../../../src/engine/host/interface.ts';
import type { BalancedService } from '../../../../src/engine/host/nat/balanced-service.ts';
import { Balancer } from '../../../../src/engine/host/nat/balancer.ts';
import { Nat } from '../../../../src/engine/host/nat/nat.ts';
import { ServerList } from '../../../../src/engine/host/nat/server-list.ts';
import { TCP_STATE_NAMES } from '../../../../src/engine/host/nat/tcp-track.ts';
import { DROP } from '../../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../../src/engine/trace/event.ts';
import { viewOf } from '../../../support/bytes.ts';
import { Lab, pattern } from '../../../support/lab.ts';
import { packet4, udpBytes } from '../packets.ts';
import { FLAGS, segment, told } from './segments.ts';

const VIP = '10.0.1.20';
const LB = '10.0.1.9';
const CLIENT = '10.0.1.5';
const TASKS = ['10.0.1.2', '10.0.1.3', '10.0.1.4'];

let lab: Lab;
let lb: Host;
let nat: Nat;
let service: BalancedService;
let list: ServerList;
let dev: Interface;

beforeEach(() => {
  lab = new Lab(true);
  lb = lab.host('lb');
  dev = lab.alone(lb, { ips: [`${LB}/24`], mtu: 1450 });
  lb.addAddress(dev, { ip: parseIp(VIP), prefix: 32 });
  for (const [i, ip] of [CLIENT, ...TASKS, '10.0.1.6'].entries())
    lb.neighbours.pin(parseIp(ip), dev, 100 + i);
  const balancer = new Balancer(lb, parseIp(LB));
  list = new ServerList();
  service = balancer.add('stack_app', 256, parseIp(VIP), list);
  for (const ip of TASKS) list.add(parseIp(ip));
  nat = new Nat(lb, { destination: [balancer], source: [balancer] });
  lb.ip4.nat = nat;
});
afterEach(() => lab.end());

/** Hands a packet over; answers with what went out because of it. */
function give(src: string, dst: string, proto: number, payload: Uint8Array, ttl = 64): Uint8Array[] {
  const before = lab.sent.length;
  lab.inject(lb, packet4({ to: dev.mac, from: 1 }, { src, dst, proto, ttl }, payload));
  return lab.sent.slice(before).map(({ bytes }) => bytes);
}
const tcpTo = (src: string, dst: string, ports: readonly [number, number], flags: number): string[] =>
  give(src, dst, 6, segment(src, dst, ...ports, flags)).map(told);
const udpTo = (src: string, dst: string, ports: readonly [number, number], payload = pattern(4)): string[] =>
  give(src, dst, 17, udpBytes(src, dst, ...ports, payload)).map(told);
const states = (): (string | undefined)[] => nat.table.live().map(({ state }) => TCP_STATE_NAMES[state]);

describe('a connection', () => {
  test('goes to a task from the balancer with both ports kept, and its answers come from the virtual address', () => {
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn)).toEqual([`${LB}:40000 > 10.0.1.4:80`]);
    expect(tcpTo('10.0.1.4', LB, [80, 40000], FLAGS.synAck)).toEqual([`${VIP}:80 > ${CLIENT}:40000`]);
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.ack)).toEqual([`${LB}:40000 > 10.0.1.4:80`]);
    expect(states()).toEqual(['ESTABLISHED']);
    expect([nat.size, service.servers()[0]?.connections, service.servers()[0]?.inPackets]).toEqual([1, 1, 2]);
    expect([service.servers()[0]?.inBytes, service.servers()[0]?.outBytes]).toEqual([80, 40]);
  });

  test('loses one hop each way', () => {
    const [out] = give(CLIENT, VIP, 6, segment(CLIENT, VIP, 40000, 80, FLAGS.syn), 10);
    expect(ipv4.ttl(viewOf(out as Uint8Array), 14)).toBe(9);
    const [late] = give(CLIENT, VIP, 6, segment(CLIENT, VIP, 40000, 80, FLAGS.syn), 1);
    // Time exceeded, about the packet as its sender knows it.
    const view = viewOf(late as Uint8Array);
    expect([view.getUint8(34), ipv4.dst(view, 14), ipv4.dst(view, 42)]).toEqual([
      11,
      parseIp4(CLIENT),
      parseIp4(VIP),
    ]);
    expect(lb.counters.dropped(DROP.hopLimit)).toBe(1);
  });

  test('on any port, TCP and UDP apart; each takes its turn', () => {
    expect(udpTo(CLIENT, VIP, [40000, 53])).toEqual([`${LB}:40000 > 10.0.1.4:53`]);
    expect(tcpTo(CLIENT, VIP, [40000, 53], FLAGS.syn)).toEqual([`${LB}:40000 > 10.0.1.3:53`]);
    expect(udpTo(CLIENT, VIP, [40001, 9])).toEqual([`${LB}:40001 > 10.0.1.2:9`]);
    expect(udpTo(CLIENT, VIP, [40002, 9])).toEqual([`${LB}:40002 > 10.0.1.4:9`]);
    expect(udpTo(CLIENT, VIP, [40000, 53])).toEqual([`${LB}:40000 > 10.0.1.4:53`]);
  });

  test('of another client with the same port to the same task gets another port', () => {
    list.remove(parseIp('10.0.1.2'));
    list.remove(parseIp('10.0.1.3'));
    expect(udpTo(CLIENT, VIP, [40000, 53])).toEqual([`${LB}:40000 > 10.0.1.4:53`]);
    expect(udpTo('10.0.1.6', VIP, [40000, 53])).toEqual([`${LB}:32768 > 10.0.1.4:53`]);
    expect(udpTo('10.0.1.4', LB, [53, 32768])).toEqual([`${VIP}:53 > 10.0.1.6:40000`]);
    expect(udpTo('10.0.1.4', LB, [53, 40000])).toEqual([`${VIP}:53 > ${CLIENT}:40000`]);
  });

  test('that no SYN began is not given to anybody', () => {
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.ack).filter((one) => one.includes('> 10.0.1.4'))).toEqual(
      [],
    );
    expect([nat.size, service.servers().map(({ connections }) => connections)]).toEqual([0, [0, 0, 0]]);
  });

  test('that is over goes to the same task again with a new SYN on its ports', () => {
    tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn);
    tcpTo('10.0.1.4', LB, [80, 40000], FLAGS.rst);
    expect(states()).toEqual(['CLOSE']);
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn)).toEqual([`${LB}:40000 > 10.0.1.4:80`]);
    expect(states()).toEqual(['SYN_SENT']);
  });

  test('lives 900 s when established, 300 s as UDP, 10 s after a reset', () => {
    udpTo(CLIENT, VIP, [40000, 53]);
    tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn);
    tcpTo('10.0.1.3', LB, [80, 40000], FLAGS.synAck);
    tcpTo(CLIENT, VIP, [40000, 80], FLAGS.ack);
    lab.run(300);
    expect(nat.table.live().length).toBe(2);
    lab.run(1);
    expect(nat.table.live().map(({ proto }) => proto)).toEqual([6]);
    lab.run(599);
    expect(nat.table.live().length).toBe(1);
    lab.run(1);
    expect(nat.table.live().length).toBe(0);
    tcpTo(CLIENT, VIP, [40001, 80], FLAGS.syn);
    tcpTo('10.0.1.2', LB, [80, 40001], FLAGS.rst);
    lab.run(11);
    expect(nat.table.live().length).toBe(0);
  });
});

describe('real servers', () => {
  test('one of weight 0 keeps its connections and gets no more, not even over an old one', () => {
    tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn);
    list.weigh(parseIp('10.0.1.4'), 0);
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.ack)).toEqual([`${LB}:40000 > 10.0.1.4:80`]);
    expect(udpTo(CLIENT, VIP, [1, 2])).toEqual([`${LB}:1 > 10.0.1.3:2`]);
    expect(udpTo(CLIENT, VIP, [2, 2])).toEqual([`${LB}:2 > 10.0.1.2:2`]);
    expect(udpTo(CLIENT, VIP, [3, 2])).toEqual([`${LB}:3 > 10.0.1.3:2`]);
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn)).toEqual([`${LB}:40000 > 10.0.1.2:80`]);
  });

  test('one that is gone: its connections end with their next packet, others go on', () => {
    tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn);
    tcpTo(CLIENT, VIP, [40001, 80], FLAGS.syn);
    list.remove(parseIp('10.0.1.4'));
    expect(tcpTo(CLIENT, VIP, [40000, 80], FLAGS.ack)).toEqual([]);
    expect(lb.counters.dropped(DROP.noServer)).toBe(1);
    expect(tcpTo(CLIENT, VIP, [40001, 80], FLAGS.ack)).toEqual([`${LB}:40001 > 10.0.1.3:80`]);
    expect(nat.size).toBe(1);
  });

  test('none left: port unreachable, from the virtual address, for UDP and TCP alike', () => {
    for (const ip of TASKS) list.remove(parseIp(ip));
    for (const [proto, payload] of [
      [17, udpBytes(CLIENT, VIP, 40000, 53, pattern(4))],
      [6, segment(CLIENT, VIP, 40000, 80, FLAGS.syn)],
    ] as const) {
      const [error] = give(CLIENT, VIP, proto, payload);
      const view = viewOf(error as Uint8Array);
      expect([ipv4.src(view, 14), view.getUint8(34), view.getUint8(35)]).toEqual([parseIp4(VIP), 3, 3]);
    }
    expect([nat.size, lb.counters.dropped(DROP.noServer)]).toEqual([0, 2]);
  });

  test('that come and go do not disturb whose turn it is', () => {
    const turn = (): string | null => service.next()?.ip.toString(16) ?? null;
    const last = (): string | undefined => turn()?.slice(-1);
    expect([last(), last()]).toEqual(['4', '3']);
    // Added in front of the one whose turn it was, it waits for the next round.
    list.add(parseIp('10.0.1.7'));
    expect([last(), last(), last()]).toEqual(['2', '7', '4']);
    list.remove(parseIp('10.0.1.4'));
    expect([last(), last(), last()]).toEqual(['3', '2', '7']);
    list.add(parseIp('10.0.1.7'));
    list.remove(parseIp('10.0.1.99'));
    list.weigh(parseIp('10.0.1.99'), 0);
    expect(list.size).toBe(3);
    for (const ip of ['10.0.1.2', '10.0.1.3', '10.0.1.7']) list.remove(parseIp(ip));
    expect(turn()).toBeNull();
  });
});

test('errors about a connection reach the client, about the packet that it sent', () => {
  tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn);
  // A router on the way says "fragmentation needed" and quotes eight bytes of TCP.
  const quoted = packet4(
    { to: 0, from: 0 },
    { src: LB, dst: '10.0.1.4', proto: 6 },
    segment(LB, '10.0.1.4', 40000, 80, 16),
  ).slice(14, 42);
  const error = new Uint8Array(8 + quoted.length);
  error.set([3, 4, 0, 0, 0, 0, 5, 0]);
  error.set(quoted, 8);
  let sum = 0;
  for (let i = 0; i < error.length; i += 2) sum += viewOf(error).getUint16(i);
  viewOf(error).setUint16(2, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  const [out] = give('10.0.1.77', LB, 1, error);
  const view = viewOf(out as Uint8Array);
  const at = 34;
  expect([ipv4.src(view, 14), ipv4.dst(view, 14)]).toEqual([parseIp4(VIP), parseIp4(CLIENT)]);
  expect([ipv4.src(view, at + 8), ipv4.dst(view, at + 8)]).toEqual([parseIp4(CLIENT), parseIp4(VIP)]);
  expect([view.getUint16(at + 28), view.getUint16(at + 30), view.getUint16(at + 6)]).toEqual([
    40000, 80, 1280,
  ]);
  expect(ipv4.checksumOk(view, at + 8)).toBe(true);
  let check = 0;
  for (let i = at; i < view.byteLength; i += 2) check += view.getUint16(i);
  expect((check & 0xffff) + (check >>> 16)).toBe(0xffff);
});

test('the recorder hears who was chosen and what became of the packet', () => {
  tcpTo(CLIENT, VIP, [40000, 80], FLAGS.syn);
  const events = Array.from({ length: lab.recorder?.length ?? 0 }, (_, i) => lab.recorder?.at(i));
  const balance = events.find((event) => event?.what === TRACE.balance);
  expect([balance?.a, balance?.b]).toEqual([parseIp4(VIP), parseIp4('10.0.1.4')]);
  expect(events.filter((event) => event?.what === TRACE.translate).map((event) => event?.a)).toEqual([1]);
});

test('echo requests to the virtual address are answered here', () => {
  const [reply] = give(CLIENT, VIP, 1, Uint8Array.of(8, 0, 0xf7, 0xfd, 0, 1, 0, 1));
  expect([viewOf(reply as Uint8Array).getUint8(34), nat.size]).toEqual([0, 0]);
});
