// The machines under a stack: nodes with a role and an address on the underlay, and what lies between them.

import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import type { Impairments } from '../fabric/impair.ts';
import { impairments } from '../fabric/impair.ts';
import { tciOf } from '../fabric/vlan-tag.ts';
import { networkOf } from '../ipam/cidr.ts';
import type { StackSpec, TopologySpec } from '../model/spec.ts';
import { MICROSECOND } from '../time/clock.ts';

export interface NodeSpec {
  readonly name: string;
  readonly role: 'manager' | 'worker';
  readonly ip: Ip;
  /** Which underlay subnet it stands in, from 0; racks are joined by routers. */
  readonly rack: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** The VLAN that the underlay's hosts send in. */
export interface UnderlayVlan {
  /** 1 to 4094. */
  readonly vid: number;
  /** The priority code point, 0 to 7. */
  readonly priority: number;
}

export interface UnderlaySpec {
  /** IP MTU of the underlay in bytes. */
  readonly mtu: number;
  /** What each cable does to each direction. */
  readonly cable: Impairments;
  readonly prefix: number;
  /** Routers between racks: 0 when all nodes share a subnet; two or more give equal-cost paths. */
  readonly spines: number;
  /** Nodes and routers reach the underlay by a VLAN interface on `eth0`, tagged (RFC 7348 s.5); null for untagged. */
  readonly vlan: UnderlayVlan | null;
}

export interface ClusterSpec {
  readonly nodes: readonly NodeSpec[];
  readonly underlay: UnderlaySpec;
}

export interface ClusterOptions {
  readonly nodes?: number;
  readonly managers?: number;
  /** Underlay addresses: IPv4 (default) or IPv6. */
  readonly family?: 4 | 6;
  /** The first node's underlay address, the others following on; for real sockets, 127.0.0.11. Racks do not go with it. */
  readonly first?: Ip;
  readonly racks?: number;
  readonly spines?: number;
  readonly mtu?: number;
  readonly cable?: Partial<Impairments>;
  /** Left out: untagged. The priority is 0 if left out. */
  readonly vlan?: { readonly vid: number; readonly priority?: number };
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A quarter of a LAN's usual round trip: node, cable, switch, cable, node takes two cables each way. */
const CABLE = { delay: 25 * MICROSECOND, jitter: 2 * MICROSECOND };

/**
 * manager1, worker1, worker2, ... on 192.0.2.11 and up (RFC 5737), as the swarm that vxlab is compared with; clusters
 * that a /24 does not hold, and racks, take 198.18.0.0/15 (RFC 2544); IPv6 takes 2001:db8:64::/64 (RFC 3849).
 * @throws VxlabError BAD_CLUSTER for counts that make no cluster; BAD_VID, BAD_PRIORITY
 */
export function cluster(options: ClusterOptions = {}): ClusterSpec {
  const count = options.nodes ?? 3;
  const managers = options.managers ?? 1;
  const racks = options.racks ?? 1;
  const family = options.family ?? 4;
  if (!Number.isInteger(count) || count < 1 || count > 100_000) {
    throw new VxlabError('BAD_CLUSTER', `a cluster has 1 to 100000 nodes, not ${count}`);
  }
  if (managers < 1 || managers > count)
    throw new VxlabError('BAD_CLUSTER', `${count} nodes cannot have ${managers} managers`);
  if (racks < 1 || racks > Math.min(count, 250))
    throw new VxlabError('BAD_CLUSTER', `${count} nodes do not fill ${racks} racks`);
  const mtu = options.mtu ?? 1500;
  if (!Number.isInteger(mtu) || mtu < 576 || mtu > 9216)
    throw new VxlabError('BAD_CLUSTER', `an underlay MTU of ${mtu} is not 576 to 9216`);
  const perRack = Math.ceil(count / racks);
  // A rack is a /22 over IPv4; its first addresses are the routers'.
  if (racks > 1 && perRack > 1000)
    throw new VxlabError('BAD_CLUSTER', `a rack has at most 1000 nodes, not ${perRack}`);
  const nodes: NodeSpec[] = [];
  for (let i = 0; i < count; i++) {
    const role = i < managers ? 'manager' : 'worker';
    const name = role === 'manager' ? `manager${i + 1}` : `worker${i - managers + 1}`;
    const rack = Math.floor(i / perRack);
    const ip =
      options.first === undefined
        ? addressOf(family, count, racks, rack, i - rack * perRack)
        : following(options.first, i);
    nodes.push({ name, role, ip, rack, labels: options.labels?.[name] ?? {} });
  }
  const prefix = family === 6 ? 64 : racks > 1 ? 22 : count > 240 ? 15 : 24;
  const spines = racks > 1 ? Math.max(1, options.spines ?? 2) : 0;
  const given = options.cable ?? {};
  const cable = impairments({
    ...CABLE,
    jitter: Math.min(CABLE.jitter, given.delay ?? CABLE.delay),
    ...given,
  });
  const vlan = options.vlan === undefined ? null : { priority: 0, ...options.vlan };
  if (vlan !== null) tciOf(vlan.vid, vlan.priority);
  return { nodes, underlay: { mtu, cable, prefix, spines, vlan } };
}

/**
 * The machines for a stack: those that its topology file names, else as `cluster` makes them.
 * @throws VxlabError as `cluster`; BAD_CLUSTER for options that the file leaves no choice of
 */
export function clusterFor(spec: StackSpec, options: ClusterOptions = {}): ClusterSpec {
  const { topology } = spec;
  if (topology === undefined) return cluster(options);
  const { nodes, managers, family, racks, ...rest } = options;
  if (nodes !== undefined || managers !== undefined || family !== undefined || racks !== undefined) {
    throw new VxlabError(
      'BAD_CLUSTER',
      'a topology file says itself how many nodes there are and where: leave out --nodes, --racks and --ipv6-underlay',
    );
  }
  const count = topology.nodes.length;
  const mtu = rest.mtu ?? topology.mtu;
  const usual = cluster({ ...rest, nodes: count, ...(mtu === null ? {} : { mtu }) });
  const prefix = topology.prefix ?? (isIp6((topology.nodes[0] as TopologyNode).ip) ? 64 : 24);
  // Over real sockets the nodes have loopback addresses in place of their own, and no racks.
  if (options.first !== undefined) {
    return { ...usual, nodes: usual.nodes.map((node, i) => ({ ...node, name: nameAt(topology, i) })) };
  }
  const subnets = [...new Set(topology.nodes.map(({ ip }) => formatIp(networkOf(ip, prefix))))];
  return {
    nodes: usual.nodes.map((node, i) => {
      const { name, ip } = topology.nodes[i] as TopologyNode;
      const labels = options.labels?.[name] ?? {};
      return { ...node, name, ip, rack: subnets.indexOf(formatIp(networkOf(ip, prefix))), labels };
    }),
    underlay: {
      ...usual.underlay,
      prefix,
      spines: subnets.length > 1 ? Math.max(1, options.spines ?? 2) : 0,
    },
  };
}

type TopologyNode = TopologySpec['nodes'][number];

function nameAt({ nodes }: TopologySpec, i: number): string {
  return (nodes[i] as TopologyNode).name;
}

function following(first: Ip, i: number): Ip {
  return typeof first === 'number' ? first + i : { ...first, d: first.d + i };
}

function addressOf(family: 4 | 6, count: number, racks: number, rack: number, i: number): Ip {
  if (family === 6) {
    const base = parseIp('2001:db8:64::') as { a: number; b: number; c: number; d: number };
    return { a: base.a, b: base.b + rack, c: 0, d: 11 + i };
  }
  if (racks > 1) return (parseIp('198.18.0.0') as number) + rack * 1024 + 11 + i;
  return (parseIp(count > 240 ? '198.18.0.0' : '192.0.2.0') as number) + 11 + i;
}
