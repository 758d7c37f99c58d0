// A forwarding database: which MAC is behind which port or peer (Linux: net/bridge/br_fdb.c, the tables of vxlan_core.c).
//
// Open addressing with linear probing in one Int32Array, four words an entry, doubled when three quarters full:
//
//   | MAC high 16, state 2 | MAC low 32 | destination | last heard, ticks |
//
// Ageing looks at frames received from a station, not at look-ups of it (IEEE 802.1D s.7.9.2). Times are kept in ticks of
// 2^22 ns, about 4 ms (a kernel's jiffy at 250 Hz): a product instead of a division on the packet path, and all of time
// fits 31 bits, so that no tick wraps and no entry returns from the dead. An entry may go up to a tick early.
// Small tables are the rule (a bridge of a sandbox has ten entries, and there may be a hundred thousand sandboxes), so
// nothing is allocated before the first entry.

import type { Mac } from '../../core/wire/address.ts';
import { mac } from '../../core/wire/address.ts';
import type { Instant } from '../time/clock.ts';
import { MILLISECOND } from '../time/clock.ts';

const TICK = 2 ** 22;
const TICKS = 2 ** -22;

export const LEARN = {
  /** A new entry. */
  new: 0,
  /** Known there already: its age starts again. */
  refreshed: 1,
  /** It was elsewhere. */
  moved: 2,
  /** A pinned entry: it does not move. */
  pinned: 3,
  /** The table is at its bound: not learned. */
  full: 4,
} as const;
export type LearnResult = (typeof LEARN)[keyof typeof LEARN];

/** What `lookup` answers for a MAC that is not there or has aged out. */
export const NONE = -1;

const STRIDE = 4;
const FIRST_SLOTS = 16;
const FREE = 0;
const LEARNED = 0x10000;
const PINNED = 0x20000;

export interface FdbOptions {
  /** Nanoseconds after which a learned entry that was not heard of is gone; 0 for never. Default 300 s. */
  readonly ageing?: number;
  /** Learned entries at most; 0 for no bound. */
  readonly max?: number;
  /** Learned entries at most behind one port or peer; 0 for no bound. */
  readonly maxPerDest?: number;
}

export interface FdbEntry {
  readonly mac: Mac;
  readonly dest: number;
  readonly pinned: boolean;
  /** Nanoseconds since it was last heard of; 0 for a pinned one. */
  readonly age: number;
}

export class Fdb {
  readonly #ageing: number;
  readonly #max: number;
  readonly #maxPerDest: number;
  /** Learned entries by port or peer; kept only where they are bounded. */
  readonly #behind: Map<number, number> | null;
  #words: Int32Array | null = null;
  #mask = 0;
  #size = 0;
  #learned = 0;
  /** The tick of the last sweep: another in the same tick would find nothing. */
  #swept = -1;

  constructor(options: FdbOptions = {}) {
    this.#ageing = Math.ceil((options.ageing ?? 300_000 * MILLISECOND) * TICKS);
    this.#max = options.max ?? 0;
    this.#maxPerDest = options.maxPerDest ?? 0;
    this.#behind = this.#maxPerDest > 0 ? new Map() : null;
  }

  /** Entries held, aged ones included until `age` sweeps them. */
  get size(): number {
    return this.#size;
  }

  /** A frame from this MAC came in at `dest`. Packet path. */
  learn(hi: number, lo: number, dest: number, now: Instant): LearnResult {
    const time = (now * TICKS) | 0;
    const at = this.#find(hi, lo);
    if (at >= 0) {
      const words = this.#words as Int32Array;
      if (((words[at] as number) & PINNED) !== 0) return LEARN.pinned;
      if (words[at + 2] === dest) {
        words[at + 3] = time;
        return LEARN.refreshed;
      }
      if (this.#fullBehind(dest)) return LEARN.full;
      this.#count(words[at + 2] as number, -1);
      this.#count(dest, 1);
      words[at + 2] = dest;
      words[at + 3] = time;
      return LEARN.moved;
    }
    const full = (this.#max > 0 && this.#learned >= this.#max) || this.#fullBehind(dest);
    if (full && (time === this.#swept || this.age(now) === 0 || this.#fullBehind(dest))) return LEARN.full;
    this.#insert(hi, lo | 0, LEARNED, dest, time);
    this.#learned++;
    this.#count(dest, 1);
    return LEARN.new;
  }

  #fullBehind(dest: number): boolean {
    return this.#behind !== null && (this.#behind.get(dest) ?? 0) >= this.#maxPerDest;
  }

  #forgotten(dest: number): void {
    this.#learned--;
    this.#count(dest, -1);
  }

  #count(dest: number, by: number): void {
    if (this.#behind === null) return;
    const held = (this.#behind.get(dest) ?? 0) + by;
    if (held === 0) this.#behind.delete(dest);
    else this.#behind.set(dest, held);
  }

  /** Where this MAC is, or NONE. Packet path. */
  lookup(hi: number, lo: number, now: Instant): number {
    const at = this.#find(hi, lo);
    if (at < 0) return NONE;
    const words = this.#words as Int32Array;
    if (this.#ageing > 0 && ((words[at] as number) & PINNED) === 0) {
      const age = (((now * TICKS) | 0) - (words[at + 3] as number)) | 0;
      if (age >= this.#ageing) return NONE;
    }
    return words[at + 2] as number;
  }

  /** True when the entry for this MAC neither ages nor moves. */
  isPinned(hi: number, lo: number): boolean {
    const at = this.#find(hi, lo);
    return at >= 0 && (((this.#words as Int32Array)[at] as number) & PINNED) !== 0;
  }

  /** Enters what neither ages nor moves (`permanent`); a learned entry becomes one. */
  pin(hi: number, lo: number, dest: number): void {
    const at = this.#find(hi, lo);
    if (at < 0) {
      this.#insert(hi, lo | 0, PINNED, dest, 0);
      return;
    }
    const words = this.#words as Int32Array;
    if (((words[at] as number) & PINNED) === 0) this.#forgotten(words[at + 2] as number);
    words[at] = hi | PINNED;
    words[at + 2] = dest;
  }

  remove(hi: number, lo: number): boolean {
    const at = this.#find(hi, lo);
    if (at < 0) return false;
    this.#removeAt(at);
    return true;
  }

  /** Takes out what is behind a port or peer; pinned entries only if told. Answers how many. */
  removeDest(dest: number, pinnedToo = false): number {
    return this.#removeWhere((words, at) => {
      return words[at + 2] === dest && (pinnedToo || ((words[at] as number) & PINNED) === 0);
    });
  }

  /** Takes out what has aged; answers how many. */
  age(now: Instant): number {
    if (this.#ageing === 0) return 0;
    const time = (now * TICKS) | 0;
    this.#swept = time;
    return this.#removeWhere((words, at) => {
      return (
        ((words[at] as number) & PINNED) === 0 && ((time - (words[at + 3] as number)) | 0) >= this.#ageing
      );
    });
  }

  clear(): void {
    this.#words = null;
    this.#size = 0;
    this.#learned = 0;
    this.#mask = 0;
    this.#behind?.clear();
  }

  /** Every entry that has not aged, ordered by MAC: for the cold path. */
  entries(now: Instant): FdbEntry[] {
    const found: FdbEntry[] = [];
    const time = (now * TICKS) | 0;
    const words = this.#words;
    for (let at = 0; words !== null && at < words.length; at += STRIDE) {
      const first = words[at] as number;
      if (first === FREE) continue;
      const pinned = (first & PINNED) !== 0;
      const age = pinned ? 0 : (time - (words[at + 3] as number)) | 0;
      if (!pinned && this.#ageing > 0 && age >= this.#ageing) continue;
      const address = mac(first & 0xffff, words[at + 1] as number);
      found.push({ mac: address, dest: words[at + 2] as number, pinned, age: age * TICK });
    }
    return found.sort((x, y) => x.mac - y.mac);
  }

  /** The word where an entry starts, or -1. */
  #find(hi: number, lo: number): number {
    const words = this.#words;
    if (words === null) return -1;
    const low = lo | 0;
    const mask = this.#mask;
    for (let slot = hash(hi, low) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * STRIDE;
      const first = words[at] as number;
      if (first === FREE) return -1;
      if (words[at + 1] === low && (first & 0xffff) === hi) return at;
    }
  }

  #insert(hi: number, low: number, state: number, dest: number, time: number): void {
    if (this.#words === null || (this.#size + 1) * 4 > (this.#mask + 1) * 3) this.#grow();
    const words = this.#words as Int32Array;
    let slot = hash(hi, low) & this.#mask;
    while (words[slot * STRIDE] !== FREE) slot = (slot + 1) & this.#mask;
    const at = slot * STRIDE;
    words[at] = hi | state;
    words[at + 1] = low;
    words[at + 2] = dest;
    words[at + 3] = time;
    this.#size++;
  }

  /** Closes the gap by moving back what probed past it, so that no tombstones are needed. */
  #removeAt(at: number): void {
    const words = this.#words as Int32Array;
    if (((words[at] as number) & PINNED) === 0) this.#forgotten(words[at + 2] as number);
    this.#size--;
    const mask = this.#mask;
    let gap = at / STRIDE;
    for (let slot = (gap + 1) & mask; words[slot * STRIDE] !== FREE; slot = (slot + 1) & mask) {
      const from = slot * STRIDE;
      const home = hash((words[from] as number) & 0xffff, words[from + 1] as number) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      words.copyWithin(gap * STRIDE, from, from + STRIDE);
      gap = slot;
    }
    words[gap * STRIDE] = FREE;
  }

  #removeWhere(goes: (words: Int32Array, at: number) => boolean): number {
    const words = this.#words;
    if (words === null) return 0;
    const gone: number[] = [];
    for (let at = 0; at < words.length; at += STRIDE) {
      if (words[at] !== FREE && goes(words, at))
        gone.push((words[at] as number) & 0xffff, words[at + 1] as number);
    }
    for (let i = 0; i < gone.length; i += 2) this.remove(gone[i] as number, gone[i + 1] as number);
    return gone.length / 2;
  }

  #grow(): void {
    const old = this.#words;
    const slots = old === null ? FIRST_SLOTS : (this.#mask + 1) * 2;
    this.#words = new Int32Array(slots * STRIDE);
    this.#mask = slots - 1;
    if (old === null) return;
    this.#size = 0;
    for (let at = 0; at < old.length; at += STRIDE) {
      const first = old[at] as number;
      if (first === FREE) continue;
      const state = first & (LEARNED | PINNED);
      this.#insert(
        first & 0xffff,
        old[at + 1] as number,
        state,
        old[at + 2] as number,
        old[at + 3] as number,
      );
    }
  }
}

function hash(hi: number, low: number): number {
  const h = Math.imul(low ^ Math.imul(hi, 0x85ebca6b), 0x9e3779b1);
  return h ^ (h >>> 15);
}
