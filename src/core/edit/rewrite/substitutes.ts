// Addresses and what stands for them, looked up and replaced where they stand in a packet. Lookups allocate nothing: keys are
// 32-bit words, which are small integers.

import type { Ip, Ip6, Mac } from '../../wire/address.ts';
import { isIp6, macHi, macLo, sameIp, writeIp6, writeMac } from '../../wire/address.ts';
import { VxlabError } from '../../wire/numbers.ts';

/** What becomes what. What becomes itself is passed over. */
export type Pairs<T> = readonly (readonly [T, T])[];

interface Pair<T> {
  readonly from: T;
  readonly to: T;
}

export class IpSubstitutes {
  readonly #ip4: ReadonlyMap<number, number>;
  /** By the last word of the old address. */
  readonly #ip6: ReadonlyMap<number, readonly Pair<Ip6>[]>;

  /** @throws VxlabError BAD_REWRITE for an address that is to become one of the other family */
  constructor(pairs: Pairs<Ip>) {
    const ip4 = new Map<number, number>();
    const ip6: [number, Pair<Ip6>][] = [];
    for (const [from, to] of pairs) {
      if (sameIp(from, to)) continue;
      if (!isIp6(from) && !isIp6(to)) ip4.set(from | 0, to);
      else if (isIp6(from) && isIp6(to)) ip6.push([from.d | 0, { from, to }]);
      else {
        throw new VxlabError('BAD_REWRITE', 'an address can only become one of the same family');
      }
    }
    this.#ip4 = ip4;
    this.#ip6 = grouped(ip6);
  }

  /** Replaces the IPv4 address at `at`; true when it is one of ours. */
  ip4(view: DataView, at: number): boolean {
    const to = this.#ip4.get(view.getInt32(at));
    if (to === undefined) return false;
    view.setUint32(at, to);
    return true;
  }

  /** The same for IPv6. */
  ip6(view: DataView, at: number): boolean {
    const pairs = this.#ip6.get(view.getInt32(at + 12));
    if (pairs === undefined) return false;
    for (const { from, to } of pairs) {
      if (
        view.getUint32(at) === from.a &&
        view.getUint32(at + 4) === from.b &&
        view.getUint32(at + 8) === from.c
      ) {
        writeIp6(view, at, to);
        return true;
      }
    }
    return false;
  }
}

export class MacSubstitutes {
  /** By the last four bytes of the old address. */
  readonly #pairs: ReadonlyMap<number, readonly Pair<Mac>[]>;

  constructor(pairs: Pairs<Mac>) {
    const others = pairs.filter(([from, to]) => from !== to);
    this.#pairs = grouped(others.map(([from, to]) => [macLo(from) | 0, { from, to }]));
  }

  /** Replaces the MAC address at `at`; true when it is one of ours. */
  mac(view: DataView, at: number): boolean {
    const pairs = this.#pairs.get(view.getInt32(at + 2));
    if (pairs === undefined) return false;
    for (const { from, to } of pairs) {
      if (view.getUint16(at) === macHi(from)) {
        writeMac(view, at, to);
        return true;
      }
    }
    return false;
  }
}

/** Numbers and what stands for them. */
export function numberMap(pairs: Pairs<number>): Map<number, number> {
  return new Map(pairs.filter(([from, to]) => from !== to));
}

function grouped<T>(entries: readonly (readonly [number, T])[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const [key, value] of entries) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
