// When each packet of a run is due, in nanoseconds from the first one: as it was recorded, at a rate, so many a second, or at once.
// Every answer is worked out from the beginning, so that nothing adds up: what is late catches up.
//
// A capture's time may stand still, step back or leap. A packet that is a little earlier than the one before it (two processors'
// packets, out of turn) is due with it; after a step back of more than a second the capture's clock was set, and goes on from there.

export type Speed =
  | { readonly kind: 'recorded'; readonly factor: number }
  /** Bits a second of what is handed to the kernel. */
  | { readonly kind: 'rate'; readonly bits: number }
  | { readonly kind: 'pps'; readonly packets: number }
  | { readonly kind: 'top' };

const SECOND = 1_000_000_000;

export class Pace {
  readonly #speed: Speed;
  readonly #maxGap: number;
  /** Of the capture: the latest time seen, and what has passed since the first packet, in its own nanoseconds. */
  #seconds = -1;
  #nanos = 0;
  #passed = 0;
  #packets = 0;
  #bytes = 0;

  /** @param maxGap nanoseconds that two packets in a row are apart at most; only for `recorded` */
  constructor(speed: Speed, maxGap: number = Number.POSITIVE_INFINITY) {
    this.#speed = speed;
    this.#maxGap = speed.kind === 'recorded' ? maxGap * speed.factor : maxGap;
  }

  /** True when there is something to wait for. */
  get waits(): boolean {
    return this.#speed.kind !== 'top';
  }

  /** The capture begins anew: its first packet follows the last one at once. */
  again(): void {
    this.#seconds = -1;
  }

  /** When a packet is due. @param seconds -1 for one without a time */
  due(seconds: number, nanos: number, bytes: number): number {
    const packets = this.#packets++;
    const before = this.#bytes;
    this.#bytes += bytes;
    switch (this.#speed.kind) {
      case 'recorded':
        return this.#recorded(seconds, nanos) / this.#speed.factor;
      case 'rate':
        return (before * 8 * SECOND) / this.#speed.bits;
      case 'pps':
        return (packets * SECOND) / this.#speed.packets;
      default:
        return 0;
    }
  }

  #recorded(seconds: number, nanos: number): number {
    if (seconds < 0) return this.#passed;
    const gap = this.#seconds < 0 ? 0 : (seconds - this.#seconds) * SECOND + (nanos - this.#nanos);
    if (gap > 0) this.#passed += Math.min(gap, this.#maxGap);
    if (this.#seconds < 0 || gap > 0 || gap < -SECOND) {
      this.#seconds = seconds;
      this.#nanos = nanos;
    }
    return this.#passed;
  }
}
