// Eight-word keys to small row numbers, for counters: open addressing over rows that stand one behind the other.
//
//   slots: | . | 2 | . | 0 | 1 | . |      row + 1 by hash; 0 is empty; at most half are filled
//   rows:  | key, 8 words; its owner's, 8 words | ... |   in the order in which they came
//
// A row is one line of the processor's cache, so that finding and counting touch it once. Looking up allocates nothing; adding
// allocates only when the table doubles.

/** Words of a row: eight of the key, then eight that are 0 at first and the owner's. */
export const ROW_WORDS = 16;
/** Rows that there is room for at first: memory is given by the page, so room that is not used costs nothing. */
export const FIRST_ROWS = 16_384;

/** Where a table lies. */
export interface Storage {
  /** Room for so many rows: all zeros, or what there was before with zeros behind. */
  rows(count: number): Int32Array;
  /** So many zeros; what there was before is not needed. */
  slots(count: number): Int32Array;
}

export const HEAP: Storage = {
  rows: (count) => new Int32Array(count * ROW_WORDS),
  slots: (count) => new Int32Array(count),
};

export class KeyTable {
  /** Rows in use. */
  count = 0;
  /** ROW_WORDS words a row. */
  rows: Int32Array;
  /** Rows that there is room for without doubling. */
  room: number;
  readonly #most: number;
  readonly #storage: Storage;
  readonly k1: number;
  readonly k2: number;
  readonly k3: number;
  readonly k4: number;
  slots: Int32Array;
  mask: number;

  /**
   * @param most rows at most, 1 or more
   * @param salt any 32-bit number; a secret one keeps whoever made a capture from choosing keys that collide
   * @param storage default the heap; it is asked once a doubling
   * @param first rows to have room for at first, a power of two
   */
  constructor(most: number, salt = 0, storage: Storage = HEAP, first: number = FIRST_ROWS) {
    this.#most = most;
    this.#storage = storage;
    this.room = Math.min(first, most);
    this.rows = storage.rows(first);
    this.slots = storage.slots(first * 2);
    this.mask = first * 2 - 1;
    this.k1 = odd(salt, 0x85ebca6b);
    this.k2 = odd(salt, 0xc2b2ae35);
    this.k3 = odd(salt, 0x27d4eb2f);
    this.k4 = odd(salt, 0x165667b1);
  }

  /** A table that never has to be doubled. */
  static sized(most: number): KeyTable {
    let first = 1;
    while (first < most) first *= 2;
    return new KeyTable(most, 0, HEAP, first);
  }

  /** The row of a key, added if it is new; -1 when it is new and the table is full. Words are compared as 32 bits. */
  row(a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number): number {
    const rows = this.rows;
    const slots = this.slots;
    const mask = this.mask;
    let at = this.#hash(a, b ^ e, c ^ f, d ^ g ^ (h << 8)) & mask;
    for (;;) {
      const row = (slots[at] as number) - 1;
      if (row < 0) return this.#add(at, a, b, c, d, e, f, g, h);
      const o = row * ROW_WORDS;
      if (
        rows[o] === a &&
        rows[o + 1] === b &&
        rows[o + 2] === c &&
        rows[o + 3] === d &&
        rows[o + 4] === e &&
        rows[o + 5] === f &&
        rows[o + 6] === g &&
        rows[o + 7] === h
      ) {
        return row;
      }
      at = (at + 1) & mask;
    }
  }

  /** Word `word` (0 to 7) of a row, as a signed 32-bit number. */
  word(row: number, word: number): number {
    return this.rows[row * ROW_WORDS + word] as number;
  }

  #add(
    at: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
  ): number {
    const row = this.count;
    if (row === this.#most) return -1;
    if (row === this.room) {
      this.#grow();
      return this.row(a, b, c, d, e, f, g, h);
    }
    this.count = row + 1;
    this.slots[at] = row + 1;
    const rows = this.rows;
    const o = row * ROW_WORDS;
    rows[o] = a;
    rows[o + 1] = b;
    rows[o + 2] = c;
    rows[o + 3] = d;
    rows[o + 4] = e;
    rows[o + 5] = f;
    rows[o + 6] = g;
    rows[o + 7] = h;
    return row;
  }

  /** Four multiplications side by side, not in a chain: the processor does them at once. */
  #hash(a: number, b: number, c: number, d: number): number {
    const h =
      Math.imul(a ^ (a >>> 15), this.k1) ^
      Math.imul(b ^ (b >>> 13), this.k2) ^
      Math.imul(c ^ (c >>> 16), this.k3) ^
      Math.imul(d ^ (d >>> 14), this.k4);
    return h ^ (h >>> 15) ^ (h >>> 7);
  }

  /** Takes slots that somebody else has filled with the rows of this table: two for each row that there is room for. */
  doubled(slots: Int32Array): void {
    this.slots = slots;
    this.mask = slots.length - 1;
    this.room = Math.min(slots.length / 2, this.#most);
  }

  #grow(): void {
    const twice = this.mask + 1;
    const rows = this.#storage.rows(twice);
    if (rows !== this.rows) rows.set(this.rows);
    this.rows = rows;
    const slots = this.#storage.slots(twice * 2);
    const mask = slots.length - 1;
    for (let row = 0; row < this.count; row++) {
      const o = row * ROW_WORDS;
      const c = (rows[o + 2] as number) ^ (rows[o + 5] as number);
      const d = (rows[o + 3] as number) ^ (rows[o + 6] as number) ^ ((rows[o + 7] as number) << 8);
      let at = this.#hash(rows[o] as number, (rows[o + 1] as number) ^ (rows[o + 4] as number), c, d) & mask;
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = row + 1;
    }
    this.doubled(slots);
  }
}

/** An odd multiplier of the salt's making. */
function odd(salt: number, base: number): number {
  let k = Math.imul(salt ^ base, 0x9e3779b1);
  k ^= k >>> 15;
  return (Math.imul(k, base) ^ base) | 1;
}
