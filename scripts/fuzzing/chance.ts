// Chance from a seed: the same seed gives the same inputs on any machine.

export class Chance {
  #state: number;

  constructor(seed: number) {
    // A state of 0 would stay 0.
    this.#state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) | 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** 0 to 2^32 - 1 (xorshift32). */
  next(): number {
    let s = this.#state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.#state = s;
    return s >>> 0;
  }

  /** 0 to `n` - 1; 0 when `n` is 0. */
  below(n: number): number {
    return n <= 1 ? 0 : Math.floor((this.next() / 0x1_0000_0000) * n);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** 0 to `n` - 1, small ones more often: most of what matters stands in front. */
  near(n: number): number {
    return this.oneIn(3) ? this.below(n) : this.below(Math.min(n, 1 + this.below(160)));
  }
}
