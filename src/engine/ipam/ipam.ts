// Cutting address pools into subnets, and what a subnet is used up by.
//
// An `AddressSpace` gives networks their subnets, as a Docker engine does: serially, the next free one after the last
// given, so that a subnet that comes back waits its turn; one asked for by name is refused if it overlaps another.
// `SubnetLeases` gives nodes theirs out of one network, as flannel and the Kubernetes controller do. Subnets in use never
// overlap, so they stand in one list sorted by address and a clash is found by a binary search.

import type { Ip } from '../../core/wire/address.ts';
import { compareIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { parseIp4 } from '../../core/wire/parse-ip.ts';
import type { Cidr } from './cidr.ts';
import {
  addressBits,
  broadcastOf,
  contains,
  formatCidr,
  nthSubnet,
  overlaps,
  size,
  subnetCount,
  subnetIndex,
  subnetOf,
} from './cidr.ts';

/** A block and the prefix length of the subnets it is cut into. */
export interface SubnetPool {
  readonly base: Cidr;
  readonly prefix: number;
}

/** Docker's pool for overlay networks: 10.0.0.0/8 in /24. The ingress network comes first and takes 10.0.0.0/24. */
export const OVERLAY_POOLS: readonly SubnetPool[] = [
  { base: { ip: parseIp4('10.0.0.0'), prefix: 8 }, prefix: 24 },
];

/** Docker's pools for networks of one node: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in /20. */
export const LOCAL_POOLS: readonly SubnetPool[] = [
  ...Array.from({ length: 15 }, (_, i) => ({
    base: { ip: parseIp4(`172.${17 + i}.0.0`), prefix: 16 },
    prefix: 16,
  })),
  { base: { ip: parseIp4('192.168.0.0'), prefix: 16 }, prefix: 20 },
];

export interface Subnet {
  readonly cidr: Cidr;
  readonly owner: string;
}

/** The pools of one address family and the place from which the next subnet is looked for. */
interface Cut {
  readonly pools: SubnetPool[];
  pool: number;
  index: number;
}

export class AddressSpace {
  readonly #inUse: Subnet[] = [];
  readonly #cuts: { readonly 4: Cut; readonly 6: Cut };

  /** @throws VxlabError BAD_POOL if a subnet would be larger than its pool or longer than an address, POOL_OVERLAP */
  constructor(pools: readonly SubnetPool[] = OVERLAY_POOLS) {
    this.#cuts = { 4: { pools: [], pool: 0, index: 0 }, 6: { pools: [], pool: 0, index: 0 } };
    for (const [at, { base, prefix }] of pools.entries()) {
      if (prefix < base.prefix || prefix > addressBits(base.ip) || !Number.isInteger(prefix)) {
        throw new VxlabError('BAD_POOL', `${formatCidr(base)} cannot be cut into subnets of /${prefix}`);
      }
      const other = pools.slice(0, at).find((earlier) => overlaps(earlier.base, base));
      if (other !== undefined) throw overlap(base, `the address pool ${formatCidr(other.base)}`);
      this.#cuts[familyOf(base)].pools.push({ base: subnetOf(base), prefix });
    }
  }

  /**
   * The next free subnet of the pools, after the last one given and around.
   * @throws VxlabError POOL_EXHAUSTED naming the pools and the owner
   */
  allocate(owner: string, family: 4 | 6 = 4): Cidr {
    const cut = this.#cuts[family];
    const turns = cut.pools.length;
    for (let turn = 0; turn <= turns && turns > 0; turn++) {
      const at = (cut.pool + turn) % turns;
      const pool = cut.pools[at] as SubnetPool;
      const from = turn === 0 ? cut.index : 0;
      const end = turn === turns ? cut.index : subnetCount(pool.base, pool.prefix);
      const index = this.#nextFree(pool, from, end);
      if (index < 0) continue;
      cut.pool = at;
      cut.index = index + 1;
      return this.claim(nthSubnet(pool.base, pool.prefix, index), owner);
    }
    throw exhausted(cut.pools, family, owner);
  }

  /** Takes the subnet that was asked for, from the pools or from elsewhere. @throws VxlabError POOL_OVERLAP naming both */
  claim(cidr: Cidr, owner: string): Cidr {
    const subnet = subnetOf(cidr);
    const clash = this.overlapping(subnet);
    if (clash !== undefined) throw overlap(subnet, `${formatCidr(clash.cidr)} of ${clash.owner}`);
    this.#inUse.splice(this.#placeOf(subnet.ip), 0, { cidr: subnet, owner });
    return subnet;
  }

  /** Gives a subnet back and tells who held it. @throws VxlabError NOT_LEASED unless exactly this subnet is in use */
  release(cidr: Cidr): string {
    const subnet = subnetOf(cidr);
    const at = this.#placeOf(subnet.ip);
    const found = this.#inUse[at];
    if (
      found === undefined ||
      compareIp(found.cidr.ip, subnet.ip) !== 0 ||
      found.cidr.prefix !== subnet.prefix
    ) {
      throw new VxlabError('NOT_LEASED', `the subnet ${formatCidr(subnet)} is not in use`);
    }
    this.#inUse.splice(at, 1);
    return found.owner;
  }

  /** The first subnet in use that shares an address with `cidr`. */
  overlapping(cidr: Cidr): Subnet | undefined {
    const at = this.#placeOf(subnetOf(cidr).ip);
    const before = this.#inUse[at - 1];
    if (before !== undefined && overlaps(before.cidr, cidr)) return before;
    const next = this.#inUse[at];
    return next !== undefined && overlaps(next.cidr, cidr) ? next : undefined;
  }

  /** The subnets in use, by address. */
  subnets(): Subnet[] {
    return this.#inUse.slice();
  }

  /** The subnet in use that holds `ip`. */
  subnetAt(ip: Ip): Subnet | undefined {
    return this.overlapping({ ip, prefix: addressBits(ip) });
  }

  #nextFree(pool: SubnetPool, from: number, end: number): number {
    for (let index = from; index < end; ) {
      const clash = this.overlapping(nthSubnet(pool.base, pool.prefix, index));
      if (clash === undefined) return index;
      const { ip, prefix } = clash.cidr;
      if (prefix <= pool.base.prefix) return -1;
      index =
        prefix < pool.prefix ? subnetIndex(pool.base, pool.prefix, broadcastOf(ip, prefix)) + 1 : index + 1;
    }
    return -1;
  }

  /** The number of subnets in use that start before `ip`. */
  #placeOf(ip: Ip): number {
    let low = 0;
    let high = this.#inUse.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareIp((this.#inUse[middle] as Subnet).cidr.ip, ip) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function familyOf(cidr: Cidr): 4 | 6 {
  return addressBits(cidr.ip) === 32 ? 4 : 6;
}

function overlap(wanted: Cidr, other: string): VxlabError {
  return new VxlabError('POOL_OVERLAP', `${formatCidr(subnetOf(wanted))} overlaps ${other}`);
}

function exhausted(pools: readonly SubnetPool[], family: 4 | 6, owner: string): VxlabError {
  const names = pools.map((pool) => {
    const count = subnetCount(pool.base, pool.prefix);
    return `${formatCidr(pool.base)} (${count} of /${pool.prefix})`;
  });
  return new VxlabError(
    'POOL_EXHAUSTED',
    names.length === 0
      ? `there is no IPv${family} address pool to take a subnet for ${owner} from; name the subnet`
      : `no free subnet is left for ${owner} in ${names.join(', ')}`,
  );
}

/** Who takes addresses of an overlay network. */
export interface Parties {
  /** Nodes that run at least one of its tasks. */
  readonly nodes: number;
  /** Services reached by a virtual IP; none for dnsrr. */
  readonly services: number;
  readonly tasks: number;
}

/** How the addresses of a subnet are spent; the parts and `left` add up to `usable`. */
export interface Capacity {
  /** Without network and broadcast address. */
  readonly usable: number;
  readonly gateway: number;
  /** One for each service. */
  readonly virtualIps: number;
  /** One for each node. */
  readonly loadBalancers: number;
  readonly tasks: number;
  /** Negative if the subnet is too small by so many addresses. */
  readonly left: number;
  /** Tasks that would fit with these nodes and services. */
  readonly maxTasks: number;
}

/** Whether a subnet is large enough for an overlay network, and what each party takes of it, as in a Docker Swarm. */
export function capacity(cidr: Cidr, parties: Parties): Capacity {
  const bits = addressBits(cidr.ip);
  const hostBits = bits - cidr.prefix;
  const lost = hostBits < 2 ? 0 : bits === 32 ? 2 : 1;
  const usable = size(cidr) - lost;
  const gateway = hostBits === 0 ? 0 : 1;
  const room = usable - gateway - parties.services - parties.nodes;
  return {
    usable,
    gateway,
    virtualIps: parties.services,
    loadBalancers: parties.nodes,
    tasks: parties.tasks,
    left: room - parties.tasks,
    maxTasks: Math.max(0, room),
  };
}

export interface SubnetLeaseOptions {
  /** 10.244.0.0/16 if absent. */
  readonly network?: Cidr;
  /** Prefix length of a node's subnet; flannel's rule if absent: /24 of a /22 or larger, else two bits more; IPv6 /64. */
  readonly prefix?: number;
  /** flannel with etcd leaves the first subnet out; with Kubernetes the first node has it. False if absent. */
  readonly skipFirst?: boolean;
}

/**
 * One subnet a node: 10.244.0.0/24, 10.244.1.0/24, ... in the order in which nodes ask, the next after the last given.
 * flannel with etcd draws at random among the first hundred free ones; here the order is always serial.
 */
export class SubnetLeases {
  readonly network: Cidr;
  readonly prefix: number;
  readonly #byNode = new Map<string, Cidr>();
  readonly #space: AddressSpace;

  /** @throws VxlabError BAD_POOL if `prefix` does not cut the network */
  constructor(options: SubnetLeaseOptions = {}) {
    this.network = subnetOf(options.network ?? { ip: parseIp4('10.244.0.0'), prefix: 16 });
    this.prefix = options.prefix ?? defaultPrefix(this.network);
    this.#space = new AddressSpace([{ base: this.network, prefix: this.prefix }]);
    if (options.skipFirst === true) this.#space.claim(nthSubnet(this.network, this.prefix, 0), 'nobody');
  }

  /** The node's subnet: the one it has, or the next free one. @throws VxlabError POOL_EXHAUSTED */
  lease(node: string): Cidr {
    const held = this.#byNode.get(node);
    if (held !== undefined) return held;
    const subnet = this.#space.allocate(node, familyOf(this.network));
    this.#byNode.set(node, subnet);
    return subnet;
  }

  /** @throws VxlabError NOT_LEASED */
  release(node: string): void {
    const subnet = this.subnet(node);
    if (subnet === undefined) throw new VxlabError('NOT_LEASED', `node ${node} has no subnet`);
    this.#space.release(subnet);
    this.#byNode.delete(node);
  }

  subnet(node: string): Cidr | undefined {
    return this.#byNode.get(node);
  }

  /** The node whose subnet holds `ip`. */
  nodeAt(ip: Ip): string | undefined {
    const found = contains(this.network, ip) ? this.#space.subnetAt(ip) : undefined;
    return found !== undefined && this.#byNode.has(found.owner) ? found.owner : undefined;
  }
}

function defaultPrefix(network: Cidr): number {
  if (familyOf(network) === 6) return 64;
  return network.prefix <= 22 ? 24 : network.prefix + 2;
}
