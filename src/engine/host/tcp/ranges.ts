// Ranges of sequence numbers that do not touch, in order: what came out of order at a receiver, and at a sender what the
// receiver says it has (RFC 2018).

import { RANGES_MAX } from './constants.ts';
import { ahead, later } from './sequence.ts';

export class Ranges {
  count = 0;
  /** Bytes in all ranges. */
  bytes = 0;
  readonly #left: number[] = [];
  readonly #right: number[] = [];

  left(i: number): number {
    return this.#left[i] as number;
  }

  /** One past the last. */
  right(i: number): number {
    return this.#right[i] as number;
  }

  /** Where the last range ends; `otherwise` without any. */
  highest(otherwise: number): number {
    return this.count === 0 ? otherwise : (this.#right[this.count - 1] as number);
  }

  /** The range that holds `seq`, or -1. */
  find(seq: number): number {
    for (let i = 0; i < this.count; i++) {
      if (ahead(seq, this.left(i)) < 0) return -1;
      if (ahead(seq, this.right(i)) < 0) return i;
    }
    return -1;
  }

  /** Where the first range begins that begins at or behind `seq`; `otherwise` without one. */
  next(seq: number, otherwise: number): number {
    for (let i = 0; i < this.count; i++) if (ahead(this.left(i), seq) >= 0) return this.left(i);
    return otherwise;
  }

  /** Adds [left, right) and answers how many bytes of it are new; -1 when there is no room for one range more. */
  add(left: number, right: number): number {
    let i = 0;
    while (i < this.count && ahead(this.right(i), left) < 0) i++;
    let j = i;
    let from = left;
    let to = right;
    let known = 0;
    while (j < this.count && ahead(this.left(j), right) <= 0) {
      if (ahead(this.left(j), from) < 0) from = this.left(j);
      to = later(to, this.right(j));
      known += ahead(this.right(j), this.left(j));
      j++;
    }
    if (i === j && this.count === RANGES_MAX) return -1;
    this.#left.splice(i, j - i, from);
    this.#right.splice(i, j - i, to);
    this.count = this.#left.length;
    const fresh = ahead(to, from) - known;
    this.bytes += fresh;
    return fresh;
  }

  /** Takes everything below `seq` out. */
  trim(seq: number): void {
    while (this.count > 0 && ahead(this.right(0), seq) <= 0) {
      this.bytes -= ahead(this.right(0), this.left(0));
      this.#left.shift();
      this.#right.shift();
      this.count--;
    }
    if (this.count > 0 && ahead(this.left(0), seq) < 0) {
      this.bytes -= ahead(seq, this.left(0));
      this.#left[0] = seq;
    }
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.#left.length = 0;
    this.#right.length = 0;
  }
}
