// A cable with two ends on virtual time. Each direction has its own impairments, random stream and queue.
//
// A frame leaves when the ones before it have left at the link's rate, takes the delay, and arrives in order unless
// reordering is asked for. A frame in flight is a timer whose token is its slot number, or the complement of that while it
// counts towards the queue: the rate may have changed by the time it arrives.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Clock, Timers, TimerTarget } from '../time/clock.ts';
import type { RandomStream } from '../time/random.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE } from '../trace/event.ts';
import type { Impairments } from './impair.ts';
import { IMPAIR, UNIMPAIRED, WIRE_OVERHEAD } from './impair.ts';
import type { Port, PortId, Sink } from './port.ts';
import { LINK_SLACK } from './port.ts';

const NOBODY: Sink = { receive: (frame) => frame.release() };

/** What both ends of every link of a world share. */
export interface LinkGround {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly pool: FramePool;
  readonly trace: TraceSink;
}

export class LinkEnd implements Port, TimerTarget {
  readonly id: ElementId;
  readonly name: string;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #ground: LinkGround;
  readonly #random: RandomStream;
  #impairments: Impairments = UNIMPAIRED;
  #plain = true;
  mtu: number;
  up = true;
  peer: LinkEnd = this;
  sink: Sink = NOBODY;
  port: PortId = 0;
  /** When the last frame will have left, and when the last one arrives. */
  #free = 0;
  #arrival = 0;
  #waiting = 0;

  constructor(id: ElementId, name: string, mtu: number, ground: LinkGround, random: RandomStream) {
    this.id = id;
    this.name = name;
    this.mtu = mtu;
    this.trace = ground.trace;
    this.#ground = ground;
    this.#random = random;
  }

  get impairments(): Impairments {
    return this.#impairments;
  }

  /** Changes what happens to frames sent from now on. */
  impair(to: Impairments): void {
    this.#impairments = to;
    this.#plain = to.jitter === 0 && to.loss === 0 && to.duplicate === 0 && to.reorder === 0 && to.rate === 0;
  }

  /** Says who owns this end and by which number it knows it. */
  plug(sink: Sink, port: PortId): void {
    this.sink = sink;
    this.port = port;
  }

  send(frame: Frame): void {
    const length = frame.end - frame.start;
    const is = this.#impairments;
    if (!this.up || !this.peer.up) return drop(this, frame, DROP.linkDown);
    if (length > this.mtu + LINK_SLACK) return drop(this, frame, DROP.mtuExceeded, length);
    if (is.mtu > 0 && length > is.mtu + LINK_SLACK) return drop(this, frame, DROP.mtuExceeded, length);
    this.counters.txPackets++;
    this.counters.txBytes += length;
    if (this.trace.on) this.trace.emit(this.id, TRACE.transmit, frame, this.peer.id, length);
    if (!this.#plain) return this.#sendImpaired(frame, is, length);
    this.#ground.timers.at(this.#ground.clock.now + is.delay, this, frame.slot);
  }

  /** A frame arrives at the other end. */
  fire(token: number): void {
    if (token < 0) this.#waiting--;
    const frame = this.#ground.pool.at(token < 0 ? ~token : token);
    const peer = this.peer;
    if (!peer.up || !this.up) return drop(peer, frame, DROP.linkDown);
    peer.counters.rxPackets++;
    peer.counters.rxBytes += frame.end - frame.start;
    peer.sink.receive(frame, peer.port);
  }

  #sendImpaired(frame: Frame, is: Impairments, length: number): void {
    const random = this.#random;
    const now = this.#ground.clock.now;
    if (is.loss > 0 && random.float() < is.loss) {
      if (this.trace.on) this.trace.emit(this.id, TRACE.impair, frame, IMPAIR.lost, 0);
      return drop(this, frame, DROP.impairment);
    }
    let leaves = now;
    if (is.rate > 0) {
      if (this.#waiting >= is.queue) return drop(this, frame, DROP.queueFull, this.#waiting);
      leaves = Math.max(now, this.#free) + Math.ceil(((length + WIRE_OVERHEAD) * 8e9) / is.rate);
      this.#free = leaves;
    }
    if (is.duplicate > 0 && random.float() < is.duplicate) {
      if (this.trace.on) this.trace.emit(this.id, TRACE.impair, frame, IMPAIR.duplicated, 0);
      // A frame that others read may not be scheduled twice under one slot number: the second is a copy.
      this.#arrival = Math.max(leaves + is.delay, this.#arrival);
      this.#arrive(this.#ground.pool.copyOf(frame), this.#arrival);
    }
    if (is.reorder > 0 && random.float() < is.reorder) {
      if (this.trace.on) this.trace.emit(this.id, TRACE.impair, frame, IMPAIR.overtook, is.delay);
      this.#arrive(frame, leaves);
      return;
    }
    const spread = is.jitter > 0 ? Math.round((random.float() * 2 - 1) * is.jitter) : 0;
    this.#arrival = Math.max(leaves + is.delay + spread, this.#arrival);
    this.#arrive(frame, this.#arrival);
  }

  #arrive(frame: Frame, when: number): void {
    const queued = this.#impairments.rate > 0;
    if (queued) this.#waiting++;
    this.#ground.timers.at(when, this, queued ? ~frame.slot : frame.slot);
  }
}

/** Joins two ends. */
export function link(a: LinkEnd, b: LinkEnd): void {
  a.peer = b;
  b.peer = a;
}
