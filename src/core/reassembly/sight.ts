// One packet as every tool sees it: its own rows and, when it completes a datagram that came in fragments, the rows of
// the whole datagram behind them.
//
// The parts are in order. Part 0 is the packet as it was captured. A further part is a datagram put together again: its
// bytes stand in a buffer of their own behind copies of the headers that were around the last fragment, so that its
// Dissection has the whole chain of rows from the link layer on; rows before `from` repeat headers that earlier parts
// show already. An inner datagram in fragments, in an outer one in fragments, makes three parts.

import { Dissection } from '../dissect/layer.ts';
import type { WalkOptions } from '../dissect/ports.ts';
import { DEFAULT_WALK } from '../dissect/ports.ts';
import { dissect } from '../dissect/walk.ts';
import type { PacketMeta } from '../pcap/record.ts';

/** Rows of one stretch of bytes. */
export interface Part {
  readonly view: DataView;
  readonly d: Dissection;
  /** The first row that no earlier part shows; 0 in part 0. */
  readonly from: number;
  /** Numbers of the packets that brought its fragments, in the order of their offsets; empty in part 0. */
  readonly packets: readonly number[];
}

/** Reused for every packet: what it holds is good until the next `read`. */
export class Sight {
  readonly #options: WalkOptions;
  readonly #own: { view: DataView; d: Dissection; from: number; packets: readonly number[] };
  readonly #parts: Part[];

  constructor(options: WalkOptions = DEFAULT_WALK) {
    this.#options = options;
    this.#own = { view: new DataView(new ArrayBuffer(0)), d: new Dissection(), from: 0, packets: [] };
    this.#parts = [this.#own];
  }

  /** Walks over the packet in [start, end) of the view, and over the datagrams that it completes. Never throws. */
  read(view: DataView, start: number, end: number, meta: PacketMeta): void {
    this.#own.view = view;
    dissect(view, start, end, meta.linkType, this.#own.d, this.#options, meta.originalLength);
  }

  /** True while a datagram in fragments waits for more of them. */
  get waiting(): boolean {
    return false;
  }

  /** All parts, the packet's own first; at least one. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** The packet as it was captured. */
  get own(): Part {
    return this.#own;
  }

  /** The part that sees deepest: its rows go from the link layer to the innermost one. */
  get last(): Part {
    return this.#parts[this.#parts.length - 1] as Part;
  }
}
