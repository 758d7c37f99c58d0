// A table keyed by IP address of either family: neighbours, peers, endpoints.
//
// IPv4 keys are numbers and go straight into a Map. IPv6 keys are words of a packet or an object; both hash to a number
// whose bucket is compared word by word, so a look-up from packet bytes makes no object and no text.

import type { Ip, Ip4, Ip6 } from '../../core/wire/address.ts';
import { compareIp } from '../../core/wire/address.ts';

interface Bucket6<V> {
  readonly ip: Ip6;
  value: V;
  next: Bucket6<V> | null;
}

export class IpMap<V> {
  readonly #four: Map<Ip4, V> = new Map();
  #six: Map<number, Bucket6<V>> | null = null;
  #sixSize = 0;

  get size(): number {
    return this.#four.size + this.#sixSize;
  }

  get4(ip: Ip4): V | undefined {
    return this.#four.get(ip);
  }

  /** Looks up the address that stands at `at`. */
  get6(view: DataView, at: number): V | undefined {
    return this.#six === null
      ? undefined
      : this.#find(
          view.getUint32(at),
          view.getUint32(at + 4),
          view.getUint32(at + 8),
          view.getUint32(at + 12),
        );
  }

  get(ip: Ip): V | undefined {
    return typeof ip === 'number' ? this.#four.get(ip) : this.#find(ip.a, ip.b, ip.c, ip.d);
  }

  has(ip: Ip): boolean {
    return this.get(ip) !== undefined;
  }

  set(ip: Ip, value: V): void {
    if (typeof ip === 'number') {
      this.#four.set(ip, value);
      return;
    }
    this.#six ??= new Map();
    const key = hash(ip.a, ip.b, ip.c, ip.d);
    const first = this.#six.get(key) ?? null;
    for (let bucket = first; bucket !== null; bucket = bucket.next) {
      if (same(bucket.ip, ip.a, ip.b, ip.c, ip.d)) {
        bucket.value = value;
        return;
      }
    }
    this.#six.set(key, { ip, value, next: first });
    this.#sixSize++;
  }

  delete(ip: Ip): boolean {
    if (typeof ip === 'number') return this.#four.delete(ip);
    const key = hash(ip.a, ip.b, ip.c, ip.d);
    let before: Bucket6<V> | null = null;
    for (let bucket = this.#six?.get(key) ?? null; bucket !== null; before = bucket, bucket = bucket.next) {
      if (!same(bucket.ip, ip.a, ip.b, ip.c, ip.d)) continue;
      if (before !== null) before.next = bucket.next;
      else if (bucket.next !== null) this.#six?.set(key, bucket.next);
      else this.#six?.delete(key);
      this.#sixSize--;
      return true;
    }
    return false;
  }

  clear(): void {
    this.#four.clear();
    this.#six = null;
    this.#sixSize = 0;
  }

  /** Every pair, ordered by address, IPv4 first: for the cold path. */
  entries(): [Ip, V][] {
    const all: [Ip, V][] = [...this.#four];
    for (const first of this.#six?.values() ?? []) {
      for (let bucket: Bucket6<V> | null = first; bucket !== null; bucket = bucket.next) {
        all.push([bucket.ip, bucket.value]);
      }
    }
    return all.sort((x, y) => compareIp(x[0], y[0]));
  }

  #find(a: number, b: number, c: number, d: number): V | undefined {
    let bucket = this.#six?.get(hash(a, b, c, d)) ?? null;
    while (bucket !== null && !same(bucket.ip, a, b, c, d)) bucket = bucket.next;
    return bucket?.value;
  }
}

function same(ip: Ip6, a: number, b: number, c: number, d: number): boolean {
  return ip.d === d && ip.c === c && ip.b === b && ip.a === a;
}

function hash(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ (b >>> 7), 0x9e3779b1) ^ c;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ d;
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
}
