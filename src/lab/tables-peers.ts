// The VTEPs of each overlay network, who lives behind them, and where each sends frames that have no single destination.

import { formatIp, formatMac } from '../core/wire/address.ts';
import type { Vtep } from '../engine/fabric/vtep.ts';
import type { NetworkPlan } from '../engine/orchestrate/plan.ts';
import type { Attachment } from '../engine/orchestrate/sandbox.ts';
import type { World } from '../engine/orchestrate/world.ts';

export interface PeerEndpoint {
  readonly name: string;
  readonly address: string;
  readonly mac: string;
}

export interface PeerRow {
  readonly network: string;
  readonly vni: number;
  readonly node: string;
  readonly vtep: string;
  /** UDP. */
  readonly port: number;
  readonly endpoints: readonly PeerEndpoint[];
  /** VTEPs or a group; empty where nothing is flooded. */
  readonly flood: readonly string[];
}

export function peerRows(world: World): PeerRow[] {
  const rows: PeerRow[] = [];
  const add = (
    plan: NetworkPlan,
    seat: { readonly vtep: Vtep; readonly attachments: readonly Attachment[] },
    node: string,
    vtep: string,
  ): void => {
    rows.push({
      network: plan.name,
      vni: plan.vni,
      node,
      vtep,
      port: world.plan.profile.port,
      endpoints: seat.attachments.map(({ host, endpoint }) => ({
        name: host.name,
        address: formatIp(endpoint.ip),
        mac: formatMac(endpoint.mac),
      })),
      flood: seat.vtep.floodList.map((peer) => formatIp(world.ground.peers.addressOf(peer))),
    });
  };
  for (const plan of world.plan.networks) {
    for (const node of world.nodes.values()) {
      const pods = world.pods.get(node.name);
      if (pods?.plan === plan) add(plan, pods, node.name, formatIp(node.ip));
      const sandbox = node.sandboxes.get(plan.id);
      if (sandbox !== undefined) add(plan, sandbox, node.name, formatIp(node.ip));
    }
  }
  return rows;
}
