// Where the slabs of a pool are in memory, for system calls that read and write frames in place.

import type { Libc } from './libc.ts';

const NOTHING = new Uint8Array(0);

export class Slabs {
  readonly #libc: Libc;
  readonly #known: Map<Uint8Array, number> = new Map();
  #last: Uint8Array = NOTHING;
  #lastAt = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** The address of a slab's first byte. A slab stays where it is for as long as its pool. */
  addressOf(bytes: Uint8Array): number {
    if (bytes === this.#last) return this.#lastAt;
    let at = this.#known.get(bytes);
    if (at === undefined) {
      at = this.#libc.addressOf(bytes);
      this.#known.set(bytes, at);
    }
    this.#last = bytes;
    this.#lastAt = at;
    return at;
  }
}
