// Looks for many patterns at once in one pass over bytes (Aho and Corasick, "Efficient string matching", CACM 18(6), 1975): a
// table of states, one step a byte whatever is looked for. Bytes that no pattern has share a column of the table.

/** Where a search stands, in `next`'s terms, before the first byte. */
export const START = 0;

export class Automaton {
  /** Columns of the table by byte. */
  readonly #column: Uint16Array = new Uint16Array(256);
  readonly #columns: number;
  /** The next state's row, by row and column. */
  readonly #table: Int32Array;
  /** The patterns that end in a state, by its row; null for none. */
  readonly #ends: (readonly number[] | null)[];

  /** @param patterns each of at least one byte */
  constructor(patterns: readonly Uint8Array[]) {
    let columns = 1;
    for (const pattern of patterns) {
      for (const byte of pattern) if (this.#column[byte] === 0) this.#column[byte] = columns++;
    }
    this.#columns = columns;
    const states = patterns.reduce((sum, { length }) => sum + length, 1);
    const table = new Int32Array(states * this.#columns).fill(-1);
    const ends: number[][] = [[]];
    for (const [index, pattern] of patterns.entries()) {
      let state = 0;
      for (const byte of pattern) {
        const cell = state * this.#columns + (this.#column[byte] as number);
        if ((table[cell] as number) < 0) table[cell] = ends.push([]) - 1;
        state = table[cell] as number;
      }
      (ends[state] as number[]).push(index);
    }
    this.#link(table, ends);
    this.#table = table.map((state) => state * this.#columns);
    this.#ends = ends.map((list) => (list.length === 0 ? null : list));
  }

  /** The patterns, by their index, that end here; null for none. */
  ends(state: number): readonly number[] | null {
    return this.#ends[state / this.#columns] as readonly number[] | null;
  }

  /** Goes on over bytes [from, to) and stops behind the first byte where a pattern ends. Read `at` and `state` afterwards. */
  run(state: number, bytes: Uint8Array, from: number, to: number): void {
    const table = this.#table;
    const column = this.#column;
    const ends = this.#ends;
    const columns = this.#columns;
    let now = state;
    for (let at = from; at < to; at++) {
      now = table[now + (column[bytes[at] as number] as number)] as number;
      if (now !== 0 && ends[now / columns] !== null) {
        this.at = at + 1;
        this.state = now;
        return;
      }
    }
    this.at = to;
    this.state = now;
  }

  at = 0;
  state: number = START;

  /** Fills in where a search goes on when a state has no way for a byte: level by level, as shorter suffixes are done first. */
  #link(table: Int32Array, ends: number[][]): void {
    const columns = this.#columns;
    const suffix = new Int32Array(ends.length);
    const queue: number[] = [];
    for (let c = 0; c < columns; c++) {
      const to = table[c] as number;
      if (to < 0) table[c] = 0;
      else queue.push(to);
    }
    for (const state of queue) {
      const shorter = suffix[state] as number;
      for (const index of ends[shorter] as number[]) (ends[state] as number[]).push(index);
      for (let c = 0; c < columns; c++) {
        const cell = state * columns + c;
        const to = table[cell] as number;
        const other = table[shorter * columns + c] as number;
        if (to < 0) table[cell] = other;
        else {
          suffix[to] = other;
          queue.push(to);
        }
      }
    }
  }
}
