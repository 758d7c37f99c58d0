// Smallest, middle and largest of many numbers in bounded memory: the middle is exact for the first 65,536, and of every second,
// fourth... number beyond.

const KEPT = 0x1_0000;

export class Samples {
  count = 0;
  min: number = Number.POSITIVE_INFINITY;
  max: number = Number.NEGATIVE_INFINITY;
  readonly #kept: number[] = [];
  #every = 1;

  add(value: number): void {
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    if (this.count++ % this.#every !== 0) return;
    this.#kept.push(value);
    if (this.#kept.length < KEPT) return;
    for (let i = 0; i < KEPT / 2; i++) this.#kept[i] = this.#kept[2 * i] as number;
    this.#kept.length = KEPT / 2;
    this.#every *= 2;
  }

  /** The lower middle of what is kept; NaN of nothing. */
  get median(): number {
    const sorted = [...this.#kept].sort((a, b) => a - b);
    return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  }
}
