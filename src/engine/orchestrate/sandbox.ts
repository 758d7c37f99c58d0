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

import type { Ip } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import type { VniDemux } from '../fabric/vni-demux.ts';
import { Vtep } from '../fabric/vtep.ts';
import type { Host } from '../host/host.ts';
import { Balancer } from '../host/nat/balancer.ts';
import { Nat } from '../host/nat/nat.ts';
import { randomLocalMac } from '../ipam/mac-scheme.ts';
import type { Leg } from './bridge-ports.ts';
import { BridgePorts } from './bridge-ports.ts';
import type { Ground } from './ground.ts';
import type { Network, VtepSeat, VtepSite } from './network.ts';
import type { EndpointPlan } from './plan.ts';
import { vtepOptions } from './profile.ts';

/** IPVS itself knows no bound, conntrack beside it does: nf_conntrack_max of a machine with 1 GB. */
const CONNECTIONS_MAX = 65_536;

/** What a sandbox needs of its node. */
export interface SandboxSite extends VtepSite {
  readonly demux: VniDemux;
  /** The next firewall mark: 256, 257, ... (libnetwork service_common.go). */
  mark(): number;
}

/** A host's place on the network. */
export interface Attachment extends Leg {
  readonly endpoint: EndpointPlan;
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
  /** The node's load-balancer endpoint, which has the services' virtual addresses too. */
  readonly balancer: Host | null;
  /** What it balances; null where no service of the network has a virtual address. */
  readonly balance: Balancer | null;
  /** The connections that it balances. */
  readonly connections: Nat | null;
  readonly attachments: Attachment[] = [];
  readonly #ground: Ground;
  readonly #ports: BridgePorts;

  constructor(node: SandboxSite, network: Network, ground: Ground) {
    const { plan } = network;
    const place = `${node.name}/1-${plan.id.slice(0, 10)}`;
    this.node = node;
    this.network = network;
    this.namespace = `1-${plan.id.slice(0, 10)}`;
    this.#ground = ground;
    const random = ground.random.stream(`macs/${place}`);
    const draw = (): number => random.uint32();
    this.bridge = new Bridge(ground.registry.add('bridge', 'br0', place), 'br0', ground.clock, ground.trace);
    const mac = randomLocalMac(draw);
    this.vtep = new Vtep(
      ground.registry.add('vtep', 'vxlan0', place),
      'vxlan0',
      vtepOptions(network.profile, plan.vni, plan.mtu, node.peer, mac),
      ground,
      node.underlay,
    );
    this.vtep.plug(this.bridge, this.bridge.attach(this.vtep));
    if (network.profile.control === 'pinned') this.vtep.db = network.db;
    node.demux.add(plan.vni, this.vtep);
    this.#ports = new BridgePorts(ground, this.bridge, node.name, place);
    this.gateway = this.#gateway(place, randomLocalMac(draw));
    this.balancer = this.#balancer();
    this.balance = this.balancer === null ? null : this.#balance(this.balancer);
    this.connections = this.balancer === null ? null : this.#translate(this.balancer);
  }

  /** Connects a host: a veth pair, an address, a row in the control plane's table. Answers with its new interface. */
  attach(host: Host, endpoint: EndpointPlan, device: string): Attachment {
    const { mtu, subnet } = this.network.plan;
    const address = { mac: endpoint.mac, ip: endpoint.ip, prefix: subnet.prefix, mtu };
    const attachment: Attachment = { ...this.#ports.connect(host, device, address), endpoint };
    this.attachments.push(attachment);
    this.network.joined(endpoint, this.node);
    return attachment;
  }

  /** Takes a host's connection away again; its address stays leased until the network releases it. */
  detach(host: Host): void {
    for (const [i, attachment] of [...this.attachments.entries()].reverse()) {
      if (attachment.host !== host) continue;
      this.#ports.disconnect(attachment);
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
    this.#ports.own(host, { mac, ip: plan.gateway, prefix: plan.subnet.prefix, mtu: plan.mtu });
    return host;
  }

  #balancer(): Host | null {
    const endpoint = this.network.plan.balancers.get(this.node.name);
    if (endpoint === undefined) return null;
    const name = this.network.plan.ingress ? 'ingress_sbox' : `lb_${this.network.plan.id.slice(0, 9)}`;
    const host = this.#ground.host(this.node.name, { name });
    this.attach(host, endpoint, 'eth0');
    return host;
  }

  /** IPVS with the network's services. Virtual addresses are /32 aliases of eth0, there as long as the sandbox. */
  #balance(host: Host): Balancer | null {
    const dev = host.interface('eth0');
    const balance = new Balancer(host, dev.addresses[0]?.ip as Ip);
    for (const { name, vip, servers, ports } of this.network.services.all) {
      // In dnsrr mode a service has a mark all the same.
      const mark = this.node.mark();
      if (vip !== null) balance.add(name, mark, vip.ip, servers, ports);
    }
    if (balance.services.length === 0) return null;
    for (const { vip } of balance.services)
      host.addAddress(dev, { ip: vip, prefix: typeof vip === 'number' ? 32 : 128 });
    return balance;
  }

  #translate(host: Host): Nat | null {
    if (this.balance === null) return null;
    const rules = [this.balance];
    const nat = new Nat(host, { destination: rules, source: rules, max: CONNECTIONS_MAX });
    host.ip4.nat = nat;
    host.ip6.nat = nat;
    return nat;
  }
}
