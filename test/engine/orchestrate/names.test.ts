import { afterEach, describe, expect, test } from 'vitest';
import type { Ip } from '../../../src/core/wire/address.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import { loadManifest } from '../../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../../src/engine/model/spec.ts';
import { clusterFor } from '../../../src/engine/orchestrate/cluster.ts';
import type { Container } from '../../../src/engine/orchestrate/container.ts';
import type { TaskPlan } from '../../../src/engine/orchestrate/plan.ts';
import { profileFor } from '../../../src/engine/orchestrate/profile.ts';
import { ContainerZone } from '../../../src/engine/orchestrate/resolution.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import type { World } from '../../../src/engine/orchestrate/world.ts';
import { dnsRows } from '../../../src/lab/tables-dns.ts';
import { compose, lecture } from '../../lab/stack.ts';

const open: Simulation[] = [];

function world(spec: StackSpec = lecture(), profile = 'docker'): World {
  const sim = new Simulation(spec, {
    cluster: clusterFor(spec),
    profile: profileFor(spec, profile),
    seed: 1,
  });
  open.push(sim);
  return sim.world;
}

afterEach(() => {
  for (const sim of open.splice(0)) {
    sim.close();
    expect([sim.world.ground.pool.out, sim.clock.pending]).toEqual([0, 0]);
  }
});

function zone(of: World, name: string): ContainerZone {
  return new ContainerZone(of.names, of.plan, container(of, name));
}

function container(of: World, name: string): Container {
  const found = of.containers.get(`${of.plan.stack}_${name}`) ?? of.containers.get(name);
  if (found === undefined) throw new Error(`no container ${name}; ${[...of.containers.keys()].join(' ')}`);
  return found;
}

function words(ips: readonly Ip[] | null): string | null {
  return ips === null ? null : ips.map(formatIp).join(' ');
}

/** Who answers to a name, as one container sees it. */
function seen(of: World, from: string, name: string): string | null {
  return words(zone(of, from).addresses(name));
}

const DNSRR = lecture((text) =>
  text.replaceAll('deploy:\n', 'deploy:\n      endpoint_mode: dnsrr\n').replace(/ {4}ports:\n.*\n/, ''),
);

describe('a swarm', () => {
  test.each([
    ['webserver', '10.0.1.2'],
    ['lecture_webserver', '10.0.1.2'],
    ['tasks.webserver', '10.0.1.3 10.0.1.4'],
    ['tasks.lecture_webserver', '10.0.1.3 10.0.1.4'],
    ['lecture_webserver.2', '10.0.1.4'],
    ['appserver', '10.0.1.5'],
    ['webserver.lecture_mywebnw', '10.0.1.2'],
    ['lecture_webserver.2.lecture_mywebnw', '10.0.1.4'],
    ['tasks.webserver.lecture_mywebnw', '10.0.1.3 10.0.1.4'],
    ['webserver.lecture_mydbnw', null],
    ['mysql', null],
    ['lecture_mysql.1', null],
    ['tasks.mysql', null],
    ['ingress', null],
    ['lecture_webserver.3', null],
    ['manager1', null],
  ])('with virtual addresses, webserver asks for %s: %s', (name, said) => {
    expect(seen(world(), 'webserver.1', name)).toBe(said);
  });

  test('a name on several shared networks: the first by name', () => {
    const it = world();
    expect(seen(it, 'appserver.1', 'appserver')).toBe('10.0.2.2');
    expect(seen(it, 'webserver.1', 'appserver')).toBe('10.0.1.5');
    expect(seen(it, 'mysql.1', 'appserver')).toBe('10.0.3.2');
    expect(seen(it, 'appserver.1', 'webserver')).toBe('10.0.1.2');
    expect(seen(it, 'appserver.1', 'appserver.lecture_mydbnw')).toBe('10.0.3.2');
  });

  test('in dnsrr mode a service is its tasks', () => {
    const it = world(DNSRR);
    expect(seen(it, 'webserver.1', 'webserver')).toBe('10.0.1.2 10.0.1.3');
    expect(seen(it, 'webserver.1', 'tasks.webserver')).toBe('10.0.1.2 10.0.1.3');
    expect(seen(it, 'appserver.1', 'mysql')).toBe('10.0.3.4');
  });

  test('containers answer by hostname, by the first 12 digits of the id and with the id of the task', () => {
    const it = world(DNSRR);
    const two = container(it, 'webserver.2');
    const task = two.task as TaskPlan;
    for (const name of [task.hostname, two.id.slice(0, 12), `${two.name}.${task.id}`])
      expect(seen(it, 'webserver.1', name)).toBe('10.0.1.3');
    expect(seen(it, 'webserver.1', `${two.name}.${task.id.slice(1)}`)).toBeNull();
    expect(seen(it, 'mysql.1', task.hostname)).toBeNull();
  });

  test('aliases hold on their own network only, and one that two services have gives both', () => {
    const it = world(
      compose(
        [
          "version: '3.3'",
          'services:',
          '  One: {image: x, deploy: {endpoint_mode: dnsrr}, networks: {a: {aliases: [WWW]}, b: {}}}',
          '  two: {image: x, deploy: {endpoint_mode: dnsrr}, networks: {a: {aliases: [www]}}}',
          '  three: {image: x, hostname: two, networks: {a: {}, b: {}}}',
          'networks: {a: {ipam: {config: [{subnet: 10.9.0.0/24}]}}, b: {ipam: {config: [{subnet: 10.9.1.0/24}]}}}',
        ].join('\n'),
      ),
    );
    expect(seen(it, 'three.1', 'www')).toBe('10.9.0.2 10.9.0.3');
    expect(seen(it, 'three.1', 'www.lecture_b')).toBeNull();
    expect(seen(it, 'three.1', 'tasks.www')).toBe('10.9.0.2 10.9.0.3');
    // Names of Compose files may have capitals; questions come in small letters.
    expect(seen(it, 'three.1', 'one')).toBe('10.9.0.2');
    expect(seen(it, 'three.1', 'lecture_one.1')).toBe('10.9.0.2');
    expect(seen(it, 'three.1', 'one.lecture_b')).toBe('10.9.1.2');
    // A hostname that is also a service's name adds to it, as in Docker.
    expect(seen(it, 'two.1', 'two')).toBe('10.9.0.3 10.9.0.5');
  });

  test('what stops is forgotten, what starts is known: names follow the containers', () => {
    const it = world();
    const two = container(it, 'webserver.2');
    const task = two.task as TaskPlan;
    const names = ['lecture_webserver.2', task.hostname, two.id.slice(0, 12)];
    for (const name of names) expect(seen(it, 'webserver.1', name)).toBe('10.0.1.4');
    it.stop(two);
    for (const name of names) expect(seen(it, 'webserver.1', name)).toBeNull();
    expect(seen(it, 'webserver.1', 'tasks.webserver')).toBe('10.0.1.3');
    expect(seen(it, 'webserver.1', 'webserver')).toBe('10.0.1.2');
    expect(zone(it, 'webserver.1').pointer(parseIp('10.0.1.4'))).toBeNull();
    it.stop(container(it, 'appserver.1'));
    it.stop(container(it, 'appserver.2'));
    // With the last task goes the virtual address.
    expect(seen(it, 'webserver.1', 'appserver')).toBeNull();
  });

  test('an address has the name of its container on a network that is shared', () => {
    const it = world();
    const { id } = container(it, 'webserver.2').task as TaskPlan;
    const at = zone(it, 'webserver.1');
    expect(at.pointer(parseIp('10.0.1.4'))).toBe(`lecture_webserver.2.${id}.lecture_mywebnw`);
    for (const ip of ['10.0.1.1', '10.0.1.2', '10.0.3.3', '8.8.8.8', '::1', '10.0.0.6'])
      expect(at.pointer(parseIp(ip))).toBeNull();
    expect(zone(it, 'appserver.1').pointer(parseIp('10.0.1.4'))).toContain('.lecture_mywebnw');
  });

  test('what nobody else could know is owned; the rest would be asked of others', () => {
    const at = zone(world(), 'webserver.1');
    for (const name of [
      'mysql',
      'nosuch',
      'tasks.any.thing',
      'mysql.lecture_mydbnw',
      'x.lecture_mywebnw',
      'lecture_mysql.9',
    ])
      expect([name, at.owns(name)]).toEqual([name, true]);
    for (const name of ['example.com', 'nosuch.example', 'www.webserver', '.'])
      expect([name, at.owns(name)]).toEqual([name, false]);
    expect(at.ownsAddress(parseIp('10.0.1.99'))).toBe(true);
    for (const ip of ['10.0.3.2', '10.0.0.6', '8.8.8.8', 'fd00::1'])
      expect(at.ownsAddress(parseIp(ip))).toBe(false);
  });
});

describe('without a swarm', () => {
  test('pods know each other across their subnets: a cluster has one table', () => {
    const it = world(lecture(), 'flannel');
    const all = [...it.containers.values()];
    const ipOf = ({ task }: Container): string => formatIp((task as TaskPlan).endpoints[0]?.ip as Ip);
    for (const asker of all) {
      const at = new ContainerZone(it.names, it.plan, asker);
      for (const other of all) {
        const { name, task } = other;
        expect(words(at.addresses(name))).toBe(ipOf(other));
        expect(words(at.addresses((task as TaskPlan).hostname))).toBe(ipOf(other));
        expect(at.pointer(parseIp(ipOf(other)))).toBe(`${name}.${(task as TaskPlan).id}.pods`);
      }
      const web = all.filter(({ name }) => name.includes('webserver'));
      expect(words(at.addresses('webserver'))).toBe(web.map(ipOf).join(' '));
      expect(words(at.addresses('webserver.pods'))).toBe(web.map(ipOf).join(' '));
      expect(at.addresses('nosuch')).toBeNull();
      expect(at.owns('nosuch')).toBe(true);
      expect([at.ownsAddress(parseIp('10.244.0.99')), at.ownsAddress(parseIp('10.9.0.1'))]).toEqual([
        true,
        false,
      ]);
    }
  });

  test('in a topology file containers know those of their own networks, also where tenants share addresses', () => {
    const { spec, diagnostics } = loadManifest(
      [
        'schema: vxlab-topology/1',
        'nodes: {h1: {address: 192.0.2.11}, h2: {address: 192.0.2.12}}',
        'networks:',
        '  red: {vni: 100, subnet: 10.0.0.0/24}',
        '  blue: {vni: 200, subnet: 10.0.0.0/24}',
        'containers:',
        '  r1: {node: h1, networks: {red: {ip: 10.0.0.5}}}',
        '  r2: {node: h2, networks: {red: {ip: 10.0.0.6}}}',
        '  b1: {node: h1, networks: {blue: {ip: 10.0.0.5}}}',
        '  b2: {node: h2, networks: {blue: {ip: 10.0.0.7}}}',
      ].join('\n'),
      { stack: 'lab' },
    );
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const it = world(spec as StackSpec);
    expect(seen(it, 'r1', 'r2')).toBe('10.0.0.6');
    expect(seen(it, 'b2', 'b1')).toBe('10.0.0.5');
    expect(seen(it, 'r1', 'b1')).toBeNull();
    expect(zone(it, 'r2').pointer(parseIp('10.0.0.5'))).toContain('r1.');
    expect(zone(it, 'b2').pointer(parseIp('10.0.0.5'))).toContain('b1.');
  });
});

describe('who else reads the names', () => {
  test.each(['docker', 'flannel'])(
    '%s: every row of the table is what a container of that network is told',
    (profile) => {
      const it = world(lecture(), profile);
      const rows = dnsRows(it);
      expect(rows.length).toBeGreaterThan(10);
      const shared = new Set<string>();
      for (const { network, name, addresses } of rows) {
        const suffix = `${name}.${network}`.toLowerCase();
        const asker = [...it.containers.values()].find(
          ({ task }) =>
            network === 'pods' || task?.endpoints.some((endpoint) => endpoint.network.name === network),
        ) as Container;
        shared.add(asker.name);
        const told = new ContainerZone(it.names, it.plan, asker).addresses(suffix);
        expect(told?.map(formatIp)).toEqual(addresses);
      }
      expect(shared.size).toBeGreaterThan(0);
    },
  );

  test('addressFor and the resolver agree on every pair, both where there is an address and where there is none', () => {
    for (const profile of ['docker', 'head-end', 'flannel']) {
      const it = world(profile === 'head-end' ? DNSRR : lecture(), profile);
      const names = ['webserver', 'lecture_appserver', 'mysql', 'tasks.webserver', ...it.containers.keys()];
      for (const from of it.containers.values()) {
        for (const name of names) {
          const told = new ContainerZone(it.names, it.plan, from).addresses(name)?.[0];
          if (told === undefined) expect(() => it.addressFor(from, name)).toThrow();
          else expect(it.addressFor(from, name)).toEqual(told);
        }
      }
    }
  });
});
