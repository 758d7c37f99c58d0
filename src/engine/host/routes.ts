// A routing table: the longest prefix wins, then the lowest metric; several next hops of one route share flows by hash
// (Linux: fib_trie and fib_multipath_hash, here a sorted list: tables of hosts and small routers are short).

import type { Ip, Ip6 } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Interface } from './interface.ts';

export interface NextHop {
  /** The router's address, or null when the destination is on the link. */
  readonly via: Ip | null;
  readonly dev: Interface;
}

export interface Route {
  readonly ip: Ip;
  readonly prefix: number;
  readonly hops: readonly NextHop[];
  /** The source address to prefer; null takes the interface's first. */
  readonly src: Ip | null;
  readonly metric: number;
}

export class RouteTable {
  readonly #four: Route[] = [];
  readonly #six: Route[] = [];
  /** Grows with every change, so that what was looked up before can be told to be old. */
  generation = 0;

  /** @throws VxlabError BAD_ROUTE without a next hop or with a prefix that the family does not have */
  add(route: Omit<Route, 'src' | 'metric'> & Partial<Pick<Route, 'src' | 'metric'>>): void {
    const six = isIp6(route.ip);
    if (route.prefix < 0 || route.prefix > (six ? 128 : 32) || route.hops.length === 0) {
      throw new VxlabError('BAD_ROUTE', `a route needs a next hop and a prefix of 0 to ${six ? 128 : 32}`);
    }
    const table = six ? this.#six : this.#four;
    table.push({ src: null, metric: 0, ...route });
    table.sort((x, y) => y.prefix - x.prefix || x.metric - y.metric);
    this.generation++;
  }

  /** Takes out every route through an interface, or every one to a prefix. */
  remove(which: (route: Route) => boolean): number {
    let removed = 0;
    for (const table of [this.#four, this.#six]) {
      for (let i = table.length - 1; i >= 0; i--) {
        if (!which(table[i] as Route)) continue;
        table.splice(i, 1);
        removed++;
      }
    }
    if (removed > 0) this.generation++;
    return removed;
  }

  lookup(ip: Ip): Route | null {
    if (typeof ip === 'number') {
      for (const route of this.#four) {
        const mask = route.prefix === 0 ? 0 : -1 << (32 - route.prefix);
        if (((ip ^ (route.ip as number)) & mask) === 0) return route;
      }
      return null;
    }
    for (const route of this.#six) if (covers6(route.ip as Ip6, route.prefix, ip)) return route;
    return null;
  }

  /** Every route, most specific first. */
  all(): readonly Route[] {
    return [...this.#four, ...this.#six];
  }
}

/** True when the first `prefix` bits agree. */
export function covers6(net: Ip6, prefix: number, ip: Ip6): boolean {
  const words = [net.a ^ ip.a, net.b ^ ip.b, net.c ^ ip.c, net.d ^ ip.d];
  for (const [i, word] of words.entries()) {
    const bits = Math.min(32, Math.max(0, prefix - 32 * i));
    if (bits > 0 && word >>> (32 - bits) !== 0) return false;
  }
  return true;
}

/** The next hop of a route for a flow; `hash` is 32 bits of the flow's five-tuple. */
export function hopFor(route: Route, hash: number): NextHop {
  const hops = route.hops;
  return hops[hops.length === 1 ? 0 : (hash >>> 0) % hops.length] as NextHop;
}
