// How hosts come to a bridge and go: a veth pair each, one end a port of the bridge, the other an interface of the host.

import type { Ip, Mac } from '../../core/wire/address.ts';
import type { Bridge } from '../fabric/bridge.ts';
import type { PortId } from '../fabric/port.ts';
import type { VethEnd } from '../fabric/veth.ts';
import type { Host } from '../host/host.ts';
import type { Interface } from '../host/interface.ts';
import type { Ground } from './ground.ts';

/** What a host is called by on the bridge's network. */
export interface LegAddress {
  readonly mac: Mac;
  readonly ip: Ip;
  readonly prefix: number;
  readonly mtu: number;
}

/** A host's connection: the bridge's end, its own, and the port between. */
export interface Leg {
  readonly host: Host;
  readonly dev: Interface;
  readonly device: string;
  readonly outer: VethEnd;
  readonly inner: VethEnd;
  readonly port: PortId;
}

export class BridgePorts {
  readonly #ground: Ground;
  readonly #bridge: Bridge;
  /** The node's name, and the namespace on it where the bridge is. */
  readonly #node: string;
  readonly #place: string;
  readonly #prefix: string;
  #veths = 0;

  constructor(ground: Ground, bridge: Bridge, node: string, place: string, prefix = 'veth') {
    this.#ground = ground;
    this.#bridge = bridge;
    this.#node = node;
    this.#place = place;
    this.#prefix = prefix;
  }

  /** Gives the bridge an address of its own: an interface of `host` with the bridge's name. */
  own(host: Host, address: LegAddress): Leg {
    const { name } = this.#bridge;
    return this.#join(host, name, name, this.#place, address, false);
  }

  /** Connects a host by its interface `device`; isolated hosts reach only what is not. */
  connect(host: Host, device: string, address: LegAddress, isolated = false): Leg {
    const name = `${this.#prefix}${this.#veths++}`;
    return this.#join(host, name, device, `${this.#node}/${host.name}`, address, isolated);
  }

  /** Takes a connection away; the host keeps a dead interface, as after `ip link del` at the other end. */
  disconnect(leg: Leg): void {
    this.#bridge.detach(leg.port);
    leg.outer.up = false;
  }

  #join(
    host: Host,
    outerName: string,
    device: string,
    innerPlace: string,
    at: LegAddress,
    isolated: boolean,
  ): Leg {
    const { mac, ip, prefix, mtu } = at;
    const [outer, inner] = this.#ground.veth(this.#place, outerName, device, innerPlace, mtu);
    const dev = host.addInterface(inner, { name: device, mac, mtu, addresses: [{ ip, prefix }] });
    inner.plug(host, dev.index);
    const port = this.#bridge.attach(outer, true, isolated);
    outer.plug(this.#bridge, port);
    return { host, dev, device, outer, inner, port };
  }
}
