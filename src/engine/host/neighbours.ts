// Who on the link has which MAC: Linux's neighbour table (net/core/neighbour.c) with its states and times.
//
//   none ─ first packet ─► INCOMPLETE ─ answer ─► REACHABLE ─ 30 s ─► STALE ─ packet ─► DELAY ─ 5 s ─► PROBE ─► FAILED
//                            │ three questions, a second apart, unanswered                              three unicast questions
//                            └───────────────────────────────────► FAILED
//
// REACHABLE turns STALE when it is next looked at; only waiting for answers takes timers. Up to 101 frames wait for an
// answer (Linux counts bytes, about as many small ones), the oldest going first when another comes.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Mac } from '../../core/wire/address.ts';
import { macHi, macLo } from '../../core/wire/address.ts';
import { IpMap } from '../fabric/ip-map.ts';
import type { Clock, Timers, TimerTarget } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { Interface } from './interface.ts';
import { Neighbour, STATE } from './neighbour.ts';
import type { Stack } from './stack.ts';

/** base_reachable_time, delay_first_probe_time and retrans_time, in nanoseconds; ucast_solicit and mcast_solicit. */
const REACHABLE_TIME = 30 * SECOND;
const DELAY_TIME = 5 * SECOND;
const RETRANSMIT_TIME = SECOND;
const PROBES = 3;
const QUEUE_MAX = 101;

/** Asks the link for a neighbour; `unicast` to the MAC it had. */
export type Solicit = (neighbour: Neighbour, unicast: boolean) => void;

export class NeighbourTable implements TimerTarget {
  readonly #host: Stack;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #solicit: Solicit;
  /** One map an interface: the same address may be a neighbour on two links. */
  readonly #maps: IpMap<Neighbour>[] = [];
  /** By slot: what a timer's token leads back to. */
  readonly #slots: Neighbour[] = [];

  constructor(host: Stack, clock: Clock, timers: Timers, solicit: Solicit) {
    this.#host = host;
    this.#clock = clock;
    this.#timers = timers;
    this.#solicit = solicit;
  }

  /** The entry for an address, made when there is none. */
  entry(ip: Ip, dev: Interface): Neighbour {
    this.#maps[dev.index] ??= new IpMap();
    const map = this.#maps[dev.index] as IpMap<Neighbour>;
    let neighbour = map.get(ip);
    if (neighbour === undefined) {
      neighbour = new Neighbour(ip, dev, this.#slots.length);
      this.#slots.push(neighbour);
      map.set(ip, neighbour);
    }
    return neighbour;
  }

  find(ip: Ip, dev: Interface): Neighbour | undefined {
    return this.#maps[dev.index]?.get(ip);
  }

  /**
   * True when a packet may go out to `neighbour.mac` now. Otherwise `frame` was taken over and waits for an answer.
   * Packet path: the first test is all that runs while the neighbour is known.
   */
  ready(neighbour: Neighbour, frame: Frame): boolean {
    const state = neighbour.state;
    if (state === STATE.reachable) {
      if (this.#clock.now - neighbour.confirmed <= REACHABLE_TIME) return true;
      neighbour.state = STATE.stale;
    }
    if (state === STATE.permanent || state === STATE.delay || state === STATE.probe) return true;
    if (neighbour.state === STATE.stale) {
      neighbour.state = STATE.delay;
      this.#arm(neighbour, DELAY_TIME);
      return true;
    }
    this.#wait(neighbour, frame);
    return false;
  }

  /**
   * The link answered or told: `confirmed` for an answer to our question (REACHABLE), else STALE as Linux has it for
   * what it only overheard.
   */
  update(neighbour: Neighbour, mac: Mac, confirmed: boolean, override = true): void {
    if (neighbour.state === STATE.permanent) return;
    const known = neighbour.state !== STATE.incomplete && neighbour.state !== STATE.failed;
    const differs = neighbour.mac !== mac;
    if (known && differs && !override) {
      // An advertisement that may not override casts doubt all the same (RFC 4861 s.7.2.5).
      if (neighbour.state === STATE.reachable) neighbour.state = STATE.stale;
      return;
    }
    if (!confirmed && known && !differs) return;
    if (differs || neighbour.state !== STATE.reachable || !confirmed) neighbour.updated = this.#clock.now;
    neighbour.macHi = macHi(mac);
    neighbour.macLo = macLo(mac);
    neighbour.state = confirmed ? STATE.reachable : STATE.stale;
    neighbour.confirmed = this.#clock.now;
    neighbour.probes = 0;
    this.#disarm(neighbour);
    this.#flush(neighbour);
  }

  /** An entry that neither ages nor moves: `ip neigh add ... nud permanent`. */
  pin(ip: Ip, dev: Interface, mac: Mac): void {
    const neighbour = this.entry(ip, dev);
    neighbour.macHi = macHi(mac);
    neighbour.macLo = macLo(mac);
    neighbour.state = STATE.permanent;
    this.#disarm(neighbour);
    this.#flush(neighbour);
  }

  /** Forgets an entry, as `ip neigh del`. What waits for it is dropped; a later packet asks again. */
  forget(ip: Ip, dev: Interface): boolean {
    const neighbour = this.find(ip, dev);
    if (neighbour === undefined) return false;
    this.#disarm(neighbour);
    this.#fail(neighbour);
    return true;
  }

  /** Drops what waits and stops every timer: the host goes away. */
  close(): void {
    for (const neighbour of this.#slots) {
      this.#disarm(neighbour);
      neighbour.state = STATE.failed;
      for (const frame of neighbour.waiting.splice(0)) drop(this.#host, frame, DROP.neighbourFailed);
    }
  }

  /** The entries in use, by interface and address. */
  entries(): Neighbour[] {
    return this.#maps.flatMap((map) => map.entries().map(([, neighbour]) => neighbour));
  }

  fire(slot: number): void {
    const neighbour = this.#slots[slot] as Neighbour;
    neighbour.timer = 0;
    if (neighbour.state === STATE.delay) {
      neighbour.state = STATE.probe;
      neighbour.probes = 0;
    }
    if (neighbour.probes >= PROBES) {
      this.#fail(neighbour);
      return;
    }
    this.#ask(neighbour);
  }

  #wait(neighbour: Neighbour, frame: Frame): void {
    if (neighbour.waiting.length >= QUEUE_MAX) {
      drop(this.#host, neighbour.waiting.shift() as Frame, DROP.neighbourFailed);
    }
    neighbour.waiting.push(frame);
    if (neighbour.state === STATE.incomplete) return;
    neighbour.state = STATE.incomplete;
    neighbour.probes = 0;
    this.#ask(neighbour);
  }

  #ask(neighbour: Neighbour): void {
    neighbour.probes++;
    this.#arm(neighbour, RETRANSMIT_TIME);
    this.#solicit(neighbour, neighbour.state === STATE.probe);
  }

  #fail(neighbour: Neighbour): void {
    neighbour.state = STATE.failed;
    const waiting = neighbour.waiting.splice(0);
    for (const frame of waiting) this.#host.unreachable(frame, neighbour.dev);
  }

  #flush(neighbour: Neighbour): void {
    if (neighbour.waiting.length === 0) return;
    for (const frame of neighbour.waiting.splice(0)) this.#host.transmit(frame, neighbour);
  }

  #arm(neighbour: Neighbour, after: number): void {
    this.#disarm(neighbour);
    neighbour.timer = this.#timers.at(this.#clock.now + after, this, neighbour.slot);
  }

  #disarm(neighbour: Neighbour): void {
    if (neighbour.timer !== 0) this.#timers.cancel(neighbour.timer);
    neighbour.timer = 0;
  }
}
