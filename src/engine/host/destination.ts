// What a host needs to send to one address, looked up once and kept while the routes stay: interface, source address,
// next hop and path MTU (Linux: dst_entry with its nexthop exceptions).

import type { Ip, Ip6 } from '../../core/wire/address.ts';
import { sameIp } from '../../core/wire/address.ts';
import type { Interface } from './interface.ts';
import type { Neighbour } from './neighbour.ts';

export const REACH = {
  /** Through a neighbour: the destination itself or a router. */
  unicast: 0,
  /** To everybody on the link. */
  broadcast: 1,
  /** To a group on the link. */
  multicast: 2,
  /** The host itself. */
  local: 3,
} as const;
export type Reach = (typeof REACH)[keyof typeof REACH];

/** What sending answers. Numbers, because it is asked for every packet. */
export const SENT = { ok: 0, noRoute: 1, tooLong: 2, noBuffer: 3 } as const;
export type Sent = (typeof SENT)[keyof typeof SENT];

/** mtu_expires: a learned path MTU is forgotten after ten minutes (net.ipv4.route.mtu_expires). */
export const PATH_MTU_LIFETIME = 600_000_000_000;
/** Less than this is not believed (net.ipv4.route.min_pmtu). */
export const PATH_MTU_MIN = 552;
/** IPv6's least MTU (RFC 8200 s.5). */
export const PATH_MTU_MIN6 = 1280;

export class Destination {
  readonly ip: Ip;
  readonly dev: Interface;
  readonly src: Ip;
  readonly reach: Reach;
  /** null unless `reach` is unicast. */
  readonly neighbour: Neighbour | null;
  /** The routing table's generation when this was looked up. */
  readonly generation: number;
  /** One destination per next hop when the route has several; flows choose by hash. */
  readonly branches: readonly Destination[] | null;
  /** A smaller MTU that the path told of, and until when it is believed. */
  pathMtu = 0;
  pathMtuUntil = 0;
  /** The addresses' part of IPv6's pseudo header sum; 0 for IPv4. */
  readonly pseudoSum: number;

  constructor(
    ip: Ip,
    dev: Interface,
    src: Ip,
    reach: Reach,
    neighbour: Neighbour | null,
    generation: number,
    branches: readonly Destination[] | null = null,
  ) {
    this.ip = ip;
    this.dev = dev;
    this.src = src;
    this.reach = reach;
    this.neighbour = neighbour;
    this.generation = generation;
    this.branches = branches;
    this.pseudoSum = typeof src === 'number' || typeof ip === 'number' ? 0 : wordSum(src) + wordSum(ip);
  }

  /** The way for a flow with this hash of 32 bits. */
  branch(hash: number): Destination {
    const branches = this.branches;
    return branches === null ? this : (branches[(hash >>> 0) % branches.length] as Destination);
  }

  /** The same way with another of the host's addresses as the source: answers come from where the question went. */
  from(src: Ip): Destination {
    if (sameIp(src, this.src)) return this;
    const other = new Destination(this.ip, this.dev, src, this.reach, this.neighbour, this.generation);
    other.pathMtu = this.pathMtu;
    other.pathMtuUntil = this.pathMtuUntil;
    return other;
  }

  /** Largest IP packet in bytes that the path is believed to take now. */
  mtu(now: number): number {
    if (this.pathMtu === 0) return this.dev.mtu;
    if (now < this.pathMtuUntil) return Math.min(this.pathMtu, this.dev.mtu);
    this.pathMtu = 0;
    return this.dev.mtu;
  }

  /** The path told of a smaller MTU (RFC 1191, RFC 8201). Larger news is not believed. */
  learnMtu(mtu: number, now: number): void {
    const least = typeof this.ip === 'number' ? PATH_MTU_MIN : PATH_MTU_MIN6;
    const told = Math.max(mtu, least);
    if (told >= this.mtu(now)) return;
    this.pathMtu = told;
    this.pathMtuUntil = now + PATH_MTU_LIFETIME;
  }
}

function wordSum(ip: Ip6): number {
  return ip.a + ip.b + ip.c + ip.d;
}
