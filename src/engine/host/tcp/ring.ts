// Bytes on their way, in a ring that is taken when the first byte comes and given back when the last one goes: a connection
// that is idle holds none.
//
//   |..........ABCDEFGH.....K.......|     head at A, length 8; K was put beyond the length: it came out of order
//
// Capacities are powers of two, so an index is cut with a mask; a ring doubles when it must.

import { fold } from '../../../core/wire/checksum.ts';

const LEAST = 4096;
/** Rings of a size that wait to be used again. */
const SHELF = 64;
const shelves: Map<number, Uint8Array[]> = new Map();
const NOTHING = new Uint8Array(0);
const NO_VIEW = new DataView(NOTHING.buffer);

export class Ring {
  /** Bytes in order, from the head on. */
  length = 0;
  #bytes: Uint8Array = NOTHING;
  #view: DataView = NO_VIEW;
  #mask = 0;
  #head = 0;

  /** Makes room for so many bytes from the head on. */
  reserve(bytes: number): void {
    if (bytes > this.#bytes.length) this.#grow(bytes);
  }

  /** Appends [from, to) of `source`. */
  append(source: Uint8Array, from: number, to: number): void {
    this.reserve(this.length + to - from);
    const at = (this.#head + this.length) & this.#mask;
    const first = Math.min(to - from, this.#bytes.length - at);
    this.#bytes.set(source.subarray(from, from + first), at);
    if (first < to - from) this.#bytes.set(source.subarray(from + first, to), 0);
    this.length += to - from;
  }

  /** Puts [from, to) of a view `offset` bytes behind the head, whatever is in order so far. Packet path. */
  put(offset: number, source: DataView, from: number, to: number): void {
    this.reserve(offset + to - from);
    const at = (this.#head + offset) & this.#mask;
    const first = Math.min(to - from, this.#bytes.length - at);
    move(source, from, this.#view, at, first);
    if (first < to - from) move(source, from + first, this.#view, 0, to - from - first);
  }

  /**
   * Copies `count` bytes from `offset` behind the head to a view, and answers their one's complement sum. Packet path.
   * @param at even, counted from where the checksum begins
   */
  copy(offset: number, count: number, target: DataView, at: number): number {
    const from = (this.#head + offset) & this.#mask;
    const first = Math.min(count, this.#bytes.length - from);
    const sum = move(this.#view, from, target, at, first);
    if (first === count) return sum;
    const rest = fold(move(this.#view, 0, target, at + first, count - first));
    // Behind an odd number of bytes the high and the low ones change places.
    return sum + ((first & 1) === 0 ? rest : ((rest & 0xff) << 8) | (rest >>> 8));
  }

  /** Copies bytes from the head into [from, to) of an array, drops them, and answers how many there were. */
  take(into: Uint8Array, from: number, to: number): number {
    const count = Math.min(this.length, to - from);
    const first = Math.min(count, this.#bytes.length - this.#head);
    into.set(this.#bytes.subarray(this.#head, this.#head + first), from);
    if (first < count) into.set(this.#bytes.subarray(0, count - first), from + first);
    this.drop(count);
    return count;
  }

  /** Drops bytes from the head. */
  drop(count: number): void {
    this.#head = (this.#head + count) & this.#mask;
    this.length -= count;
  }

  /** Gives the memory back. What lies beyond the length is forgotten. */
  empty(): void {
    const bytes = this.#bytes;
    this.length = 0;
    this.#head = 0;
    if (bytes.length === 0) return;
    this.#bytes = NOTHING;
    this.#view = NO_VIEW;
    this.#mask = 0;
    const shelf = shelves.get(bytes.length);
    if (shelf === undefined) shelves.set(bytes.length, [bytes]);
    else if (shelf.length < SHELF) shelf.push(bytes);
  }

  #grow(bytes: number): void {
    let size = Math.max(LEAST, this.#bytes.length);
    while (size < bytes) size *= 2;
    const larger = shelves.get(size)?.pop() ?? new Uint8Array(size);
    const old = this.#bytes;
    // All of it: beyond the length lies what came out of order.
    larger.set(old.subarray(this.#head));
    larger.set(old.subarray(0, this.#head), old.length - this.#head);
    if (old.length > 0) {
      const { length } = this;
      this.empty();
      this.length = length;
    }
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer, larger.byteOffset, size);
    this.#mask = size - 1;
    this.#head = 0;
  }
}

/** Copies bytes and answers their sum as big-endian 16-bit words, not folded. */
function move(source: DataView, from: number, target: DataView, at: number, count: number): number {
  let sum = 0;
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const a = source.getUint32(from + i);
    const b = source.getUint32(from + i + 4);
    const c = source.getUint32(from + i + 8);
    const d = source.getUint32(from + i + 12);
    target.setUint32(at + i, a);
    target.setUint32(at + i + 4, b);
    target.setUint32(at + i + 8, c);
    target.setUint32(at + i + 12, d);
    sum += a + b + c + d;
  }
  for (; i + 2 <= count; i += 2) {
    const word = source.getUint16(from + i);
    target.setUint16(at + i, word);
    sum += word;
  }
  if (i < count) {
    const byte = source.getUint8(from + i);
    target.setUint8(at + i, byte);
    sum += byte << 8;
  }
  return sum;
}
