import { afterEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { StackSpec } from '../../../src/engine/model/spec.ts';
import type { ClusterOptions } from '../../../src/engine/orchestrate/cluster.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import type { Container } from '../../../src/engine/orchestrate/container.ts';
import type { EndpointPlan, TaskPlan } from '../../../src/engine/orchestrate/plan.ts';
import { lease } from '../../../src/engine/orchestrate/plan.ts';
import { PROFILES, profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import type { World } from '../../../src/engine/orchestrate/world.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { compose, lecture } from '../../lab/stack.ts';

const open: Simulation[] = [];
function start(profile = 'docker', options: ClusterOptions = {}, spec: StackSpec = lecture()): Simulation {
  const sim = new Simulation(spec, { cluster: cluster(options), profile: profileOf(profile), seed: 1 });
  open.push(sim);
  return sim;
}
afterEach(() => {
  for (const sim of open.splice(0)) {
    sim.close();
    expect([sim.world.ground.pool.out, sim.clock.pending]).toEqual([0, 0]);
  }
});

const container = (world: World, name: string): Container =>
  world.containers.get(`lecture_${name}`) as Container;

describe('stopping a container', () => {
  test('its addresses are free, its rows are gone, and pings to it are not answered', () => {
    const sim = start();
    const { world } = sim;
    const mysql = container(world, 'mysql.1');
    const [endpoint] = (mysql.task as TaskPlan).endpoints;
    const network = world.networks.get('lecture_mydbnw');
    expect(endpoint?.network.pool.owner(endpoint.ip)).toBe('lecture_mysql.1');
    expect(network?.db.row(endpoint?.mac ?? 0)).toBeDefined();
    world.stop(mysql);
    expect(endpoint?.network.pool.owner(endpoint.ip)).toBeUndefined();
    expect(network?.db.row(endpoint?.mac ?? 0)).toBeUndefined();
    expect(world.containers.has('lecture_mysql.1')).toBe(false);
    expect(world.nodes.get(mysql.node)?.containers.has('lecture_mysql.1')).toBe(false);
    const { replies } = sim.pingNow('appserver.1', formatIp(endpoint?.ip ?? 0), { count: 1 });
    expect(replies).toEqual([]);
  });

  test.each(['docker', 'flood-and-learn', 'head-end'])(
    '%s: with the last task of a network on a node goes its sandbox, and the ingress one stays',
    (profile) => {
      const { world } = start(profile);
      const mysql = container(world, 'mysql.1');
      const node = world.nodes.get(mysql.node);
      const network = world.networks.get('lecture_mydbnw');
      for (const one of [...(node?.containers.values() ?? [])]) world.stop(one);
      expect(network?.sandboxes.has(mysql.node)).toBe(false);
      expect(node?.demux.vnis).toEqual(profile === 'docker' ? [4096] : []);
      for (const { vtep } of network?.sandboxes.values() ?? []) {
        expect(vtep.floodList).not.toContain(profile === 'head-end' ? node?.peer : -1);
      }
    },
  );

  test('flood-and-learn: the node is in the group of each network that it has a sandbox of, and of no other', () => {
    const { world } = start('flood-and-learn');
    const mysql = container(world, 'mysql.1');
    const node = world.nodes.get(mysql.node);
    const group = world.ground.peers.addressOf(world.networks.get('lecture_mydbnw')?.group as number);
    const joined = (): boolean | undefined => node?.host.interfaces[0]?.groups.has(group);
    expect(joined()).toBe(true);
    for (const one of [...(node?.containers.values() ?? [])]) world.stop(one);
    expect(joined()).toBe(false);
  });

  test.each(['docker', 'head-end', 'flood-and-learn'])(
    '%s: the task started again on another node is found behind the new VTEP',
    (profile) => {
      const sim = start(profile, { nodes: 4 });
      const { world } = sim;
      const before = container(world, 'mysql.1');
      expect(sim.pingNow('appserver.1', 'mysql.1', { count: 1 }).replies.length).toBe(1);
      world.stop(before);
      const client = container(world, 'appserver.1').node;
      const to = [...world.nodes.keys()].find((name) => name !== before.node && name !== client) as string;
      const network = world.networks.get('lecture_mydbnw');
      const endpoint = lease(network?.plan as EndpointPlan['network'], 'lecture_mysql.1');
      const task: TaskPlan = { ...(before.task as TaskPlan), node: to, endpoints: [endpoint] };
      const after = world.run(task);
      expect([after.node, world.party('mysql.1').host]).toEqual([to, after.host]);
      const peer = world.nodes.get(to)?.peer;
      if (profile === 'docker') expect(network?.db.row(endpoint.mac)?.peer).toBe(peer);
      // A learning network takes as long as the client's neighbour entry for a reused address.
      const { replies } = sim.pingNow('appserver.1', 'mysql.1', { count: 60 });
      expect(replies.at(-1)?.seq).toBe(60);
      const sandbox = world.nodes.get(client)?.sandboxes.get(endpoint.network.id);
      if (profile !== 'docker') {
        const entry = sandbox?.vtep.fdb.entries(sim.clock.now).map(({ dest }) => dest);
        expect(entry).toContain(peer);
      }
    },
  );

  test('a pod that stops gives its address back', () => {
    const { world } = start('flannel');
    const pod = container(world, 'mysql.1');
    const [endpoint] = (pod.task as TaskPlan).endpoints;
    const attached = world.pods.get(pod.node)?.attachments.length ?? 0;
    world.stop(pod);
    expect(world.pods.get(pod.node)?.attachments.length).toBe(attached - 1);
    expect(endpoint?.network.pool.owner(endpoint.ip)).toBeUndefined();
  });
});

describe('names', () => {
  test('a container with and without its stack, a service, a node', () => {
    const { world } = start();
    for (const name of ['lecture_webserver.1', 'webserver.1', 'lecture_webserver', 'webserver']) {
      expect(world.party(name)).toBe(container(world, 'webserver.1'));
    }
    expect(world.party('worker1')).toMatchObject({ name: 'worker1', node: 'worker1' });
  });

  test('the service of a global task is its task on the first node', () => {
    const spec = compose(
      'version: "3.8"\nservices: {agent: {image: x, networks: [n], deploy: {mode: global}}}\nnetworks: {n: {driver: overlay}}\n',
    );
    const { world } = start('docker', {}, spec);
    expect(world.party('agent').node).toBe('manager1');
    expect(world.containers.size).toBe(3);
  });

  test('an unknown name is refused with the names there are, and with no more than twelve', () => {
    const small = start().world;
    expect(() => small.party('nobody')).toThrow(
      expect.objectContaining({ code: 'NO_SUCH_PARTY', message: expect.stringMatching(/worker2$/) }),
    );
    const large = start('docker', { nodes: 20 }).world;
    expect(() => large.party('nobody')).toThrow(/\.\.\. \(25 in all\)$/);
  });

  test('what an address stands for: itself, a virtual address, a task, a node', () => {
    const { world } = start();
    const app = world.party('appserver.1');
    const vips = world.plan.services.find(({ spec }) => spec.key === 'mysql')?.vips;
    expect(world.addressFor(app, '10.0.3.7')).toBe(parseIp('10.0.3.7'));
    expect(world.addressFor(app, '2001:db8::1')).toEqual(parseIp('2001:db8::1'));
    expect(world.addressFor(app, 'mysql')).toBe(vips?.[0]?.ip);
    expect(world.addressFor(app, 'lecture_mysql')).toBe(vips?.[0]?.ip);
    expect(world.addressFor(app, 'mysql.1')).toBe(container(world, 'mysql.1').task?.endpoints[0]?.ip);
    expect(world.addressFor(app, 'worker2')).toBe(parseIp('192.0.2.13'));
  });

  test('parties on different networks: the refusal names both and offers an address', () => {
    const { world } = start();
    const [web, node] = [world.party('webserver.1'), world.party('manager1')];
    expect(() => world.addressFor(web, 'mysql.1')).toThrow(
      expect.objectContaining({
        code: 'NOT_REACHABLE',
        message: expect.stringMatching(
          /webserver\.1 \(on ingress, lecture_mywebnw\).*mysql\.1 \(on lecture_mydbnw\).*10\.0\.3\.\d+/,
        ),
      }),
    );
    expect(() => world.addressFor(node, 'mysql.1')).toThrow(/manager1 \(on none\)/);
  });

  test('pods are reached by their only address', () => {
    const { world } = start('flannel');
    const ip = container(world, 'mysql.1').task?.endpoints[0]?.ip;
    expect(world.addressFor(world.party('webserver.1'), 'mysql.1')).toBe(ip);
  });

  test('a task for a node that there is not is refused', () => {
    const { world } = start();
    const task = container(world, 'mysql.1').task as TaskPlan;
    expect(() => world.run({ ...task, node: 'mars' })).toThrow(
      expect.objectContaining({ code: 'NO_SUCH_NODE' }),
    );
  });
});

test.each(PROFILES.map(({ name }) => name))(
  '%s: closed in the middle of everything, and then again, nothing waits',
  (profile) => {
    const sim = start(profile, { racks: 3 });
    sim.ping('appserver.1', 'appserver.2', { count: 9, size: 3000 });
    sim.clock.runUntil(SECOND / 20_000);
    sim.close();
    expect([sim.world.containers.size, sim.world.ground.pool.out, sim.clock.pending]).toEqual([0, 0, 0]);
  },
);
