// The address pools of a world's networks and who holds what: the IPAM part of `docker network inspect`, and more of it.

import { compareIp, formatIp } from '../core/wire/address.ts';
import { formatCidr } from '../engine/ipam/cidr.ts';
import type { Lease } from '../engine/ipam/pool.ts';
import type { World } from '../engine/orchestrate/world.ts';

export type LeaseKind = 'gateway' | 'vip' | 'task' | 'lb' | 'reserved';

export interface LeaseRow {
  readonly address: string;
  readonly kind: LeaseKind;
  /** A task, a service (vip), a node (lb), or what a reservation is for. */
  readonly owner: string;
}

export interface IpamRow {
  readonly network: string;
  readonly vni: number;
  readonly subnet: string;
  readonly gateway: string;
  readonly mtu: number;
  /** How many addresses can be leased in all, and how many still can. */
  readonly capacity: number;
  readonly free: number;
  /** By address. */
  readonly leases: readonly LeaseRow[];
}

export function ipamRows(world: World): IpamRow[] {
  return world.plan.networks.map(({ name, vni, subnet, gateway, mtu, pool }) => ({
    network: name,
    vni,
    subnet: formatCidr(subnet),
    gateway: formatIp(gateway),
    mtu,
    capacity: pool.capacity,
    free: pool.free,
    leases: [...pool.reservations(), ...pool.leases()].sort((x, y) => compareIp(x.ip, y.ip)).map(leaseRow),
  }));
}

/** The plan's leases say whose they are: `vip <service>`, `lb <node>`, or a task's name. */
function leaseRow({ ip, owner }: Lease): LeaseRow {
  const address = formatIp(ip);
  if (owner === 'gateway') return { address, kind: 'gateway', owner: 'br0' };
  if (/^(network address|broadcast address|subnet-router anycast)$/.test(owner)) {
    return { address, kind: 'reserved', owner };
  }
  const named = /^(vip|lb) (.+)$/.exec(owner);
  if (named === null) return { address, kind: 'task', owner };
  return { address, kind: named[1] as 'vip' | 'lb', owner: named[2] as string };
}
