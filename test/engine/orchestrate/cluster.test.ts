import { describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { ClusterOptions } from '../../../src/engine/orchestrate/cluster.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';

const ips = (options: ClusterOptions): string[] => cluster(options).nodes.map(({ ip }) => formatIp(ip));

describe('cluster', () => {
  test('names, roles and addresses of the usual three', () => {
    const { nodes, underlay } = cluster();
    expect(nodes.map(({ name, role, rack }) => [name, role, rack])).toEqual([
      ['manager1', 'manager', 0],
      ['worker1', 'worker', 0],
      ['worker2', 'worker', 0],
    ]);
    expect(ips({})).toEqual(['192.0.2.11', '192.0.2.12', '192.0.2.13']);
    expect([underlay.mtu, underlay.prefix, underlay.spines]).toEqual([1500, 24, 0]);
  });

  test('IPv6, racks of both families, a first address, labels', () => {
    expect(ips({ family: 6, nodes: 2 })).toEqual(['2001:db8:64::b', '2001:db8:64::c']);
    expect(ips({ nodes: 3, racks: 2 })).toEqual(['198.18.0.11', '198.18.0.12', '198.18.4.11']);
    expect(ips({ family: 6, nodes: 2, racks: 2 })).toEqual(['2001:db8:64::b', '2001:db8:64:1::b']);
    expect(ips({ nodes: 2, first: parseIp('127.0.0.255') })).toEqual(['127.0.0.255', '127.0.1.0']);
    expect(ips({ nodes: 2, first: parseIp('fd00::9') })).toEqual(['fd00::9', 'fd00::a']);
    expect(cluster({ racks: 3 }).underlay.spines).toBe(2);
    expect(cluster({ labels: { worker1: { disk: 'ssd' } } }).nodes[1]?.labels).toEqual({ disk: 'ssd' });
  });

  test.each([{ nodes: 241 }, { nodes: 5000 }, { nodes: 2000, racks: 2 }])(
    'no two nodes of %o share an address',
    (options) => {
      const all = ips(options);
      expect(new Set(all).size).toBe(options.nodes);
    },
  );

  test("a cable's jitter is never more than its delay", () => {
    expect(cluster({ cable: { delay: 500 } }).underlay.cable).toMatchObject({ delay: 500, jitter: 500 });
    expect(cluster({ cable: { loss: 0.5 } }).underlay.cable).toMatchObject({
      delay: 25_000,
      jitter: 2_000,
      loss: 0.5,
    });
  });

  test.each<ClusterOptions>([
    { nodes: 0 },
    { nodes: 1.5 },
    { nodes: 100_001 },
    { managers: 0 },
    { nodes: 2, managers: 3 },
    { racks: 0 },
    { nodes: 2, racks: 3 },
    { nodes: 2001, racks: 2 },
    { mtu: 575 },
    { mtu: 9217 },
  ])('%o makes no cluster', (options) => {
    expect(() => cluster(options)).toThrow(expect.objectContaining({ code: 'BAD_CLUSTER' }));
  });
});
