// Records out of chunks that are cut anywhere.
//
//   chunk 1: | rec | rec | re|         whole records are read where they lie;
//   chunk 2:                 |c | rec | the one that straddles is put together in the carry buffer first
//
// One DataView a chunk. The carry holds at most one record and grows only as bytes really come, so a record that
// claims a length it does not have costs nothing.

import type { CaptureFormat, CaptureInterface, CaptureSection, CutShort, PacketMeta } from './record.ts';

/** A meta with nothing in it, for a reader to fill. */
export function emptyMeta(): PacketMeta {
  return {
    number: 0,
    offset: 0,
    seconds: 0,
    nanos: 0,
    timed: true,
    originalLength: 0,
    linkType: 0,
    interfaceId: 0,
    direction: 0,
    fcsLength: 0,
    optionsStart: 0,
    optionsEnd: 0,
    littleEndian: true,
  };
}

/** The part of a reader that the two formats share; `scan` is the part they do not. */
export abstract class ChunkReader {
  abstract readonly format: CaptureFormat;
  readonly interfaces: CaptureInterface[] = [];
  readonly sections: CaptureSection[] = [];
  packets = 0;
  cutShort: CutShort | null = null;

  /** Set by `scan` when it stops: bytes that the record it stopped at needs, as far as is known. */
  protected need = 0;
  /** What a record is called in this format, for the sentence about one that is not whole. */
  protected recordName: string;
  /** The file offset of the view's byte 0 while `scan` runs. */
  protected base = 0;
  #carry: Uint8Array = new Uint8Array(0);
  #carryView: DataView = new DataView(this.#carry.buffer);
  #held = 0;
  #bytes = 0;
  #stopped = false;

  constructor(recordName: string, need: number) {
    this.recordName = recordName;
    this.need = need;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get done(): boolean {
    return this.#stopped;
  }

  /**
   * Reads whole records from [at, end) and returns where it stopped: where a record begins that is not whole, with
   * `need` set to more than `end` minus that place, or anywhere once `done`.
   */
  protected abstract scan(view: DataView, at: number, end: number): number;

  /** Ends the reading. `at` is a place in the view that `scan` was given. */
  protected fault(at: number, reason: string): void {
    this.cutShort = { offset: this.base + at, reason };
    this.#stopped = true;
  }

  /** True when what was pushed so far ends where a record ends. */
  get between(): boolean {
    return this.#held === 0;
  }

  stop(): void {
    this.#stopped = true;
  }

  push(chunk: Uint8Array): void {
    const before = this.#bytes;
    this.#bytes += chunk.length;
    if (this.#stopped) return;
    let at = 0;
    while (this.#held > 0) {
      const take = Math.min(this.need - this.#held, chunk.length - at);
      this.base = before + at - this.#held;
      this.#hold(chunk, at, at + take);
      at += take;
      if (this.#held < this.need) return;
      const used = this.scan(this.#carryView, 0, this.#held);
      if (this.#stopped) return;
      // The carry held one record's head or the whole record, so either nothing was used or everything.
      if (used > 0) this.#held = 0;
    }
    this.base = before;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    at = this.scan(view, at, chunk.length);
    if (!this.#stopped && at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  end(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#held > 0 || this.#bytes === 0) {
      this.cutShort = {
        offset: this.#bytes - this.#held,
        reason: `the file ends ${this.#held} ${this.#held === 1 ? 'byte' : 'bytes'} into a ${this.recordName} of ${this.need} bytes or more`,
      };
    }
  }

  #hold(chunk: Uint8Array, from: number, to: number): void {
    const total = this.#held + to - from;
    if (total > this.#carry.length) {
      const larger = new Uint8Array(Math.max(4096, 2 * this.#carry.length, total));
      larger.set(this.#carry.subarray(0, this.#held));
      this.#carry = larger;
      this.#carryView = new DataView(larger.buffer);
    }
    this.#carry.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), this.#held);
    this.#held = total;
  }
}
