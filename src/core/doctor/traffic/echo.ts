// The pings with DF from one host to another: the sizes that are answered, and those that are not.

import { Evidence } from '../evidence.ts';

/** Requests that wait for their answers. */
const WAITING = 16;
/** A request without an answer for so long is lost; microseconds. */
const PATIENCE = 1_000_000;

export class Pings {
  /** The largest IP packet in bytes that was answered, and the smallest that was not; 0 for none. */
  passed = 0;
  failedMin = 0;
  readonly failed: Evidence = new Evidence();
  /** Identifier and sequence number, size (0: free), time and packet of each waiting request. */
  readonly #keys: Float64Array = new Float64Array(WAITING);
  readonly #sizes: Int32Array = new Int32Array(WAITING);
  readonly #times: Float64Array = new Float64Array(WAITING);
  readonly #numbers: Float64Array = new Float64Array(WAITING);
  #next = 0;

  /** @param key identifier and sequence number as one word */
  ask(key: number, size: number, now: number, number: number): void {
    // Another tap's view of the same request.
    if (this.#find(key) >= 0) return;
    const i = this.#next;
    this.#next = (i + 1) % WAITING;
    this.#give(i, now);
    this.#keys[i] = key;
    this.#sizes[i] = size;
    this.#times[i] = now;
    this.#numbers[i] = number;
  }

  answer(key: number): void {
    const i = this.#find(key);
    if (i < 0) return;
    this.passed = Math.max(this.passed, this.#sizes[i] as number);
    this.#sizes[i] = 0;
  }

  /** Counts those that have waited too long by `now`. */
  settle(now: number): void {
    for (let k = 0; k < WAITING; k++) this.#give((this.#next + k) % WAITING, now);
  }

  #find(key: number): number {
    for (let i = 0; i < WAITING; i++) if (this.#sizes[i] !== 0 && this.#keys[i] === key) return i;
    return -1;
  }

  #give(i: number, now: number): void {
    const size = this.#sizes[i] as number;
    if (size === 0 || now - (this.#times[i] as number) < PATIENCE) return;
    this.failed.add(this.#numbers[i] as number);
    if (this.failedMin === 0 || size < this.failedMin) this.failedMin = size;
    this.#sizes[i] = 0;
  }
}
