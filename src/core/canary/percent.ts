// Looks for a canary of which any characters are percent-encoded, in either case of the digits (RFC 3986 s.2.1): bytes are
// decoded as they come and compared as they are decoded (Knuth, Morris and Pratt), so that no list of forms is needed.

const PERCENT = 0x25;
const PLUS = 0x2b;
const BLANK = 0x20;
/** What a digit is not. */
const NO_DIGIT = 16;

const DIGIT: Uint8Array = new Uint8Array(256).fill(NO_DIGIT);
for (let i = 0; i < 10; i++) DIGIT[0x30 + i] = i;
for (let i = 0; i < 6; i++) {
  DIGIT[0x41 + i] = 10 + i;
  DIGIT[0x61 + i] = 10 + i;
}

/** For one canary; shared by all who look for it. */
export class PercentPattern {
  readonly canary: Uint8Array;
  /** A blank may be written `+`, as in forms (WHATWG URL, s.5.1). */
  readonly isForm: boolean;
  /** How much of the canary still stands when the next byte is another than wanted. */
  readonly border: Int32Array;

  constructor(canary: Uint8Array, isForm: boolean) {
    this.canary = canary;
    this.isForm = isForm;
    this.border = bordersOf(canary);
  }
}

function bordersOf(canary: Uint8Array): Int32Array {
  const border = new Int32Array(canary.length + 1);
  border[0] = -1;
  let k = -1;
  for (let i = 0; i < canary.length; i++) {
    while (k >= 0 && canary[k] !== canary[i]) k = border[k] as number;
    border[i + 1] = ++k;
  }
  return border;
}

/** Follows one run of bytes. */
export class PercentSearch {
  readonly #pattern: PercentPattern;
  /** Where each of the last characters began, and which was the last that was encoded, both by their number. */
  readonly #began: Float64Array;
  #characters = 0;
  #encoded = -1;
  #matched = 0;
  /** 0: outside; 1: behind `%`; 2: behind `%` and a digit. */
  #stage: 0 | 1 | 2 = 0;
  #percentAt = 0;
  #digit = 0;

  constructor(pattern: PercentPattern) {
    this.#pattern = pattern;
    this.#began = new Float64Array(pattern.canary.length);
  }

  /** What comes next does not follow what came. */
  reset(): void {
    this.#matched = 0;
    this.#stage = 0;
  }

  /** Nothing of the canary is pending: what comes may be skipped up to its first byte, a `%` or a `+`. */
  get idle(): boolean {
    return this.#matched === 0 && this.#stage === 0;
  }

  /** Takes the byte at a position; answers where the canary began that ends with it, and -1 where none does. */
  take(byte: number, position: number): number {
    if (this.#stage === 0) {
      if (byte !== PERCENT) return this.#character(byte, position, false);
      this.#stage = 1;
      this.#percentAt = position;
      return -1;
    }
    const digit = DIGIT[byte] as number;
    if (digit === NO_DIGIT) return this.#stray(byte, position);
    if (this.#stage === 1) {
      this.#stage = 2;
      this.#digit = byte;
      return -1;
    }
    this.#stage = 0;
    return this.#character(((DIGIT[this.#digit] as number) << 4) | digit, this.#percentAt, true);
  }

  /** A `%` that encodes nothing stands for itself. */
  #stray(byte: number, position: number): number {
    const behind = this.#stage === 2;
    this.#stage = 0;
    const percent = this.#character(PERCENT, this.#percentAt, false);
    const digit = behind ? this.#character(this.#digit, this.#percentAt + 1, false) : -1;
    return Math.max(percent, digit, this.take(byte, position));
  }

  #character(byte: number, position: number, encoded: boolean): number {
    const { canary, border, isForm } = this.#pattern;
    const isBlank = isForm && !encoded && byte === PLUS;
    const value = isBlank ? BLANK : byte;
    const number = this.#characters++;
    this.#began[number % canary.length] = position;
    if (encoded || isBlank) this.#encoded = number;
    let matched = this.#matched;
    while (matched >= 0 && canary[matched] !== value) matched = border[matched] as number;
    matched++;
    if (matched < canary.length) {
      this.#matched = matched;
      return -1;
    }
    this.#matched = border[matched] as number;
    // Without any encoding it is the canary as it stands, which others look for.
    const first = number - canary.length + 1;
    return this.#encoded >= first ? (this.#began[first % canary.length] as number) : -1;
  }
}
