// What load balancers know of services, and when.

import { afterEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import { ipv6 } from '../../../src/core/wire/index.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { UdpSocket } from '../../../src/engine/host/udp.ts';
import type { ServiceSpec } from '../../../src/engine/model/spec.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import { GatewayBridge } from '../../../src/engine/orchestrate/gateway-bridge.ts';
import { Ground } from '../../../src/engine/orchestrate/ground.ts';
import type { TaskPlan } from '../../../src/engine/orchestrate/plan.ts';
import { lease } from '../../../src/engine/orchestrate/plan.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { PortAllocator } from '../../../src/engine/orchestrate/published-ports.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';
import { compose, lecture } from '../../lab/stack.ts';
import { Inbox } from '../../support/lab.ts';

const open: Simulation[] = [];
function start(spec = lecture(), profile = 'docker', nodes = 3): Simulation {
  const sim = new Simulation(spec, { cluster: cluster({ nodes }), profile: profileOf(profile), seed: 1 });
  open.push(sim);
  return sim;
}
afterEach(() => {
  for (const sim of open.splice(0)) {
    sim.close();
    expect([sim.world.ground.pool.out, sim.clock.pending]).toEqual([0, 0]);
  }
});

/** `mark name: servers` of each service, by network, on a node. */
function known(sim: Simulation, node: string): Record<string, string[]> {
  const sandboxes = [...(sim.world.nodes.get(node)?.sandboxes.values() ?? [])];
  return Object.fromEntries(
    sandboxes.map(({ network, balance }) => [
      network.plan.key,
      (balance?.services ?? []).map(
        ({ mark, name, list }) =>
          `${mark} ${name}: ${list
            .all()
            .map(({ ip }) => formatIp(ip))
            .join(' ')}`,
      ),
    ]),
  );
}

/** The same of mywebnw. */
function web(sim: Simulation, node: string): string[] | undefined {
  const { mywebnw } = known(sim, node);
  return mywebnw;
}

describe('services', () => {
  test('have a mark on each node, counted from 256 as networks come, and their tasks, the newest first', () => {
    const sim = start();
    expect(known(sim, 'manager1')).toMatchObject({
      ingress: ['256 lecture_webserver: 10.0.0.7 10.0.0.6'],
      mywebnw: ['257 lecture_webserver: 10.0.1.4 10.0.1.3', '258 lecture_appserver: 10.0.1.7 10.0.1.6'],
    });
    for (const node of sim.world.nodes.keys())
      expect(known(sim, node)).toMatchObject({ ingress: ['256 lecture_webserver: 10.0.0.7 10.0.0.6'] });
  });

  test('in dnsrr mode use a mark up and are not balanced', () => {
    const text =
      'version: "3.8"\nservices:\n  a: {image: x, networks: [n], deploy: {endpoint_mode: dnsrr}}\n' +
      '  b: {image: x, networks: [n]}\nnetworks: {n: {driver: overlay}}\n';
    const sim = start(compose(text));
    const [node] = [...sim.world.containers.values()].map((one) => one.node);
    expect(known(sim, node ?? '')).toMatchObject({ n: [expect.stringMatching(/^257 lecture_b: /)] });
  });

  test('hear of tasks that go and come, on every node of the network', () => {
    const sim = start();
    const { world } = sim;
    const before = world.containers.get('lecture_appserver.1') as NonNullable<
      ReturnType<typeof world.containers.get>
    >;
    world.stop(before);
    for (const node of ['manager1', 'worker1'])
      expect(web(sim, node)?.[1]).toBe('258 lecture_appserver: 10.0.1.7');
    const task = before.task as TaskPlan;
    const endpoints = task.endpoints.map(({ network }) => lease(network, task.name));
    world.run({ ...task, endpoints });
    const ip = formatIp(endpoints.find(({ network }) => network.key === 'mywebnw')?.ip ?? 0);
    for (const node of ['manager1', 'worker1'])
      expect(web(sim, node)?.[1]).toBe(`258 lecture_appserver: ${ip} 10.0.1.7`);
  });

  test('are learned whole by a node that gets the network late', () => {
    const sim = start(lecture(), 'docker', 6);
    const { world } = sim;
    const late = [...world.nodes.keys()].find((node) => web(sim, node) === undefined) as string;
    const plan = world.networks.get('lecture_mywebnw')?.plan as TaskPlan['endpoints'][number]['network'];
    plan.balancers.set(late, lease(plan, `lb ${late}`));
    const task = world.containers.get('lecture_webserver.1')?.task as TaskPlan;
    world.run({ ...task, name: 'lecture_webserver.3', node: late, endpoints: [lease(plan, 'three')] });
    const all = web(sim, 'manager1')?.map((line) => line.slice(4));
    expect(all?.[0]).toMatch(/^lecture_webserver: \S+ 10.0.1.4 10.0.1.3$/);
    expect(web(sim, late)?.map((line) => line.slice(4))).toEqual(all);
  });

  test('of an IPv6 network are balanced alike', () => {
    const text =
      'version: "3.8"\nservices:\n  a: {image: x, networks: [n], deploy: {replicas: 3}}\n' +
      'networks: {n: {driver: overlay, ipam: {config: [{subnet: "fd00:1::/64"}]}}}\n';
    const sim = start(compose(text));
    const { world } = sim;
    const heard: string[] = [];
    for (const { name, host } of world.containers.values()) {
      let socket: UdpSocket | null = null;
      socket = host.udp.bind(53, {
        datagram: (frame, ip, _at, _end, srcPort) => {
          const from = ipv6.src(frame.view, ip);
          frame.release();
          heard.push(`${name} ${formatIp(from)}`);
          socket?.send(from, srcPort, Uint8Array.of(1));
        },
        error: () => {},
      });
    }
    const client = world.containers.get('lecture_a.1');
    const vip = world.plan.services[0]?.vips[0]?.ip ?? 0;
    const lb = formatIp(world.plan.networks.at(-1)?.balancers.get(client?.node ?? '')?.ip ?? 0);
    const boxes = [1, 2, 3].map(() => {
      const inbox = new Inbox();
      client?.host.udp.bind(0, inbox).send(vip, 53, Uint8Array.of(1));
      sim.clock.runUntil(sim.clock.now + SECOND);
      return inbox.datagrams.length;
    });
    expect(heard).toEqual([`lecture_a.3 ${lb}`, `lecture_a.2 ${lb}`, `lecture_a.1 ${lb}`]);
    expect(boxes).toEqual([1, 1, 1]);
  });

  test('of pods have no balancers', () => {
    const sim = start(lecture(), 'flannel');
    for (const node of sim.world.nodes.keys()) expect(known(sim, node)).toEqual({});
  });
});

describe('ports', () => {
  test('run out at 32767', () => {
    const ports = Array.from({ length: 2769 }, () => ({
      published: null,
      target: 1,
      protocol: 'tcp',
      mode: 'ingress',
    }));
    const spec = (count: number): ServiceSpec => ({ ports: ports.slice(0, count) }) as unknown as ServiceSpec;
    const all = new PortAllocator([]).allocate(spec(2768)).map(({ published }) => published);
    expect([all[0], all.at(-1), new Set(all).size]).toEqual([30_000, 32_767, 2768]);
    expect(() => new PortAllocator([]).allocate(spec(2769))).toThrow(
      expect.objectContaining({ code: 'NO_FREE_PORT' }),
    );
  });

  test('belong to who published them first; nobody without a leg can', () => {
    const ground = new Ground(new VirtualClock(), 1);
    const node = ground.host('n', { name: 'n', forwarding: true });
    const bridge = new GatewayBridge(node, ground);
    const hosts = ['a', 'b', 'c'].map((name) => ground.host('n', { name }));
    const [a, b, c] = hosts as [Host, Host, Host];
    bridge.attach(a, 'eth0');
    bridge.attach(b, 'eth0');
    expect(bridge.publish(a, 6, 80, 8080)).toBe(80);
    expect(bridge.publish(b, 6, 80, 8080)).toBeNull();
    expect(bridge.publish(b, 17, 80, 8080)).toBe(80);
    expect(bridge.publish(c, 6, 81, 8080)).toBeNull();
    expect([bridge.publish(a, 6, null, 1), bridge.publish(b, 6, null, 1)]).toEqual([32768, 32769]);
    expect(node.ip4.nat).not.toBeNull();
    bridge.detach(a);
    expect(bridge.publish(b, 6, 80, 8080)).toBe(80);
    for (const host of [node, ...hosts]) host.close();
  });
});
