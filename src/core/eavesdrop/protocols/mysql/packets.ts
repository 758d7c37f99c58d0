// MySQL's packets ("MySQL Packets" of the client/server protocol): a length of three bytes, low one first, a number, the payload.
// A payload of 2^24 - 1 bytes goes on in the next packet. Of long ones the beginning is waited for and the rest passed over.

import type { Speech } from '../../reader.ts';
import type { Stretch } from '../grammar/cursor.ts';
import { Cursor } from '../grammar/cursor.ts';

export const HEAD = 4;
const FULL = 0xff_ffff;
/** Bytes of a payload that are waited for. */
export const WINDOW = 16_384;

export class Packets {
  readonly #speech: Speech;
  #goesOn = false;
  seq = 0;
  /** Bytes of the payload. */
  size = 0;
  /** The payload's bytes that are there are [HEAD, end). */
  end = 0;

  constructor(speech: Speech) {
    this.#speech = speech;
  }

  /** Whether a packet stands at the start of what was said. `done` takes it in. */
  next(): boolean {
    const speech = this.#speech;
    for (;;) {
      if (speech.length < HEAD) return false;
      this.size = speech.byte(0) | (speech.byte(1) << 8) | (speech.byte(2) << 16);
      this.seq = speech.byte(3);
      const isMore = this.#goesOn;
      if (isMore) {
        this.done();
        continue;
      }
      this.end = HEAD + Math.min(this.size, WINDOW);
      if (speech.length >= this.end) return true;
      if (!speech.full) return false;
      this.end = speech.length;
      return true;
    }
  }

  /** The payload's first byte, -1 for none. */
  get first(): number {
    return this.end > HEAD ? this.#speech.byte(HEAD) : -1;
  }

  cursor(): Cursor {
    return new Cursor(this.#speech, HEAD, this.end);
  }

  done(): void {
    this.#goesOn = this.size === FULL;
    this.#speech.skip(HEAD + this.size);
  }

  /** What comes next starts a packet. */
  lost(): void {
    this.#goesOn = false;
    this.#speech.take(this.#speech.length);
  }
}

/** A number in one, three, four or nine bytes ("length-encoded integer"); -1 for NULL. */
export function lengthEncoded(cursor: Cursor): number {
  const first = cursor.little(1);
  if (first < 0xfb) return first;
  if (first === 0xfb) return -1;
  if (first === 0xfc) return cursor.little(2);
  if (first === 0xfd) return cursor.little(3);
  const low = cursor.little(4);
  return first === 0xfe ? low + cursor.little(4) * 0x1_0000_0000 : 0;
}

/** A string after its length; null for NULL. */
export function encodedString(cursor: Cursor): Stretch | null {
  const length = lengthEncoded(cursor);
  return length < 0 ? null : cursor.stretch(length);
}
