// Tells when nothing happened for a while: a socket's `setTimeout`, on the lab's clock. Activity only notes the time; the
// timer looks at it when it fires.

import type { AsyncResource } from 'node:async_hooks';
import type { TimerId, TimerTarget } from '../../engine/time/clock.ts';
import type { Recipient } from '../inbox.ts';
import type { Site } from '../site.ts';

const MILLISECOND = 1_000_000;

export class Quiet implements TimerTarget, Recipient {
  readonly scope: AsyncResource;
  readonly #site: Site;
  readonly #told: () => void;
  #wait = 0;
  #touched = 0;
  #timer: TimerId = 0;
  #round = 0;

  constructor(site: Site, scope: AsyncResource, told: () => void) {
    this.#site = site;
    this.scope = scope;
    this.#told = told;
  }

  /** Waits so many milliseconds from now; 0 for no more. */
  set(ms: number): void {
    const { timers } = this.#site;
    timers.cancel(this.#timer);
    this.#timer = 0;
    this.#round++;
    this.#wait = ms > 0 ? Math.round(ms * MILLISECOND) : 0;
    if (this.#wait === 0) return;
    this.#site.enter();
    this.touch();
    this.#arm();
  }

  /** Something happened. */
  touch(): void {
    this.#touched = this.#site.clock.now;
    if (this.#wait > 0 && this.#timer === 0) this.#arm();
  }

  fire(round: number): void {
    this.#timer = 0;
    if (this.#touched + this.#wait > this.#site.clock.now) this.#arm();
    else this.#site.inbox.post(this, round);
  }

  deliver(round: number): void {
    // What was on its way when the time was up counts.
    if (round !== this.#round || this.#wait === 0 || this.#timer !== 0) return;
    this.#told();
  }

  #arm(): void {
    this.#timer = this.#site.timers.at(this.#touched + this.#wait, this, this.#round);
  }
}
