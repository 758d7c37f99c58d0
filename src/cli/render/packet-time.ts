// The time column: seconds since the first packet, with as many places as the file's clock has.

import type { PacketMeta } from '../../core/pcap/record.ts';
import { putDigits, putRight } from './byte-text.ts';

/** Characters of the column at least. */
const WIDTH = 10;
const DOT = 0x2e;

export class PacketTime {
  readonly #seconds: number;
  readonly #nanos: number;
  readonly #places: 6 | 9;

  /** @param first the packet that is at 0 */
  constructor(first: PacketMeta, places: 6 | 9) {
    this.#seconds = first.seconds;
    this.#nanos = first.nanos;
    this.#places = places;
  }

  /** The column as text; nothing for a packet without a time. */
  text({ seconds, nanos, timed }: PacketMeta): string {
    if (!timed) return ''.padStart(WIDTH);
    const total = BigInt(seconds - this.#seconds) * 1_000_000_000n + BigInt(nanos - this.#nanos);
    const size = total < 0n ? -total : total;
    const fraction = String(size % 1_000_000_000n)
      .padStart(9, '0')
      .slice(0, this.#places);
    return `${total < 0n ? '-' : ''}${size / 1_000_000_000n}.${fraction}`.padStart(WIDTH);
  }

  /** True when the packet has a time that `write` can write: at or after the first, and no damaged fraction. */
  isPlain({ seconds, nanos, timed }: PacketMeta): boolean {
    const s = seconds - this.#seconds;
    if (!timed || nanos >= 1e9 || this.#nanos >= 1e9 || s >= 1e8) return false;
    return s > 0 || (s === 0 && nanos >= this.#nanos);
  }

  /** Writes the column of a packet that is plain at a place of a block; answers with the place behind it. */
  put(block: DataView, begin: number, { seconds, nanos }: PacketMeta): number {
    let s = seconds - this.#seconds;
    let n = nanos - this.#nanos;
    if (n < 0) {
      s--;
      n += 1e9;
    }
    const at = putRight(block, begin, s, WIDTH - 1 - this.#places);
    block.setUint8(at, DOT);
    return putDigits(block, at + 1, this.#places === 9 ? n : Math.floor(n / 1000), this.#places);
  }
}
