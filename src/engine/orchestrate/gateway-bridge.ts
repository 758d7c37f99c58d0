// docker_gwbridge: a node's bridge to the outside for containers of overlay networks that are not internal.
//
//   container ethN 172.18.0.3 ─┐
//   ingress_sbox eth1 .2      ─┤ docker_gwbridge 172.18.0.1/16 ─ the node's routing, masquerade ─ eth0
//
// Every node has the same addresses here. Containers cannot reach each other over it (icc=false): their ports are
// isolated. It is how traffic to an address that no overlay of the container has leaves the node in the clear.

import type { Ip } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import type { Host } from '../host/host.ts';
import { Masquerade } from '../host/masquerade.ts';
import { parseCidr } from '../ipam/cidr.ts';
import { dockerMac, randomLocalMac } from '../ipam/mac-scheme.ts';
import { AddressPool } from '../ipam/pool.ts';
import type { Leg } from './bridge-ports.ts';
import { BridgePorts } from './bridge-ports.ts';
import type { Ground } from './ground.ts';

const NAME = 'docker_gwbridge';
/** Local-scope pools begin with 172.17.0.0/16 for docker0; this is the next (libnetwork ipamutils). */
const SUBNET = parseCidr('172.18.0.0/16');
const MTU = 1500;

export class GatewayBridge {
  readonly bridge: Bridge;
  readonly pool: AddressPool = new AddressPool({ subnet: SUBNET });
  readonly #ports: BridgePorts;
  readonly #legs: Map<Host, Leg & { readonly ip: Ip }> = new Map();

  /** @param node forwards, and has its way out as the first interface */
  constructor(node: Host, ground: Ground) {
    this.bridge = new Bridge(
      ground.registry.add('bridge', NAME, node.name),
      NAME,
      ground.clock,
      ground.trace,
    );
    const random = ground.random.stream(`macs/${node.name}/${NAME}`);
    this.#ports = new BridgePorts(ground, this.bridge, node.name, node.name, 'vethg');
    const mac = randomLocalMac(() => random.uint32());
    const { dev } = this.#ports.own(node, {
      mac,
      ip: this.pool.gateway as Ip,
      prefix: SUBNET.prefix,
      mtu: MTU,
    });
    const outside = node.interfaces[0];
    if (outside !== undefined && outside !== dev) node.ip4.nat = new Masquerade(node, outside);
  }

  /** Gives a host its leg: an address and the default route. */
  attach(host: Host, device: string): void {
    const ip = this.pool.lease(host.name);
    const address = { mac: dockerMac(ip), ip, prefix: SUBNET.prefix, mtu: MTU };
    const leg = this.#ports.connect(host, device, address, true);
    host.routes.add({ ip: 0, prefix: 0, hops: [{ via: this.pool.gateway, dev: leg.dev }] });
    this.#legs.set(host, { ...leg, ip });
  }

  detach(host: Host): void {
    const leg = this.#legs.get(host);
    if (leg === undefined) return;
    this.#legs.delete(host);
    this.#ports.disconnect(leg);
    this.pool.release(leg.ip);
  }
}
