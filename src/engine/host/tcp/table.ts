// The connections of a host by their four names, found from a packet's bytes without an object: a hash, and a chain a bucket.

import type { Ip } from '../../../core/wire/address.ts';
import { sameIp } from '../../../core/wire/address.ts';
import * as ipv4 from '../../../core/wire/ipv4.ts';
import type { Block } from './block.ts';

const LEAST = 16;

export class ConnectionTable {
  #buckets: (Block | null)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The connection that a packet is for: IP header at `ip`. Packet path. */
  find(view: DataView, ip: number, four: boolean, localPort: number, remotePort: number): Block | null {
    if (this.#size === 0) return null;
    const hash = four
      ? mix(view.getInt32(ip + 16), view.getInt32(ip + 12), localPort, remotePort)
      : mix(fold6(view, ip + 24), fold6(view, ip + 8), localPort, remotePort);
    let c = this.#buckets[hash & (this.#buckets.length - 1)] as Block | null;
    for (; c !== null; c = c.next) {
      if (c.hash !== hash || c.localPort !== localPort || c.remotePort !== remotePort) continue;
      if (four ? c.localIp === ipv4.dst(view, ip) && c.remoteIp === ipv4.src(view, ip) : same6(c, view, ip))
        return c;
    }
    return null;
  }

  /** The connection of these names. */
  get(localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number): Block | null {
    if (this.#size === 0) return null;
    const hash = hashOf(localIp, localPort, remoteIp, remotePort);
    let c = this.#buckets[hash & (this.#buckets.length - 1)] as Block | null;
    for (; c !== null; c = c.next) {
      if (c.localPort !== localPort || c.remotePort !== remotePort) continue;
      if (same(c.localIp, localIp) && same(c.remoteIp, remoteIp)) return c;
    }
    return null;
  }

  add(c: Block): void {
    c.hash = hashOf(c.localIp, c.localPort, c.remoteIp, c.remotePort);
    if (++this.#size > this.#buckets.length) this.#grow();
    this.#link(c);
  }

  remove(c: Block): void {
    const bucket = c.hash & (this.#buckets.length - 1);
    let before: Block | null = null;
    for (let other = this.#buckets[bucket] as Block | null; other !== null; other = other.next) {
      if (other === c) {
        if (before === null) this.#buckets[bucket] = c.next;
        else before.next = c.next;
        c.next = null;
        this.#size--;
        return;
      }
      before = other;
    }
  }

  /** All connections, for tables and for closing down. */
  all(): Block[] {
    const list: Block[] = [];
    for (const first of this.#buckets) for (let c = first; c !== null; c = c.next) list.push(c);
    return list;
  }

  #link(c: Block): void {
    const bucket = c.hash & (this.#buckets.length - 1);
    c.next = this.#buckets[bucket] as Block | null;
    this.#buckets[bucket] = c;
  }

  #grow(): void {
    const old = this.all();
    this.#buckets = new Array<Block | null>(Math.max(LEAST, this.#buckets.length * 2)).fill(null);
    for (const c of old) this.#link(c);
  }
}

/** The hash of a connection's names: 32 bits, not negative. */
export function hashOf(localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number): number {
  return mix(word(localIp), word(remoteIp), localPort, remotePort);
}

function word(ip: Ip): number {
  return typeof ip === 'number' ? ip : ip.a ^ ip.b ^ ip.c ^ ip.d;
}

function fold6(view: DataView, at: number): number {
  return view.getInt32(at) ^ view.getInt32(at + 4) ^ view.getInt32(at + 8) ^ view.getInt32(at + 12);
}

/** 32 bits, not negative: also what a route with several next hops chooses by. */
function mix(a: number, b: number, localPort: number, remotePort: number): number {
  let h = Math.imul(a | 0, 0x85ebca6b) ^ Math.imul(b | 0, 0xc2b2ae35);
  h ^= Math.imul((localPort << 16) | remotePort, 0x27d4eb2f);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

function same(a: Ip, b: Ip): boolean {
  return a === b || sameIp(a, b);
}

function same6(c: Block, view: DataView, ip: number): boolean {
  return is6(c.localIp, view, ip + 24) && is6(c.remoteIp, view, ip + 8);
}

function is6(ip: Ip, view: DataView, at: number): boolean {
  return (
    typeof ip !== 'number' &&
    ip.a === view.getUint32(at) &&
    ip.b === view.getUint32(at + 4) &&
    ip.c === view.getUint32(at + 8) &&
    ip.d === view.getUint32(at + 12)
  );
}
