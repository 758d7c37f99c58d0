// The network under the overlay: one switch a rack, a cable to each node, and routers between racks.
//
//   node ── cable ── switch (rack 0) ── spine 1 ── switch (rack 1) ── cable ── node
//                                   └── spine 2 ──┘        equal-cost paths, chosen by the outer five-tuple
//
// Nodes of one rack share a subnet; a node's route to the other racks lists every spine.

import type { Ip } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import { LinkEnd, link } from '../fabric/link.ts';
import type { Sink } from '../fabric/port.ts';
import type { Capture } from '../fabric/tap.ts';
import { TapPort, TapSink } from '../fabric/tap.ts';
import { VlanPort } from '../fabric/vlan-port.ts';
import { VlanTrunk } from '../fabric/vlan-trunk.ts';
import type { Host } from '../host/host.ts';
import type { Interface } from '../host/interface.ts';
import { networkOf } from '../ipam/cidr.ts';
import { randomLocalMac } from '../ipam/mac-scheme.ts';
import type { RandomStream } from '../time/random.ts';
import type { ClusterSpec, NodeSpec } from './cluster.ts';
import type { Ground } from './ground.ts';

/** A node's cable: its own end and the switch's. */
export interface Cable {
  readonly near: LinkEnd;
  readonly far: LinkEnd;
  /** What stands between the cable and the host where the underlay is a VLAN. */
  readonly trunk: VlanTrunk | null;
}

export class UnderlayNetwork {
  readonly switches: Bridge[] = [];
  readonly spines: Host[] = [];
  /** Where nodes of a single subnet send what is for nobody they know: answers pings, leads nowhere. */
  readonly gateway: Host | null = null;
  readonly cables: Map<string, Cable> = new Map();
  readonly #ground: Ground;
  readonly #cluster: ClusterSpec;
  /** Router addresses by rack, then by spine. */
  readonly #routers: Ip[][] = [];

  constructor(cluster: ClusterSpec, ground: Ground) {
    this.#ground = ground;
    this.#cluster = cluster;
    const racks = 1 + cluster.nodes.reduce((most, node) => Math.max(most, node.rack), 0);
    for (let rack = 0; rack < racks; rack++) {
      const name = racks === 1 ? 'underlay' : `rack${rack + 1}`;
      this.switches.push(
        new Bridge(ground.registry.add('switch', name, ''), name, ground.clock, ground.trace),
      );
    }
    for (let spine = 0; spine < cluster.underlay.spines; spine++) this.#addSpine(spine);
    if (racks === 1) this.gateway = this.#addGateway();
  }

  /**
   * Plugs a node's stack in as `eth0` with its address, its subnet's route and one to the other racks; in a VLAN, as
   * `eth0.5` on it.
   * @param capture shown every frame on `eth0`, under the number `tap`
   */
  plug(node: NodeSpec, host: Host, tap = 0, capture: Capture | null = null): Interface {
    const random = this.#ground.random.stream(`macs/${node.name}/eth0`);
    const leg = this.#leg(host, node.name, 'eth0', node.rack, node.ip, random, tap, capture);
    const { dev } = leg;
    this.cables.set(node.name, leg.cable);
    const routers = Math.max(this.spines.length, this.gateway === null ? 0 : 1);
    if (routers > 0) {
      const hops = Array.from({ length: routers }, (_, i) => ({
        via: this.#routerAddress(i, node.rack),
        dev,
      }));
      host.routes.add({ ip: isIp6(node.ip) ? { a: 0, b: 0, c: 0, d: 0 } : 0, prefix: 0, hops });
    }
    return dev;
  }

  unplug(node: string): void {
    const cable = this.cables.get(node);
    if (cable === undefined) return;
    cable.near.up = false;
    cable.far.up = false;
    this.cables.delete(node);
  }

  close(): void {
    for (const spine of this.spines) spine.close();
    this.gateway?.close();
  }

  #addSpine(spine: number): void {
    const name = `spine${spine + 1}`;
    const host = this.#ground.host('', { name, forwarding: true });
    const random = this.#ground.random.stream(`macs/${name}`);
    for (const [rack] of this.switches.entries()) {
      this.#leg(host, name, `eth${rack}`, rack, this.#routerAddress(spine, rack), random);
    }
    this.spines.push(host);
  }

  #addGateway(): Host {
    const host = this.#ground.host('', { name: 'gateway' });
    const random = this.#ground.random.stream('macs/gateway');
    this.#leg(host, 'gateway', 'eth0', 0, this.#routerAddress(0, 0), random);
    return host;
  }

  /** A host's place on a rack: a cable to its switch and an interface, by way of a VLAN interface if the underlay is one. */
  #leg(
    host: Host,
    owner: string,
    device: string,
    rack: number,
    ip: Ip,
    random: RandomStream,
    tap = 0,
    capture: Capture | null = null,
  ): { readonly cable: Cable; readonly dev: Interface } {
    const { near, far } = this.#cable(owner, device, rack);
    const { mtu, prefix, vlan } = this.#cluster.underlay;
    const mac = randomLocalMac(() => random.uint32());
    const tapped = (sink: Sink): Sink => (capture === null ? sink : new TapSink(tap, sink, capture));
    const out = capture === null ? near : new TapPort(tap, near, capture);
    const addresses = [{ ip, prefix }];
    if (vlan === null) {
      const dev = host.addInterface(out, { name: device, mac, mtu, addresses });
      near.plug(tapped(host), dev.index);
      return { cable: { near, far, trunk: null }, dev };
    }
    const { registry, trace } = this.#ground;
    const name = `${device}.${vlan.vid}`;
    const trunk = new VlanTrunk(registry.add('vlan', device, owner), device, out, trace);
    const port = new VlanPort(registry.add('vlan', name, owner), name, trunk, { ...vlan, mtu });
    const dev = host.addInterface(port, { name, mac, mtu, addresses });
    port.plug(host, dev.index);
    near.plug(tapped(trunk), 0);
    return { cable: { near, far, trunk }, dev };
  }

  #cable(owner: string, device: string, rack: number): { readonly near: LinkEnd; readonly far: LinkEnd } {
    const ground = this.#ground;
    const { underlay } = this.#cluster;
    const bridge = this.switches[rack] as Bridge;
    const end = (name: string, place: string): LinkEnd => {
      const id = ground.registry.add('link', name, place);
      return new LinkEnd(id, name, underlay.mtu, ground, ground.random.stream(`cable/${place}/${name}`));
    };
    const near = end(device, owner);
    const far = end(`to-${owner}-${device}`, bridge.name);
    near.impair(underlay.cable);
    far.impair(underlay.cable);
    link(near, far);
    far.plug(bridge, bridge.attach(far));
    return { near, far };
  }

  /** Routers have the low addresses of a rack's subnet that no node has. */
  #routerAddress(spine: number, rack: number): Ip {
    const known = this.#routers[rack];
    const routers = known ?? this.#freeAddresses(rack, Math.max(1, this.#cluster.underlay.spines));
    this.#routers[rack] = routers;
    return routers[spine] as Ip;
  }

  #freeAddresses(rack: number, count: number): Ip[] {
    const mine = this.#cluster.nodes.filter((node) => node.rack === rack);
    const taken = new Set(mine.map(({ ip }) => (isIp6(ip) ? ip.d : ip)));
    const net = networkOf((mine[0] as NodeSpec).ip, this.#cluster.underlay.prefix);
    const free: Ip[] = [];
    for (let i = 1; free.length < count; i++) {
      const low = (isIp6(net) ? net.d : net) + i;
      if (!taken.has(low)) free.push(isIp6(net) ? { ...net, d: low } : low);
    }
    return free;
  }
}
