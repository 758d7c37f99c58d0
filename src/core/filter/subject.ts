// The packet that a filter is asked about: its parts, which of their rows count, and the time since earlier packets.
//
// A fragment that was captured whole shows nothing above IP: as in Wireshark its payload is data, and what the datagram
// carries stands in the packet that completes it. So rows behind a fragment's first payload row are covered.
//
// Sides: `outer` is everything up to and including the outermost VXLAN header, `inner` the innermost VXLAN header and
// everything behind it. In a packet without VXLAN all is outer.

import { CHECKSUM, checksumVerdict } from '../dissect/checksums.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Part, Sight } from '../reassembly/sight.ts';

export const SIDE = { any: 0, outer: 1, inner: 2 } as const;
export type Side = (typeof SIDE)[keyof typeof SIDE];

const NANOS = 1_000_000_000n;

/** Filled anew for every packet. */
export class Subject {
  parts: readonly Part[] = [];
  own: Part | null = null;
  meta: PacketMeta | null = null;
  /** The rows of the outermost and innermost VXLAN headers, or -1. */
  #vxlan = -1;
  #innerVxlan = -1;
  /** By part: one behind the last row that counts, and the row that counts as data whatever it is, or -1. */
  readonly #ends: number[] = [];
  readonly #covers: number[] = [];
  #number = 0;
  #firstSeconds = 0;
  #firstNanos = 0;
  #beforeSeconds = 0;
  #beforeNanos = 0;
  #seconds = 0;
  #nanos = 0;

  take(sight: Sight, meta: PacketMeta): void {
    this.parts = sight.parts;
    this.own = sight.own;
    this.meta = meta;
    const { d } = sight.last;
    this.#vxlan = d.vxlan;
    this.#innerVxlan = d.innerVxlan;
    for (let i = 0; i < this.parts.length; i++) this.#cover(i, this.parts[i] as Part);
    this.#tick(meta);
  }

  #cover(i: number, part: Part): void {
    const { d } = part;
    const row = d.fragment + 1;
    const next = this.parts[i + 1];
    this.#covers[i] = -1;
    // An ESP row that was opened is the next part's.
    this.#ends[i] = next?.opened === true ? next.from : d.count;
    if (row === 0 || row >= d.count || !isPutTogether(part.view, d, row - 1)) return;
    // The fragment that completes the datagram is shown by the next part.
    if (next !== undefined) this.#ends[i] = row;
    else {
      this.#covers[i] = row;
      this.#ends[i] = row + 1;
    }
  }

  /** A smaller number than before means another file. */
  #tick(meta: PacketMeta): void {
    if (meta.number <= this.#number || this.#number === 0) {
      this.#firstSeconds = meta.seconds;
      this.#firstNanos = meta.nanos;
      this.#seconds = meta.seconds;
      this.#nanos = meta.nanos;
    }
    this.#number = meta.number;
    this.#beforeSeconds = this.#seconds;
    this.#beforeNanos = this.#nanos;
    this.#seconds = meta.seconds;
    this.#nanos = meta.nanos;
  }

  /** The first row of part `i` that counts on a side, and one behind the last. */
  from(i: number, side: Side): number {
    const { from } = this.parts[i] as Part;
    if (side !== SIDE.inner) return from;
    return this.#innerVxlan < 0 ? LAST : Math.max(from, this.#innerVxlan);
  }

  to(i: number, side: Side): number {
    const end = this.#ends[i] as number;
    return side === SIDE.outer && this.#vxlan >= 0 ? Math.min(end, this.#vxlan + 1) : end;
  }

  /** The row of part `i` that is data although the walk reads more of it, or -1. */
  covered(i: number): number {
    return this.#covers[i] as number;
  }

  /** Nanoseconds since 1970, since the first packet, and since the packet before. */
  get sinceEpoch(): bigint {
    return BigInt(this.#seconds) * NANOS + BigInt(this.#nanos);
  }

  get sinceFirst(): bigint {
    return this.sinceEpoch - (BigInt(this.#firstSeconds) * NANOS + BigInt(this.#firstNanos));
  }

  get sinceBefore(): bigint {
    return this.sinceEpoch - (BigInt(this.#beforeSeconds) * NANOS + BigInt(this.#beforeNanos));
  }
}

const LAST = 0x7fff_ffff;

/** True for a fragment whose bytes are all there and whose header is sound: it waits for the others. */
function isPutTogether(view: DataView, d: Dissection, row: number): boolean {
  if (d.end(row) < d.limit(row)) return false;
  return d.kind(row) !== L.ipv4 || checksumVerdict(view, d, row) === CHECKSUM.good;
}
