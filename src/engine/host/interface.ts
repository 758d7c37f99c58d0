// One network interface of a host: a MAC, addresses, and the port that takes its frames away.

import type { Ip, Ip4, Ip6, Mac } from '../../core/wire/address.ts';
import { macHi, macLo, sameIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { IpMap } from '../fabric/ip-map.ts';
import type { Port } from '../fabric/port.ts';
import { Counters } from '../trace/counters.ts';

export interface InterfaceAddress {
  readonly ip: Ip;
  readonly prefix: number;
}

export interface InterfaceOptions {
  readonly name: string;
  readonly mac: Mac;
  /** Largest IP packet in bytes, 68 to 65535. */
  readonly mtu: number;
  readonly addresses: readonly InterfaceAddress[];
}

export class Interface {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  readonly macHi: number;
  readonly macLo: number;
  readonly counters: Counters = new Counters();
  readonly #addresses: InterfaceAddress[] = [];
  #groups: IpMap<number> | null = null;
  mtu: number;
  up = true;
  /** True for `lo` alone. */
  readonly loopback: boolean;
  /** Where its frames go. */
  port: Port;
  /** The first IPv4 address as a number; -1 without one. Compared on every packet. */
  primary: Ip4 = -1;
  /** The broadcast address of the first IPv4 subnet; -1 without one. */
  broadcast: Ip4 = -1;
  /** The first link-local IPv6 address; null without one. */
  linkLocal: Ip6 | null = null;

  constructor(index: number, port: Port, options: InterfaceOptions) {
    this.index = index;
    this.loopback = index < 0;
    this.name = options.name;
    this.mac = options.mac;
    this.macHi = macHi(options.mac);
    this.macLo = macLo(options.mac);
    this.mtu = options.mtu;
    this.port = port;
    for (const address of options.addresses) this.add(address);
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  /** Multicast groups joined here, with how many joined; made when first asked for. */
  get groups(): IpMap<number> {
    this.#groups ??= new IpMap();
    return this.#groups;
  }

  joined4(group: Ip4): boolean {
    return this.#groups !== null && this.#groups.get4(group) !== undefined;
  }

  /** The same for the IPv6 group that stands at `at`. */
  joined6(view: DataView, at: number): boolean {
    return this.#groups !== null && this.#groups.get6(view, at) !== undefined;
  }

  /** @throws VxlabError ADDRESS_IN_USE when the interface has it already */
  add(address: InterfaceAddress): void {
    if (this.has(address.ip)) throw new VxlabError('ADDRESS_IN_USE', `${this.name} already has that address`);
    this.#addresses.push(address);
    this.#refresh();
  }

  remove(ip: Ip): boolean {
    const at = this.#addresses.findIndex((address) => sameIp(address.ip, ip));
    if (at < 0) return false;
    this.#addresses.splice(at, 1);
    this.#refresh();
    return true;
  }

  has(ip: Ip): boolean {
    return this.#addresses.some((address) => sameIp(address.ip, ip));
  }

  /** The first address of a family: `four` true for IPv4. */
  first(four: boolean): Ip | null {
    return this.#addresses.find((address) => (typeof address.ip === 'number') === four)?.ip ?? null;
  }

  /**
   * The address to send to `to` from: one of the same scope, else any (RFC 6724 s.5, rule 2; groups of the link count as
   * link-local). null without an IPv6 address.
   */
  source6(to: Ip6): Ip6 | null {
    const link = isLinkLocal(to) || (to.a >>> 24 === 0xff && ((to.a >>> 16) & 0x0f) <= 2);
    if (link && this.linkLocal !== null) return this.linkLocal;
    for (const { ip } of this.#addresses) if (typeof ip !== 'number' && !isLinkLocal(ip)) return ip;
    return this.linkLocal;
  }

  #refresh(): void {
    const four = this.#addresses.find((address) => typeof address.ip === 'number');
    this.primary = four === undefined ? -1 : (four.ip as Ip4);
    this.broadcast =
      four === undefined || four.prefix > 30 ? -1 : (this.primary | (0xffffffff >>> four.prefix)) >>> 0;
    this.linkLocal = null;
    for (const { ip } of this.#addresses) {
      if (typeof ip !== 'number' && this.linkLocal === null && isLinkLocal(ip)) this.linkLocal = ip;
    }
  }
}

/** True for fe80::/10 (RFC 4291 s.2.5.6). */
export function isLinkLocal(ip: Ip6): boolean {
  return ip.a >>> 22 === 0x3fa;
}
