// docker_gwbridge: a node's bridge to the outside for containers of overlay networks that are not internal.
//
//   container ethN 172.18.0.3 ─┐
//   ingress_sbox eth1 .2      ─┤ docker_gwbridge 172.18.0.1/16 ─ the node's routing, address translation ─ eth0
//
// Every node has the same addresses here. Containers cannot reach each other over it (icc=false): their ports are
// isolated. It is how traffic to an address that no overlay of the container has leaves the node in the clear, and how
// traffic to a port that the node publishes gets in.

import type { Ip, Ip4 } from '../../core/wire/address.ts';
import { Bridge } from '../fabric/bridge.ts';
import type { Host } from '../host/host.ts';
import type { Interface } from '../host/interface.ts';
import { Masquerade } from '../host/nat/masquerade.ts';
import { Nat } from '../host/nat/nat.ts';
import { PortMap } from '../host/nat/port-map.ts';
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
/** Where the engine looks for a host port that nobody named (libnetwork portallocator: ip_local_port_range). */
const FIRST_PORT = 32_768;
const LAST_PORT = 60_999;

interface GatewayLeg extends Leg {
  readonly ip: Ip4;
  /** Ports of the node that lead here. */
  readonly published: { readonly proto: number; readonly port: number }[];
}

export class GatewayBridge {
  readonly bridge: Bridge;
  readonly pool: AddressPool = new AddressPool({ subnet: SUBNET });
  readonly #node: Host;
  readonly #tunnelPort: number;
  readonly #dev: Interface;
  readonly #outside: Interface | null;
  readonly #ports: BridgePorts;
  readonly #legs: Map<Host, GatewayLeg> = new Map();
  #map: PortMap | null = null;
  #nat: Nat | null = null;

  /**
   * @param node forwards, and has its way out as the first interface
   * @param tunnelPort the VTEPs' UDP port, which is not translated
   */
  constructor(node: Host, ground: Ground, tunnelPort = -1) {
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
    this.#node = node;
    this.#tunnelPort = tunnelPort;
    this.#dev = dev;
    const outside = node.interfaces[0];
    this.#outside = outside === undefined || outside === dev ? null : outside;
    if (this.#outside !== null) this.#translate(this.#outside);
  }

  /** Gives a host its leg: an address and the default route. */
  attach(host: Host, device: string): void {
    const ip = this.pool.lease(host.name) as Ip4;
    const address = { mac: dockerMac(ip), ip, prefix: SUBNET.prefix, mtu: MTU };
    const leg = this.#ports.connect(host, device, address, true);
    host.routes.add({ ip: 0, prefix: 0, hops: [{ via: this.pool.gateway, dev: leg.dev }] });
    this.#legs.set(host, { ...leg, ip, published: [] });
  }

  /**
   * Has a port of the node's addresses lead to a host that has a leg here.
   * @param published null for the next free one
   * @returns the port; null without a leg or with the port taken
   */
  publish(host: Host, proto: number, published: number | null, target: number): number | null {
    const leg = this.#legs.get(host);
    if (leg === undefined) return null;
    this.#map ??= this.#translate(this.#outside);
    const last = published ?? LAST_PORT;
    for (let port = published ?? FIRST_PORT; port <= last; port++) {
      if (!this.#map.add(proto, port, { ip: leg.ip, port: target })) continue;
      leg.published.push({ proto, port });
      return port;
    }
    return null;
  }

  detach(host: Host): void {
    const leg = this.#legs.get(host);
    if (leg === undefined) return;
    this.#legs.delete(host);
    for (const { proto, port } of leg.published) this.#map?.remove(proto, port);
    this.#nat?.table.forget(leg.ip);
    this.#ports.disconnect(leg);
    this.pool.release(leg.ip);
  }

  /** Gives the node its rules: published ports, and what leaves by the outside. */
  #translate(outside: Interface | null): PortMap {
    const map = new PortMap(this.#node, this.#dev);
    const masquerade = outside === null ? [] : [new Masquerade(outside)];
    this.#nat = new Nat(this.#node, {
      destination: [map],
      source: [map, ...masquerade],
      untracked: this.#tunnelPort,
    });
    this.#node.ip4.nat = this.#nat;
    this.#map = map;
    return map;
  }
}
