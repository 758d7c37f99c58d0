// IPv6 addresses as small numbers, so that a key holds either family in one word; an IPv4 address stands for itself.

import type { Ip } from '../wire/address.ts';
import { KeyTable } from './key-table.ts';

export class Addresses {
  readonly #table: KeyTable;

  /** @param most different addresses at most */
  constructor(most: number, salt: number) {
    this.#table = new KeyTable(most, salt);
  }

  /** The number of the IPv6 address at `at`; -1 when it is new and there is no room. */
  number6(view: DataView, at: number): number {
    return this.#table.row(
      view.getInt32(at),
      view.getInt32(at + 4),
      view.getInt32(at + 8),
      view.getInt32(at + 12),
      0,
      0,
      0,
      0,
    );
  }

  /** All addresses in the order of their numbers, four words each. */
  words(): Int32Array {
    const words = new Int32Array(this.#table.count * 4);
    for (let i = 0; i < words.length; i++) words[i] = this.#table.word(i >> 2, i & 3);
    return words;
  }

  /** Takes the `words` of another table, and says which number each of its addresses has here. */
  take(words: Int32Array): Int32Array {
    const numbers = new Int32Array(words.length / 4);
    numbers.forEach((_, i) => {
      const word = (w: number): number => words[i * 4 + w] as number;
      numbers[i] = this.#table.row(word(0), word(1), word(2), word(3), 0, 0, 0, 0);
    });
    return numbers;
  }

  /** The address that a word of a key stands for. */
  address(word: number, isIp6: boolean): Ip {
    if (!isIp6) return word >>> 0;
    const part = (i: number): number => this.#table.word(word, i) >>> 0;
    return { a: part(0), b: part(1), c: part(2), d: part(3) };
  }
}
