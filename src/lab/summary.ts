// What a world is and what it did, as plain data: the lists of `vxlab up` and of its JSON document.

import { formatIp, formatMac } from '../core/wire/address.ts';
import { formatCidr } from '../engine/ipam/cidr.ts';
import type { UnderlayNetwork } from '../engine/orchestrate/underlay-network.ts';
import type { World } from '../engine/orchestrate/world.ts';
import type { Counters } from '../engine/trace/counters.ts';
import { DROP, DROP_NAMES } from '../engine/trace/drop.ts';

export interface NodeSummary {
  readonly name: string;
  readonly role: 'manager' | 'worker';
  readonly address: string;
  readonly rack: number;
  readonly containers: number;
}

export interface NetworkSummary {
  readonly name: string;
  readonly vni: number;
  readonly subnet: string;
  readonly gateway: string;
  readonly mtu: number;
  readonly ingress: boolean;
}

export interface AddressSummary {
  readonly device: string;
  readonly network: string;
  readonly address: string;
  readonly mac: string;
}

export interface ContainerSummary {
  readonly name: string;
  readonly id: string;
  readonly service: string;
  readonly image: string;
  readonly node: string;
  readonly addresses: readonly AddressSummary[];
}

export interface Population {
  readonly nodes: readonly NodeSummary[];
  readonly networks: readonly NetworkSummary[];
  readonly containers: readonly ContainerSummary[];
  /** Tasks that no node may take. */
  readonly pending: readonly string[];
}

export interface Totals {
  /** Frames that the VTEPs put into tunnels, and their inner bytes. */
  readonly vxlan: { readonly packets: number; readonly bytes: number };
  /** Frames that ended on the way, by reason, most first. A flooded copy that its host ignores is none. */
  readonly drops: readonly { readonly reason: string; readonly count: number }[];
}

export function populationOf(world: World): Population {
  const services = new Map(world.plan.services.map(({ spec }) => [spec.key, spec]));
  return {
    nodes: [...world.nodes.values()].map(({ spec, ip, containers }) => ({
      name: spec.name,
      role: spec.role,
      address: formatIp(ip),
      rack: spec.rack,
      containers: containers.size,
    })),
    networks: world.plan.networks.map((network) => ({
      name: network.name,
      vni: network.vni,
      subnet: formatCidr(network.subnet),
      gateway: formatIp(network.gateway),
      mtu: network.mtu,
      ingress: network.ingress,
    })),
    containers: [...world.containers.values()].map(({ name, id, node, task }) => ({
      name,
      id,
      service: task?.service ?? '',
      image: services.get(task?.service ?? '')?.image ?? '',
      node,
      addresses: (task?.endpoints ?? []).map((endpoint, i) => ({
        device: `eth${i}`,
        network: endpoint.network.name,
        address: `${formatIp(endpoint.ip)}/${endpoint.network.subnet.prefix}`,
        mac: formatMac(endpoint.mac),
      })),
    })),
    pending: world.plan.services.flatMap((service) =>
      service.tasks.filter((task) => task.node === null).map((task) => task.name),
    ),
  };
}

/** @param underlay the emulated one, or null where real sockets take its place */
export function totalsOf(world: World, underlay: UnderlayNetwork | null): Totals {
  let packets = 0;
  let bytes = 0;
  const drops = new Array<number>(DROP_NAMES.length).fill(0);
  const add = (element: { readonly counters: Counters }): void => {
    if (element.counters.dropped() === 0) return;
    for (const reason of Object.values(DROP)) {
      if (reason === DROP.notForUs) continue;
      drops[reason] = (drops[reason] as number) + element.counters.dropped(reason);
    }
  };
  for (const node of world.nodes.values()) {
    add(node.host);
    add(node.demux);
    const pods = world.pods.get(node.name);
    for (const sandbox of [...node.sandboxes.values(), ...(pods === undefined ? [] : [pods])]) {
      add(sandbox.bridge);
      add(sandbox.vtep);
      packets += sandbox.vtep.counters.txPackets;
      bytes += sandbox.vtep.counters.txBytes;
      for (const { outer, inner } of sandbox.attachments) {
        add(outer);
        add(inner);
      }
      if ('gateway' in sandbox) add(sandbox.gateway);
      if ('balancer' in sandbox && sandbox.balancer !== null) add(sandbox.balancer);
    }
    const outward = node.gatewayBridge(false);
    if (outward !== null) add(outward.bridge);
  }
  for (const { near, far, trunk } of underlay?.cables.values() ?? []) {
    add(near);
    add(far);
    if (trunk !== null) add(trunk);
  }
  if (underlay !== null && underlay.gateway !== null) add(underlay.gateway);
  for (const container of world.containers.values()) add(container.host);
  for (const bridge of underlay?.switches ?? []) add(bridge);
  for (const spine of underlay?.spines ?? []) add(spine);
  return {
    vxlan: { packets, bytes },
    drops: drops
      .map((count, reason) => ({ reason: DROP_NAMES[reason] as string, count }))
      .filter(({ count }) => count > 0)
      .sort((x, y) => y.count - x.count),
  };
}
