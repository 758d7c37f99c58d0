// One direction of a TCP connection, put in order (RFC 9293 s.3.4): what comes before its turn is held, what comes again is
// passed over, and where two segments say different things about a byte the first one that was captured counts.
//
//   heard ......... next |  gap  | held | held |   gap   | held |
//
// A gap is given up as lost when the other side has acknowledged bytes behind it and the capture, which may be a little out
// of order, does not bring them within PATIENCE packets; or when no more can be held.

import type { StreamCounts, StreamLimits } from './limits.ts';
import type { Listener, Side, Within } from './listener.ts';
import type { Purse } from './purse.ts';

/** Packets of the connection that a gap is waited for once the other side has acknowledged what is in it. */
export const PATIENCE = 32;
/** Bytes of memory that a held segment takes besides its own. */
const HELD_COST = 96;
/** No window is larger (RFC 7323 s.2.3): nothing that is further ahead was sent. */
const WINDOW_MAX = 1 << 30;
/** Further behind than what any stack sends again: another connection's. */
const BEHIND_MAX = 1 << 26;
/** So many of them in a row make another connection certain. */
const ASTRAY_MAX = 3;

interface Held {
  seq: number;
  /** Bytes on the wire: those that are there, and then those that a snapshot length cut away. */
  length: number;
  cut: number;
  bytes: Uint8Array | null;
  packet: number;
  offset: number;
  within: Within;
}

/** What the directions of all streams share. */
export interface Bounds {
  readonly limits: StreamLimits;
  readonly counts: StreamCounts;
  readonly purse: Purse;
}

export class Half {
  readonly side: Side;
  readonly #bounds: Bounds;
  readonly #listener: Listener;
  started = false;
  closed = false;
  /** Sequence number of the byte that comes next, as a signed 32-bit number. */
  next = 0;
  /** Where the counting started. */
  first = 0;
  #acked = 0;
  #isAcked = false;
  #patience = 0;
  #fin = 0;
  #hasFin = false;
  #held: Held[] = [];
  #heldBytes = 0;
  #astray = 0;
  #astrayNext = 0;

  constructor(side: Side, bounds: Bounds, listener: Listener) {
    this.side = side;
    this.#bounds = bounds;
    this.#listener = listener;
  }

  /** Starts counting at a sequence number, if it has not. */
  start(seq: number): void {
    if (this.started) return;
    this.started = true;
    this.next = seq | 0;
    this.first = this.next;
  }

  /** True when several segments that go on one behind the other are where those of this connection cannot be. */
  isAstray(seq: number, length: number): boolean {
    if (!this.started || length === 0) return false;
    const ahead = (seq + length - this.next) | 0;
    if (ahead > -BEHIND_MAX && ahead <= WINDOW_MAX) {
      this.#astray = 0;
      return false;
    }
    this.#astray = seq === this.#astrayNext ? this.#astray + 1 : 1;
    this.#astrayNext = (seq + length) | 0;
    return this.#astray >= ASTRAY_MAX;
  }

  /**
   * Takes a segment's bytes [from, to), of which `cut` more were on the wire.
   * @param offset where `from` stands in the packet
   */
  take(
    seq: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    cut: number,
    packet: number,
    offset: number,
    within: Within,
  ): void {
    const length = to - from + cut;
    if (length === 0 || this.closed) return;
    this.start(seq);
    let ahead = (seq - this.next) | 0;
    if (ahead + length <= 0 || ahead > WINDOW_MAX) return;
    while (ahead > 0) {
      if (this.#hold(seq, bytes, from, to, cut, packet, offset, within)) return;
      this.#giveUp(ahead);
      ahead = (seq - this.next) | 0;
    }
    while (-ahead < length) {
      const limit = this.#drain();
      ahead = (seq - this.next) | 0;
      const until = Math.min(length, limit - ahead);
      if (-ahead < until) this.#tell(bytes, from, to, -ahead, until, packet, offset, within);
      ahead = (seq - this.next) | 0;
    }
    this.#drain();
    this.#finish();
  }

  /** The side says that nothing comes behind this sequence number. */
  fin(seq: number): void {
    if (this.closed) return;
    this.start(seq);
    this.#fin = seq | 0;
    this.#hasFin = true;
    this.#finish();
  }

  /** The other side says that it has everything before this sequence number. */
  acknowledged(ack: number): void {
    this.#acked = ack | 0;
    this.#isAcked = true;
  }

  /** One more packet of the connection has come and gone. */
  wait(): void {
    if (!this.#isAcked || this.closed) return;
    const behind = this.started ? (this.#acked - this.next) | 0 : 1;
    if (behind <= 0) {
      this.#patience = 0;
      return;
    }
    if (++this.#patience < PATIENCE) return;
    this.#patience = 0;
    this.start(this.#acked);
    if (behind > 1 || this.#held.length > 0) this.#giveUp(behind);
  }

  /** Nothing more comes: tells what is held and what is known to be missing. */
  end(): void {
    if (this.closed) return;
    while (this.#held.length > 0) this.#giveUp(Number.MAX_SAFE_INTEGER);
    const fin = this.#hasFin ? (this.#fin - this.next) | 0 : 0;
    const acked = this.#isAcked && this.started ? (this.#acked - this.next) | 0 : 0;
    // One number that was acknowledged may be that of a FIN that the capture does not have.
    const missing = fin > 0 ? fin : acked > 1 ? acked : 0;
    if (missing > 0) this.#miss(missing);
    this.#shut();
  }

  /** Holds what no held segment says already; false when there is no room. */
  #hold(
    seq: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    cut: number,
    packet: number,
    offset: number,
    within: Within,
  ): boolean {
    const held = this.#held;
    const { next } = this;
    const end = ((seq - next) | 0) + to - from + cut;
    let at = (seq - next) | 0;
    let i = held.length;
    while (i > 0 && endOf(held[i - 1] as Held, next) > at) i--;
    for (; at < end; i++) {
      const other = held[i];
      const until = other === undefined ? end : Math.min(end, (other.seq - next) | 0);
      if (until > at) {
        const lo = at - ((seq - next) | 0);
        const hi = until - ((seq - next) | 0);
        const first = from + Math.min(lo, to - from);
        const last = from + Math.min(hi, to - from);
        const kept = this.#listener.wants(this.side) ? bytes.slice(first, last) : null;
        const cost = HELD_COST + (kept === null ? 0 : kept.length);
        if (!this.#hasRoom(cost)) return false;
        this.#heldBytes += cost;
        this.#bounds.purse.take(cost);
        held.splice(i, 0, {
          seq: (next + at) | 0,
          length: hi - lo,
          cut: hi - lo - (last - first),
          bytes: kept,
          packet,
          offset: offset + first - from,
          within,
        });
        at = until;
      } else if (other !== undefined) at = endOf(other, next);
    }
    return true;
  }

  #hasRoom(cost: number): boolean {
    const { limits, counts } = this.#bounds;
    const isFull = this.#held.length >= limits.segments;
    if (!isFull && this.#heldBytes + cost <= limits.held) return true;
    // A gap that was acknowledged is lost anyway.
    if (this.#isAcked && ((this.#acked - this.next) | 0) > 0) return false;
    if (isFull) counts.segments++;
    else counts.held++;
    return false;
  }

  /** Declares lost what stands before the first held segment, but no more than `most` bytes; tells what then is in order. */
  #giveUp(most: number): void {
    const first = this.#held[0];
    const gap = first === undefined ? most : Math.min(most, (first.seq - this.next) | 0);
    if (gap > 0) this.#miss(gap);
    this.#drain();
    this.#finish();
  }

  /** Tells held segments whose turn has come; answers how far away the next one is. */
  #drain(): number {
    const held = this.#held;
    while (held.length > 0) {
      const first = held[0] as Held;
      const ahead = (first.seq - this.next) | 0;
      if (ahead > 0) return ahead;
      held.shift();
      const cost = HELD_COST + (first.bytes === null ? 0 : first.bytes.length);
      this.#heldBytes -= cost;
      this.#bounds.purse.give(cost);
      const { bytes, cut, length, packet, offset, within } = first;
      if (-ahead < length) this.#tell(bytes, 0, length - cut, -ahead, length, packet, offset, within);
    }
    return Number.MAX_SAFE_INTEGER;
  }

  /** Tells bytes `lo` to `hi` of a segment; those behind `to` were cut away. */
  #tell(
    bytes: Uint8Array | null,
    from: number,
    to: number,
    lo: number,
    hi: number,
    packet: number,
    offset: number,
    within: Within,
  ): void {
    const first = from + lo;
    const last = Math.min(from + hi, to);
    this.next = (this.next + hi - lo) | 0;
    if (last > first) {
      if (bytes === null) this.#listener.pass(this.side, last - first);
      else this.#listener.hear(this.side, bytes, first, last, packet, offset + lo, within);
    }
    const missing = hi - lo - Math.max(0, last - first);
    if (missing > 0) this.#listener.miss(this.side, missing);
  }

  #miss(n: number): void {
    this.next = (this.next + n) | 0;
    this.#listener.miss(this.side, n);
  }

  #finish(): void {
    if (!this.#hasFin) return;
    const left = (this.#fin - this.next) | 0;
    if (left === 0) this.#shut();
    // Data behind a FIN: it was none of this connection's.
    else if (left < 0) this.#hasFin = false;
  }

  #shut(): void {
    if (this.closed) return;
    this.next = (this.next + 1) | 0;
    this.#bounds.purse.give(this.#heldBytes);
    this.#heldBytes = 0;
    this.#held = [];
    this.closed = true;
    this.#listener.close(this.side);
  }
}

/** How far behind `next` a held segment ends. */
function endOf(held: Held, next: number): number {
  return ((held.seq - next) | 0) + held.length;
}
