// The text of a conversation that no protocol claims: where it looks like text all the same, its beginning is told as it is,
// a piece whenever the other side begins to speak. What in it is a secret, nobody can say.

import type { Side, Within } from '../streams/listener.ts';
import type { Talk } from './reader.ts';
import type { Place } from './reading.ts';
import { textOf } from './text.ts';

/** Bytes of a piece, and of a conversation, that are told. */
const PIECE_MAX = 1024;
const TOLD_MAX = 16_384;
/** A shorter piece is no text. */
const PIECE_MIN = 4;
/** Share of bytes that must be printable. */
const SHARE = 0.95;

export class Gist {
  readonly #talk: Talk;
  readonly #piece: Uint8Array = new Uint8Array(PIECE_MAX);
  #length = 0;
  #side: Side = 0;
  #place: Place | null = null;
  #told = 0;
  #isOver = false;

  constructor(talk: Talk) {
    this.#talk = talk;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  hear(
    side: Side,
    bytes: Uint8Array,
    from: number,
    to: number,
    packet: number,
    offset: number,
    within: Within,
  ): void {
    if (this.#isOver) return;
    if (side !== this.#side) this.end();
    if (this.#isOver) return;
    this.#side = side;
    this.#place ??= { packet, offset, within };
    const n = Math.min(to - from, PIECE_MAX - this.#length);
    this.#piece.set(bytes.subarray(from, from + n), this.#length);
    this.#length += n;
    if (n < to - from) {
      this.end();
      // A long text is told by its beginning.
      this.#isOver = this.#isOver || this.#told >= TOLD_MAX;
    }
  }

  /** The piece ends here: it, or all, is over. */
  end(): void {
    const place = this.#place;
    const piece = this.#piece.subarray(0, this.#length);
    this.#place = null;
    this.#length = 0;
    if (place === null || piece.length < PIECE_MIN) return;
    if (!isText(piece)) {
      this.#isOver = true;
      return;
    }
    this.#told += piece.length;
    this.#talk.tell({
      protocol: 'text',
      kind: 'content',
      what: 'text',
      text: textOf(piece),
      secret: '',
      place,
      length: piece.length,
      fromClient: this.#side === 0,
    });
    if (this.#told >= TOLD_MAX) this.#isOver = true;
  }
}

function isText(bytes: Uint8Array): boolean {
  let printable = 0;
  for (const byte of bytes) {
    if ((byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d) printable++;
  }
  return printable >= bytes.length * SHARE;
}
