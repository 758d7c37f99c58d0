import { describe, expect, test } from 'vitest';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import { plan } from '../../../src/engine/orchestrate/plan.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { compose } from '../../lab/stack.ts';

const CLUSTER = cluster({
  nodes: 5,
  labels: {
    manager1: { zone: 'a' },
    worker1: { zone: 'a' },
    worker2: { zone: 'a' },
    worker3: { zone: 'b' },
    worker4: { zone: 'b' },
  },
});

/** Where the tasks of a service go. */
function placed(deploy: string): (string | null)[] {
  const spec = compose(`
services:
  web:
    image: nginx:1
    networks: [net]
    deploy: {${deploy}}
networks:
  net: {driver: overlay}
`);
  return (
    plan(spec, CLUSTER, profileOf('docker'), new RandomSource(1)).services[0]?.tasks.map(
      ({ node }) => node,
    ) ?? []
  );
}

const constrained = (constraint: string): (string | null)[] =>
  placed(`mode: global, placement: {constraints: ["${constraint}"]}`);

describe('scheduler', () => {
  test('replicas spread over the nodes, one after the other', () => {
    expect(placed('replicas: 7')).toEqual([
      'manager1',
      'worker1',
      'worker2',
      'worker3',
      'worker4',
      'manager1',
      'worker1',
    ]);
  });

  test('global: one on each node', () => {
    expect(placed('mode: global')).toEqual(CLUSTER.nodes.map(({ name }) => name));
  });

  test.each([
    ['node.role == manager', ['manager1']],
    ['node.role != worker', ['manager1']],
    ['node.hostname == WORKER2', ['worker2']],
    ['node.labels.zone == b', ['worker3', 'worker4']],
    ['node.labels.zone != a', ['worker3', 'worker4']],
    ['node.labels.none == x', []],
    ['node.ip == 192.0.2.12', ['worker1']],
    ['node.platform.os != linux', []],
    ['node.platform.arch == arm64', []],
  ])('constraint %s', (constraint, nodes) => {
    expect(constrained(constraint)).toEqual(nodes);
  });

  test('replicas that no node may take stay pending', () => {
    expect(placed('replicas: 2, placement: {constraints: ["node.labels.zone == c"]}')).toEqual([null, null]);
    expect(
      placed('replicas: 7, placement: {max_replicas_per_node: 1}').filter((node) => node === null).length,
    ).toBe(2);
  });

  test('a spread preference fills label values evenly, then nodes', () => {
    const nodes = placed('replicas: 6, placement: {preferences: [{spread: node.labels.zone}]}');
    const inB = nodes.filter((node) => node === 'worker3' || node === 'worker4');
    expect([inB.length, new Set(nodes).size]).toEqual([3, 5]);
  });
});

describe('plan', () => {
  const networks = (text: string): ReturnType<typeof plan>['networks'] =>
    plan(compose(text), CLUSTER, profileOf('docker'), new RandomSource(1)).networks;

  test('subnets and VNIs asked for by number are taken before any is chosen', () => {
    const made = networks(`
services:
  web: {image: "nginx:1", networks: [first, second, third]}
networks:
  first: {driver: overlay}
  second:
    driver: overlay
    ipam: {config: [{subnet: 10.0.1.0/24}]}
  third:
    driver: overlay
    driver_opts: {com.docker.network.driver.overlay.vxlanid_list: "4097"}
`);
    const vnis = made.map(({ vni }) => vni);
    const subnets = made.map(({ subnet }) => subnet.ip);
    expect([new Set(vnis).size, new Set(subnets).size]).toEqual([4, 4]);
    const row = (key: string): (typeof made)[number] | undefined => made.find((one) => one.key === key);
    expect(row('third')?.vni).toBe(4097);
    expect(row('second')?.subnet.ip).toBe(0x0a000100);
  });
});
