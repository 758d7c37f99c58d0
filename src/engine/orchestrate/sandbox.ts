// One overlay network on one node: what Docker keeps in the hidden namespace `1-<network id>`.
//
//     eth0 (container)      eth0 (load balancer)
//       │ veth1..             │ veth0
//   ┌───┴─────────────────────┴───┐
//   │ br0, has the gateway address│
//   └───────────┬─────────────────┘
//            vxlan0 ─► the node's underlay
//
// Made when the node's first task of the network lands, destroyed with its last.

import { macHi, macLo } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import type { VethEnd } from '../fabric/veth.ts';
import type { VniDemux } from '../fabric/vni-demux.ts';
import { Vtep } from '../fabric/vtep.ts';
import type { Host } from '../host/host.ts';
import { randomLocalMac } from '../ipam/mac-scheme.ts';
import type { Ground } from './ground.ts';
import type { Network, VtepSeat, VtepSite } from './network.ts';
import type { EndpointPlan } from './plan.ts';

/** What a sandbox needs of its node. */
export interface SandboxSite extends VtepSite {
  readonly demux: VniDemux;
}

/** A host's place on the network. */
export interface Attachment {
  readonly host: Host;
  readonly endpoint: EndpointPlan;
  readonly device: string;
  readonly outer: VethEnd;
  readonly inner: VethEnd;
  readonly port: number;
}

export class Sandbox implements VtepSeat {
  readonly node: SandboxSite;
  readonly network: Network;
  /** `1-` and the first ten characters of the network's id. */
  readonly namespace: string;
  readonly bridge: Bridge;
  readonly vtep: Vtep;
  /** Answers for the gateway address; its MAC differs from node to node. */
  readonly gateway: Host;
  /** The node's load-balancer endpoint, which also answers for the services' virtual addresses. */
  readonly balancer: Host | null;
  readonly attachments: Attachment[] = [];
  readonly #ground: Ground;
  #veths = 0;

  constructor(node: SandboxSite, network: Network, ground: Ground) {
    const { plan } = network;
    const place = `${node.name}/1-${plan.id.slice(0, 10)}`;
    this.node = node;
    this.network = network;
    this.namespace = `1-${plan.id.slice(0, 10)}`;
    this.#ground = ground;
    const random = ground.random.stream(`macs/${place}`);
    const draw = (): number => random.uint32();
    const { profile } = network;
    this.bridge = new Bridge(ground.registry.add('bridge', 'br0', place), 'br0', ground.clock, ground.trace);
    const mac = randomLocalMac(draw);
    this.vtep = new Vtep(
      ground.registry.add('vtep', 'vxlan0', place),
      'vxlan0',
      {
        vni: plan.vni,
        mtu: plan.mtu,
        own: node.peer,
        macHi: macHi(mac),
        macLo: macLo(mac),
        learning: profile.learning,
        neighbours: profile.neighbours,
        reservedBits: profile.reservedBits,
        innerVlan: profile.innerVlan,
        pmtuReplies: profile.pmtuReplies,
        ageing: profile.ageing,
        maxEntries: 0,
      },
      ground,
      node.underlay,
    );
    this.vtep.plug(this.bridge, this.bridge.attach(this.vtep));
    if (profile.control === 'pinned') this.vtep.db = network.db;
    node.demux.add(plan.vni, this.vtep);
    this.gateway = this.#gateway(place, randomLocalMac(draw));
    this.balancer = this.#balancer();
  }

  /** Connects a host: a veth pair, an address, a row in the control plane's table. Answers with its new interface. */
  attach(host: Host, endpoint: EndpointPlan, device: string): Attachment {
    const name = `veth${this.#veths++}`;
    const place = `${this.node.name}/${this.namespace}`;
    const { mtu, subnet } = this.network.plan;
    const [outer, inner] = this.#ground.veth(place, name, device, `${this.node.name}/${host.name}`, mtu);
    const dev = host.addInterface(inner, {
      name: device,
      mac: endpoint.mac,
      mtu,
      addresses: [{ ip: endpoint.ip, prefix: subnet.prefix }],
    });
    inner.plug(host, dev.index);
    const port = this.bridge.attach(outer);
    outer.plug(this.bridge, port);
    const attachment: Attachment = { host, endpoint, device, outer, inner, port };
    this.attachments.push(attachment);
    this.network.joined(endpoint, this.node);
    return attachment;
  }

  /** Takes a host's connection away again; its address stays leased until the network releases it. */
  detach(host: Host): void {
    for (const [i, attachment] of [...this.attachments.entries()].reverse()) {
      if (attachment.host !== host) continue;
      this.bridge.detach(attachment.port);
      attachment.outer.up = false;
      this.attachments.splice(i, 1);
      this.network.left(attachment.endpoint);
    }
  }

  /** Hosts attached besides the load balancer. */
  get tasks(): number {
    return this.attachments.length - (this.balancer === null ? 0 : 1);
  }

  close(): void {
    if (this.balancer !== null) {
      this.detach(this.balancer);
      this.balancer.close();
    }
    this.gateway.close();
    this.node.demux.remove(this.network.plan.vni);
    this.vtep.up = false;
    this.network.sandboxClosed(this);
  }

  #gateway(place: string, mac: number): Host {
    const { plan } = this.network;
    const host = this.#ground.host(place, { name: 'br0' });
    const [outer, inner] = this.#ground.veth(place, 'br0', 'br0', place, plan.mtu);
    const dev = host.addInterface(inner, {
      name: 'br0',
      mac,
      mtu: plan.mtu,
      addresses: [{ ip: plan.gateway, prefix: plan.subnet.prefix }],
    });
    inner.plug(host, dev.index);
    const port = this.bridge.attach(outer);
    outer.plug(this.bridge, port);
    return host;
  }

  #balancer(): Host | null {
    const endpoint = this.network.plan.balancers.get(this.node.name);
    if (endpoint === undefined) return null;
    const name = this.network.plan.ingress ? 'ingress_sbox' : `lb_${this.network.plan.id.slice(0, 9)}`;
    const host = this.#ground.host(this.node.name, { name });
    const { inner } = this.attach(host, endpoint, 'eth0');
    const dev = host.interfaces[inner.port];
    for (const { ip } of this.network.vips) {
      if (dev !== undefined) host.addAddress(dev, { ip, prefix: typeof ip === 'number' ? 32 : 128 });
    }
    return host;
  }
}
