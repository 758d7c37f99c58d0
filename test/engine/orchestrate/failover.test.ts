// A node goes, on virtual time: who still knows it, where its tasks are, who reaches them.

import { describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import { lose } from '../../../src/engine/orchestrate/failover.ts';
import { populationOf } from '../../../src/lab/summary.ts';
import { Network } from '../../sim/network.ts';

function lab(stack = 'lecture.yml', seed = 1): Network {
  return new Network('docker', {}, seed, stack);
}

function free(net: Network): number[] {
  return net.sim.world.plan.networks.map(({ pool }) => pool.free);
}

describe('a node that is gone', () => {
  test('its replicas run elsewhere, under the same names, with new ids and addresses', () => {
    const net = lab();
    const { world } = net.sim;
    const before = [...world.containers.values()].filter(({ node }) => node === 'worker1');
    expect(before.map(({ name }) => name)).toEqual(['lecture_webserver.2', 'lecture_mysql.1']);
    const moves = lose(world, 'worker1');
    expect(moves.map(({ from, to }) => [from.name, to?.name, from.node, to?.node])).toEqual([
      ['lecture_webserver.2', 'lecture_webserver.2', 'worker1', 'worker2'],
      ['lecture_mysql.1', 'lecture_mysql.1', 'worker1', 'manager1'],
    ]);
    for (const { from, to } of moves) {
      expect(to?.id).not.toBe(from.id);
      expect(to?.endpoints.map(({ ip }) => ip)).not.toEqual(from.endpoints.map(({ ip }) => ip));
      expect(world.containers.get(from.name)?.task).toBe(to);
    }
    expect(world.nodes.get('worker1')?.containers.size).toBe(0);
    expect(populationOf(world).pending).toEqual([]);
    net.end();
  });

  test('nobody keeps an address, an FDB entry or a flood list entry of it', () => {
    const net = lab();
    const { world } = net.sim;
    const peer = world.nodes.get('worker1')?.peer;
    const known = (): number =>
      [...world.networks.values()].flatMap(({ db }) => db.rows()).filter((one) => one.peer === peer).length;
    expect(known()).toBeGreaterThan(0);
    const had = free(net);
    lose(world, 'worker1');
    expect(known()).toBe(0);
    expect([...world.networks.values()].some(({ sandboxes }) => sandboxes.has('worker1'))).toBe(false);
    // Balancers that came to nodes with the tasks hold one address more; no other is lost.
    const more = free(net).map((now, i) => (had[i] as number) - now);
    expect(more.every((n) => n === 0 || n === 1)).toBe(true);
    net.end();
  });

  test('what moved is reached by its name across the tunnel, from both sides, and what stayed still is', () => {
    const net = lab();
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    lose(net.sim.world, 'worker1');
    net.quiet();
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    expect(net.ping('appserver.1', 'mysql.1')).toBe(1);
    expect(net.ping('mysql.1', 'appserver.2')).toBe(1);
    const to = net.sim.world.nodes.get('worker1')?.ip;
    expect(net.tunnelled().some(({ outerDst }) => outerDst === to)).toBe(false);
    expect(net.tunnelled().length).toBeGreaterThan(0);
    net.end();
  });

  test('one after the other they go until one has all; then tasks wait', () => {
    const net = lab();
    const { world } = net.sim;
    lose(world, 'worker1');
    lose(world, 'worker2');
    expect([...world.containers.values()].every(({ node }) => node === 'manager1')).toBe(true);
    expect(world.containers.size).toBe(5);
    expect(lose(world, 'worker2')).toEqual([]);
    const last = lose(world, 'manager1');
    expect(last.map(({ to }) => to?.node)).toEqual([null, null, null, null, null]);
    expect(world.containers.size).toBe(0);
    expect(populationOf(world).pending).toHaveLength(5);
    net.end();
  });

  test('two who hear the same come to the same', () => {
    const [one, two] = [lab(), lab()];
    const told = [one, two].map((net) => {
      lose(net.sim.world, 'worker2');
      lose(net.sim.world, 'manager1');
      return populationOf(net.sim.world).containers;
    });
    expect(told[0]).toEqual(told[1]);
    for (const net of [one, two]) net.end();
  });

  test('the resolver answers with what runs now', () => {
    const net = lab();
    const { world } = net.sim;
    const from = world.party('appserver.1');
    const had = formatIp(world.addressFor(from, 'tasks.mysql'));
    lose(world, 'worker1');
    const has = formatIp(world.addressFor(world.party('appserver.1'), 'tasks.mysql'));
    expect(has).not.toBe(had);
    const moved = world.containers.get('lecture_mysql.1')?.task?.endpoints[0];
    expect(has).toBe(formatIp(moved?.ip ?? 0));
    net.end();
  });

  test('a node that there is not is a mistake', () => {
    const net = lab();
    expect(() => lose(net.sim.world, 'worker9')).toThrow('there is no node "worker9"');
    net.end();
  });
});
