// Time that jumps from event to event: between two of them nothing passes, however long that is.
//
// A timer that sets another for the same instant sees it fire in the same run, after all that were there before.

import { VxlabError } from '../../core/wire/numbers.ts';
import type { Clock, Instant, TimerId, Timers, TimerTarget } from './clock.ts';
import { EventQueue } from './event-queue.ts';

export class VirtualClock implements Clock, Timers {
  now: Instant = 0;
  readonly #queue: EventQueue = new EventQueue();
  #running = false;

  /** Timers that wait. */
  get pending(): number {
    return this.#queue.size;
  }

  /** When the next timer fires, or -1. */
  get next(): Instant {
    return this.#queue.peek();
  }

  at(when: Instant, target: TimerTarget, token: number): TimerId {
    return this.#queue.add(when < this.now ? this.now : when, target, token);
  }

  cancel(id: TimerId): boolean {
    return this.#queue.cancel(id);
  }

  /** Fires the next timer; false when none waits. @throws VxlabError CLOCK_BUSY from inside a timer */
  step(): boolean {
    this.#enter();
    try {
      return this.#fireNext(Number.MAX_SAFE_INTEGER);
    } finally {
      this.#running = false;
    }
  }

  /**
   * Fires everything up to and at `limit`, then stands there; answers how many fired. A limit that has passed leaves the
   * time as it is.
   * @throws VxlabError CLOCK_BUSY from inside a timer; BAD_TIME if `limit` is not a whole number below 2^53
   */
  runUntil(limit: Instant): number {
    if (!Number.isSafeInteger(limit)) {
      throw new VxlabError('BAD_TIME', `${limit} is not a time in whole nanoseconds below 2^53`);
    }
    this.#enter();
    let fired = 0;
    try {
      while (this.#fireNext(limit)) fired++;
    } finally {
      this.#running = false;
    }
    if (limit > this.now) this.now = limit;
    return fired;
  }

  /** Fires until nothing waits, or `max` have fired; answers how many. @throws VxlabError CLOCK_BUSY */
  runUntilIdle(max: number = Number.MAX_SAFE_INTEGER): number {
    this.#enter();
    let fired = 0;
    try {
      while (fired < max && this.#fireNext(Number.MAX_SAFE_INTEGER)) fired++;
    } finally {
      this.#running = false;
    }
    return fired;
  }

  #enter(): void {
    if (this.#running)
      throw new VxlabError('CLOCK_BUSY', 'the clock is running: a timer may not run it again');
    this.#running = true;
  }

  #fireNext(limit: Instant): boolean {
    const queue = this.#queue;
    if (!queue.next(limit)) return false;
    this.now = queue.time;
    queue.target.fire(queue.token);
    return true;
  }
}
