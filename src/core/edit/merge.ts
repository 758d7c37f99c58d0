// Several captures as one, in the order of time: a merge of sorted runs that holds, of each input, what its last chunk brought.
//
//   input 0:  | 3 | 7 | 9 |                the earliest head goes first: 1, 2, 3, 4, 7; then input 1 is empty and has to be
//   input 1:  | 1 | 4 |  (not at its end)  fed before 9 may go
//   input 2:  | 2 | 12 | 13 |
//
// Readers push, so the merger says who may: an input `wants` a chunk while nothing of it is held. Of packets with the same time the
// earlier input's goes first, and an input keeps its own order: a packet that goes back in time goes when its turn comes, as
// mergecap does it. A packet without a time goes at once.

import { emptyMeta } from '../pcap/chunks.ts';
import type { PacketMeta } from '../pcap/record.ts';

/** Takes one packet of input `input`; view and meta are good only for this call. */
export type MergeSink = (input: number, view: DataView, start: number, end: number, meta: PacketMeta) => void;

const SECOND = 1_000_000_000;
const FIRST_BYTES = 0x1_0000;

/** What is held of one input: packets with their options in one stretch of bytes. */
class Held {
  done = false;
  /** The next packet to go, and one past the last. */
  head = 0;
  count = 0;
  /** The head's time. */
  seconds = 0;
  nanos = 0;
  view: DataView = new DataView(new ArrayBuffer(FIRST_BYTES));
  readonly metas: PacketMeta[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  #bytes: Uint8Array = new Uint8Array(this.view.buffer);
  #used = 0;

  add(from: DataView, start: number, end: number, meta: PacketMeta): void {
    if (this.head === this.count) this.#clear();
    const options = meta.optionsEnd - meta.optionsStart;
    const at = this.#room(end - start + options);
    this.#bytes.set(bytesOf(from, start, end), at);
    const stop = at + end - start;
    const i = this.count++;
    this.starts[i] = at;
    this.ends[i] = stop;
    this.metas[i] ??= emptyMeta();
    const copy = Object.assign(this.metas[i] as PacketMeta, meta);
    if (options > 0) {
      this.#bytes.set(bytesOf(from, meta.optionsStart, meta.optionsEnd), stop);
      copy.optionsStart = stop;
      copy.optionsEnd = stop + options;
    }
    if (i === this.head) this.timeHead();
  }

  timeHead(): void {
    const { seconds, nanos, timed } = this.metas[this.head] as PacketMeta;
    const carry = Math.floor(nanos / SECOND);
    this.seconds = timed ? seconds + carry : -1;
    this.nanos = timed ? nanos - carry * SECOND : 0;
  }

  #clear(): void {
    this.head = 0;
    this.count = 0;
    this.#used = 0;
  }

  #room(length: number): number {
    const at = this.#used;
    this.#used += length;
    if (this.#used > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#used, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

export class Merger {
  readonly #sink: MergeSink;
  readonly #held: Held[];
  /** A heap of the inputs that hold something, by the time of their heads. */
  readonly #heap: number[] = [];
  /** Inputs that hold nothing and are not at their end. */
  #empty: number;

  /** @param inputs how many there are, in the order that settles equal times */
  constructor(inputs: number, sink: MergeSink) {
    this.#sink = sink;
    this.#held = Array.from({ length: inputs }, () => new Held());
    this.#empty = inputs;
  }

  /** True while the input has to be fed, or ended, before anything can go. */
  wants(input: number): boolean {
    const held = this.#held[input] as Held;
    return !held.done && held.head === held.count;
  }

  /** Takes a copy of an input's next packet: for its reader's sink. */
  add(input: number, view: DataView, start: number, end: number, meta: PacketMeta): void {
    const held = this.#held[input] as Held;
    const was = held.head === held.count;
    held.add(view, start, end, meta);
    if (was) {
      this.#empty--;
      this.#heap.push(input);
      this.#up(this.#heap.length - 1);
    }
  }

  /** The input has no more packets. */
  finish(input: number): void {
    const held = this.#held[input] as Held;
    if (!held.done && held.head === held.count) this.#empty--;
    held.done = true;
  }

  /** Lets go of all packets whose turn has come: call it after a chunk, or an end. */
  drain(): void {
    const heap = this.#heap;
    while (this.#empty === 0 && heap.length > 0) {
      const input = heap[0] as number;
      const held = this.#held[input] as Held;
      const i = held.head++;
      const meta = held.metas[i] as PacketMeta;
      this.#sink(input, held.view, held.starts[i] as number, held.ends[i] as number, meta);
      if (held.head < held.count) held.timeHead();
      else {
        if (!held.done) this.#empty++;
        const last = heap.pop() as number;
        if (heap.length === 0) return;
        heap[0] = last;
      }
      this.#down(0);
    }
  }

  #before(x: number, y: number): boolean {
    const a = this.#held[x] as Held;
    const b = this.#held[y] as Held;
    if (a.seconds !== b.seconds) return a.seconds < b.seconds;
    return a.nanos !== b.nanos ? a.nanos < b.nanos : x < y;
  }

  #up(from: number): void {
    const heap = this.#heap;
    const input = heap[from] as number;
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(input, heap[parent] as number)) break;
      heap[i] = heap[parent] as number;
      i = parent;
    }
    heap[i] = input;
  }

  #down(from: number): void {
    const heap = this.#heap;
    const input = heap[from] as number;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1] as number, heap[child] as number)) child++;
      if (!this.#before(heap[child] as number, input)) break;
      heap[i] = heap[child] as number;
      i = child;
    }
    heap[i] = input;
  }
}

function bytesOf(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}
