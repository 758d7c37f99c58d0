// How much like text and how much like noise bytes are: counted by value, the first SAMPLE of each conversation.

import type { Opacity } from './report.ts';

/** Bytes of a conversation that are measured at most: the entropy of so many random bytes comes out as 7.997. */
export const SAMPLE = 65_536;

export class Meter {
  readonly #counts: Uint32Array = new Uint32Array(256);
  #bytes = 0;

  get full(): boolean {
    return this.#bytes >= SAMPLE;
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    const counts = this.#counts;
    const last = Math.min(to, from + SAMPLE - this.#bytes);
    for (let i = from; i < last; i++) {
      const byte = bytes[i] as number;
      counts[byte] = (counts[byte] as number) + 1;
    }
    if (last > from) this.#bytes += last - from;
  }

  /** null where nothing was measured. */
  read(): Opacity | null {
    const bytes = this.#bytes;
    if (bytes === 0) return null;
    let printable = 0;
    let entropy = 0;
    for (const [value, count] of this.#counts.entries()) {
      if (count === 0) continue;
      if (isPrintable(value)) printable += count;
      entropy -= (count / bytes) * Math.log2(count / bytes);
    }
    // -0 of a single value.
    return { bytes, printable: printable / bytes, entropy: Math.max(0, entropy) };
  }
}

function isPrintable(value: number): boolean {
  return (value >= 0x20 && value < 0x7f) || value === 0x09 || value === 0x0a || value === 0x0d;
}
