// Which sequence numbers of an association have come already: RFC 4303 s.3.4.3. A window of bits behind the highest number
// seen; what is older than the window, or came before, is a replay. A number counts only once its packet was proved.
//
//   bits:  ring of `size` bits, number n at bit n mod size        highest - size + 1 ... highest

/** RFC 4303 s.3.4.3: at least 32, 64 preferred. */
export const WINDOW_DEFAULT = 64;
const WORD = 32;

export class ReplayWindow {
  readonly size: number;
  readonly #bits: Uint32Array;
  /** The highest number that came; 0 before the first. */
  highest = 0;

  /** @param size numbers that are remembered, a multiple of 32; 0 looks at nothing, as Docker has it (ReplayWindow: 0) */
  constructor(size: number = WINDOW_DEFAULT) {
    this.size = size;
    this.#bits = new Uint32Array(Math.ceil(size / WORD));
  }

  /** False for a number that came before or is too old to tell, and for 0, which is not sent. */
  isNew(number: number): boolean {
    if (this.size === 0) return true;
    if (number === 0) return false;
    if (number > this.highest) return true;
    if (this.highest - number >= this.size) return false;
    return !this.#has(number % this.size);
  }

  /** Remembers a number that is new and whose packet was proved. */
  accept(number: number): void {
    const { size } = this;
    if (size === 0) return;
    if (number > this.highest) {
      if (number - this.highest >= size) this.#bits.fill(0);
      else for (let n = this.highest + 1; n < number; n++) this.#clear(n % size);
      this.highest = number;
    }
    const bit = number % size;
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] as number) | (1 << (bit & 31));
  }

  #has(bit: number): boolean {
    return ((this.#bits[bit >>> 5] as number) & (1 << (bit & 31))) !== 0;
  }

  #clear(bit: number): void {
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] as number) & ~(1 << (bit & 31));
  }
}
