// Published ports: the routing mesh, which answers on every node, and a node's own ports.

import { afterEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import { ethernet, ipv4, udp, vxlan } from '../../../src/core/wire/index.ts';
import { parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { UdpSocket } from '../../../src/engine/host/udp.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { compose } from '../../lab/stack.ts';
import { viewOf } from '../../support/bytes.ts';
import { Inbox } from '../../support/lab.ts';

interface Seen {
  readonly node: number;
  readonly bytes: Uint8Array;
}

let sim: Simulation;
let wire: Seen[];

const STACK = (ports: string): string =>
  'version: "3.8"\nservices:\n' +
  `  web: {image: x, networks: [n], ports: [${ports}], deploy: {replicas: 2, placement: {constraints: [node.role == worker]}}}\n` +
  '  other: {image: x, networks: [n], deploy: {replicas: 1, placement: {constraints: [node.role == manager]}}}\n' +
  'networks: {n: {driver: overlay}}\n';

function start(ports: string, text = STACK(ports)): void {
  wire = [];
  sim = new Simulation(compose(text), {
    cluster: cluster(),
    profile: profileOf('docker'),
    seed: 1,
    capture: {
      frame: (node: number, inbound: boolean, frame: Frame) => {
        if (!inbound) wire.push({ node, bytes: frame.toBytes() });
      },
    },
  });
}

afterEach(() => {
  sim.close();
  expect([sim.world.ground.pool.out, sim.clock.pending]).toEqual([0, 0]);
});

const text = { encode: new TextEncoder(), decode: new TextDecoder() };
const hostOf = (name: string): Host => sim.world.party(name).host;
const nodeHost = (name: string): Host => sim.world.nodes.get(name)?.host as Host;
const NODES = { manager1: '192.0.2.11', worker1: '192.0.2.12', worker2: '192.0.2.13' };

/** Answers on a port with the task's name and whom it was asked by. */
function serve(task: string, port: number): void {
  let socket: UdpSocket | null = null;
  socket = hostOf(task).udp.bind(port, {
    datagram: (frame, ip, _at, _end, srcPort) => {
      const from = ipv4.src(frame.view, ip);
      frame.release();
      socket?.send(from, srcPort, text.encode.encode(`${task} ${formatIp(from)}`));
    },
    error: () => {},
  });
}

function ask(from: Host, to: string, port: number, size = 1): Inbox {
  const inbox = new Inbox();
  from.udp.bind(0, inbox).send(parseIp4(to), port, new Uint8Array(size));
  sim.clock.runUntil(sim.clock.now + SECOND / 50);
  return inbox;
}
const answers = (inbox: Inbox): string[] => inbox.datagrams.map(({ bytes }) => text.decode.decode(bytes));
const ask1 = (from: Host, to: string, port: number): string =>
  answers(ask(from, to, port)).join() || 'nothing';

/** The address of a node's ingress sandbox. */
const ingressOf = (node: string): string => {
  const plan = sim.world.plan.networks.find((one) => one.ingress);
  return formatIp(plan?.balancers.get(node)?.ip ?? 0);
};

/** Packets that left nodes: outer ones as they are, tunnelled ones as `vni: inner`. */
const sent = (): string[] =>
  wire.flatMap(({ bytes }) => {
    const view = viewOf(bytes);
    if (ethernet.etherType(view, 0) !== 0x0800) return [];
    const ends = (at: number): string =>
      `${formatIp(ipv4.src(view, at))} ${formatIp(ipv4.dst(view, at))}:${udp.dstPort(view, at + 20)}`;
    if (udp.dstPort(view, 34) !== 4789) return [ends(14)];
    return [`${vxlan.vni(view, 42)}: ${ends(64)}`];
  });

describe('the routing mesh', () => {
  test('every node answers, each by its own turn, with a task there or not', () => {
    start('"8085:80/udp"');
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    const outside = sim.underlay.gateway as Host;
    for (const [node, ip] of Object.entries(NODES)) {
      const lb = ingressOf(node);
      const heard = [1, 2, 3].map(() => ask1(outside, ip, 8085));
      expect(heard).toEqual([`web.2 ${lb}`, `web.1 ${lb}`, `web.2 ${lb}`]);
    }
  });

  test('on the tunnel: ingress sandbox to task with the published port, VNI 4096, and back', () => {
    start('"8085:80/udp"');
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    const outside = sim.underlay.gateway as Host;
    const client = formatIp(outside.interfaces[0]?.addresses[0]?.ip ?? 0);
    ask(outside, NODES.manager1, 8085);
    wire.length = 0;
    const port = ask(outside, NODES.manager1, 8085).datagrams[0]?.srcPort;
    expect(port).toBe(8085);
    const task = formatIp(sim.world.containers.get('lecture_web.1')?.task?.endpoints[0]?.ip ?? 0);
    const lb = ingressOf('manager1');
    const [there, back, answer] = sent();
    expect([there, back?.split(':').slice(0, 2).join(':')]).toEqual([
      `4096: ${lb} ${task}:8085`,
      `4096: ${task} ${lb}`,
    ]);
    expect(answer).toMatch(new RegExp(`^${NODES.manager1} ${client}:`));
    expect(sent().length).toBe(3);
  });

  test('a node reaches its own port by its address, by docker_gwbridge and by 127.0.0.1', () => {
    start('"8085:80/udp"');
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    const lb = ingressOf('manager1');
    const heard = [NODES.manager1, '172.18.0.1', '127.0.0.1'].map((to) =>
      ask1(nodeHost('manager1'), to, 8085),
    );
    expect(heard).toEqual([`web.2 ${lb}`, `web.1 ${lb}`, `web.2 ${lb}`]);
    expect(ask1(nodeHost('manager1'), NODES.worker1, 8085)).toBe(`web.2 ${ingressOf('worker1')}`);
  });

  test('a container reaches the port on its own node and on another', () => {
    start('"8085:80/udp"');
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    const heard = [NODES.manager1, NODES.worker2].map((to) => ask1(hostOf('other.1'), to, 8085));
    expect(heard).toEqual([`web.2 ${ingressOf('manager1')}`, `web.2 ${ingressOf('worker2')}`]);
  });

  test('a port that nobody published is closed, and the published one is not open on the task', () => {
    start('"8085:80/udp"');
    serve('web.1', 80);
    serve('web.1', 8085);
    const outside = sim.underlay.gateway as Host;
    expect(ask(outside, NODES.worker1, 9).errors).toMatchObject([
      { from: parseIp4(NODES.worker1), type: 3, code: 3 },
    ]);
    const task = sim.world.containers.get('lecture_web.1');
    const overlay = task?.task?.endpoints[1]?.ip as number;
    expect(ask1(hostOf('other.1'), formatIp(overlay), 8085)).toMatch(/^web.1/);
  });

  test('on its ingress address a task takes published ports and echo requests only', () => {
    start('"8085:80/udp"');
    serve('web.1', 80);
    serve('web.1', 81);
    const task = sim.world.containers.get('lecture_web.1');
    const ip = formatIp(task?.task?.endpoints[0]?.ip ?? 0);
    const sandbox = sim.world.nodes.get('manager1')?.sandboxes.values().next().value?.balancer as Host;
    expect(sandbox.name).toBe('ingress_sbox');
    expect(ask1(sandbox, ip, 8085)).toMatch(/^web.1/);
    expect(ask1(sandbox, ip, 80)).toMatch(/^web.1/);
    expect(ask(sandbox, ip, 81)).toMatchObject({ datagrams: [], errors: [] });
    expect(task?.host.counters.dropped(DROP.filtered)).toBe(1);
  });

  test('with no program on the target port the client hears it from the node, about the port it asked for', () => {
    start('"8085:80/udp"');
    const outside = sim.underlay.gateway as Host;
    const { errors } = ask(outside, NODES.worker1, 8085);
    expect(errors).toMatchObject([{ from: parseIp4(NODES.worker1), type: 3, code: 3, port: 8085 }]);
  });

  test('with no task left the port is unreachable', () => {
    start('"8085:80/udp"');
    for (const name of ['lecture_web.1', 'lecture_web.2']) {
      const container = sim.world.containers.get(name);
      if (container !== undefined) sim.world.stop(container);
    }
    const { errors } = ask(sim.underlay.gateway as Host, NODES.worker1, 8085);
    expect(errors).toMatchObject([{ from: parseIp4(NODES.worker1), type: 3, code: 3, port: 8085 }]);
  });

  test('ports left open are chosen from 30000 on, past those that are taken', () => {
    start('"80/udp", "30000:81/udp", "82/udp", "83"');
    expect(sim.world.plan.services[0]?.ports.map(({ published, proto }) => [published, proto])).toEqual([
      [30001, 17],
      [30000, 17],
      [30002, 17],
      [30003, 6],
    ]);
    for (const task of ['web.1', 'web.2']) {
      serve(task, 80);
      serve(task, 81);
    }
    const outside = sim.underlay.gateway as Host;
    expect(ask1(outside, NODES.manager1, 30001)).toMatch(/^web.2/);
    expect(ask1(outside, NODES.manager1, 30000)).toMatch(/^web.1/);
  });

  test('datagrams of several fragments come through', () => {
    start('"8085:80/udp"');
    const got: number[] = [];
    for (const task of ['web.1', 'web.2']) {
      hostOf(task).udp.bind(80, {
        datagram: (frame, _ip, at, end) => {
          got.push(end - at);
          frame.release();
        },
        error: () => {},
      });
    }
    ask(sim.underlay.gateway as Host, NODES.manager1, 8085, 9000);
    expect(got).toEqual([9000]);
  });
});

describe("a node's own ports", () => {
  const HOST = '{target: 80, published: 8082, protocol: udp, mode: host}';

  test('lead to the task of that node, and nowhere on a node without one', () => {
    start(HOST);
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    const outside = sim.underlay.gateway as Host;
    const client = formatIp(outside.interfaces[0]?.addresses[0]?.ip ?? 0);
    expect(ask1(outside, NODES.worker1, 8082)).toBe(`web.1 ${client}`);
    expect(ask1(outside, NODES.worker2, 8082)).toBe(`web.2 ${client}`);
    expect(ask(outside, NODES.manager1, 8082).errors).toMatchObject([{ type: 3, code: 3 }]);
    expect(sent().filter((packet) => packet.startsWith('4'))).toEqual([]);
  });

  test('go with the task', () => {
    start(HOST);
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    const inbox = new Inbox();
    const socket = (sim.underlay.gateway as Host).udp.bind(40000, inbox);
    const send = (): void => {
      socket.send(parseIp4(NODES.worker1), 8082, Uint8Array.of(1));
      sim.clock.runUntil(sim.clock.now + SECOND / 50);
    };
    send();
    expect(inbox.datagrams.length).toBe(1);
    const container = sim.world.containers.get('lecture_web.1');
    if (container !== undefined) sim.world.stop(container);
    // Not even what was under way finds a way.
    send();
    expect(inbox.errors).toMatchObject([{ type: 3, code: 3, port: 8082 }]);
  });

  test('that nobody named are chosen from 32768 on', () => {
    start('{target: 80, protocol: udp, mode: host}');
    for (const task of ['web.1', 'web.2']) serve(task, 80);
    expect(ask1(sim.underlay.gateway as Host, NODES.worker1, 32768)).toMatch(/^web.1/);
  });
});
