// Services by their virtual addresses and by their published ports in the lecture's stack: who is chosen, and which
// addresses the tunnel shows. UDP, whose datagrams tell by themselves who they came from.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../src/core/wire/address.ts';
import { ipv4, udp } from '../../src/core/wire/index.ts';
import { ETHERTYPE } from '../../src/core/wire/numbers.ts';
import type { Host } from '../../src/engine/host/host.ts';
import type { UdpSocket } from '../../src/engine/host/udp.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { viewOf } from '../support/bytes.ts';
import { Inbox } from '../support/lab.ts';
import { Network } from './network.ts';

let net: Network;
beforeEach(() => {
  net = new Network('docker', {}, 1, 'lecture.yml');
});
afterEach(() => net.end());

const { encode, decode } = { encode: new TextEncoder(), decode: new TextDecoder() };
const container = (name: string): Container => net.sim.world.containers.get(`lecture_${name}`) as Container;
const hostOf = (name: string): Host => net.sim.world.party(name).host;
const vipOf = (service: string, network: string): number => {
  const found = net.sim.world.plan.services.find(({ spec }) => spec.key === service);
  return found?.vips.find((vip) => vip.network.key === network)?.ip as number;
};
const balancerOf = (node: string, network: string): string => {
  const plan = net.sim.world.plan.networks.find((one) => one.key === network);
  return formatIp(plan?.balancers.get(node)?.ip ?? 0);
};

/** A server on a task that answers with its name and whom it was asked by. */
function serve(task: string, port: number): void {
  const host = hostOf(task);
  let socket: UdpSocket | null = null;
  socket = host.udp.bind(port, {
    datagram: (frame, ip, _at, _end, srcPort) => {
      const from = ipv4.src(frame.view, ip);
      frame.release();
      socket?.send(from, srcPort, encode.encode(`${task} ${formatIp(from)}:${srcPort}`));
    },
    error: () => {},
  });
}

/** Sends one datagram from a port of its own and lets time pass; answers with what came back and from where. */
function ask(
  from: Host,
  to: number,
  port: number,
): { inbox: Inbox; text: string | undefined; srcPort?: number } {
  const inbox = new Inbox();
  const socket = from.udp.bind(0, inbox);
  socket.send(to, port, Uint8Array.of(1));
  net.sim.clock.runUntil(net.sim.clock.now + SECOND / 100);
  const got = inbox.datagrams[0];
  return { inbox, text: got === undefined ? undefined : decode.decode(got.bytes), ...(got ?? {}) };
}

/** Inner IPv4 packets on the underlay, as sent, by VNI: source, destination, ports and hops. */
const inner = (): string[] =>
  net.tunnelled().map(({ inner: bytes, vni, type }) => {
    if (type !== ETHERTYPE.ipv4) return `type ${type}`;
    const view = viewOf(bytes);
    const at = 14 + ipv4.headerLength(view, 14);
    const ends = `${formatIp(ipv4.src(view, 14))}:${udp.srcPort(view, at)} ${formatIp(ipv4.dst(view, 14))}:${udp.dstPort(view, at)}`;
    return `${vni} ${ends} ttl ${ipv4.ttl(view, 14)}`;
  });

describe('virtual addresses', () => {
  test('each connection goes to the next task, the newest first, and a connection stays where it is', () => {
    for (const task of ['appserver.1', 'appserver.2']) serve(task, 8080);
    const client = hostOf('webserver.1');
    const vip = vipOf('appserver', 'mywebnw');
    const texts = Array.from({ length: 5 }, () => ask(client, vip, 8080).text?.split(' ')[0]);
    expect(texts).toEqual(['appserver.2', 'appserver.1', 'appserver.2', 'appserver.1', 'appserver.2']);
    const inbox = new Inbox();
    const socket = client.udp.bind(0, inbox);
    for (let i = 0; i < 4; i++) {
      socket.send(vip, 8080, Uint8Array.of(1));
      net.sim.clock.runUntil(net.sim.clock.now + SECOND);
    }
    expect(new Set(inbox.datagrams.map(({ bytes }) => decode.decode(bytes).split(' ')[0]))).toEqual(
      new Set(['appserver.1']),
    );
    expect(inbox.datagrams.length).toBe(4);
  });

  test("the tunnel shows the balancer's address and the task's, never the virtual one, and no ARP", () => {
    serve('mysql.1', 3306);
    const asker = container('appserver.1');
    const node = asker.node;
    expect(container('mysql.1').node).not.toBe(node);
    net.quiet();
    const answer = ask(asker.host, vipOf('mysql', 'mydbnw'), 3306);
    const lb = balancerOf(node, 'mydbnw');
    const task = formatIp(container('mysql.1').task?.endpoints[0]?.ip ?? 0);
    const port = Number(answer.text?.split(':')[1]);
    expect(answer.text).toBe(`mysql.1 ${lb}:${port}`);
    expect(answer.srcPort).toBe(3306);
    const { vni } = net.sim.world.networks.get('lecture_mydbnw')?.plan ?? {};
    // One router on the way there, the balancer; the answer has not met it yet.
    expect(inner()).toEqual([
      `${vni} ${lb}:${port} ${task}:3306 ttl 63`,
      `${vni} ${task}:3306 ${lb}:${port} ttl 64`,
    ]);
  });

  test('a task that asks its own service may be given to itself', () => {
    for (const task of ['appserver.1', 'appserver.2']) serve(task, 8080);
    const self = container('appserver.2');
    const answer = ask(self.host, vipOf('appserver', 'myappnw'), 8080);
    expect(answer.text).toMatch(new RegExp(`^appserver.2 ${balancerOf(self.node, 'myappnw')}:`));
  });

  test('a port where nobody listens is refused in the words of the virtual address', () => {
    const client = hostOf('webserver.1');
    const vip = vipOf('appserver', 'mywebnw');
    const { inbox } = ask(client, vip, 9);
    expect(inbox.errors).toMatchObject([{ from: vip, type: 3, code: 3, port: 9 }]);
  });

  test('a task that goes takes no more connections; with the last one the port is unreachable at once', () => {
    for (const task of ['appserver.1', 'appserver.2']) serve(task, 8080);
    const client = hostOf('webserver.1');
    const vip = vipOf('appserver', 'mywebnw');
    net.sim.world.stop(container('appserver.2'));
    const names = Array.from({ length: 3 }, () => ask(client, vip, 8080).text?.split(' ')[0]);
    expect(names).toEqual(['appserver.1', 'appserver.1', 'appserver.1']);
    net.sim.world.stop(container('appserver.1'));
    expect(ask(client, vip, 8080).inbox.errors).toMatchObject([{ from: vip, type: 3, code: 3 }]);
    // The address itself stays, on the asker's own node.
    expect(net.ping('webserver.1', formatIp(vip))).toBe(1);
  });

  test('a datagram to a task that is gone is lost, the next one goes to another', () => {
    for (const task of ['appserver.1', 'appserver.2']) serve(task, 8080);
    const inbox = new Inbox();
    const vip = vipOf('appserver', 'mywebnw');
    const client = container('webserver.1');
    const socket = client.host.udp.bind(0, inbox);
    const send = (): void => {
      socket.send(vip, 8080, Uint8Array.of(1));
      net.sim.clock.runUntil(net.sim.clock.now + SECOND / 100);
    };
    send();
    net.sim.world.stop(container('appserver.2'));
    send();
    expect(inbox.datagrams.length).toBe(1);
    const { networks, nodes } = net.sim.world;
    const sandbox = nodes.get(client.node)?.sandboxes.get(networks.get('lecture_mywebnw')?.plan.id ?? '');
    expect(sandbox?.balancer?.counters.dropped(DROP.noServer)).toBe(1);
    send();
    expect(inbox.datagrams.map(({ bytes }) => decode.decode(bytes).split(' ')[0])).toEqual([
      'appserver.2',
      'appserver.1',
    ]);
  });

  test('datagrams too long for the overlay arrive whole, both ways', () => {
    const host = hostOf('mysql.1');
    let socket: UdpSocket | null = null;
    socket = host.udp.bind(3306, {
      datagram: (frame, ip, at, end, srcPort) => {
        const from = ipv4.src(frame.view, ip);
        const bytes = frame.bytes.slice(at, end);
        frame.release();
        socket?.send(from, srcPort, bytes);
      },
      error: () => {},
    });
    const inbox = new Inbox();
    const sent = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
    hostOf('appserver.1').udp.bind(0, inbox).send(vipOf('mysql', 'mydbnw'), 3306, sent);
    net.sim.clock.runUntil(net.sim.clock.now + SECOND / 100);
    expect(inbox.datagrams.map(({ bytes }) => bytes)).toEqual([sent]);
  });
});

describe.each(['flood-and-learn', 'head-end'])(
  '%s: every node has the address and answers for it',
  (profile) => {
    test('a connection stays with the balancer that answered first, its own node', () => {
      net.end();
      net = new Network(profile, {}, 1, 'lecture.yml');
      for (const task of ['appserver.1', 'appserver.2']) serve(task, 8080);
      const client = container('webserver.1');
      const inbox = new Inbox();
      const socket = client.host.udp.bind(0, inbox);
      for (let i = 0; i < 3; i++) {
        socket.send(vipOf('appserver', 'mywebnw'), 8080, Uint8Array.of(1));
        net.sim.clock.runUntil(net.sim.clock.now + SECOND / 100);
      }
      const texts = inbox.datagrams.map(({ bytes }) => decode.decode(bytes).split(':')[0]);
      expect(texts).toEqual(Array(3).fill(`appserver.2 ${balancerOf(client.node, 'mywebnw')}`));
    });
  },
);
