// Where one side of an HTTP connection has been read to, and the lines that follow.

import type { Speech } from '../reader.ts';

/** Longer lines are read so far and no further. */
export const LINE_MAX = 16_384;
const LF = 0x0a;
const CR = 0x0d;

export class Cursor {
  readonly speech: Speech;
  /** What is before stays in the speech: it begins with a body that is kept, and `at` is where that was read to. */
  isKept = false;
  at = 0;
  /** The line was read as far as it fits; its rest is to be passed over. */
  isOverlong = false;
  /** Up to where no line's end was found. */
  #searched = 0;

  constructor(speech: Speech) {
    this.speech = speech;
  }

  /** Where the line ends, before its LF; -1 when it does not yet. An overlong one ends where it is cut. */
  lineEnd(): number {
    const { length, full } = this.speech;
    const end = this.speech.find(LF, Math.max(this.at, this.#searched));
    if (end >= 0) return end;
    this.#searched = length;
    if (length - this.at < LINE_MAX && !full) return -1;
    this.isOverlong = true;
    return length;
  }

  /** The line up to `end`, without CR. */
  text(end: number): string {
    const last = end > this.at && this.speech.byte(end - 1) === CR ? end - 1 : end;
    return this.speech.latin1(this.at, Math.min(last, this.at + LINE_MAX));
  }

  /** Steps over the line that ends at `end`. */
  pass(end: number): void {
    const next = Math.min(this.speech.length, end + 1);
    this.#searched = 0;
    if (this.isKept) this.at = next;
    else this.speech.take(next);
  }

  /** Drops the rest of an overlong line; false when more of it is to come. */
  passRest(): boolean {
    const end = this.speech.find(LF);
    this.#searched = 0;
    if (end < 0) {
      this.speech.take(this.speech.length);
      return false;
    }
    this.isOverlong = false;
    this.speech.take(end + 1);
    return true;
  }

  /** What comes has nothing to do with what was before. */
  restart(): void {
    this.isKept = false;
    this.isOverlong = false;
    this.at = 0;
    this.#searched = 0;
  }

  /** Keeps no body any more; what was read of it goes. */
  drop(): void {
    this.speech.take(this.at);
    this.isKept = false;
    this.at = 0;
    this.#searched = 0;
  }
}
