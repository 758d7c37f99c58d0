// HTTP's chunked coding taken off (RFC 9112 s.7.1): which of the bytes that go by are the body's.

const CR = 0x0d;
const LF = 0x0a;
/** Digits of a chunk's size that are believed. */
const DIGITS_MAX = 8;

type Stage = 'size' | 'extension' | 'data' | 'behind' | 'over';

export class Chunked {
  #stage: Stage = 'size';
  #digits = 0;
  #left = 0;

  /** False behind the last chunk, and from the first byte on that is no chunk's. */
  get active(): boolean {
    return this.#stage !== 'over';
  }

  /** Tells, piece by piece, which of bytes [from, to) are the body's. */
  take(bytes: Uint8Array, from: number, to: number, body: (from: number, to: number) => void): void {
    for (let at = from; at < to && this.active; ) {
      if (this.#stage === 'data') {
        const end = Math.min(to, at + this.#left);
        body(at, end);
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#stage = 'behind';
      } else this.#step(bytes[at++] as number);
    }
  }

  #step(byte: number): void {
    if (this.#stage === 'behind') {
      if (byte === LF) this.#begin();
      else if (byte !== CR) this.#stage = 'over';
      return;
    }
    if (byte === LF) {
      this.#stage = this.#digits === 0 || this.#left === 0 ? 'over' : 'data';
      return;
    }
    if (this.#stage === 'extension' || byte === CR) return;
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (!Number.isNaN(digit)) {
      this.#left = this.#left * 16 + digit;
      if (++this.#digits > DIGITS_MAX) this.#stage = 'over';
    } else if (this.#digits > 0 && (byte === 0x3b || byte === 0x20)) this.#stage = 'extension';
    else this.#stage = 'over';
  }

  #begin(): void {
    this.#stage = 'size';
    this.#digits = 0;
    this.#left = 0;
  }
}
