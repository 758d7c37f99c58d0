// pcapng time stamps: a 64-bit count of ticks, in two halves, at 10^n or 2^n ticks a second (if_tsresol) and moved by
// whole seconds (if_tsoffset).
//
// 64 bits do not fit a double and a bigint per packet is too slow, so the high half's share is worked out once in
// bigints and kept: it changes every 71 minutes at microseconds, every 4.3 seconds at nanoseconds.

/** High halves a tick a second, 2^52 seconds and more, beyond which adding to seconds is no longer exact. */
const SECONDS_EXACT = 0x10_0000;

/** Turns ticks into seconds and nanoseconds, for one interface. */
export class Timescale {
  /** The answer of the last `set`. */
  seconds = 0;
  nanos = 0;

  readonly #ticks: bigint;
  readonly #offset: bigint;
  /** Ticks a second where the quick way is exact, else 0. */
  readonly #quick: number;
  readonly #decimal: boolean;
  #high = -1;
  #baseSeconds = 0;
  /** Ticks of the high half beyond whole seconds. */
  #baseTicks = 0;

  constructor(base: 2 | 10, exponent: number, offsetSeconds: bigint) {
    this.#ticks = BigInt(base) ** BigInt(exponent);
    this.#offset = offsetSeconds;
    this.#decimal = base === 10;
    // With more than 2^23 ticks, a fraction times 10^9 would no longer be a whole double.
    const whole = exponent <= (base === 10 ? 9 : 23) && BigInt.asIntN(53, offsetSeconds) === offsetSeconds;
    this.#quick = whole ? Number(this.#ticks) : 0;
  }

  set(high: number, low: number): void {
    const quick = this.#quick;
    // Seconds that a double cannot count exactly are rounded once, in #exactly, and not twice.
    if (quick === 0 || (high !== this.#high && high / quick > SECONDS_EXACT)) {
      this.#exactly((BigInt(high) << 32n) | BigInt(low));
      return;
    }
    if (high !== this.#high) {
      const ticks = BigInt(high) << 32n;
      this.#high = high;
      this.#baseSeconds = Number(ticks / this.#ticks + this.#offset);
      this.#baseTicks = Number(ticks % this.#ticks);
    }
    const ticks = this.#baseTicks + low;
    const whole = Math.floor(ticks / quick);
    const rest = ticks - whole * quick;
    this.seconds = this.#baseSeconds + whole;
    this.nanos = this.#decimal ? rest * (1e9 / quick) : Math.floor((rest * 1e9) / quick);
  }

  #exactly(ticks: bigint): void {
    this.seconds = Number(ticks / this.#ticks + this.#offset);
    this.nanos = Number(((ticks % this.#ticks) * 1_000_000_000n) / this.#ticks);
  }
}
