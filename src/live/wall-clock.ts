// The engine's time taken from the wall clock: the same event queue as in the simulation, looked at by one Node timer that
// is set for the next event. Node wakes to the millisecond; timers that fall due meanwhile fire in order, late.

import type { Clock, Instant, TimerId, Timers, TimerTarget } from '../engine/time/clock.ts';
import { EventQueue } from '../engine/time/event-queue.ts';

export class WallClock implements Clock, Timers {
  readonly #queue: EventQueue = new EventQueue();
  readonly #began: bigint = process.hrtime.bigint();
  #now: Instant = 0;
  #handle: NodeJS.Timeout | null = null;
  #wakesAt: Instant = -1;
  #firing = false;

  /** Nanoseconds since this clock was made; stands still while one batch of timers or frames is worked off. */
  get now(): Instant {
    return this.#now;
  }

  /** Reads the wall clock. Called when something comes in from outside, and before timers fire. */
  tick(): Instant {
    this.#now = Number(process.hrtime.bigint() - this.#began);
    return this.#now;
  }

  at(when: Instant, target: TimerTarget, token: number): TimerId {
    const id = this.#queue.add(when, target, token);
    if (!this.#firing) this.#wake();
    return id;
  }

  cancel(id: TimerId): boolean {
    return this.#queue.cancel(id);
  }

  /** No more timers fire. */
  close(): void {
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#handle = null;
    this.#firing = true;
  }

  #wake(): void {
    const next = this.#queue.peek();
    if (next < 0 || (this.#handle !== null && this.#wakesAt >= 0 && this.#wakesAt <= next)) return;
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#wakesAt = next;
    const wait = Math.max(0, Math.ceil((next - this.tick()) / 1e6));
    this.#handle = setTimeout(() => this.#fire(), wait);
  }

  #fire(): void {
    this.#handle = null;
    this.#wakesAt = -1;
    this.tick();
    this.#firing = true;
    try {
      while (this.#queue.next(this.#now)) this.#queue.target.fire(this.#queue.token);
    } finally {
      this.#firing = false;
      this.#wake();
    }
  }
}
