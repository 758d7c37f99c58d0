// A bound on what a VTEP sends, in bits a second: datagrams over it wait their turn, as behind `tc qdisc add ... tbf`, and the
// sender is slowed by the delay. Past the queue's end they are dropped.

import type { Frame } from '../../core/frame/frame.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { Clock, TimerId, Timers, TimerTarget } from '../../engine/time/clock.ts';
import { MILLISECOND } from '../../engine/time/clock.ts';
import type { LiveUnderlay, UnderlayCounters } from './live-underlay.ts';
import { TokenBucket } from './token-bucket.ts';

/** Datagrams that wait at most. */
const QUEUE = 1024;
/** What may leave at once: what the rate gives in this time, but at least two full datagrams. */
const BURST_SECONDS = 0.01;
const BURST_MIN = 3000;
/** Node's timers are no finer. */
const NAP = MILLISECOND;

export class ShapedUnderlay implements LiveUnderlay, TimerTarget {
  readonly counters: UnderlayCounters;
  readonly notices: string[];
  readonly #inner: LiveUnderlay;
  readonly #time: Clock & Timers;
  readonly #bucket: TokenBucket;
  readonly #frames: (Frame | null)[] = new Array<Frame | null>(QUEUE).fill(null);
  readonly #rest: Int32Array = new Int32Array(QUEUE * 3);
  #head = 0;
  #waiting = 0;
  #timer: TimerId = 0;

  /** @param rate bits a second of UDP payload */
  constructor(inner: LiveUnderlay, time: Clock & Timers, rate: number) {
    this.#inner = inner;
    this.counters = inner.counters;
    this.notices = inner.notices;
    this.#time = time;
    const bytes = rate / 8;
    this.#bucket = new TokenBucket(bytes, Math.max(BURST_MIN, bytes * BURST_SECONDS), time.now);
  }

  sendTo(peer: PeerId, entropy: number, tos: number, frame: Frame): void {
    const { now } = this.#time;
    if (this.#waiting === 0 && this.#bucket.take(frame.end - frame.start, now)) {
      return this.#inner.sendTo(peer, entropy, tos, frame);
    }
    if (this.#waiting === QUEUE) {
      this.counters.sent++;
      this.counters.sentBytes += frame.end - frame.start;
      this.counters.queueFull++;
      frame.release();
      return;
    }
    const slot = (this.#head + this.#waiting++) % QUEUE;
    this.#frames[slot] = frame;
    this.#rest.set([peer, entropy, tos], slot * 3);
    if (this.#timer === 0) this.#arm(now);
  }

  /** Sends what may go by now. */
  fire(): void {
    this.#timer = 0;
    const { now } = this.#time;
    while (this.#waiting > 0) {
      const slot = this.#head;
      const frame = this.#frames[slot] as Frame;
      if (!this.#bucket.take(frame.end - frame.start, now)) return this.#arm(now);
      this.#frames[slot] = null;
      this.#head = (slot + 1) % QUEUE;
      this.#waiting--;
      const [peer = 0, entropy = 0, tos = 0] = this.#rest.subarray(slot * 3, slot * 3 + 3);
      this.#inner.sendTo(peer, entropy, tos, frame);
    }
  }

  room(peer: PeerId, vni: number): number {
    return this.#inner.room(peer, vni);
  }

  join(group: PeerId): void {
    this.#inner.join(group);
  }

  leave(group: PeerId): void {
    this.#inner.leave(group);
  }

  open(): Promise<void> {
    return this.#inner.open();
  }

  kernelDrops(): number | null {
    return this.#inner.kernelDrops();
  }

  close(): Promise<void> {
    if (this.#timer !== 0) this.#time.cancel(this.#timer);
    for (const frame of this.#frames.splice(0)) frame?.release();
    this.#waiting = 0;
    return this.#inner.close();
  }

  #arm(now: number): void {
    const first = this.#frames[this.#head] as Frame;
    const wait = this.#bucket.wait(first.end - first.start, now);
    this.#timer = this.#time.at(now + Math.max(wait, NAP), this, 0);
  }
}
