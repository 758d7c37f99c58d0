// The simulator's heart: events ordered by time and, at equal times, by the order in which they were added.
//
// A hierarchical timing wheel over the digits of the time in nanoseconds, base 1024, six digits for 53 bits. An event
// lies in the wheel of the highest digit in which its time differs from the current time, in the slot of that digit:
//
//   wheel 5   wheel 4  ...  wheel 1   wheel 0
//   [1024]    [1024]        [1024]    [1024] ◄ one slot is one nanosecond
//
// When wheel 0 has run empty the next used slot of the lowest used wheel is spread over the wheels below it. Slots are
// doubly linked lists and keep their order when they are spread, which is what keeps equal times in order: an event that
// is added later can reach wheel 0 only after the earlier ones were spread there. Bitmaps find the next used slot.
// Adding, firing and cancelling cost the same whether ten events wait or a million.

import { VxlabError } from '../../core/wire/numbers.ts';
import type { Instant, TimerId, TimerTarget } from './clock.ts';

// Bits of a digit. The bitmap of a wheel is then 32 words, and one more word says which of these are not 0.
const DIGIT = 10;
const WHEELS = 6;
const SLOTS = 1024;
const SLOTS_2 = 1024 * 1024;
/** Longest time: 2^53 - 1 ns, 104 days. */
const TIME_MAX = Number.MAX_SAFE_INTEGER;
/** Times are kept as low 30 and high 23 bits: three digits each, both small integers. */
const TWO_30 = 0x4000_0000;
const NIL = -1;

// Four words an entry. What follows it in its slot is kept apart in `#next`: spreading walks that chain, and a chain
// that fits the cache is what makes a hundred thousand waiting events as cheap as a thousand.
const LOW = 0;
const HIGH = 1;
const PREVIOUS = 2;
const GENERATION = 3;
const STRIDE = 4;
/** Stands for the low bits of a free entry's time. */
const FREE = -1;
/** Timer ids carry the entry's number, counted from 1, in their low 26 bits and its generation in 27 above. */
const ENTRIES = 0x400_0000;
const GENERATION_MASK = 0x7ff_ffff;

const NOBODY: TimerTarget = { fire: () => {} };

export class EventQueue {
  /** The event that `next` took out. */
  time: Instant = 0;
  target: TimerTarget = NOBODY;
  token = 0;

  #size = 0;
  /** Everything before this instant has been taken out. */
  #nowLow = 0;
  #nowHigh = 0;
  /** First and last entry of each slot. */
  readonly #ends: Int32Array = new Int32Array(WHEELS * SLOTS * 2).fill(NIL);
  /** A bit for each slot in use, for each word of these that is not 0, and for each wheel in use. */
  readonly #usedSlots: Int32Array = new Int32Array((WHEELS * SLOTS) / 32);
  readonly #usedWords: Int32Array = new Int32Array(WHEELS);
  #usedWheels = 0;
  #words: Int32Array;
  /** The entry behind this one in its slot, or in the chain of free entries. */
  #next: Int32Array;
  #tokens: Float64Array;
  /** As long as entries were ever needed at once; a free entry keeps nobody alive. */
  readonly #targets: TimerTarget[] = [];
  #free = NIL;

  /** @param capacity events that may wait before the storage is doubled, 1 or more */
  constructor(capacity = 64) {
    this.#words = new Int32Array(capacity * STRIDE);
    this.#next = new Int32Array(capacity);
    this.#tokens = new Float64Array(capacity);
  }

  /** Events that wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds an event. A time that has passed (before the last event taken out, or the last `limit` reached) counts as now;
   * a fraction of a nanosecond is cut off.
   * @param token any number; handed back as it is
   * @throws VxlabError BAD_TIME for a time of 2^53 ns or more, or NaN
   */
  add(when: Instant, target: TimerTarget, token: number): TimerId {
    if (!(when <= TIME_MAX))
      throw new VxlabError('BAD_TIME', `${when} is not a time in nanoseconds below 2^53`);
    let high = Math.floor(when / TWO_30);
    let low = Math.floor(when - high * TWO_30);
    if (high < this.#nowHigh || (high === this.#nowHigh && low < this.#nowLow)) {
      high = this.#nowHigh;
      low = this.#nowLow;
    }
    const targets = this.#targets;
    let entry = this.#free;
    if (entry === NIL) {
      entry = targets.length;
      if (entry === this.#next.length) this.#grow();
      targets.push(target);
    } else {
      this.#free = this.#next[entry] as number;
      targets[entry] = target;
    }
    const words = this.#words;
    words[entry * STRIDE + LOW] = low;
    words[entry * STRIDE + HIGH] = high;
    this.#tokens[entry] = token;
    this.#size++;
    this.#place(words, entry, low, high);
    return (words[entry * STRIDE + GENERATION] as number) * ENTRIES + entry + 1;
  }

  /** Takes an event out before its time; false when it is no longer there. */
  cancel(id: TimerId): boolean {
    const entry = (id % ENTRIES) - 1;
    if (!Number.isInteger(id) || entry < 0 || entry >= this.#targets.length) return false;
    const words = this.#words;
    const at = entry * STRIDE;
    // An entry that fired or was cancelled is free or in another generation.
    const low = words[at + LOW] as number;
    if (low === FREE || words[at + GENERATION] !== Math.floor(id / ENTRIES)) return false;
    const slot = this.#slotOf(low, words[at + HIGH] as number);
    const next = this.#next[entry] as number;
    const previous = words[at + PREVIOUS] as number;
    if (previous === NIL) this.#ends[slot * 2] = next;
    else this.#next[previous] = next;
    if (next === NIL) this.#ends[slot * 2 + 1] = previous;
    else words[next * STRIDE + PREVIOUS] = previous;
    if (previous === NIL && next === NIL) this.#unmark(slot);
    this.#discard(words, entry);
    return true;
  }

  /** The time of the next event, or -1. Looks at all events of one slot: not for the packet path. */
  peek(): Instant {
    if (this.#size === 0) return -1;
    const words = this.#words;
    let best = TIME_MAX;
    // The lowest used wheel has the next event in its first used slot; only in wheel 0 is that one instant.
    const slot = this.#firstUsed(lowestBit(this.#usedWheels));
    for (let entry = this.#ends[slot * 2] as number; entry !== NIL; entry = this.#next[entry] as number) {
      const at = entry * STRIDE;
      best = Math.min(best, (words[at + HIGH] as number) * TWO_30 + (words[at + LOW] as number));
    }
    return best;
  }

  /**
   * Takes the next event out into `time`, `target` and `token`. False when none is due by `limit`: that is the time
   * then, and what is added for an earlier one counts as due at `limit`.
   */
  next(limit: Instant = TIME_MAX): boolean {
    const words = this.#words;
    const ends = this.#ends;
    while (this.#usedWheels !== 0) {
      const wheel = lowestBit(this.#usedWheels);
      const slot = this.#firstUsed(wheel);
      const entry = ends[slot * 2] as number;
      // Alone in its slot, an event is the next one whatever the wheel, and need not come down.
      if (wheel === 0 || entry === ends[slot * 2 + 1]) {
        const low = words[entry * STRIDE + LOW] as number;
        const high = words[entry * STRIDE + HIGH] as number;
        const when = high * TWO_30 + low;
        if (when <= limit) {
          this.#nowLow = low;
          this.#nowHigh = high;
          this.time = when;
          this.target = this.#targets[entry] as TimerTarget;
          this.token = this.#tokens[entry] as number;
          this.#takeFirst(words, slot, entry);
          return true;
        }
        if (wheel === 0) break;
      }
      if (!this.#spread(words, wheel, slot, limit)) break;
    }
    if (limit < TIME_MAX) this.#advance(limit);
    return false;
  }

  #takeFirst(words: Int32Array, slot: number, entry: number): void {
    const following = this.#next[entry] as number;
    this.#ends[slot * 2] = following;
    if (following === NIL) {
      this.#ends[slot * 2 + 1] = NIL;
      this.#unmark(slot);
    } else {
      words[following * STRIDE + PREVIOUS] = NIL;
    }
    this.#discard(words, entry);
  }

  /** Brings the events of a slot down to the wheels below; false when the slot begins after `limit`. */
  #spread(words: Int32Array, wheel: number, slot: number, limit: Instant): boolean {
    const next = this.#next;
    let entry = this.#ends[slot * 2] as number;
    // The current time moves to where the slot begins, so that its events differ from it in lower digits only.
    let low = 0;
    let high = words[entry * STRIDE + HIGH] as number;
    if (wheel < 3) low = ((words[entry * STRIDE + LOW] as number) >>> (DIGIT * wheel)) << (DIGIT * wheel);
    else high = (high >>> (DIGIT * (wheel - 3))) << (DIGIT * (wheel - 3));
    if (high * TWO_30 + low > limit) return false;
    this.#nowLow = low;
    this.#nowHigh = high;
    this.#ends[slot * 2] = NIL;
    this.#ends[slot * 2 + 1] = NIL;
    this.#unmark(slot);
    while (entry !== NIL) {
      const following = next[entry] as number;
      this.#place(
        words,
        entry,
        words[entry * STRIDE + LOW] as number,
        words[entry * STRIDE + HIGH] as number,
      );
      entry = following;
    }
    return true;
  }

  /** Moves the current time on. No used slot begins by then, or its events would lie in too high a wheel. */
  #advance(to: Instant): void {
    const high = Math.floor(to / TWO_30);
    const low = Math.floor(to - high * TWO_30);
    if (high < this.#nowHigh || (high === this.#nowHigh && low <= this.#nowLow)) return;
    this.#nowHigh = high;
    this.#nowLow = low;
  }

  /** Where an event of this time lies as long as the current time is what it is. */
  #slotOf(low: number, high: number): number {
    const above = high ^ this.#nowHigh;
    if (above === 0) {
      const wheel = highestDigit(low ^ this.#nowLow);
      return wheel * SLOTS + ((low >>> (DIGIT * wheel)) & (SLOTS - 1));
    }
    const wheel = highestDigit(above);
    return (wheel + 3) * SLOTS + ((high >>> (DIGIT * wheel)) & (SLOTS - 1));
  }

  /** Appends an entry to its slot. */
  #place(words: Int32Array, entry: number, low: number, high: number): void {
    const slot = this.#slotOf(low, high);
    const ends = this.#ends;
    const last = ends[slot * 2 + 1] as number;
    this.#next[entry] = NIL;
    words[entry * STRIDE + PREVIOUS] = last;
    ends[slot * 2 + 1] = entry;
    if (last !== NIL) {
      this.#next[last] = entry;
      return;
    }
    ends[slot * 2] = entry;
    const word = slot >>> 5;
    const wheel = slot >>> DIGIT;
    this.#usedSlots[word] = (this.#usedSlots[word] as number) | (1 << (slot & 31));
    this.#usedWords[wheel] = (this.#usedWords[wheel] as number) | (1 << (word & 31));
    this.#usedWheels |= 1 << wheel;
  }

  /** A slot has become empty. */
  #unmark(slot: number): void {
    const word = slot >>> 5;
    const slots = (this.#usedSlots[word] as number) & ~(1 << (slot & 31));
    this.#usedSlots[word] = slots;
    if (slots !== 0) return;
    const wheel = slot >>> DIGIT;
    const left = (this.#usedWords[wheel] as number) & ~(1 << (word & 31));
    this.#usedWords[wheel] = left;
    if (left === 0) this.#usedWheels &= ~(1 << wheel);
  }

  /** The lowest used slot of a wheel that has one. All used slots lie at or after the current digit. */
  #firstUsed(wheel: number): number {
    const word = wheel * 32 + lowestBit(this.#usedWords[wheel] as number);
    return word * 32 + lowestBit(this.#usedSlots[word] as number);
  }

  #discard(words: Int32Array, entry: number): void {
    const at = entry * STRIDE;
    words[at + LOW] = FREE;
    words[at + GENERATION] = ((words[at + GENERATION] as number) + 1) & GENERATION_MASK;
    this.#next[entry] = this.#free;
    this.#free = entry;
    this.#targets[entry] = NOBODY;
    this.#size--;
  }

  #grow(): void {
    const capacity = this.#next.length * 2;
    const words = new Int32Array(capacity * STRIDE);
    words.set(this.#words);
    this.#words = words;
    const next = new Int32Array(capacity);
    next.set(this.#next);
    this.#next = next;
    const tokens = new Float64Array(capacity);
    tokens.set(this.#tokens);
    this.#tokens = tokens;
  }
}

/** The number of the highest digit of three that is not 0; 0 if all are. */
function highestDigit(bits: number): number {
  return bits < SLOTS ? 0 : bits < SLOTS_2 ? 1 : 2;
}

/** The number of the lowest bit that is set; `bits` is not 0. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
