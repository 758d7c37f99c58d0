// The layers of one packet as rows of numbers: what stands where, and which outer field said so.
//
//   start          head                          end        limit
//     |-- header ---|---------- payload ----------|...........|
//                                                   bytes that the capture or a quote cut away
//
// `end` is where the bytes end that are really there; `limit` is where the layer ends by the outer fields' word. The two
// differ only where a snap length cut the packet or an ICMP error quotes its beginning. A Dissection is made once and
// filled again for every packet: the walk allocates nothing.

import type { Fault, FaultReport } from '../wire/fault.ts';
import { describe, fault, faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../wire/fault.ts';
import type { LayerKind } from './kinds.ts';
import { BOUND, BOUND_NAMES, L, LAYER_FLAG } from './kinds.ts';

export type { LayerKind } from './kinds.ts';
export { BOUND, BOUND_NAMES, L, LAYER_FLAG, LAYER_PROTOCOLS } from './kinds.ts';

/** Rows that a Dissection holds; a packet with more stops there with a fault. */
export const LAYERS_MAX = 128;

// A row in one array, so that adding it touches one place in memory:
// kind | flags << 8 | depth << 16 | bound << 24, start, head, end, limit.
const WORDS = 8;
const START = 1;
const HEAD = 2;
const END = 3;
const LIMIT = 4;

/** Longer than any packet: where a claim is cut so that places fit 31 bits. */
const LENGTH_MAX = 0x1000_0000;

export class Dissection {
  /** How many rows are filled. */
  count = 0;
  /** The packet's first and one-past-last byte on the view, and its last byte on the wire. */
  packetStart = 0;
  packetEnd = 0;
  packetLimit = 0;
  /** The packet's length on the wire, as the capture says. */
  original = 0;
  linkType = 1;

  /** The rows, WORDS numbers each; read them with the methods below. */
  readonly #rows: Int32Array = new Int32Array(LAYERS_MAX * WORDS);
  readonly #faults: Int32Array = new Int32Array(LAYERS_MAX);

  /** The innermost ARP, IPv4 or IPv6 row outside a quote, or -1. */
  network = -1;
  /** The innermost UDP, TCP, ICMP, ICMPv6 or IGMP row outside a quote, or -1. */
  transport = -1;
  /** The outermost and innermost VXLAN rows outside a quote, or -1. */
  vxlan = -1;
  innerVxlan = -1;
  /** The first row with a fault, or -1. */
  firstFault = -1;
  /** The outermost row outside a quote that makes the packet a fragment: IPv4, or IPv6's fragment header; or -1. */
  fragment = -1;
  /** Bytes of the ICV behind an ESP packet that was opened; 0 where none was. See `opened`. */
  icvLength = 0;

  /** Where the walk stands; of no interest once it has ended. */
  at = 0;
  atEnd = 0;
  atLimit = 0;
  /** Flags, depth and bound of the next row, placed as in a row's first word. */
  #meta = 0;

  /** Empties the rows for a packet in [start, end) that has `original` bytes on the wire. */
  reset(start: number, end: number, original: number, linkType: number): void {
    this.count = 0;
    this.packetStart = start;
    this.packetEnd = end;
    this.original = original;
    // A damaged capture may claim any 32-bit length; places must stay small integers.
    this.packetLimit = original > end - start ? Math.max(end, start + Math.min(original, LENGTH_MAX)) : end;
    this.linkType = linkType;
    this.network = -1;
    this.transport = -1;
    this.vxlan = -1;
    this.innerVxlan = -1;
    this.fragment = -1;
    this.icvLength = 0;
    if (this.firstFault >= 0) {
      this.firstFault = -1;
      this.#faults.fill(NO_FAULT);
    }
    this.at = start;
    this.atEnd = end;
    this.atLimit = this.packetLimit;
    this.#meta = this.atLimit > end ? LAYER_FLAG.cut << 8 : 0;
  }

  /**
   * Empties the rows and takes over those of `from` up to row `last`, for bytes that start with the same headers at 0 and go
   * on to `end` with what row `last` carries, whole. Bounds, cuts and faults of `from` are not taken over.
   */
  follow(from: Dissection, last: number, end: number): void {
    this.reset(0, end, end, from.linkType);
    this.original = from.original;
    const rows = this.#rows;
    for (let i = 0; i <= last; i++) {
      const o = i * WORDS;
      const kind = from.kind(i);
      rows[o] = (from.#rows[o] as number) & (0xff_00ff | (LAYER_FLAG.guessed << 8));
      rows[o + START] = from.start(i) - from.packetStart;
      rows[o + HEAD] = from.head(i) - from.packetStart;
      rows[o + END] = end;
      rows[o + LIMIT] = end;
      if (kind === L.ipv4 || kind === L.ipv6) this.network = i;
      if (kind === L.vxlan || kind === L.gpe) {
        if (this.vxlan < 0) this.vxlan = i;
        this.innerVxlan = i;
      }
    }
    this.count = last + 1;
    this.at = this.head(last);
    this.#meta = this.depth(last) << 16;
  }

  /**
   * After `follow` up to the row in front of ESP: adds the row of an ESP packet that was opened. Its header has the IV, it ends
   * where its padding begins, and behind it, up to `packetEnd`, are padding, pad length, next header and the ICV.
   */
  opened(length: number, payloadEnd: number, icvLength: number): boolean {
    if (!this.push(L.esp, length)) return false;
    this.icvLength = icvLength;
    this.narrow(payloadEnd, BOUND.espPadding);
    return true;
  }

  /** Adds a row from `at` with a header of `length` bytes and steps over it. False when the rows are used up. */
  push(kind: LayerKind, length: number): boolean {
    const i = this.count;
    if (i === LAYERS_MAX) {
      this.#mark(i - 1, fault(LAYER.frame, KIND.endless, LAYERS_MAX));
      return false;
    }
    this.count = i + 1;
    const at = this.at;
    const head = at + length;
    const rows = this.#rows;
    const o = i * WORDS;
    rows[o] = kind | this.#meta;
    rows[o + START] = at;
    rows[o + HEAD] = head;
    rows[o + END] = this.atEnd;
    rows[o + LIMIT] = this.atLimit;
    this.at = head;
    return true;
  }

  /** Adds the bytes that are left as a row that nobody reads, when there are any. */
  rest(): void {
    if (this.at < this.atEnd) this.push(L.payload, this.atEnd - this.at);
  }

  /**
   * Adds a row for a header that is not whole or not what it should be, and blames it; all bytes that are left are its own.
   */
  fail(kind: LayerKind, f: Fault): void {
    const had = this.atEnd - this.at;
    if (!this.push(kind, had)) return;
    this.blame(this.count - 1, f);
  }

  /**
   * Notes a fault in row `i`, unless it says only that the capture ended before a length was filled, that a quote ended,
   * or that the bytes are in the next fragment.
   */
  blame(i: number, f: Fault): void {
    const flags = this.flags(i);
    const kind = faultKind(f);
    const missing =
      (kind === KIND.overrun && this.start(i) + faultNeeded(f) <= this.limit(i)) ||
      (kind <= KIND.overrun && (flags & (LAYER_FLAG.quoted | LAYER_FLAG.fragment)) !== 0);
    if (missing) this.#rows[i * WORDS] = (this.#rows[i * WORDS] as number) | (LAYER_FLAG.cut << 8);
    else this.#mark(i, f);
  }

  /** Ends the last row, and all that follow inside it, at `limit`: bytes past it belong to others. */
  narrow(limit: number, bound: number): void {
    if (limit > this.atLimit) return;
    this.#meta = (this.#meta & 0xffffff) | (bound << 24);
    if (limit === this.atLimit) return;
    const rows = this.#rows;
    const o = (this.count - 1) * WORDS;
    this.atLimit = limit;
    rows[o + LIMIT] = limit;
    if (limit <= this.atEnd) {
      this.atEnd = limit;
      rows[o + END] = limit;
      this.#meta &= ~(LAYER_FLAG.cut << 8);
      rows[o] = (rows[o] as number) & ~(LAYER_FLAG.cut << 8);
    }
  }

  /** Marks all rows from here on with a LAYER_FLAG. */
  flag(bit: number): void {
    this.#meta |= bit << 8;
  }

  /** Marks the last row alone with a LAYER_FLAG. */
  flagLast(bit: number): void {
    this.#rows[(this.count - 1) * WORDS] = (this.#rows[(this.count - 1) * WORDS] as number) | (bit << 8);
  }

  /** Notes that the last row makes what follows one fragment of a datagram. */
  fragmented(): void {
    this.flag(LAYER_FLAG.fragment);
    if (this.fragment < 0 && !this.quoted(this.count - 1)) this.fragment = this.count - 1;
  }

  /** Goes one tunnel deeper unless `most` are around already. */
  deepen(most: number): boolean {
    if (((this.#meta >> 16) & 0xff) >= most) return false;
    this.#meta += 0x10000;
    return true;
  }

  /** Ends what follows at `end`, as the quotation of an ICMP error. */
  quote(end: number): void {
    this.atEnd = end;
    this.atLimit = end;
    this.#meta = (this.#meta & 0xffffff) | (BOUND.quote << 24) | (LAYER_FLAG.quoted << 8);
  }

  /** Ends row `i`, whose header says how long it is, right behind the header. */
  endAtHead(i: number): void {
    const o = i * WORDS;
    this.#rows[o + END] = this.#rows[o + HEAD] as number;
    this.#rows[o + LIMIT] = this.#rows[o + HEAD] as number;
  }

  /** The LayerKind of row `i`, 0 to `count` - 1. */
  kind(i: number): number {
    return (this.#rows[i * WORDS] as number) & 0xff;
  }

  /** Bits of LAYER_FLAG. */
  flags(i: number): number {
    return ((this.#rows[i * WORDS] as number) >> 8) & 0xff;
  }

  /** How many tunnels are around the row. */
  depth(i: number): number {
    return ((this.#rows[i * WORDS] as number) >> 16) & 0xff;
  }

  /** BOUND: the outer field that ended the bytes that the row was given. */
  bound(i: number): number {
    return (this.#rows[i * WORDS] as number) >> 24;
  }

  /** Where the header starts, on the view like all places here. */
  start(i: number): number {
    return this.#rows[i * WORDS + START] as number;
  }

  /** Where the header ends and the payload starts. */
  head(i: number): number {
    return this.#rows[i * WORDS + HEAD] as number;
  }

  /** Where the payload's captured bytes end. */
  end(i: number): number {
    return this.#rows[i * WORDS + END] as number;
  }

  /** Where the payload ends on the wire. */
  limit(i: number): number {
    return this.#rows[i * WORDS + LIMIT] as number;
  }

  /** NO_FAULT, or what is wrong with the row. */
  fault(i: number): Fault {
    return this.#faults[i] as number;
  }

  /** True when row `i` belongs to the packet that an ICMP error quotes. */
  quoted(i: number): boolean {
    return (this.flags(i) & LAYER_FLAG.quoted) !== 0;
  }

  /** The nearest row before `i` of one of two kinds, or -1. */
  below(i: number, kind: LayerKind, other: LayerKind): number {
    for (let j = i - 1; j >= 0; j--) {
      const k = this.kind(j);
      if (k === kind || k === other) return j;
    }
    return -1;
  }

  #mark(i: number, f: Fault): void {
    this.#faults[i] = f;
    if (this.firstFault < 0) this.firstFault = i;
  }
}

/** The fault of row `i` with its place, offsets counted from the packet's start; null when the row has none. */
export function reportFault(d: Dissection, i: number): FaultReport | null {
  const f = d.fault(i);
  if (f === NO_FAULT) return null;
  const start = d.start(i);
  const at = start - d.packetStart;
  if (faultLayer(f) === LAYER.frame) {
    const text = `Frame: ${faultNeeded(f)} layers or tunnels within one another are the most that is followed; byte ${at} starts the last.`;
    return {
      layer: 'frame',
      kind: 'endless',
      offset: at,
      needed: faultNeeded(f),
      had: d.packetEnd - start,
      bound: 'settings',
      text,
    };
  }
  const limit = d.limit(i);
  const cut = start + faultNeeded(f) <= limit && d.packetEnd < d.packetLimit;
  const kind = cut ? BOUND.captured : d.bound(i);
  const had = cut ? d.end(i) - start : limit - start;
  return describe(f, at, Math.max(0, had), BOUND_NAMES[kind] as string);
}
