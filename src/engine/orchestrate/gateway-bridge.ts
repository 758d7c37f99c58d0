// docker_gwbridge: a node's bridge to the outside for containers of overlay networks that are not internal.
//
//   container ethN 172.18.0.3 ─┐
//   ingress_sbox eth1 .2      ─┤ docker_gwbridge 172.18.0.1/16 ─ the node's routing, masquerade ─ eth0
//
// Every node has the same addresses here. Containers cannot reach each other over it (icc=false): their ports are
// isolated. It is how traffic to an address that no overlay of the container has leaves the node in the clear.

import type { Ip } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import type { VethEnd } from '../fabric/veth.ts';
import type { Host } from '../host/host.ts';
import { Masquerade } from '../host/masquerade.ts';
import { parseCidr } from '../ipam/cidr.ts';
import { dockerMac, randomLocalMac } from '../ipam/mac-scheme.ts';
import { AddressPool } from '../ipam/pool.ts';
import type { Ground } from './ground.ts';

const NAME = 'docker_gwbridge';
/** Local-scope pools begin with 172.17.0.0/16 for docker0; this is the next (libnetwork ipamutils). */
const SUBNET = parseCidr('172.18.0.0/16');
const MTU = 1500;

interface Leg {
  readonly ip: Ip;
  readonly port: number;
  readonly outer: VethEnd;
}

export class GatewayBridge {
  readonly bridge: Bridge;
  readonly pool: AddressPool = new AddressPool({ subnet: SUBNET });
  readonly #node: Host;
  readonly #ground: Ground;
  readonly #legs: Map<Host, Leg> = new Map();
  #veths = 0;

  /** @param node forwards, and has its way out as the first interface */
  constructor(node: Host, ground: Ground) {
    this.#node = node;
    this.#ground = ground;
    this.bridge = new Bridge(
      ground.registry.add('bridge', NAME, node.name),
      NAME,
      ground.clock,
      ground.trace,
    );
    const [outer, inner] = ground.veth(node.name, NAME, NAME, node.name, MTU);
    const random = ground.random.stream(`macs/${node.name}/${NAME}`);
    const dev = node.addInterface(inner, {
      name: NAME,
      mac: randomLocalMac(() => random.uint32()),
      mtu: MTU,
      addresses: [{ ip: this.pool.gateway as Ip, prefix: SUBNET.prefix }],
    });
    inner.plug(node, dev.index);
    outer.plug(this.bridge, this.bridge.attach(outer));
    const outside = node.interfaces[0];
    if (outside !== undefined && outside !== dev) node.ip4.nat = new Masquerade(node, outside);
  }

  /** Gives a host its leg: an address and the default route. */
  attach(host: Host, device: string): void {
    const ip = this.pool.lease(host.name);
    const node = this.#node.name;
    const [outer, inner] = this.#ground.veth(
      node,
      `vethg${this.#veths++}`,
      device,
      `${node}/${host.name}`,
      MTU,
    );
    const dev = host.addInterface(inner, {
      name: device,
      mac: dockerMac(ip),
      mtu: MTU,
      addresses: [{ ip, prefix: SUBNET.prefix }],
    });
    host.routes.add({ ip: 0, prefix: 0, hops: [{ via: this.pool.gateway, dev }] });
    inner.plug(host, dev.index);
    const port = this.bridge.attach(outer, true, true);
    outer.plug(this.bridge, port);
    this.#legs.set(host, { ip, port, outer });
  }

  detach(host: Host): void {
    const leg = this.#legs.get(host);
    if (leg === undefined) return;
    this.#legs.delete(host);
    this.bridge.detach(leg.port);
    leg.outer.up = false;
    this.pool.release(leg.ip);
  }
}
