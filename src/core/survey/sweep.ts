// Plain packets of a pcap file counted in bulk: what Survey does for each packet, without a call for each. A file of a gigabyte
// has eight million of them. The loop itself is WebAssembly (assembly/sweep.ts) and shares the table of lanes with Survey.
//
// Whatever is not usual ends the loop, and the reader hands that record on as a packet: any shape that is not plain, a time stamp
// that goes back, a lane for which there is no room.

import type { RecordSweep } from '../pcap/record.ts';
import type { Lanes } from './lanes.ts';
import type { SweepMemory } from './sweep-memory.ts';
import { CELL, WIDE_CELL } from './sweep-memory.ts';

/** What a sweep counts into. */
export interface SweepTotals {
  /** Their table lies in the sweep's memory. */
  readonly lanes: Lanes;
  /** The latest time stamp; the seconds are no whole number before there is one. */
  lastSeconds: number;
  lastNanos: number;
  /** So many packets more, all of them VXLAN, and their bytes on the wire. */
  swept(packets: number, bytes: number): void;
}

const ETHERNET = 1;

export class Sweep implements RecordSweep {
  taken = 0;
  readonly chunk: Uint8Array;
  readonly #memory: SweepMemory;
  readonly #totals: SweepTotals;

  constructor(totals: SweepTotals, memory: SweepMemory) {
    this.#totals = totals;
    this.#memory = memory;
    this.chunk = memory.chunk;
    const { cells } = memory;
    const { k1, k2, k3, k4 } = totals.lanes.keys;
    cells.set([k1, k2, k3, k4], CELL.k1);
  }

  records(view: DataView, from: number, end: number, linkType: number, unit: number): number {
    this.taken = 0;
    const totals = this.#totals;
    const { lastSeconds } = totals;
    if (linkType !== ETHERNET || view.buffer !== this.chunk.buffer || lastSeconds >>> 0 !== lastSeconds) {
      return from;
    }
    const { cells, wideCells, records } = this.#memory;
    const { keys } = totals.lanes;
    cells[CELL.count] = keys.count;
    cells[CELL.mask] = keys.mask;
    cells[CELL.seconds] = lastSeconds;
    wideCells[WIDE_CELL.nanos] = totals.lastNanos;
    const at = records(view.byteOffset + from, view.byteOffset + end, unit) - view.byteOffset;
    this.taken = cells[CELL.packets] as number;
    if (this.taken > 0) {
      this.#grown();
      totals.lastSeconds = cells[CELL.seconds] as number;
      totals.lastNanos = wideCells[WIDE_CELL.nanos] as number;
      totals.swept(this.taken, wideCells[WIDE_CELL.bytes] as number);
    }
    return at;
  }

  /**
   * Adds lanes that were counted elsewhere, as long as there is room; answers with how many words of them were taken. What waits in
   * `chunk` is gone then.
   * @param rows of lanes; addresses are numbers of this survey already
   */
  merge(rows: Int32Array): number {
    const { cells, merge } = this.#memory;
    const { keys } = this.#totals.lanes;
    const { chunk } = this;
    const block = new Int32Array(chunk.buffer, chunk.byteOffset, chunk.length / 4);
    cells[CELL.count] = keys.count;
    cells[CELL.mask] = keys.mask;
    let taken = 0;
    while (taken < rows.length) {
      const some = rows.subarray(taken, taken + block.length);
      block.set(some);
      const words = (merge(chunk.byteOffset, chunk.byteOffset + some.byteLength) - chunk.byteOffset) / 4;
      taken += words;
      if (words < some.length) break;
    }
    this.#grown();
    return taken;
  }

  /** Tells the table what the loop has made of it. */
  #grown(): void {
    const { cells } = this.#memory;
    const { keys } = this.#totals.lanes;
    keys.count = cells[CELL.count] as number;
    const mask = cells[CELL.mask] as number;
    if (mask !== keys.mask) keys.doubled(this.#memory.slotsAsTheyAre(mask + 1));
  }
}
