// What one side has said, in a ring, and where each of its bytes stands in the capture.
//
//   said:   ... taken in | head ........ tail | to be skipped ...
//   runs:        | run: position, packet, offset | run | run |       one for each stretch of a packet
//
// The ring grows to 64 kB and no further. Memory is asked of a purse that all speeches share; it goes back when the
// conversation ends.

import type { Purse } from '../streams/purse.ts';
import type { Speech } from './reader.ts';
import type { Place } from './reading.ts';
import { latin1, utf8 } from './text.ts';

/** Bytes that a speech holds at most: a power of two. */
export const SPEECH_MAX = 65_536;
const FIRST = 1024;
/** Larger rings go back when they are empty. */
const SMALL = 4096;
/** Stretches of packets that a speech holds at most: a side that says one byte a packet is full sooner. */
export const RUNS_MAX = 4096;
/** Numbers of a run: position of its first byte in all that was said, packet, offset, index in WITHIN. */
const RUN = 4;

const WITHIN = ['packet', 'datagram', 'opened'] as const;
export type Within = (typeof WITHIN)[number];

const NOTHING = new Uint8Array(0);
const NO_RUNS = new Float64Array(0);
/** Characters of what was read last that are kept. */
const READ_MAX = 1024;

export class SpeechRing implements Speech {
  ended = false;
  readonly #purse: Purse;
  #ring: Uint8Array = NOTHING;
  /** Position of the first byte held, counted from the first ever said, and where in the ring it stands. */
  #head = 0;
  #at = 0;
  #length = 0;
  #toSkip = 0;
  #runs: Float64Array = NO_RUNS;
  /** Runs in use: [first, end). */
  #firstRun = 0;
  #endRun = 0;
  /** What was read last: until a protocol is known, every one of them reads the first line. Positions as #head. */
  #readFrom = 0;
  #readTo = 0;
  #read = '';

  constructor(purse: Purse) {
    this.#purse = purse;
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === SPEECH_MAX || this.#endRun - this.#firstRun === RUNS_MAX;
  }

  /** Bytes that were announced as not wanted and have not come yet. */
  get toSkip(): number {
    return this.#toSkip;
  }

  /**
   * Takes bytes [from, to) of a packet, as many as fit, and answers how many: fewer only when it is full.
   * @param offset where `from` stands in the packet
   */
  hear(bytes: Uint8Array, from: number, to: number, packet: number, offset: number, within: Within): number {
    let at = from;
    if (this.#toSkip > 0) {
      const skipped = Math.min(this.#toSkip, to - from);
      this.#toSkip -= skipped;
      this.#head += skipped;
      at += skipped;
    }
    const n = this.full ? 0 : Math.min(to - at, SPEECH_MAX - this.#length);
    if (n === 0) return at - from;
    this.#reserve(this.#length + n);
    this.#note(this.#head + this.#length, packet, offset + at - from, WITHIN.indexOf(within));
    this.#put(bytes, at, n, (this.#at + this.#length) & (this.#ring.length - 1));
    this.#length += n;
    return at - from + n;
  }

  /** `n` bytes are missing. Answers how many of them nobody had announced that he does not want. */
  miss(n: number): number {
    const skipped = Math.min(this.#toSkip, n);
    this.#toSkip -= skipped;
    this.#head += skipped;
    return n - skipped;
  }

  byte(at: number): number {
    return this.#ring[(this.#at + at) & (this.#ring.length - 1)] as number;
  }

  uint16(at: number): number {
    return (this.byte(at) << 8) | this.byte(at + 1);
  }

  uint32(at: number): number {
    return this.uint16(at) * 0x10000 + this.uint16(at + 2);
  }

  find(byte: number, from = 0): number {
    const ring = this.#ring;
    const start = Math.max(0, from);
    if (start >= this.#length) return -1;
    const mask = ring.length - 1;
    const first = (this.#at + start) & mask;
    const last = (this.#at + this.#length) & mask;
    if (last > first) {
      const found = ring.subarray(first, last).indexOf(byte);
      return found < 0 ? -1 : start + found;
    }
    const found = ring.indexOf(byte, first);
    if (found >= 0) return start + found - first;
    const again = ring.subarray(0, last).indexOf(byte);
    return again < 0 ? -1 : start + ring.length - first + again;
  }

  latin1(from: number, to: number): string {
    const first = this.#head + Math.max(0, from);
    const last = this.#head + Math.min(to, this.#length);
    if (first === this.#readFrom && last === this.#readTo) return this.#read;
    const text = latin1(this.bytes(from, to));
    if (last - first > READ_MAX) return text;
    this.#readFrom = first;
    this.#readTo = last;
    this.#read = text;
    return text;
  }

  utf8(from: number, to: number): string {
    return utf8(this.bytes(from, to));
  }

  bytes(from: number, to: number): Uint8Array {
    const start = Math.max(0, from);
    const end = Math.min(to, this.#length);
    if (end <= start) return NOTHING;
    const ring = this.#ring;
    const first = (this.#at + start) & (ring.length - 1);
    const n = end - start;
    if (first + n <= ring.length) return ring.slice(first, first + n);
    const out = new Uint8Array(n);
    out.set(ring.subarray(first));
    out.set(ring.subarray(0, first + n - ring.length), ring.length - first);
    return out;
  }

  place(at: number): Place {
    if (this.#firstRun === this.#endRun) return { packet: 1, offset: 0, within: 'packet' };
    const position = this.#head + Math.max(0, Math.min(at, this.#length - 1));
    let low = this.#firstRun;
    let high = this.#endRun - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#run(middle, 0) <= position) low = middle;
      else high = middle - 1;
    }
    return {
      packet: this.#run(low, 1),
      offset: this.#run(low, 2) + position - this.#run(low, 0),
      within: WITHIN[this.#run(low, 3)] as Within,
    };
  }

  take(n: number): void {
    const taken = Math.max(0, Math.min(n, this.#length));
    this.#head += taken;
    this.#length -= taken;
    if (this.#ring.length > 0) this.#at = (this.#at + taken) & (this.#ring.length - 1);
    if (this.#length === 0) {
      this.#firstRun = this.#endRun;
      // Most conversations are silent most of the time.
      if (this.#ring.length > SMALL) this.#giveBack();
      return;
    }
    while (this.#firstRun + 1 < this.#endRun && this.#run(this.#firstRun + 1, 0) <= this.#head)
      this.#firstRun++;
  }

  skip(n: number): void {
    const wanted = Math.max(0, n);
    const here = Math.min(wanted, this.#length);
    this.take(here);
    this.#toSkip += wanted - here;
  }

  /** Forgets what is held, and what was to be skipped. */
  clear(): void {
    this.take(this.#length);
    this.#toSkip = 0;
  }

  /** Gives its memory back. */
  release(): void {
    this.clear();
    this.#giveBack();
  }

  #giveBack(): void {
    this.#purse.giveBuffer(this.#ring);
    this.#purse.give(this.#runs.byteLength);
    this.#ring = NOTHING;
    this.#at = 0;
    this.#runs = NO_RUNS;
    this.#firstRun = 0;
    this.#endRun = 0;
    this.#readFrom = 0;
    this.#readTo = 0;
    this.#read = '';
  }

  #run(i: number, field: number): number {
    return this.#runs[(i % (this.#runs.length / RUN)) * RUN + field] as number;
  }

  #put(bytes: Uint8Array, from: number, n: number, at: number): void {
    const ring = this.#ring;
    if (n <= 16 && at + n <= ring.length) {
      for (let i = 0; i < n; i++) ring[at + i] = bytes[from + i] as number;
      return;
    }
    const first = Math.min(n, ring.length - at);
    ring.set(bytes.subarray(from, from + first), at);
    if (first < n) ring.set(bytes.subarray(from + first, from + n), 0);
  }

  #reserve(needed: number): void {
    const had = this.#ring.length;
    if (needed <= had) return;
    let size = Math.max(FIRST, had);
    while (size < needed) size *= 2;
    const ring = this.#purse.takeBuffer(size);
    ring.set(this.bytes(0, this.#length));
    this.#at = 0;
    this.#purse.giveBuffer(this.#ring);
    this.#ring = ring;
  }

  #note(position: number, packet: number, offset: number, within: number): void {
    if (this.#endRun > this.#firstRun) {
      const last = this.#endRun - 1;
      const on = position - this.#run(last, 0);
      if (
        this.#run(last, 1) === packet &&
        this.#run(last, 2) + on === offset &&
        this.#run(last, 3) === within
      )
        return;
    }
    const room = this.#runs.length / RUN;
    if (this.#endRun - this.#firstRun === room) this.#moreRuns(room);
    const o = (this.#endRun % (this.#runs.length / RUN)) * RUN;
    this.#runs[o] = position;
    this.#runs[o + 1] = packet;
    this.#runs[o + 2] = offset;
    this.#runs[o + 3] = within;
    this.#endRun++;
  }

  #moreRuns(room: number): void {
    const runs = new Float64Array(Math.max(8, room * 2) * RUN);
    let o = 0;
    for (let i = this.#firstRun; i < this.#endRun; i++)
      for (let field = 0; field < RUN; field++) runs[o++] = this.#run(i, field);
    this.#endRun -= this.#firstRun;
    this.#firstRun = 0;
    this.#purse.take(runs.byteLength - this.#runs.byteLength);
    this.#runs = runs;
  }
}
