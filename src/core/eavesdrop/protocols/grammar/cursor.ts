// Fields of a binary message, one after the other. What would be read behind the message's end, or is not there yet, is 0 or
// empty and makes `ok` false: a reader asks once, at the end.

import type { Speech } from '../../reader.ts';

/** Positions of a string's bytes. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const NONE: Stretch = { from: 0, to: 0 };

export class Cursor {
  readonly #speech: Speech;
  readonly end: number;
  at: number;
  ok = true;

  /** Reads [at, end) of what was said. */
  constructor(speech: Speech, at: number, end: number) {
    this.#speech = speech;
    this.at = at;
    this.end = Math.min(end, speech.length);
  }

  get left(): number {
    return this.end - this.at;
  }

  /** The next `n` bytes, as positions. */
  stretch(n: number): Stretch {
    if (!this.#has(n)) return NONE;
    this.at += n;
    return { from: this.at - n, to: this.at };
  }

  skip(n: number): void {
    if (this.#has(n)) this.at += n;
  }

  /** What comes next, without moving on; -1 at the end. */
  peek(): number {
    return this.at < this.end ? this.#speech.byte(this.at) : -1;
  }

  /** Up to six bytes, the low one first. */
  little(bytes: number): number {
    const { from, to } = this.stretch(bytes);
    let value = 0;
    for (let i = to - 1; i >= from; i--) value = value * 256 + this.#speech.byte(i);
    return value;
  }

  /** Up to six bytes, the high one first. */
  big(bytes: number): number {
    const { from, to } = this.stretch(bytes);
    let value = 0;
    for (let i = from; i < to; i++) value = value * 256 + this.#speech.byte(i);
    return value;
  }

  /** Up to a byte of value 0, which is passed over and not in it. */
  untilNul(): Stretch {
    const found = this.at < this.end ? this.#speech.find(0, this.at) : -1;
    if (found < 0 || found >= this.end) {
      this.ok = false;
      return NONE;
    }
    const from = this.at;
    this.at = found + 1;
    return { from, to: found };
  }

  latin1(stretch: Stretch): string {
    return this.#speech.latin1(stretch.from, stretch.to);
  }

  bytes(stretch: Stretch): Uint8Array {
    return this.#speech.bytes(stretch.from, stretch.to);
  }

  #has(n: number): boolean {
    if (this.ok && n >= 0 && this.end - this.at >= n) return true;
    this.ok = false;
    return false;
  }
}
