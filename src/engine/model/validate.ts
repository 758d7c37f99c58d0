// Checks that need more than one part of a stack: its address plan and its published ports. Manifest readers call them
// with what they read and where it stood.
//
// The limits are Docker's: the ingress network takes 10.0.0.0/24, docker_gwbridge 172.18.0.0/16, a network without a
// subnet gets a /24, and besides the tasks each service takes a virtual address on each of its networks and each node
// one for its load balancer.

import { isIp6 } from '../../core/wire/address.ts';
import { VNI_MAX } from '../../core/wire/numbers.ts';
import { parseIp4 } from '../../core/wire/parse-ip.ts';
import { broadcastOf, formatCidr, overlaps, size, subnetOf } from '../ipam/cidr.ts';
import type { Diagnostics, Where } from './diagnostic.ts';
import type { Cidr, PortSpec } from './spec.ts';

export interface PlannedSubnet {
  readonly cidr: Cidr;
  readonly where: Where;
}

export interface PlannedVni {
  readonly vni: number;
  readonly where: Where;
}

export interface PlannedNetwork {
  readonly key: string;
  readonly where: Where;
  /** Empty means one /24 from the pool. */
  readonly subnets: readonly PlannedSubnet[];
  readonly vnis: readonly PlannedVni[];
  /** Addresses that tasks take. */
  readonly tasks: number;
  /** Addresses that services take for themselves. */
  readonly vips: number;
  /** Nodes that may have the network. */
  readonly nodes: number;
}

export interface PublishedPort extends PortSpec {
  readonly service: string;
  readonly where: Where;
}

/** Serial allocation begins here; lower VNIs are only given when asked for (libnetwork, ovmanager). */
export const VNI_POOL_START = 4096;

const INGRESS: Cidr = { ip: parseIp4('10.0.0.0'), prefix: 24 };
const GWBRIDGE: Cidr = { ip: parseIp4('172.18.0.0'), prefix: 16 };
/** Usable addresses of a /24: without the network's, the broadcast and the gateway's. */
const DEFAULT_ROOM = 253;
/** How many overlaps are told of one subnet; a block over everything would tell all. */
const OVERLAPS_MAX = 3;

const SPECIAL: readonly (readonly [Cidr, string])[] = [
  [{ ip: parseIp4('0.0.0.0'), prefix: 8 }, '"this network" (RFC 1122)'],
  [{ ip: parseIp4('127.0.0.0'), prefix: 8 }, 'the loopback (RFC 1122)'],
  [{ ip: parseIp4('169.254.0.0'), prefix: 16 }, 'link-local addresses (RFC 3927)'],
  [{ ip: parseIp4('224.0.0.0'), prefix: 4 }, 'multicast (RFC 5771)'],
  [{ ip: parseIp4('240.0.0.0'), prefix: 4 }, 'future use (RFC 1112)'],
];

/** Overlaps, special blocks, VNIs given twice, subnets too small for what runs on them. */
export function checkAddressPlan(networks: readonly PlannedNetwork[], found: Diagnostics): void {
  const seen: { readonly key: string; readonly subnet: PlannedSubnet }[] = [];
  for (const network of networks) {
    for (const subnet of network.subnets) {
      checkSubnet(network.key, subnet, seen, found);
      seen.push({ key: network.key, subnet });
    }
    checkRoom(network, found);
  }
  checkVnis(networks, found);
}

function checkSubnet(
  key: string,
  subnet: PlannedSubnet,
  before: readonly { readonly key: string; readonly subnet: PlannedSubnet }[],
  found: Diagnostics,
): void {
  const { cidr, where } = subnet;
  const text = formatCidr(subnetOf(cidr));
  let reported = 0;
  for (const other of before) {
    if (!overlaps(cidr, other.subnet.cidr)) continue;
    if (reported++ === OVERLAPS_MAX) break;
    const place = other.subnet.where.at;
    const theirs = formatCidr(subnetOf(other.subnet.cidr));
    const whose = other.key === key ? 'another subnet of this network' : `that of network "${other.key}"`;
    const message = `subnet ${text} of network "${key}" overlaps ${theirs}, ${whose} (${place.line}:${place.column})`;
    found.report('OV1304', where, message, `both hold ${sharedRange(cidr, other.subnet.cidr)}`);
  }
  if (isIp6(cidr.ip)) {
    const hint = 'create the network with "docker network create --ipv6" and declare it external';
    found.report('OV1308', where, `${text} is an IPv6 subnet, and Compose v3 cannot switch IPv6 on`, hint);
    return;
  }
  if (overlaps(cidr, INGRESS)) {
    const hint = 'the swarm takes 10.0.0.0/24 for ingress first; user networks start at 10.0.1.0/24';
    found.report('OV1305', where, `subnet ${text} of network "${key}" overlaps the ingress network`, hint);
  }
  if (overlaps(cidr, GWBRIDGE)) {
    const hint = 'nodes usually give it 172.18.0.0/16; containers could not tell the two apart';
    found.report('OV1306', where, `subnet ${text} of network "${key}" overlaps docker_gwbridge`, hint);
  }
  const special = SPECIAL.find(([block]) => overlaps(cidr, block));
  if (special !== undefined) {
    const hint = 'take a block from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)';
    found.report(
      'OV1312',
      where,
      `subnet ${text} lies in ${formatCidr(special[0])}, kept for ${special[1]}`,
      hint,
    );
  }
}

/** `10.0.1.0 to 10.0.1.127`: what two overlapping blocks share is the smaller one. */
function sharedRange(a: Cidr, b: Cidr): string {
  const smaller = subnetOf(a.prefix >= b.prefix ? a : b);
  const last = { ip: broadcastOf(smaller.ip, smaller.prefix), prefix: smaller.prefix };
  const text = (cidr: Cidr): string => formatCidr(cidr).replace(/\/\d+$/, '');
  return smaller.prefix >= 32 && !isIp6(smaller.ip) ? text(smaller) : `${text(smaller)} to ${text(last)}`;
}

/** Addresses that can be given out: not the network's, not the broadcast, not the gateway's. */
function room(cidr: Cidr): number {
  return Math.max(0, size(cidr) - 3);
}

function checkRoom(network: PlannedNetwork, found: Diagnostics): void {
  const { subnets, tasks, vips } = network;
  const balancers = Math.min(network.nodes, tasks);
  const needed = tasks + vips + balancers;
  const has =
    subnets.length === 0 ? DEFAULT_ROOM : subnets.reduce((sum, subnet) => sum + room(subnet.cidr), 0);
  if (needed <= has) return;
  const services = `${tasks} for tasks, ${vips} for services (VIPs)`;
  const what = `${services}, ${balancers} for load balancers (one a node)`;
  const message = `network "${network.key}" has ${has} addresses to give out, and needs ${needed}: ${what}`;
  const where = subnets[0]?.where ?? network.where;
  const prefix = 32 - Math.ceil(Math.log2(needed + 3));
  found.report('OV1307', where, message, prefix > 0 ? `a /${prefix} is large enough` : null);
}

function checkVnis(networks: readonly PlannedNetwork[], found: Diagnostics): void {
  const first = new Map<number, { readonly key: string; readonly where: Where }>();
  for (const { key, vnis } of networks) {
    for (const { vni, where } of vnis) {
      const other = first.get(vni);
      if (other !== undefined) {
        const { line, column } = other.where.at;
        const whose = other.key === key ? 'in this list' : `in network "${other.key}" (${line}:${column})`;
        found.report(
          'OV1310',
          where,
          `VNI ${vni} is already taken ${whose}`,
          'each subnet needs a VNI of its own',
        );
        continue;
      }
      first.set(vni, { key, where });
      if (vni < VNI_POOL_START) {
        const hint = `the swarm itself hands out ${VNI_POOL_START} to ${VNI_MAX}; mind other users of the low numbers`;
        found.report('OV1311', where, `VNI ${vni} is below the swarm's pool`, hint);
      }
    }
  }
}

/** Published ports within a service and between services (swarmkit, controlapi/service.go). */
export function checkPublished(ports: readonly PublishedPort[], found: Diagnostics): void {
  const taken = new Map<string, PublishedPort[]>();
  for (const port of ports) {
    if (port.published === null) continue;
    const key = `${port.published}/${port.protocol}`;
    const others = taken.get(key) ?? [];
    const clash = others.find((other) => clashes(port, other));
    if (clash !== undefined) {
      const { line, column } = clash.where.at;
      const who = clash.service === port.service ? 'by this service' : `by service "${clash.service}"`;
      const message = `port ${key} is already published ${who} (${line}:${column})`;
      found.report(
        'OV1602',
        port.where,
        message,
        'each published port belongs to one service of the whole swarm',
      );
    }
    others.push(port);
    taken.set(key, others);
  }
}

/** Two services may both ask for a port in host mode: then their tasks go to different nodes. */
function clashes(a: PublishedPort, b: PublishedPort): boolean {
  return a.service === b.service || a.mode === 'ingress' || b.mode === 'ingress';
}
