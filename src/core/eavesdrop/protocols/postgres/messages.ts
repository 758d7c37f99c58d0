// PostgreSQL's messages ("Message Formats" of the frontend/backend protocol): a letter, a length that counts itself, fields. A
// client's first message has no letter. Of long ones the beginning is waited for and the rest passed over.

import type { Speech } from '../../reader.ts';
import { Cursor } from '../grammar/cursor.ts';

/** Bytes of a message that are waited for. */
export const WINDOW = 16_384;
/** The longest that a server takes or sends (PQ_LARGE_MESSAGE_LIMIT is 2^30 - 1). */
const SIZE_MAX = 0x3fff_ffff;

export const CLIENT_LETTERS = 'BCDEFHPQSXcdfp';
export const SERVER_LETTERS = '123ACDEGHIKNRSTVWZcdnstv';

export class Messages {
  readonly #speech: Speech;
  readonly #letters: string;
  letter = '';
  /** Bytes with letter and length. */
  size = 0;
  /** Fields stand at [from, end), as far as they are there. */
  readonly from = 5;
  end = 0;
  /** What comes is no message. */
  isBroken = false;

  constructor(speech: Speech, letters: string) {
    this.#speech = speech;
    this.#letters = letters;
  }

  /** Whether a message stands at the start of what was said. `done` takes it in. */
  next(): boolean {
    const speech = this.#speech;
    if (this.isBroken || speech.length === 0) return false;
    this.letter = String.fromCharCode(speech.byte(0));
    this.isBroken = !this.#letters.includes(this.letter);
    if (this.isBroken || speech.length < 5) return false;
    const length = speech.uint32(1);
    this.isBroken = length < 4 || length > SIZE_MAX;
    if (this.isBroken) return false;
    this.size = length + 1;
    this.end = Math.min(this.size, WINDOW);
    if (speech.length >= this.end) return true;
    if (!speech.full) return false;
    this.end = speech.length;
    return true;
  }

  cursor(): Cursor {
    return new Cursor(this.#speech, this.from, this.end);
  }

  done(): void {
    this.#speech.skip(this.size);
  }

  /** What comes next starts a message. */
  restart(): void {
    this.#speech.take(this.#speech.length);
    this.isBroken = false;
  }
}

/** How sure it is that a side's speech begins with one of these messages. */
export function beginsMessage(speech: Speech, letters: string): 'more' | 'yes' | 'no' {
  if (speech.length === 0) return 'more';
  if (!letters.includes(String.fromCharCode(speech.byte(0)))) return 'no';
  if (speech.length < 5) return speech.length > 1 && speech.byte(1) > 0x3f ? 'no' : 'more';
  const length = speech.uint32(1);
  return length >= 4 && length <= 0xff_ffff ? 'yes' : 'no';
}
