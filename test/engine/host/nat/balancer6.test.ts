// A load balancer of an IPv6 network: client, balancer and tasks on one link.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatIp } from '../../../../src/core/wire/address.ts';
import { ipv6 } from '../../../../src/core/wire/index.ts';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../../src/engine/host/host.ts';
import { Balancer } from '../../../../src/engine/host/nat/balancer.ts';
import { Nat } from '../../../../src/engine/host/nat/nat.ts';
import { ServerList } from '../../../../src/engine/host/nat/server-list.ts';
import { Ping } from '../../../../src/engine/host/ping.ts';
import type { UdpSocket } from '../../../../src/engine/host/udp.ts';
import { DROP } from '../../../../src/engine/trace/drop.ts';
import { Inbox, Lab, pattern } from '../../../support/lab.ts';

const VIP = parseIp('fd00::20');

let lab: Lab;
let client: Host;
let tasks: Host[];
let list: ServerList;

beforeEach(() => {
  lab = new Lab();
  const bridge = lab.bridge();
  const join = (name: string, ip: string): Host => {
    const host = lab.host(name);
    lab.attach(host, bridge, { ips: [`${ip}/64`], mtu: 1450 });
    return host;
  };
  client = join('client', 'fd00::5');
  tasks = [join('a', 'fd00::2'), join('b', 'fd00::3')];
  const lb = join('lb', 'fd00::9');
  const balancer = new Balancer(lb, parseIp('fd00::9'));
  list = new ServerList();
  balancer.add('stack_app', 256, VIP, list);
  for (const ip of ['fd00::2', 'fd00::3']) list.add(parseIp(ip));
  const dev = lb.interface('eth0');
  lb.addAddress(dev, { ip: VIP, prefix: 128 });
  lb.ip6.nat = new Nat(lb, { destination: [balancer], source: [balancer] });
});
afterEach(() => {
  for (const host of lab.hosts) expect(host.counters.dropped(DROP.checksum)).toBe(0);
  lab.end();
});

/** Sends back what comes, and notes who asked. */
function echo(host: Host, heard: string[]): void {
  let socket: UdpSocket | null = null;
  socket = host.udp.bind(53, {
    datagram: (frame, ip, at, end, srcPort) => {
      const from = ipv6.src(frame.view, ip);
      const bytes = frame.bytes.slice(at, end);
      frame.release();
      heard.push(`${host.name} ${formatIp(from)} ${ipv6.hopLimit(frame.view, ip)}`);
      socket?.send(from, srcPort, bytes);
    },
    error: () => {},
  });
}

test('datagrams take turns, come from the balancer, and are answered by the virtual address', () => {
  const heard: string[] = [];
  for (const task of tasks) echo(task, heard);
  const boxes = [1, 2, 3].map((n) => {
    const inbox = new Inbox();
    client.udp.bind(0, inbox).send(VIP, 53, pattern(n));
    return inbox;
  });
  expect(heard).toEqual(['b fd00::9 63', 'a fd00::9 63', 'b fd00::9 63']);
  expect(boxes.map(({ datagrams }) => datagrams)).toEqual(
    [1, 2, 3].map((n) => [{ srcPort: 53, bytes: pattern(n) }]),
  );
});

test('datagrams of several fragments come through both ways', () => {
  const heard: string[] = [];
  for (const task of tasks) echo(task, heard);
  const inbox = new Inbox();
  client.udp.bind(0, inbox).send(VIP, 53, pattern(5000));
  expect(inbox.datagrams.map(({ bytes }) => bytes)).toEqual([pattern(5000)]);
});

test('errors come back in the words of the virtual address', () => {
  const inbox = new Inbox();
  const socket = client.udp.bind(40000, inbox);
  socket.send(VIP, 53, pattern(1));
  for (const ip of ['fd00::2', 'fd00::3']) list.remove(parseIp(ip));
  client.udp.bind(40001, inbox).send(VIP, 54, pattern(1));
  // ICMPv6's types are told plus 256.
  expect(inbox.errors).toEqual([
    { from: VIP, type: 257, code: 4, port: 53, mtu: 0 },
    { from: VIP, type: 257, code: 4, port: 54, mtu: 0 },
  ]);
});

test('echo requests are answered by the balancer itself', () => {
  const ping = new Ping(client, VIP, { count: 1 });
  ping.start();
  lab.run(1);
  expect(ping.result.replies.length).toBe(1);
});
