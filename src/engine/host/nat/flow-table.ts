// The translated flows of a host, found by what their packets say on either way: conntrack's and IPVS's tables in one.
//
// Bounded. Nothing runs by itself: an entry that nobody asks for stays until new ones come, each of which looks at two old
// ones; a full table is swept, and then gives up a connection that is closing anyway (as nf_conntrack's early_drop).

import type { Ip } from '../../../core/wire/address.ts';
import { sameIp } from '../../../core/wire/address.ts';
import type { Clock, Instant } from '../../time/clock.ts';
import { SECOND } from '../../time/clock.ts';
import type { Ends, Way } from './flow.ts';
import { Flow, hashOf, hashSeen, turned } from './flow.ts';
import type { RealServer } from './real-server.ts';
import type { Sighting } from './sighting.ts';
import type { Lifetimes } from './tcp-track.ts';
import { isClosing } from './tcp-track.ts';

export const FLOWS_MAX = 16_384;
/** Other ports than the one a flow came with are taken from Linux's ip_local_port_range. */
const PORT_MIN = 32_768;
const PORT_SPAN = 28_232;
const BUCKETS_MIN = 16;
const SWEEP_PAUSE = SECOND;
const EARLY_DROP_LOOKS = 64;

/** True when the host itself uses, or may use, what a flow would leave with. */
export type Busy = (proto: number, leaves: Ends) => boolean;

export class FlowTable {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #busy: Busy;
  readonly #flows: Flow[] = [];
  #buckets: (Way | null)[] = [];
  #hand = 0;
  #sweepFrom: Instant = 0;
  #rover = 0;

  /** @param max flows at most */
  constructor(clock: Clock, busy: Busy = () => false, max: number = FLOWS_MAX) {
    this.#clock = clock;
    this.#busy = busy;
    this.#max = max;
  }

  /** Entries, those among them that are over but not yet swept. */
  get size(): number {
    return this.#flows.length;
  }

  /** The flows that are alive now, oldest entries not first: for the cold path. */
  live(): Flow[] {
    const { now } = this.#clock;
    return this.#flows.filter((flow) => flow.until >= now);
  }

  /** The way that a packet goes, or null. Packet path. */
  find(seen: Sighting): Way | null {
    const buckets = this.#buckets;
    if (this.#flows.length === 0) return null;
    let way = buckets[hashSeen(seen) & (buckets.length - 1)] as Way | null;
    while (way !== null && !way.matches(seen)) way = way.next;
    if (way === null || way.flow.until >= this.#clock.now) return way;
    this.remove(way.flow);
    return null;
  }

  /**
   * Makes a flow. It keeps its source port if the answers would be told from everybody else's, else gets another.
   * @param came what its first packet says
   * @param leaves what that is to become
   * @param lodger true when somebody else's packets get an address that the host sends from too
   * @returns null when the table is full or no port is left
   */
  open(
    proto: number,
    came: Ends,
    leaves: Ends,
    lifetimes: Lifetimes,
    server: RealServer | null,
    lodger: boolean,
  ): Flow | null {
    if (this.#flows.length < this.#max) this.#glance();
    else if (!this.#makeRoom()) return null;
    const port = this.#port(proto, leaves, lodger);
    if (port < 0) return null;
    const flow = new Flow(proto, came, { ...leaves, srcPort: port }, lifetimes, server);
    flow.index = this.#flows.length;
    this.#flows.push(flow);
    if (this.#flows.length * 2 > this.#buckets.length) this.#grow();
    else {
      this.#link(flow.out);
      this.#link(flow.back);
    }
    return flow;
  }

  remove(flow: Flow): void {
    const last = this.#flows.pop() as Flow;
    if (last !== flow) {
      this.#flows[flow.index] = last;
      last.index = flow.index;
    }
    this.#unlink(flow.out);
    this.#unlink(flow.back);
  }

  /** Ends every flow with somebody who is gone (libnetwork clears conntrack when an endpoint goes). */
  forget(ip: Ip): void {
    for (let i = this.#flows.length - 1; i >= 0; i--) {
      const flow = this.#flows[i] as Flow;
      if (same(flow.out.src, ip) || same(flow.out.toDst, ip)) this.remove(flow);
    }
  }

  /** The source port to leave with; -1 when there is none. */
  #port(proto: number, leaves: Ends, lodger: boolean): number {
    if (this.#free(proto, leaves, leaves.srcPort, lodger)) return leaves.srcPort;
    for (let tried = 0; tried < PORT_SPAN; tried++) {
      const offset = (this.#rover + tried) % PORT_SPAN;
      if (!this.#free(proto, leaves, PORT_MIN + offset, lodger)) continue;
      this.#rover = offset + 1;
      return PORT_MIN + offset;
    }
    return -1;
  }

  #free(proto: number, leaves: Ends, port: number, lodger: boolean): boolean {
    const left = { ...leaves, srcPort: port };
    return !(lodger && this.#busy(proto, left)) && !this.expects(proto, turned(left));
  }

  /** True when a packet with these ends would belong to a flow. */
  expects(proto: number, ends: Ends): boolean {
    if (this.#flows.length === 0) return false;
    let way = this.#buckets[hashOf(proto, ends) & (this.#buckets.length - 1)] as Way | null;
    while (way !== null && !(way.flow.proto === proto && sameEnds(way, ends))) way = way.next;
    if (way === null) return false;
    if (way.flow.until >= this.#clock.now) return true;
    this.remove(way.flow);
    return false;
  }

  /** Looks at two old entries. Downwards, since the last entry takes the place of one that goes. */
  #glance(): void {
    for (let i = 0; i < 2 && this.#flows.length > 0; i++) {
      const flow = this.#turn();
      if (flow.until < this.#clock.now) this.remove(flow);
    }
  }

  #turn(): Flow {
    this.#hand = (this.#hand === 0 || this.#hand > this.#flows.length ? this.#flows.length : this.#hand) - 1;
    return this.#flows[this.#hand] as Flow;
  }

  /** Sweeps a full table, once a second at most; else looks among some entries for one that can be given up. */
  #makeRoom(): boolean {
    const { now } = this.#clock;
    if (now >= this.#sweepFrom) {
      this.#sweepFrom = now + SWEEP_PAUSE;
      for (let i = this.#flows.length - 1; i >= 0; i--) {
        const flow = this.#flows[i] as Flow;
        if (flow.until < now) this.remove(flow);
      }
      if (this.#flows.length < this.#max) return true;
    }
    for (let i = 0; i < EARLY_DROP_LOOKS; i++) {
      const flow = this.#turn();
      if (flow.until >= now && !isClosing(flow.state)) continue;
      this.remove(flow);
      return true;
    }
    return false;
  }

  #grow(): void {
    this.#buckets = new Array<Way | null>(Math.max(BUCKETS_MIN, this.#buckets.length * 2)).fill(null);
    for (const flow of this.#flows) {
      this.#link(flow.out);
      this.#link(flow.back);
    }
  }

  #link(way: Way): void {
    const bucket = way.hash & (this.#buckets.length - 1);
    way.next = this.#buckets[bucket] as Way | null;
    this.#buckets[bucket] = way;
  }

  #unlink(way: Way): void {
    const bucket = way.hash & (this.#buckets.length - 1);
    const first = this.#buckets[bucket] as Way;
    if (first === way) {
      this.#buckets[bucket] = way.next;
      return;
    }
    let before = first;
    while (before.next !== way) before = before.next as Way;
    before.next = way.next;
  }
}

function sameEnds(x: Ends, y: Ends): boolean {
  return x.srcPort === y.srcPort && x.dstPort === y.dstPort && same(x.src, y.src) && same(x.dst, y.dst);
}

function same(x: Ip, y: Ip): boolean {
  return x === y || sameIp(x, y);
}
