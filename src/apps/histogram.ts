// Latencies in bounded memory: a log-linear histogram. Each power of two is cut into 128 equal parts, so a quantile is
// off by less than 1/128 of itself (0.8 %); below 128 it is exact. At most 5,888 counters for all of 0 to 2^53.

const PARTS = 128;
const PART_BITS = 7;

export interface HistogramSummary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** A histogram as plain data, for another process. */
export interface HistogramState {
  readonly counts: Float64Array;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

export class Histogram {
  #counts: Float64Array = new Float64Array(0);
  count = 0;
  sum = 0;
  min = 0;
  max = 0;

  /** @param value 0 or more; parts of a whole are cut off */
  add(value: number): void {
    const whole = Math.max(0, Math.floor(value));
    const slot = slotOf(whole);
    if (slot >= this.#counts.length) this.#grow(slot + 1);
    this.#counts[slot] = (this.#counts[slot] as number) + 1;
    this.min = this.count === 0 ? whole : Math.min(this.min, whole);
    this.max = Math.max(this.max, whole);
    this.sum += whole;
    this.count++;
  }

  /** The value that the part `q` (0 to 1) of all does not exceed: the middle of its slot, never outside [min, max]; 0 when empty. */
  quantile(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let slot = 0; slot < this.#counts.length; slot++) {
      seen += this.#counts[slot] as number;
      if (seen >= rank && this.count > 0) {
        const [low, width] = boundsOf(slot);
        return Math.min(this.max, Math.max(this.min, low + Math.floor((width - 1) / 2)));
      }
    }
    return 0;
  }

  summary(): HistogramSummary {
    return {
      count: this.count,
      min: this.min,
      mean: this.count === 0 ? 0 : this.sum / this.count,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      max: this.max,
    };
  }

  merge(other: Histogram): void {
    if (other.count === 0) return;
    if (other.#counts.length > this.#counts.length) this.#grow(other.#counts.length);
    for (let slot = 0; slot < other.#counts.length; slot++) {
      this.#counts[slot] = (this.#counts[slot] as number) + (other.#counts[slot] as number);
    }
    this.min = this.count === 0 ? other.min : Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.sum += other.sum;
    this.count += other.count;
  }

  state(): HistogramState {
    const { count, sum, min, max } = this;
    return { counts: this.#counts, count, sum, min, max };
  }

  static of({ counts, count, sum, min, max }: HistogramState): Histogram {
    const made = new Histogram();
    made.#counts = counts;
    return Object.assign(made, { count, sum, min, max });
  }

  #grow(size: number): void {
    const counts = new Float64Array(Math.ceil(size / PARTS) * PARTS);
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

/** Values below 128 have a slot each; then 128 slots for each power of two. */
function slotOf(value: number): number {
  if (value < PARTS) return value;
  let power = Math.floor(Math.log2(value));
  // log2 rounds: just below a large power of two it may answer that power.
  if (2 ** power > value) power--;
  const part = Math.floor(value / 2 ** (power - PART_BITS)) - PARTS;
  return (power - PART_BITS + 1) * PARTS + part;
}

function boundsOf(slot: number): [low: number, width: number] {
  if (slot < PARTS) return [slot, 1];
  const width = 2 ** (Math.floor(slot / PARTS) - 1);
  return [(PARTS + (slot % PARTS)) * width, width];
}
