import { describe, expect, test } from 'vitest';
import { formatIp, formatMac } from '../../../src/core/wire/address.ts';
import { formatCidr } from '../../../src/engine/ipam/cidr.ts';
import type { StackSpec } from '../../../src/engine/model/spec.ts';
import type { ClusterOptions } from '../../../src/engine/orchestrate/cluster.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import type { EndpointPlan, NetworkPlan, Plan, ServicePlan } from '../../../src/engine/orchestrate/plan.ts';
import { lease, plan } from '../../../src/engine/orchestrate/plan.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { compose, lecture } from '../../lab/stack.ts';

const draw = (spec: StackSpec, options: ClusterOptions = {}, profile = 'docker', seed = 1): Plan =>
  plan(spec, cluster(options), profileOf(profile), new RandomSource(seed));
const ips = (endpoints: Iterable<EndpointPlan>): string[] => [...endpoints].map(({ ip }) => formatIp(ip));
const service = (made: Plan, key: string): ServicePlan =>
  made.services.find(({ spec }) => spec.key === key) as ServicePlan;
const network = (made: Plan, key: string): NetworkPlan =>
  made.networks.find((one) => one.key === key) as NetworkPlan;
const rows = (made: Plan): (string | number)[][] =>
  made.networks.map((one) => [one.name, one.vni, formatCidr(one.subnet), formatIp(one.gateway), one.mtu]);

/** One service on the networks of which the YAML flow mappings are given, by key. */
function stack(networks: Record<string, string>, deploy = '{}', more = ''): StackSpec {
  const keys = Object.keys(networks);
  const list = keys.map((key) => `  ${key}: ${networks[key]}\n`).join('');
  return compose(
    `version: "3.8"\nservices:\n  a:\n    image: x\n    networks: [${keys}]\n    deploy: ${deploy}\n${more}networks:\n${list}`,
  );
}
const overlay = (more = ''): string => `{driver: overlay${more}}`;
const vni = (list: string): string =>
  overlay(`, driver_opts: {com.docker.network.driver.overlay.vxlanid_list: "${list}"}`);
const subnet = (text: string): string => overlay(`, ipam: {config: [{subnet: ${text}}]}`);
const code = (value: string): unknown => expect.objectContaining({ code: value });

describe("addresses in Docker's order", () => {
  const made = draw(lecture());

  test('ingress first, then the networks, with VNIs from 4096 and MTU 1450', () => {
    expect(rows(made)).toEqual([
      ['ingress', 4096, '10.0.0.0/24', '10.0.0.1', 1450],
      ['lecture_mywebnw', 4097, '10.0.1.0/24', '10.0.1.1', 1450],
      ['lecture_myappnw', 4098, '10.0.2.0/24', '10.0.2.1', 1450],
      ['lecture_mydbnw', 4099, '10.0.3.0/24', '10.0.3.1', 1450],
    ]);
  });

  test('on ingress the nodes from .2, then the virtual address, then the tasks', () => {
    const ingress = network(made, 'ingress');
    expect([...ingress.balancers.keys()]).toEqual(['manager1', 'worker1', 'worker2']);
    expect(ips(ingress.balancers.values())).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4']);
    const web = service(made, 'webserver');
    expect(ips(web.vips)[0]).toBe('10.0.0.5');
    expect(web.tasks.map(({ endpoints }) => ips(endpoints)[0])).toEqual(['10.0.0.6', '10.0.0.7']);
    expect(made.networks.map((one) => one.ingress)).toEqual([true, false, false, false]);
  });

  test('on other networks service by service, and the load balancers after all tasks', () => {
    const db = network(made, 'mydbnw');
    const app = service(made, 'appserver');
    const mysql = service(made, 'mysql');
    const on = (endpoints: readonly EndpointPlan[]): string[] =>
      ips(endpoints.filter((one) => one.network === db));
    expect(on(app.vips)).toEqual(['10.0.3.2']);
    expect(app.tasks.flatMap(({ endpoints }) => on(endpoints))).toEqual(['10.0.3.3', '10.0.3.4']);
    expect(on(mysql.vips)).toEqual(['10.0.3.5']);
    expect(mysql.tasks.flatMap(({ endpoints }) => on(endpoints))).toEqual(['10.0.3.6']);
    const last = [...db.balancers.values()].map(({ ip }) => ip as number);
    expect(Math.min(...last)).toBe(0x0a000307);
    const nodes = [...app.tasks, ...mysql.tasks].map(({ node }) => node);
    expect(new Set(db.balancers.keys())).toEqual(new Set(nodes));
  });

  test('every MAC is made of the address; the next lease follows on', () => {
    const db = network(made, 'mydbnw');
    const mysql = service(made, 'mysql').tasks[0]?.endpoints[0];
    expect(formatMac(mysql?.mac ?? 0)).toBe('02:42:0a:00:03:06');
    const last = Math.max(...[...db.balancers.values()].map(({ ip }) => ip as number));
    expect(lease(db, 'late').ip).toBe(last + 1);
  });

  test('without virtual addresses (dnsrr) the tasks come at once', () => {
    const one = draw(stack({ n: subnet('10.5.0.0/24') }, '{endpoint_mode: dnsrr, replicas: 2}'));
    expect(service(one, 'a').vips).toEqual([]);
    expect(service(one, 'a').tasks.map(({ endpoints }) => ips(endpoints)[0])).toEqual([
      '10.5.0.2',
      '10.5.0.3',
    ]);
  });

  test('the same seed draws the same plan, another other ids', () => {
    const said = (one: Plan): string =>
      JSON.stringify([
        one.services.map(({ id, tasks }) => [id, tasks.map((task) => task.id)]),
        [...one.nodeIds],
      ]);
    expect(said(draw(lecture()))).toBe(said(made));
    expect(said(draw(lecture(), {}, 'docker', 2))).not.toBe(said(made));
    for (const id of made.nodeIds.values()) expect(id).toMatch(/^[0-9a-z]{25}$/);
  });
});

describe('networks', () => {
  test('automatic VNIs and subnets step over those asked for, wherever they stand in the file', () => {
    const made = draw(
      stack({ p: overlay(), q: vni('4097'), r: subnet('10.0.1.0/24'), s: vni('4096'), t: overlay() }),
    );
    expect(rows(made).map(([name, id, cidr]) => [name, id, cidr])).toEqual([
      ['ingress', 4098, '10.0.0.0/24'],
      ['lecture_p', 4099, '10.0.2.0/24'],
      ['lecture_q', 4097, '10.0.3.0/24'],
      ['lecture_r', 4100, '10.0.1.0/24'],
      ['lecture_s', 4096, '10.0.4.0/24'],
      ['lecture_t', 4101, '10.0.5.0/24'],
    ]);
  });

  test('a VNI asked for twice is refused, naming both networks', () => {
    const spec = stack({ p: vni('77'), q: vni('78') });
    const [first, second] = spec.networks;
    const twice = { ...spec, networks: [first, { ...second, vnis: [77] }] } as StackSpec;
    expect(() => draw(twice)).toThrow(code('VNI_TAKEN'));
    expect(() => draw(twice)).toThrow(/lecture_p.*lecture_q/);
    const bad = { ...spec, networks: [{ ...first, vnis: [2 ** 24] }, second] } as StackSpec;
    expect(() => draw(bad)).toThrow(code('BAD_VNI'));
  });

  test('subnets that overlap are refused, also with ingress', () => {
    const spec = stack({ p: subnet('10.7.0.0/16'), q: subnet('10.8.0.0/24') });
    const q = spec.networks[1];
    const [{ subnets }] = stack({ r: subnet('10.7.3.0/24') }).networks as [StackSpec['networks'][number]];
    const clash = { ...spec, networks: [spec.networks[0], { ...q, subnets }] } as StackSpec;
    expect(() => draw(clash)).toThrow(code('POOL_OVERLAP'));
    // The readers know of the small ingress; that of a large swarm is found here.
    expect(() => draw(stack({ p: subnet('10.255.3.0/24') }), { nodes: 201 })).toThrow(/of ingress$/);
  });

  test('a subnet that its tasks do not fit is refused', () => {
    const spec = stack({ n: subnet('10.5.0.0/29') });
    const many = { ...spec, services: spec.services.map((one) => ({ ...one, replicas: 9 })) };
    expect(() => draw(many)).toThrow(code('POOL_EXHAUSTED'));
    expect(() => draw(many)).toThrow(
      /^10\.5\.0\.0\/29 of network lecture_n has no free address left: all 5 are leased, none is left for /,
    );
  });

  test('an MTU of its own is an underlay MTU; over IPv6 the overhead is 70', () => {
    const own = overlay(', driver_opts: {com.docker.network.driver.mtu: "9000"}');
    const mtus = (options: ClusterOptions): number[] =>
      draw(stack({ p: own, q: overlay() }), options).networks.map(({ mtu }) => mtu);
    expect(mtus({})).toEqual([1450, 8950, 1450]);
    expect(mtus({ family: 6 })).toEqual([1430, 8930, 1430]);
    expect(mtus({ mtu: 4000 })).toEqual([3950, 8950, 3950]);
  });

  test('internal and attachable are carried over', () => {
    const made = draw(stack({ p: overlay(', internal: true'), q: overlay(', attachable: true') }));
    expect(made.networks.map((one) => [one.internal, one.attachable])).toEqual([
      [false, false],
      [true, false],
      [false, true],
    ]);
  });

  test('a service on a network that is not there is refused', () => {
    const spec = stack({ p: overlay() });
    expect(() => draw({ ...spec, networks: [] })).toThrow(code('NO_SUCH_NETWORK'));
  });

  test.each([
    [200, '10.0.0.0/24'],
    [201, '10.255.0.0/16'],
    [1000, '10.255.0.0/16'],
  ])('%i nodes have their ingress in %s, each with an address', (nodes, cidr) => {
    const ingress = network(draw(stack({ p: overlay() }), { nodes }), 'ingress');
    expect(formatCidr(ingress.subnet)).toBe(cidr);
    expect(new Set(ips(ingress.balancers.values())).size).toBe(nodes);
  });

  test.each(['flood-and-learn', 'head-end'])('%s has no ingress', (profile) => {
    expect(rows(draw(lecture(), {}, profile)).map(([name, id]) => [name, id])).toEqual([
      ['lecture_mywebnw', 4096],
      ['lecture_myappnw', 4097],
      ['lecture_mydbnw', 4098],
    ]);
  });

  test('flannel: a /24 of 10.244.0.0/16 and VNI 1 for each node instead of the stack’s networks', () => {
    const made = draw(lecture(), {}, 'flannel');
    expect(made.networks.map((one) => [one.name, one.vni, formatCidr(one.subnet)])).toEqual([
      ['pods-manager1', 1, '10.244.0.0/24'],
      ['pods-worker1', 1, '10.244.1.0/24'],
      ['pods-worker2', 1, '10.244.2.0/24'],
    ]);
    for (const { vips, tasks } of made.services) {
      expect(vips).toEqual([]);
      for (const task of tasks) {
        expect(task.endpoints.map((one) => one.network)).toEqual([made.pods.get(task.node ?? '')]);
      }
    }
    expect(made.networks.every(({ balancers }) => balancers.size === 0)).toBe(true);
  });
});

describe('tasks', () => {
  test('slots, names and host names; {{.Task.Slot}} is filled in', () => {
    const made = draw(
      stack({ n: overlay() }, '{replicas: 2}', '    hostname: "web-{{.Task.Slot}}-{{ .Task.Slot }}"\n'),
    );
    const { tasks } = service(made, 'a');
    expect(tasks.map(({ name, slot, hostname }) => [name, slot, hostname])).toEqual([
      ['lecture_a.1', 1, 'web-1-1'],
      ['lecture_a.2', 2, 'web-2-2'],
    ]);
    const [plain] = service(draw(stack({ n: overlay() })), 'a').tasks;
    expect(plain?.hostname).toBe(plain?.id.slice(0, 12));
  });

  test('global: one task a node, named for the node’s id', () => {
    const made = draw(stack({ n: overlay() }, '{mode: global}'));
    expect(service(made, 'a').tasks.map(({ name, node }) => [name, node])).toEqual(
      [...made.nodeIds].map(([node, id]) => [`lecture_a.${id}`, node]),
    );
    const workers = draw(
      stack({ n: overlay() }, '{mode: global, placement: {constraints: [node.role == worker]}}'),
    );
    expect(service(workers, 'a').tasks.map(({ node }) => node)).toEqual(['worker1', 'worker2']);
  });

  test('a task that no node may take waits: no node, no address, and no load balancer for it', () => {
    const made = draw(
      stack({ n: overlay() }, '{replicas: 2, placement: {constraints: [node.hostname == mars]}}'),
    );
    expect(service(made, 'a').tasks.map(({ node, endpoints }) => [node, endpoints])).toEqual([
      [null, []],
      [null, []],
    ]);
    expect(network(made, 'n').balancers.size).toBe(0);
    const pods = draw(
      stack({ n: overlay() }, '{placement: {constraints: [node.hostname == mars]}}'),
      {},
      'flannel',
    );
    expect(service(pods, 'a').tasks[0]?.endpoints).toEqual([]);
  });

  test('more replicas than the bound on a node allows: the rest wait', () => {
    const made = draw(stack({ n: overlay() }, '{replicas: 8, placement: {max_replicas_per_node: 2}}'));
    const nodes = service(made, 'a').tasks.map(({ node }) => node);
    expect([nodes.filter((node) => node === null).length, nodes.length]).toEqual([2, 8]);
  });

  test('ports published on the host alone do not bring a service to ingress', () => {
    const ports = (mode: string): string => `    ports: [{target: 80, published: 8080, mode: ${mode}}]\n`;
    const on = (mode: string): string[] =>
      (service(draw(stack({ n: overlay() }, '{}', ports(mode))), 'a').tasks[0]?.endpoints ?? []).map(
        (one) => one.network.name,
      );
    expect(on('ingress')).toEqual(['ingress', 'lecture_n']);
    expect(on('host')).toEqual(['lecture_n']);
  });
});
