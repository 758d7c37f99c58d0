// Bytes that belong together and stand in pieces in a speech: a chunked body, a message over several records.

import type { Speech } from './reader.ts';

/** Bytes, and where in the speech each of them stands. */
export interface Stretch {
  readonly bytes: Uint8Array;
  /** Position in the speech of byte `at`; of the first or last one where `at` is none. */
  position(at: number): number;
}

export class Pieces implements Stretch {
  readonly bytes: Uint8Array;
  readonly #pieces: readonly number[];

  /** @param pieces position, length, position, length ... */
  constructor(speech: Speech, pieces: readonly number[]) {
    this.#pieces = pieces;
    let size = 0;
    for (let i = 1; i < pieces.length; i += 2) size += pieces[i] as number;
    if (pieces.length === 2) {
      this.bytes = speech.bytes(pieces[0] as number, (pieces[0] as number) + size);
      return;
    }
    this.bytes = new Uint8Array(size);
    let o = 0;
    for (let i = 0; i < pieces.length; i += 2) {
      const [at, length] = [pieces[i] as number, pieces[i + 1] as number];
      this.bytes.set(speech.bytes(at, at + length), o);
      o += length;
    }
  }

  position(at: number): number {
    let left = Math.max(0, Math.min(at, this.bytes.length - 1));
    for (let i = 0; i < this.#pieces.length; i += 2) {
      const length = this.#pieces[i + 1] as number;
      if (left < length) return (this.#pieces[i] as number) + left;
      left -= length;
    }
    return 0;
  }
}
