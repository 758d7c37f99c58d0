// One overlay network across the cluster: its plan, the control plane's table, and its sandboxes. The control plane is
// here: it programs tables when endpoints come and go, and is never asked by a packet.

import type { Ip4 } from '../../core/wire/address.ts';
import { PeerDb } from '../fabric/peer-db.ts';
import type { PeerId, Peers } from '../fabric/peers.ts';
import type { Underlay } from '../fabric/underlay.ts';
import type { Vtep } from '../fabric/vtep.ts';
import { NetworkServices } from './network-services.ts';
import type { EndpointPlan, NetworkPlan, ServicePlan } from './plan.ts';
import type { Profile } from './profile.ts';

/** A node as its networks see it: a VTEP address and a way to the others. */
export interface VtepSite {
  readonly name: string;
  readonly peer: PeerId;
  readonly underlay: Underlay;
}

/** A network's presence on a node. */
export interface VtepSeat {
  readonly node: VtepSite;
  readonly vtep: Vtep;
}

/** 239.0.0.0/8 (RFC 2365) and the VNI: each network floods to a group of its own. */
const GROUPS: Ip4 = 0xef000000;

export class Network {
  readonly plan: NetworkPlan;
  readonly profile: Profile;
  /** Filled by the control plane in `pinned` profiles; empty in learning ones. */
  readonly db: PeerDb = new PeerDb();
  readonly sandboxes: Map<string, VtepSeat> = new Map();
  /** What every node's load balancer balances. */
  readonly services: NetworkServices;
  readonly #peers: Peers;

  constructor(plan: NetworkPlan, profile: Profile, peers: Peers, services: readonly ServicePlan[] = []) {
    this.services = new NetworkServices(services, plan);
    this.plan = plan;
    this.profile = profile;
    this.#peers = peers;
  }

  /** The group that BUM frames of this network go to in the multicast profile. */
  get group(): PeerId {
    if (this.plan.group !== null) return this.#peers.idOf(this.plan.group);
    const six = this.#peers.size > 0 && typeof this.#peers.addressOf(0) !== 'number';
    const { vni } = this.plan;
    return this.#peers.idOf(six ? { a: 0xff050000, b: 0, c: 0, d: vni } : (GROUPS + vni) >>> 0);
  }

  sandboxOpened(sandbox: VtepSeat): void {
    this.sandboxes.set(sandbox.node.name, sandbox);
    if (this.profile.flood === 'multicast') sandbox.vtep.floodToGroup(this.group);
    if (this.profile.flood === 'replicate') this.#replicate();
  }

  sandboxClosed(sandbox: VtepSeat): void {
    this.sandboxes.delete(sandbox.node.name);
    sandbox.vtep.floodTo([]);
    if (this.profile.flood === 'replicate') this.#replicate();
  }

  joined(endpoint: EndpointPlan, node: VtepSite): void {
    if (this.profile.control === 'pinned') this.db.set(endpoint.mac, [endpoint.ip], node.peer);
  }

  left(endpoint: EndpointPlan): void {
    if (this.profile.control === 'pinned') this.db.delete(endpoint.mac);
  }

  /** `bridge fdb append 00:00:00:00:00:00 dst <VTEP>` for every other VTEP of the network. */
  #replicate(): void {
    const all = [...this.sandboxes.values()].map((sandbox) => sandbox.node.peer);
    for (const sandbox of this.sandboxes.values()) sandbox.vtep.floodTo(all);
  }
}
