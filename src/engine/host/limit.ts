// How many ICMP errors one peer gets: Linux's token bucket (net/ipv4/inetpeer.c, inet_peer_xrlim_allow), one a second
// after a burst of six, for ICMP and ICMPv6 alike. Nothing is kept before the first error.

import type { Ip } from '../../core/wire/address.ts';
import { IpMap } from '../fabric/ip-map.ts';
import type { Clock } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';

const BURST = 6;
/** Peers remembered; beyond that all are forgotten, so that forged sources cannot fill the memory. */
const PEERS_MAX = 4096;

interface Bucket {
  tokens: number;
  at: number;
}

export class ErrorLimit {
  readonly #clock: Clock;
  #buckets: IpMap<Bucket> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when an error may go to `peer` now; counts it. */
  allows(peer: Ip): boolean {
    const now = this.#clock.now;
    this.#buckets ??= new IpMap();
    const bucket = this.#buckets.get(peer);
    if (bucket === undefined) {
      if (this.#buckets.size >= PEERS_MAX) this.#buckets.clear();
      this.#buckets.set(peer, { tokens: BURST - 1, at: now });
      return true;
    }
    bucket.tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / SECOND);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
