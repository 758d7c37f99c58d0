// The memory that a sweep's inner loop (assembly/sweep.ts, in WebAssembly) shares with the rest of a survey:
//
//   0         0x1_0000   0x2_0000       0x3_0000   0x7_0000   rowsAt
//   | seen    | carries  | cells        | chunk    | slots    | rows ... |
//   1 by port  CARRIES    CELL, numbers   the file's  of the lanes' table, see key-table.ts
//              by port    to and fro      bytes
//
// What is not used of it costs addresses only.

import { assembledFrom, PAGE } from './assembled.ts';
import type { Storage } from './key-table.ts';
import { FIRST_ROWS, ROW_WORDS } from './key-table.ts';
import { CODE } from './sweep-code.ts';

const CARRIES_AT = 0x1_0000;
const CELLS_AT = 0x2_0000;
const CHUNK_AT = 0x3_0000;
const CHUNK_BYTES = 0x4_0000;
const SLOTS_AT = CHUNK_AT + CHUNK_BYTES;

/** 32-bit cells. */
export const CELL = {
  rowsAt: 0,
  slotsAt: 1,
  /** Rows in use. */
  count: 2,
  /** Rows at most. */
  most: 3,
  mask: 4,
  k1: 5,
  k2: 6,
  k3: 7,
  k4: 8,
  /** Of the latest time stamp. */
  seconds: 9,
  /** What the last call counted. */
  packets: 10,
} as const;

/** Cells of 64 bits. */
export const WIDE_CELL = { nanos: 6, bytes: 7 } as const;

/** Takes records in [from, end) and answers where it stopped; `unit` is nanoseconds in a unit of a time stamp's fraction. */
type Records = (from: number, end: number, unit: number) => number;

export class SweepMemory implements Storage {
  /** The bytes that the loop reads. */
  readonly chunk: Uint8Array;
  readonly seen: Uint8Array;
  readonly cells: Uint32Array;
  readonly wideCells: Float64Array;
  readonly records: Records;
  /** Adds the lanes of rows in [from, end) to those that are here; answers where it stopped. */
  readonly merge: (from: number, end: number) => number;
  readonly #rows: Int32Array;

  /** Memory for so many lanes; null where there is no WebAssembly, or not so much memory. */
  static make(most: number, carries: Uint8Array): SweepMemory | null {
    try {
      return new SweepMemory(most, carries);
    } catch {
      return null;
    }
  }

  private constructor(most: number, carries: Uint8Array) {
    let room = FIRST_ROWS;
    while (room < most) room *= 2;
    const rowsAt = SLOTS_AT + room * 2 * 4;
    const pages = Math.ceil((rowsAt + Math.max(most, FIRST_ROWS) * ROW_WORDS * 4) / PAGE);
    const { buffer, exports } = assembledFrom<Pick<SweepMemory, 'records' | 'merge'>>(CODE, pages);
    this.records = exports.records;
    this.merge = exports.merge;
    this.chunk = new Uint8Array(buffer, CHUNK_AT, CHUNK_BYTES);
    this.seen = new Uint8Array(buffer, 0, 0x1_0000);
    new Uint8Array(buffer, CARRIES_AT, 0x1_0000).set(carries);
    this.cells = new Uint32Array(buffer, CELLS_AT, 16);
    this.wideCells = new Float64Array(buffer, CELLS_AT, 8);
    this.cells[CELL.rowsAt] = rowsAt;
    this.cells[CELL.slotsAt] = SLOTS_AT;
    this.cells[CELL.most] = most;
    this.#rows = new Int32Array(buffer, rowsAt, Math.max(most, FIRST_ROWS) * ROW_WORDS);
  }

  rows(): Int32Array {
    return this.#rows;
  }

  slots(count: number): Int32Array {
    return this.slotsAsTheyAre(count).fill(0);
  }

  /** So many slots, filled by the loop. */
  slotsAsTheyAre(count: number): Int32Array {
    return new Int32Array(this.chunk.buffer, SLOTS_AT, count);
  }
}
