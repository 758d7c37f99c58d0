// Random numbers that come again: named streams from one seed, so that a new consumer does not shift the others (as in
// ns-3). A stream is sfc32 (PractRand, C. Doty-Humphrey), seeded with FNV-1a hashes of seed and name: fast and good enough
// for traffic, not for secrets.

import { VxlabError } from '../../core/wire/numbers.ts';

export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Three seeds of 32 bits; the counter starts at 1 and twelve numbers are thrown away, as PractRand does. */
  constructor(a: number, b: number, c: number) {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** 0 up to, not including, 1; 32 bits fine. */
  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /**
   * A whole number from 0 up to, not including, `n`; every one as likely.
   * @param n a whole number, 1 to 2^32
   * @throws VxlabError BAD_RANGE
   */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x1_0000_0000) {
      throw new VxlabError('BAD_RANGE', `${n} is not a whole number from 1 to 2^32`);
    }
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % n);
    let drawn = this.uint32();
    while (drawn >= limit) drawn = this.uint32();
    return drawn % n;
  }

  /** Exponentially distributed with this mean: the gaps of a Poisson process. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float());
  }

  /** Normally distributed with mean 0 and deviation 1 (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return radius * Math.cos(2 * Math.PI * this.float());
  }

  /** Puts a list in random order, in place (Fisher-Yates). */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = list[i] as T;
      list[i] = list[j] as T;
      list[j] = kept;
    }
    return list;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.uint32() >>> 24);
  }
}

export class RandomSource {
  readonly #seed: string;

  constructor(seed: number | string) {
    this.#seed = String(seed);
  }

  /** The stream of a name. Asking twice gives two streams with the same numbers. */
  stream(name: string): RandomStream {
    const text = `${this.#seed}\u0000${name}`;
    return new RandomStream(fnv1a(text, 0x811c9dc5), fnv1a(text, 0x9747b28c), fnv1a(text, 0x3c6ef372));
  }
}

/** FNV-1a over UTF-16 units, from a chosen start. */
function fnv1a(text: string, start: number): number {
  let h = start;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h = Math.imul(h ^ (unit & 0xff), 0x01000193);
    h = Math.imul(h ^ (unit >>> 8), 0x01000193);
  }
  return h;
}
