// A node in flannel's shape: pods on a bridge with a subnet of the node's own, routes to every other node's subnet.
//
//     pod eth0   pod eth0
//       │ veth     │ veth
//   ┌───┴──────────┴───┐                      10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink
//   │ cni0 10.244.0.1  ├─ the node's routing ─ 10.244.1.0 lladdr <its VTEP's MAC> PERMANENT
//   └──────────────────┘                      <its VTEP's MAC> dev flannel.1 dst <node> self permanent
//
// Three entries for each remote node, made when it joins (flannel pkg/backend/vxlan): nothing floods and nothing is
// learned, and no ARP crosses the tunnel, because the only Ethernet neighbours on it are the VTEPs themselves.

import type { Mac } from '../../core/wire/address.ts';
import { macHi, macLo } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import { Vtep } from '../fabric/vtep.ts';
import type { Host } from '../host/host.ts';
import type { Interface } from '../host/interface.ts';
import type { NextHop } from '../host/routes.ts';
import { randomLocalMac } from '../ipam/mac-scheme.ts';
import { BridgePorts } from './bridge-ports.ts';
import type { Ground } from './ground.ts';
import type { EndpointPlan, NetworkPlan } from './plan.ts';
import type { Profile } from './profile.ts';
import { vtepOptions } from './profile.ts';
import type { Attachment, SandboxSite } from './sandbox.ts';

/** What a pod subnet needs of its node: also its routing. */
export interface PodSite extends SandboxSite {
  readonly host: Host;
}

export class PodSubnet {
  readonly node: PodSite;
  readonly plan: NetworkPlan;
  readonly bridge: Bridge;
  readonly vtep: Vtep;
  readonly vtepMac: Mac;
  readonly attachments: Attachment[] = [];
  readonly #ports: BridgePorts;
  readonly #device: Interface;

  constructor(node: PodSite, plan: NetworkPlan, profile: Profile, ground: Ground) {
    this.node = node;
    this.plan = plan;
    const random = ground.random.stream(`macs/${node.name}/flannel`);
    const draw = (): number => random.uint32();
    this.bridge = new Bridge(
      ground.registry.add('bridge', 'cni0', node.name),
      'cni0',
      ground.clock,
      ground.trace,
    );
    this.#ports = new BridgePorts(ground, this.bridge, node.name, node.name);
    const { gateway, subnet, mtu } = plan;
    this.#ports.own(node.host, { mac: randomLocalMac(draw), ip: gateway, prefix: subnet.prefix, mtu });
    this.vtepMac = randomLocalMac(draw);
    const name = `flannel.${plan.vni}`;
    this.vtep = new Vtep(
      ground.registry.add('vtep', name, node.name),
      name,
      vtepOptions(profile, plan.vni, plan.mtu, node.peer, this.vtepMac),
      ground,
      node.underlay,
    );
    this.#device = node.host.addInterface(this.vtep, {
      name,
      mac: this.vtepMac,
      mtu: plan.mtu,
      addresses: [{ ip: plan.subnet.ip, prefix: 32 }],
    });
    this.vtep.plug(node.host, this.#device.index);
    node.demux.add(plan.vni, this.vtep);
  }

  /** Programs the three entries for another node, or with a direct route the one that then suffices. */
  meet(other: PodSubnet, direct: NextHop | null): void {
    const { host } = this.node;
    const { ip, prefix } = other.plan.subnet;
    if (direct !== null) {
      host.routes.add({ ip, prefix, hops: [direct] });
      return;
    }
    host.neighbours.pin(ip, this.#device, other.vtepMac);
    this.vtep.fdb.pin(macHi(other.vtepMac), macLo(other.vtepMac), other.node.peer);
    host.routes.add({ ip, prefix, hops: [{ via: ip, dev: this.#device }] });
  }

  /** Connects a pod: a veth pair, an address, a default route through cni0. */
  attach(host: Host, endpoint: EndpointPlan, device: string): Attachment {
    const { mtu, subnet, gateway } = this.plan;
    const address = { mac: endpoint.mac, ip: endpoint.ip, prefix: subnet.prefix, mtu };
    const attachment: Attachment = { ...this.#ports.connect(host, device, address), endpoint };
    host.routes.add({ ip: 0, prefix: 0, hops: [{ via: gateway, dev: attachment.dev }] });
    this.attachments.push(attachment);
    return attachment;
  }

  detach(host: Host): void {
    for (const [i, attachment] of [...this.attachments.entries()].reverse()) {
      if (attachment.host !== host) continue;
      this.#ports.disconnect(attachment);
      this.attachments.splice(i, 1);
    }
  }

  close(): void {
    this.node.demux.remove(this.plan.vni);
    this.vtep.up = false;
  }
}
