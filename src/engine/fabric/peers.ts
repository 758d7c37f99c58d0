// VTEP addresses as small numbers. A forwarding entry then costs the same over IPv4 and IPv6 and fits an Fdb's 32-bit
// value. One table serves a whole world: the same VTEP has the same number on every node.

import type { Ip, Ip4 } from '../../core/wire/address.ts';
import { isMulticastIp4, isMulticastIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { IpMap } from './ip-map.ts';

/** A VTEP's or a multicast group's number, from 0. */
export type PeerId = number;

export const NO_PEER: PeerId = -1;

export class Peers {
  readonly #ids: IpMap<PeerId> = new IpMap();
  readonly #addresses: Ip[] = [];

  get size(): number {
    return this.#addresses.length;
  }

  /** The number of an address, given on first sight. */
  idOf(ip: Ip): PeerId {
    const known = this.#ids.get(ip);
    if (known !== undefined) return known;
    const id = this.#addresses.length;
    this.#addresses.push(ip);
    this.#ids.set(ip, id);
    return id;
  }

  /** NO_PEER for an address never seen. */
  find4(ip: Ip4): PeerId {
    return this.#ids.get4(ip) ?? NO_PEER;
  }

  /** As `find4`, for the IPv6 address that stands at `at`. */
  find6(view: DataView, at: number): PeerId {
    return this.#ids.get6(view, at) ?? NO_PEER;
  }

  /** @throws VxlabError NO_SUCH_PEER */
  addressOf(id: PeerId): Ip {
    const ip = this.#addresses[id];
    if (ip === undefined)
      throw new VxlabError('NO_SUCH_PEER', `there is no peer ${id}; there are ${this.size}`);
    return ip;
  }

  /** True when the number stands for a multicast group. */
  isGroup(id: PeerId): boolean {
    const ip = this.addressOf(id);
    return typeof ip === 'number' ? isMulticastIp4(ip) : isMulticastIp6(ip);
  }
}
