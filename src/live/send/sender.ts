// Sends what is held when it is due: waits for the clock, hands packets to a road, and measures how late they were. Time counts from
// the first packet; whoever is late is sent at once, so that a pause of this machine moves nothing that comes after.

import type { Held } from './held.ts';
import type { Pace } from './pace.ts';
import type { Road } from './road.ts';
import { fail } from './road.ts';

/** Time, and waiting for it. Nanoseconds from any beginning. */
export interface SendClock {
  now(): number;
  /** Resolves when it is so late, or the signal comes. */
  until(when: number, signal: AbortSignal): Promise<void>;
  /** Lets others have their turn: signals, sockets. */
  turn(): Promise<void>;
}

export interface SenderOptions {
  /** Packets in all; default no limit. */
  readonly limit?: number;
  /** Told between packets, about every ten milliseconds. */
  readonly progress?: () => void;
}

/** What is due so soon goes with what is due now. */
const SLACK = 20_000;
/** Nanoseconds after which others have their turn. */
const TURN = 10_000_000;
/** Nanoseconds after which a long wait is told of. */
const TOLD = 200_000_000;
/** At top speed the clock is looked at after so many packets. */
const LOOK = 64;
/** Packets later than this are counted. */
const LATE = 1_000_000;

export class Sender {
  readonly road: Road;
  /** Packets that were handed to the road, or found too long for it. */
  packets = 0;
  /** Those that were more than a millisecond late; and nanoseconds of all, and of the latest. */
  late = 0;
  lateness = 0;
  latest = 0;
  readonly #pace: Pace;
  readonly #clock: SendClock;
  readonly #limit: number;
  readonly #progress: () => void;
  #began = -1;
  #ended = 0;
  #turned = 0;

  constructor(road: Road, pace: Pace, clock: SendClock, options: SenderOptions = {}) {
    this.road = road;
    this.#pace = pace;
    this.#clock = clock;
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.#progress = options.progress ?? (() => undefined);
  }

  /** True when nothing more is to be sent: as many as wanted, or nothing can leave. */
  get done(): boolean {
    return this.packets >= this.#limit || this.road.broken !== null;
  }

  /** True when packets had a time to be sent at. */
  get paced(): boolean {
    return this.#pace.waits;
  }

  /** Nanoseconds from the first packet until the last was handed over. */
  get duration(): number {
    return this.#began < 0 ? 0 : Math.max(this.#ended - this.#began, this.road.took);
  }

  /** Nanoseconds since the first packet. */
  get elapsed(): number {
    return this.#began < 0 ? 0 : this.#clock.now() - this.#began;
  }

  /** The capture begins anew. */
  again(): void {
    this.#pace.again();
  }

  /** Sends what is held, each packet when it is due, and empties it. Ends early when the signal comes. */
  async send(held: Held, signal: AbortSignal): Promise<void> {
    const road = this.road;
    const clock = this.#clock;
    const waits = this.#pace.waits;
    for (let i = 0; i < held.count && !this.done && !signal.aborted; i++) {
      const start = held.starts[i] as number;
      const end = held.ends[i] as number;
      const due = this.#pace.due(held.seconds[i] as number, held.nanos[i] as number, end - start);
      if (this.#began < 0) this.#begin();
      if (waits) {
        const when = this.#began + due;
        let now = clock.now();
        if (when > now + SLACK) {
          now = await this.#wait(when, signal);
          if (signal.aborted || this.done) break;
        }
        this.#note(now - when);
        if (now - this.#turned > TURN) await this.#turn(now);
      } else if (i % LOOK === 0) {
        const now = clock.now();
        if (now - this.#turned > TURN) await this.#turn(now);
      }
      this.packets++;
      if (end - start > road.room) fail(road.counters, 'tooLong');
      else road.send(held, start, end, held.ports[i] as number);
      const ready = road.ready();
      if (ready !== null) await ready;
    }
    road.flush();
    this.#ended = clock.now();
    held.clear();
  }

  /** Waits until the kernel has everything. */
  async settle(): Promise<void> {
    const { road } = this;
    road.flush();
    const settled = road.settle();
    if (settled === null) return;
    await settled;
    if (road.took === 0) this.#ended = this.#clock.now();
  }

  /** Until a packet is due; answers with the time then. */
  async #wait(when: number, signal: AbortSignal): Promise<number> {
    const clock = this.#clock;
    this.road.flush();
    let now = clock.now();
    while (when > now + SLACK && !signal.aborted && this.road.broken === null) {
      await clock.until(Math.min(when, now + TOLD), signal);
      now = clock.now();
      this.#progress();
    }
    return now;
  }

  #begin(): void {
    this.#began = this.#clock.now();
    this.#ended = this.#began;
    this.#turned = this.#began;
  }

  #note(late: number): void {
    if (late <= 0) return;
    this.lateness += late;
    if (late > LATE) this.late++;
    if (late > this.latest) this.latest = late;
  }

  async #turn(now: number): Promise<void> {
    this.#turned = now;
    this.road.flush();
    this.#progress();
    await this.#clock.turn();
  }
}
