// A set of integers for serial allocation: "which is the next free number from here on?".
//
// The numbers are cut into pages of 4096 bits that exist only while a bit in them is set, so a pool of 2^53 addresses
// costs what its leases cost. A full page is skipped by its count, a full word by one comparison, and the bit within a
// word is found with Math.clz32.
//
//   index = page * 4096 + word * 32 + bit

import { VxlabError } from '../../core/wire/numbers.ts';

const PAGE_BITS = 4096;

interface Page {
  readonly words: Uint32Array;
  count: number;
}

export class Bitmap {
  /** Indices go from 0 to `size` - 1. */
  readonly size: number;
  #count = 0;
  readonly #pageWords: number;
  readonly #pages = new Map<number, Page>();

  /** @throws VxlabError OUT_OF_RANGE unless `size` is an integer from 0 to 2^53 */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 0 || size > 2 ** 53) {
      throw new VxlabError('OUT_OF_RANGE', `a bitmap cannot have ${size} bits`);
    }
    this.size = size;
    this.#pageWords = Math.ceil(Math.min(size, PAGE_BITS) / 32);
  }

  /** How many bits are set. */
  get count(): number {
    return this.#count;
  }

  /** @throws VxlabError OUT_OF_RANGE */
  test(index: number): boolean {
    this.#checkIndex(index);
    const page = this.#pages.get(Math.floor(index / PAGE_BITS));
    if (page === undefined) return false;
    const bit = index % PAGE_BITS;
    return ((page.words[bit >>> 5] as number) & (1 << (bit & 31))) !== 0;
  }

  /** Sets a bit and tells whether it was clear before. @throws VxlabError OUT_OF_RANGE */
  set(index: number): boolean {
    this.#checkIndex(index);
    const key = Math.floor(index / PAGE_BITS);
    let page = this.#pages.get(key);
    if (page === undefined) {
      page = { words: new Uint32Array(this.#pageWords), count: 0 };
      this.#pages.set(key, page);
    }
    const bit = index % PAGE_BITS;
    const word = page.words[bit >>> 5] as number;
    const mask = 1 << (bit & 31);
    if ((word & mask) !== 0) return false;
    page.words[bit >>> 5] = word | mask;
    page.count++;
    this.#count++;
    return true;
  }

  /** Clears a bit and tells whether it was set before. @throws VxlabError OUT_OF_RANGE */
  clear(index: number): boolean {
    this.#checkIndex(index);
    const key = Math.floor(index / PAGE_BITS);
    const page = this.#pages.get(key);
    if (page === undefined) return false;
    const bit = index % PAGE_BITS;
    const word = page.words[bit >>> 5] as number;
    const mask = 1 << (bit & 31);
    if ((word & mask) === 0) return false;
    page.words[bit >>> 5] = word & ~mask;
    page.count--;
    this.#count--;
    if (page.count === 0) this.#pages.delete(key);
    return true;
  }

  /** The first clear index from `from` on and below `end`, or -1. */
  nextClear(from: number, end: number = this.size): number {
    const stop = Math.min(end, this.size);
    let at = Math.max(0, from);
    while (at < stop) {
      const key = Math.floor(at / PAGE_BITS);
      const page = this.#pages.get(key);
      if (page === undefined) return at;
      const base = key * PAGE_BITS;
      if (page.count < PAGE_BITS) {
        const bit = clearInPage(page.words, at - base);
        if (bit >= 0) return base + bit < stop ? base + bit : -1;
      }
      at = base + PAGE_BITS;
    }
    return -1;
  }

  #checkIndex(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.size) return;
    throw new VxlabError('OUT_OF_RANGE', `bit ${index} is not one of the ${this.size} bits of this bitmap`);
  }
}

function clearInPage(words: Uint32Array, from: number): number {
  let low = -1 << (from & 31);
  for (let i = from >>> 5; i < words.length; i++) {
    const free = ~(words[i] as number) & low;
    if (free !== 0) return i * 32 + 31 - Math.clz32(free & -free);
    low = -1;
  }
  return -1;
}
