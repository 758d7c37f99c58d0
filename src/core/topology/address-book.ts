// IP addresses of either family as small numbers, from 0, in the order in which they came.

import type { Ip } from '../wire/address.ts';
import { formatIp, isIp6, isMulticastIp4, isMulticastIp6 } from '../wire/address.ts';
import { Register } from './register.ts';

/** Stands for an address that there is no room for, or none at all. */
export const NOWHERE = -1;

const FAMILY4 = 4;
const FAMILY6 = 6;

export class AddressBook {
  readonly #table: Register<number>;

  constructor(most: number, salt: number) {
    this.#table = new Register(most, salt);
  }

  get full(): boolean {
    return this.#table.full;
  }

  /** The number of the IPv4 address at `at`, or NOWHERE. */
  number4(view: DataView, at: number): number {
    return this.#number(FAMILY4, view.getInt32(at), 0, 0, 0);
  }

  /** The number of the IPv6 address at `at`, or NOWHERE. */
  number6(view: DataView, at: number): number {
    return this.#number(
      FAMILY6,
      view.getInt32(at),
      view.getInt32(at + 4),
      view.getInt32(at + 8),
      view.getInt32(at + 12),
    );
  }

  /** The number of an IPv4 address that was met before, or NOWHERE. */
  known4(view: DataView, at: number): number {
    return this.#table.find(FAMILY4, view.getInt32(at), 0, 0, 0) ?? NOWHERE;
  }

  /** The number of an IPv6 address that was met before, or NOWHERE. */
  known6(view: DataView, at: number): number {
    const word = (i: number): number => view.getInt32(at + 4 * i);
    return this.#table.find(FAMILY6, word(0), word(1), word(2), word(3)) ?? NOWHERE;
  }

  /** The number of an address that was read already, or NOWHERE. */
  numberOf(ip: Ip): number {
    return isIp6(ip) ? this.#number(FAMILY6, ip.a, ip.b, ip.c, ip.d) : this.#number(FAMILY4, ip, 0, 0, 0);
  }

  ip(number: number): Ip {
    const word = (i: number): number => this.#table.word(number, i) >>> 0;
    if (word(0) === FAMILY4) return word(1);
    return { a: word(1), b: word(2), c: word(3), d: word(4) };
  }

  /** The number of an address if it was met before, else NOWHERE. */
  known(ip: Ip): number {
    const known = isIp6(ip)
      ? this.#table.find(FAMILY6, ip.a, ip.b, ip.c, ip.d)
      : this.#table.find(FAMILY4, ip, 0, 0, 0);
    return known ?? NOWHERE;
  }

  text(number: number): string {
    return formatIp(this.ip(number));
  }

  isGroup(number: number): boolean {
    const ip = this.ip(number);
    return isIp6(ip) ? isMulticastIp6(ip) : isMulticastIp4(ip);
  }

  #number(family: number, a: number, b: number, c: number, d: number): number {
    const known = this.#table.find(family, a, b, c, d);
    if (known !== undefined) return known;
    const number = this.#table.values.length;
    return this.#table.add(number, family, a, b, c, d) ? number : NOWHERE;
  }
}
