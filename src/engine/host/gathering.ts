// Fragments of both families that wait for the rest of their datagram (RFC 791 s.3.2, RFC 8200 s.4.5, RFC 815), within
// limits: a lifetime, a number of datagrams and a number of pieces, the oldest datagram going first. A datagram whose
// pieces overlap is discarded whole (RFC 5722); a piece that is there already is passed over, as Linux does, since a
// network may deliver twice.

import type { Frame } from '../../core/frame/frame.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';
import { DROP, drop } from '../trace/drop.ts';
import { copy } from './fragment.ts';
import type { Interface } from './interface.ts';
import type { Stack } from './stack.ts';

/** Datagrams in the making at most. */
const GATHERINGS_MAX = 64;
/** Pieces at most: 4 MB of small slots, as Linux has it (ip_frag_high_thresh, ip6frag_high_thresh). */
const PIECES_MAX = 2048;

export interface Piece {
  readonly frame: Frame;
  /** Where its payload starts in the frame, its place in the datagram, its length. */
  readonly at: number;
  readonly offset: number;
  readonly length: number;
}

export class Gathering {
  readonly key: string;
  readonly number: number;
  readonly pieces: Piece[] = [];
  /** Where the first of its fragments came in. */
  readonly dev: Interface;
  /** The datagram's payload length, known with its last piece; -1 before. */
  total = -1;
  have = 0;
  timer: TimerId = 0;

  constructor(key: string, number: number, dev: Interface) {
    this.key = key;
    this.number = number;
    this.dev = dev;
  }

  /** The piece with the datagram's beginning. */
  get first(): Piece | undefined {
    return this.pieces.find((piece) => piece.offset === 0);
  }
}

/** Time is up for a datagram; its pieces are dropped after that. */
export type Expired = (gathering: Gathering) => void;

export class Gatherings implements TimerTarget {
  readonly #host: Stack;
  readonly #lifetime: number;
  readonly #expired: Expired;
  readonly #byKey: Map<string, Gathering> = new Map();
  readonly #byNumber: Map<number, Gathering> = new Map();
  #numbers = 0;
  #pieces = 0;

  /** @param seconds that a datagram may take */
  constructor(host: Stack, seconds: number, expired: Expired) {
    this.#host = host;
    this.#lifetime = seconds * SECOND;
    this.#expired = expired;
  }

  /** Takes a fragment's frame over; answers with the datagram when it was the last piece missing. */
  add(key: string, piece: Piece, more: boolean, dev: Interface): Gathering | null {
    const { offset, length, frame } = piece;
    const end = offset + length;
    const gathering = this.#byKey.get(key) ?? this.#open(key, dev);
    let overlaps = gathering.total >= 0 && (end > gathering.total || (!more && end !== gathering.total));
    for (const other of gathering.pieces) {
      const otherEnd = other.offset + other.length;
      if (offset >= otherEnd || other.offset >= end) {
        // A last piece that ends before another does.
        if (!more && otherEnd > end) overlaps = true;
        continue;
      }
      if (!overlaps && offset >= other.offset && end <= otherEnd) {
        drop(this.#host, frame, DROP.reassembly, offset);
        return null;
      }
      overlaps = true;
    }
    if (overlaps) {
      drop(this.#host, frame, DROP.reassembly, offset);
      this.#discard(gathering);
      return null;
    }
    gathering.pieces.push(piece);
    gathering.have += length;
    this.#pieces++;
    if (!more) gathering.total = end;
    if (gathering.total === gathering.have) {
      this.#forget(gathering);
      return gathering;
    }
    if (this.#pieces > PIECES_MAX) this.#discard(this.#oldest());
    return null;
  }

  /** Time is up. */
  fire(number: number): void {
    const gathering = this.#byNumber.get(number);
    if (gathering === undefined) return;
    gathering.timer = 0;
    this.#expired(gathering);
    this.#discard(gathering);
  }

  close(): void {
    for (const gathering of [...this.#byKey.values()]) this.#discard(gathering);
  }

  #oldest(): Gathering {
    return this.#byKey.values().next().value as Gathering;
  }

  #open(key: string, dev: Interface): Gathering {
    if (this.#byKey.size >= GATHERINGS_MAX) this.#discard(this.#oldest());
    this.#numbers = (this.#numbers + 1) & 0x7fffffff;
    const gathering = new Gathering(key, this.#numbers, dev);
    const { clock, timers } = this.#host.ground;
    gathering.timer = timers.at(clock.now + this.#lifetime, this, gathering.number);
    this.#byKey.set(key, gathering);
    this.#byNumber.set(gathering.number, gathering);
    return gathering;
  }

  #forget(gathering: Gathering): void {
    if (gathering.timer !== 0) this.#host.ground.timers.cancel(gathering.timer);
    this.#byKey.delete(gathering.key);
    this.#byNumber.delete(gathering.number);
    this.#pieces -= gathering.pieces.length;
  }

  #discard(gathering: Gathering): void {
    this.#forget(gathering);
    for (const piece of gathering.pieces) drop(this.#host, piece.frame, DROP.reassembly, piece.offset);
  }
}

/** Puts a complete datagram into one frame, behind `header` bytes of the first piece's frame; releases the pieces. */
export function join(host: Stack, gathering: Gathering, header: number): Frame {
  const first = gathering.first as Piece;
  const whole = host.ground.pool.take(header + gathering.total);
  whole.id = first.frame.id;
  whole.summed = gathering.pieces.every((piece) => piece.frame.summed);
  copy(first.frame, first.frame.start, whole, whole.start, header);
  for (const piece of gathering.pieces) {
    copy(piece.frame, piece.at, whole, whole.start + header + piece.offset, piece.length);
    piece.frame.release();
  }
  return whole;
}
