// What makes two captured frames the same frame at two places: a hash over the innermost Ethernet frame, without what is put
// around it on its way (tunnels of any kind) and without checksums, which a network card may fill in behind the tap.
//
// Behind routers more has changed: then only IP counts, from its header on, without TTL or hop limit, without the traffic class,
// which routers mark, and without MAC addresses.

import type { Dissection } from '../../dissect/layer.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { Part, Sight } from '../../reassembly/sight.ts';

export interface FrameKeyOptions {
  /** Recognise frames across routers too. Default false. */
  readonly routed?: boolean;
  /** Compare only so many bytes, for taps with snap lengths; the length on the wire counts always. Default all. */
  readonly bytes?: number;
  /** Any 32-bit number, better a secret one. */
  readonly salt?: number;
}

/** Filled again for every packet; allocates nothing. */
export class FrameKey {
  /** 64 bits over the frame. */
  high = 0;
  low = 0;
  /** 64 bits over who sends and who receives. */
  pairHigh = 0;
  pairLow = 0;
  /** True for broadcast and multicast, which go many ways at once. */
  flood = false;
  /** Where the frame stands: its rows, the innermost Ethernet row and the first network row in it; -1 for none. */
  part: Part | null = null;
  link = -1;
  network = -1;

  readonly #routed: boolean;
  readonly #bytes: number;
  readonly #salt: number;

  constructor({ routed = false, bytes = Number.MAX_SAFE_INTEGER, salt = 0 }: FrameKeyOptions = {}) {
    this.#routed = routed;
    this.#bytes = bytes;
    this.#salt = salt;
  }

  /** Finds the frame in a packet and hashes it; false where there is nothing to compare. */
  take(sight: Sight): boolean {
    this.#locate(sight);
    const part = this.part as Part;
    const { view, d } = part;
    const from = this.#routed || this.link < 0 ? this.network : this.link;
    if (from < 0 && this.link < 0) return false;
    const row = from < 0 ? this.link : from;
    const start = d.start(row);
    const bound = this.network < 0 ? row : this.network;
    const end = Math.min(d.end(bound), start + this.#bytes);
    this.high = this.#salt | 0;
    this.low = ~this.#salt;
    this.#mix(d.limit(bound) - start);
    this.#frame(view, d, start, end);
    this.#ends(view, d);
    return true;
  }

  /** The innermost Ethernet row that is not in a piece of a tunnel's datagram, and the first network row behind it. */
  #locate(sight: Sight): void {
    let part = sight.own;
    this.link = linkRow(part.d);
    // A frame that came in one piece is itself, also where it completes a datagram inside; one that came in pieces of a tunnel's
    // datagram is in the part that put it together.
    for (const other of sight.parts) {
      const link = linkRow(other.d);
      if (link < 0 || (this.link >= 0 && other.d.depth(link) <= part.d.depth(this.link))) continue;
      part = other;
      this.link = link;
    }
    this.part = part;
    this.network = networkRow(part.d, this.link);
  }

  #frame(view: DataView, d: Dissection, start: number, end: number): void {
    const network = this.network;
    let at = start;
    if (network >= 0) {
      const ip = d.start(network);
      if (d.kind(network) === L.ipv4) {
        if (this.#routed) {
          at = this.#upTo(view, at, Math.min(end, ip + 1)) + 1;
          at = this.#upTo(view, at, Math.min(end, ip + 8)) + 1;
        }
        at = this.#upTo(view, at, Math.min(end, ip + 10)) + 2;
      } else if (d.kind(network) === L.ipv6 && this.#routed) {
        at = this.#upTo(view, ip + 4, Math.min(end, ip + 7)) + 1;
      }
      const field = checksumField(d, network);
      if (field >= at && field + 2 <= end) at = this.#upTo(view, at, field) + 2;
    }
    this.#upTo(view, at, end);
  }

  #ends(view: DataView, d: Dissection): void {
    const high = this.high;
    const low = this.low;
    this.high = this.#salt | 0;
    this.low = ~this.#salt;
    this.flood = this.link >= 0 && (view.getUint8(d.start(this.link)) & 1) === 1;
    if (!this.#routed && this.link >= 0) this.#upTo(view, d.start(this.link), d.start(this.link) + 12);
    else if (this.network >= 0) {
      const ip = d.start(this.network);
      const six = d.kind(this.network) === L.ipv6;
      if (six) this.#upTo(view, ip + 8, ip + 40);
      else this.#upTo(view, ip + 12, ip + 20);
      if (d.kind(this.network) !== L.arp)
        this.flood ||= six ? view.getUint8(ip + 24) === 0xff : view.getUint8(ip + 16) >= 224;
    }
    this.pairHigh = this.high;
    this.pairLow = this.low;
    this.high = high;
    this.low = low;
  }

  /** Hashes [at, end) and answers with `end`. */
  #upTo(view: DataView, from: number, end: number): number {
    let at = from;
    for (; at + 4 <= end; at += 4) this.#mix(view.getInt32(at));
    for (; at < end; at++) this.#mix(view.getUint8(at));
    return Math.max(from, end);
  }

  #mix(word: number): void {
    let high = Math.imul(this.high ^ word, 0x85ebca6b);
    high ^= high >>> 15;
    const low = Math.imul(this.low + word, 0xc2b2ae35);
    this.high = Math.imul(high, 0x9e3779b1) ^ low;
    this.low = low ^ (low >>> 13) ^ (high << 7);
  }
}

function linkRow(d: Dissection): number {
  let found = -1;
  for (let row = 0; row < d.count && !d.quoted(row); row++) {
    if (d.kind(row) === L.ethernet && (d.flags(row) & LAYER_FLAG.fragment) === 0 && d.fault(row) === 0)
      found = row;
  }
  return found;
}

/** The first ARP or IP row behind row `link`, which may be -1. */
function networkRow(d: Dissection, link: number): number {
  for (let row = link + 1; row < d.count && !d.quoted(row); row++) {
    const kind = d.kind(row);
    if (kind === L.arp || kind === L.ipv4 || kind === L.ipv6) return isWhole(d, row, kind) ? row : -1;
  }
  return -1;
}

function isWhole(d: Dissection, row: number, kind: number): boolean {
  return d.head(row) - d.start(row) >= (kind === L.ipv4 ? 20 : kind === L.ipv6 ? 40 : 28);
}

/** Where the checksum of what IP carries stands, or -1. */
function checksumField(d: Dissection, network: number): number {
  for (let row = network + 1; row < d.count && !d.quoted(row); row++) {
    switch (d.kind(row)) {
      case L.udp:
        return d.start(row) + 6;
      case L.tcp:
        return d.start(row) + 16;
      case L.hopByHop:
      case L.routing:
      case L.fragment:
      case L.destination:
      case L.ah:
        continue;
      default:
        return -1;
    }
  }
  return -1;
}
