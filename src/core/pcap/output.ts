// The bytes that a writer has made and the sink has not taken yet: one chunk, handed over when it is full.
//
// A chunk that was handed over belongs to the sink, which may still be writing it to a slow disk, so the next one is
// new: one allocation for thousands of packets.

import { copyBytes } from './copy.ts';
import type { ByteSink } from './record.ts';

const CHUNK_LEN = 0x40000;

export class Output {
  view: DataView;
  #bytes: Uint8Array;
  #used = 0;
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
    this.#bytes = new Uint8Array(CHUNK_LEN);
    this.view = new DataView(this.#bytes.buffer);
  }

  /** Room for `length` bytes, all zero: where they begin in `view`. Good until the next call. */
  reserve(length: number): number {
    if (this.#used + length > this.#bytes.length) {
      this.flush();
      this.#bytes = new Uint8Array(Math.max(CHUNK_LEN, length));
      this.view = new DataView(this.#bytes.buffer);
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }

  /** Copies bytes [start, end) of another view to `at`. */
  copy(at: number, from: DataView, start: number, end: number): void {
    copyBytes(this.view, at, from, start, end);
  }

  /** Copies a whole array to `at`. */
  put(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  /** Hands over what there is. */
  flush(): void {
    if (this.#used === 0) return;
    const full = this.#bytes.subarray(0, this.#used);
    // What is left of the chunk is filled next; the sink's part is not touched again.
    this.#bytes = this.#bytes.subarray(this.#used);
    this.view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.#used = 0;
    this.#sink(full);
  }
}
