// The elements of a world by their trace number, with the objects behind them: what turns `where: 17` into "br0 of
// mywebnw on worker1" and lets a journey look into its tables.

import type { Bridge } from '../engine/fabric/bridge.ts';
import type { LinkEnd } from '../engine/fabric/link.ts';
import type { VethEnd } from '../engine/fabric/veth.ts';
import type { VniDemux } from '../engine/fabric/vni-demux.ts';
import type { Vtep } from '../engine/fabric/vtep.ts';
import type { Host } from '../engine/host/host.ts';
import type { Network } from '../engine/orchestrate/network.ts';
import type { Simulation } from '../engine/orchestrate/simulation.ts';
import type { ElementId } from '../engine/trace/event.ts';

/** How to get a shell where the element is, on a real host: a command's prefix. */
export type Prefix = string;

export type Located =
  | { readonly kind: 'host'; readonly host: Host; readonly prefix: Prefix }
  | { readonly kind: 'bridge'; readonly bridge: Bridge; readonly prefix: Prefix }
  | { readonly kind: 'vtep'; readonly vtep: Vtep; readonly network: Network | null; readonly prefix: Prefix }
  | { readonly kind: 'demux'; readonly demux: VniDemux; readonly prefix: Prefix }
  | { readonly kind: 'port'; readonly port: VethEnd | LinkEnd; readonly prefix: Prefix };

/** Every element that frames pass, by number. */
export function elementsOf(sim: Simulation): Map<ElementId, Located> {
  const found = new Map<ElementId, Located>();
  const { world, underlay } = sim;
  const bridgeWithPorts = (bridge: Bridge, prefix: Prefix, inner: (name: string) => Prefix): void => {
    found.set(bridge.id, { kind: 'bridge', bridge, prefix });
    for (const { port } of bridge.ports()) {
      const end = port as Partial<VethEnd>;
      if (end.peer === undefined || end.id === undefined) continue;
      found.set(end.id, { kind: 'port', port: end as VethEnd, prefix });
      found.set(end.peer.id, { kind: 'port', port: end.peer, prefix: inner(end.peer.name) });
    }
  };
  for (const bridge of underlay.switches) bridgeWithPorts(bridge, '', () => '');
  for (const spine of underlay.spines) found.set(spine.id, { kind: 'host', host: spine, prefix: '' });
  for (const node of world.nodes.values()) {
    found.set(node.host.id, { kind: 'host', host: node.host, prefix: '' });
    found.set(node.demux.id, { kind: 'demux', demux: node.demux, prefix: '' });
    for (const sandbox of node.sandboxes.values()) {
      const prefix = `nsenter --net=/var/run/docker/netns/${sandbox.namespace} `;
      bridgeWithPorts(sandbox.bridge, prefix, () => prefix);
      found.set(sandbox.vtep.id, {
        kind: 'vtep',
        vtep: sandbox.vtep,
        network: sandbox.network as Network,
        prefix,
      });
      found.set(sandbox.gateway.id, { kind: 'host', host: sandbox.gateway, prefix });
      const balancer = sandbox.balancer;
      if (balancer !== null) {
        const lb = `nsenter --net=/var/run/docker/netns/${balancer.name} `;
        found.set(balancer.id, { kind: 'host', host: balancer, prefix: lb });
      }
      for (const { host, inner } of sandbox.attachments) {
        if (host !== balancer)
          found.set(inner.id, { kind: 'port', port: inner, prefix: `docker exec ${host.name} ` });
      }
    }
    const pods = world.pods.get(node.name);
    if (pods !== undefined) {
      bridgeWithPorts(pods.bridge, '', () => '');
      found.set(pods.vtep.id, { kind: 'vtep', vtep: pods.vtep, network: null, prefix: '' });
    }
  }
  for (const container of world.containers.values()) {
    const exec =
      world.pods.size > 0 ? `kubectl exec ${container.name} -- ` : `docker exec ${container.name} `;
    found.set(container.host.id, { kind: 'host', host: container.host, prefix: exec });
  }
  return found;
}
