// A token bucket (RFC 2697's committed rate and burst): so many a second, and a burst of so many after a pause.

import type { Instant } from '../../engine/time/clock.ts';
import { SECOND } from '../../engine/time/clock.ts';

export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #at: Instant;

  /** @param rate tokens a second @param burst tokens that a full bucket has */
  constructor(rate: number, burst: number, now: Instant) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes tokens if there are so many; a bucket that is full gives more than it holds, else that much would never pass. */
  take(count: number, now: Instant): boolean {
    this.#fill(now);
    if (this.#tokens < count && this.#tokens < this.#burst) return false;
    this.#tokens -= count;
    return true;
  }

  /** Nanoseconds until `take` gives so many. */
  wait(count: number, now: Instant): number {
    this.#fill(now);
    const missing = Math.min(count, this.#burst) - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil((missing * SECOND) / this.#rate);
  }

  #fill(now: Instant): void {
    const fresh = ((now - this.#at) * this.#rate) / SECOND;
    this.#tokens = Math.min(this.#burst, this.#tokens + fresh);
    this.#at = now;
  }
}
