// The neighbour tables of a world: what `ip neigh` prints in each namespace. The rows of a VXLAN device are those that its
// ARP proxy answers from.

import { compareIp, formatIp, formatMac } from '../core/wire/address.ts';
import type { Host } from '../engine/host/host.ts';
import { STATE, STATE_NAMES } from '../engine/host/neighbour.ts';
import type { Sandbox } from '../engine/orchestrate/sandbox.ts';
import type { World } from '../engine/orchestrate/world.ts';

export interface NeighRow {
  readonly node: string;
  /** Empty for the node's own, else a network sandbox, a container or a load balancer. */
  readonly namespace: string;
  readonly address: string;
  readonly dev: string;
  /** Null while it is not known. */
  readonly mac: string | null;
  readonly state: (typeof STATE_NAMES)[number];
}

export function neighRows(world: World): NeighRow[] {
  const rows: NeighRow[] = [];
  for (const node of world.nodes.values()) {
    rows.push(...hostRows(node.name, '', node.host));
    for (const sandbox of node.sandboxes.values()) {
      rows.push(...proxyRows(node.name, sandbox));
      rows.push(...hostRows(node.name, sandbox.namespace, sandbox.gateway));
      if (sandbox.balancer !== null)
        rows.push(...hostRows(node.name, sandbox.balancer.name, sandbox.balancer));
    }
    for (const container of node.containers.values()) {
      rows.push(...hostRows(node.name, container.name, container.host));
    }
  }
  return rows;
}

function proxyRows(node: string, sandbox: Sandbox): NeighRow[] {
  const { vtep, network, namespace } = sandbox;
  if (vtep.options.neighbours === 'forward') return [];
  return network.db
    .rows()
    .filter(({ peer }) => peer !== vtep.options.own)
    .flatMap(({ mac, ips }) => ips.map((ip) => ({ ip, mac })))
    .sort((x, y) => compareIp(x.ip, y.ip))
    .map(({ ip, mac }) => ({
      node,
      namespace,
      address: formatIp(ip),
      dev: vtep.name,
      mac: formatMac(mac),
      state: STATE_NAMES[STATE.permanent],
    }));
}

function hostRows(node: string, namespace: string, host: Host): NeighRow[] {
  return host.neighbours
    .entries()
    .sort((x, y) => compareIp(x.ip, y.ip))
    .map((neighbour) => ({
      node,
      namespace,
      address: formatIp(neighbour.ip),
      dev: neighbour.dev.name,
      mac:
        neighbour.state === STATE.incomplete || neighbour.state === STATE.failed
          ? null
          : formatMac(neighbour.mac),
      state: STATE_NAMES[neighbour.state],
    }));
}
