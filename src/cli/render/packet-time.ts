// The time column: seconds since the first packet, with as many places as the file's clock has.

import type { PacketMeta } from '../../core/pcap/record.ts';

/** Characters of the column at least. */
const WIDTH = 10;

export class PacketTime {
  readonly #seconds: number;
  readonly #nanos: number;
  readonly places: 6 | 9;
  /** Of what was measured last: whole seconds since the first packet, and the rest in units of the last place. */
  seconds = 0;
  fraction = 0;

  /** @param first the packet that is at 0 */
  constructor(first: PacketMeta, places: 6 | 9) {
    this.#seconds = first.seconds;
    this.#nanos = first.nanos;
    this.places = places;
  }

  /** The column as text; nothing for a packet without a time. */
  text({ seconds, nanos, timed }: PacketMeta): string {
    if (!timed) return ''.padStart(WIDTH);
    const total = BigInt(seconds - this.#seconds) * 1_000_000_000n + BigInt(nanos - this.#nanos);
    const size = total < 0n ? -total : total;
    const fraction = String(size % 1_000_000_000n)
      .padStart(9, '0')
      .slice(0, this.places);
    return `${total < 0n ? '-' : ''}${size / 1_000_000_000n}.${fraction}`.padStart(WIDTH);
  }

  /**
   * Measures a packet's time; false when the column has a form of its own: before the first, after 10^8 seconds, none at all,
   * a damaged fraction.
   */
  measure({ seconds, nanos, timed }: PacketMeta): boolean {
    let s = seconds - this.#seconds;
    let n = nanos - this.#nanos;
    if (!timed || nanos >= 1e9 || this.#nanos >= 1e9 || s >= 1e8) return false;
    if (n < 0) {
      s--;
      n += 1e9;
    }
    if (s < 0) return false;
    this.seconds = s;
    this.fraction = this.places === 9 ? n : Math.floor(n / 1000);
    return true;
  }
}
