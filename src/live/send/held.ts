// Packets between the moment they were read and the moment they are sent: what one chunk of a capture brought. Memory grows to the
// largest chunk's packets and is used again.

import { copyBytes } from '../../core/pcap/copy.ts';
import type { Memory } from './road.ts';

const FIRST_BYTES = 0x10_0000;

export class Held implements Memory {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  count = 0;
  #used = 0;
  /** Of each packet: where it is, its time stamp (-1 seconds where it has none), its source port. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly seconds: number[] = [];
  readonly nanos: number[] = [];
  readonly ports: number[] = [];

  /**
   * Room for one more packet of `length` bytes; answers where it begins.
   * @param seconds -1 for one without a time
   */
  add(length: number, seconds: number, nanos: number, port: number): number {
    const start = this.#used;
    const end = start + length;
    if (end > this.bytes.length) this.#grow(end);
    // Word borders, where copying is fastest.
    this.#used = (end + 7) & ~7;
    const i = this.count++;
    this.starts[i] = start;
    this.ends[i] = end;
    this.seconds[i] = seconds;
    this.nanos[i] = nanos;
    this.ports[i] = port;
    return start;
  }

  /** Copies bytes [start, end) of a view to `at`; zeros follow up to `until`. */
  fill(at: number, from: DataView, start: number, end: number, until: number): void {
    copyBytes(this.view, at, from, start, end);
    const rest = at + end - start;
    if (rest < until) this.bytes.fill(0, rest, until);
  }

  clear(): void {
    this.count = 0;
    this.#used = 0;
  }

  #grow(least: number): void {
    const bytes = new Uint8Array(Math.max(least, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.#used));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
