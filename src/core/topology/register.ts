// Things by a key of five 32-bit words, in the order in which they came: open addressing over rows of keys, each with what
// it stands for. Looking up allocates nothing.
//
//   slots: | . | 2 | . | 0 | 1 | . |      row + 1 by hash; 0 is empty; at most half are filled
//   keys:  | five words | five words | ...
//   values: what stands for the row

const WORDS = 5;
const FIRST_ROWS = 64;

export class Register<T> {
  readonly values: T[] = [];
  /** True once something was turned away. */
  full = false;
  readonly #most: number;
  readonly #salt: number;
  #keys: Int32Array = new Int32Array(FIRST_ROWS * WORDS);
  #slots: Int32Array = new Int32Array(FIRST_ROWS * 2);
  #mask: number = FIRST_ROWS * 2 - 1;

  /**
   * @param most rows at most, 1 or more
   * @param salt any 32-bit number; a secret one keeps whoever made a capture from choosing keys that collide
   */
  constructor(most: number, salt: number) {
    this.#most = most;
    this.#salt = salt | 0;
  }

  /** What has this key, if anything has. Words are compared as 32 bits. */
  find(a: number, b = 0, c = 0, d = 0, e = 0): T | undefined {
    const row = this.#row(a | 0, b | 0, c | 0, d | 0, e | 0);
    return row < 0 ? undefined : this.values[row];
  }

  /** Puts a value under a key that has none. False, and nothing is kept, when there is no room. */
  add(value: T, a: number, b = 0, c = 0, d = 0, e = 0): boolean {
    const row = this.values.length;
    if (row >= this.#most) {
      this.full = true;
      return false;
    }
    if (row * WORDS === this.#keys.length) this.#grow();
    this.#keys.set([a, b, c, d, e], row * WORDS);
    this.values.push(value);
    this.#place(row);
    return true;
  }

  /** Word `word` (0 to 4) of a row's key, as a signed 32-bit number. */
  word(row: number, word: number): number {
    return this.#keys[row * WORDS + word] as number;
  }

  #row(a: number, b: number, c: number, d: number, e: number): number {
    const keys = this.#keys;
    let at = this.#hash(a, b, c, d, e) & this.#mask;
    for (;;) {
      const row = (this.#slots[at] as number) - 1;
      if (row < 0) return -1;
      const o = row * WORDS;
      if (keys[o] === a && keys[o + 1] === b && keys[o + 2] === c && keys[o + 3] === d && keys[o + 4] === e) {
        return row;
      }
      at = (at + 1) & this.#mask;
    }
  }

  #place(row: number): void {
    const w = (i: number): number => this.word(row, i);
    let at = this.#hash(w(0), w(1), w(2), w(3), w(4)) & this.#mask;
    while (this.#slots[at] !== 0) at = (at + 1) & this.#mask;
    this.#slots[at] = row + 1;
  }

  #grow(): void {
    const keys = new Int32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Int32Array(this.#slots.length * 2);
    this.#mask = this.#slots.length - 1;
    for (let row = 0; row < this.values.length; row++) this.#place(row);
  }

  #hash(a: number, b: number, c: number, d: number, e: number): number {
    let h = mix(this.#salt, a);
    h = mix(h, b);
    h = mix(h, c);
    h = mix(h, d);
    h = mix(h, e);
    return h ^ (h >>> 15);
  }
}

function mix(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x9e3779b1);
  return Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ (h >>> 13);
}
