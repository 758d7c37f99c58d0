// Echo requests on a schedule and what became of each, as `ping` (iputils) counts them, for IPv4 and IPv6.
//
// The payload is iputils': eight bytes of seconds and eight of microseconds of the sending time, little-endian, then
// bytes that count up from 0x10.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip } from '../../core/wire/address.ts';
import type { Instant, TimerId, TimerTarget } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';
import { SENT } from './destination.ts';
import type { EchoListener, Stack } from './stack.ts';

export interface PingOptions {
  readonly count: number;
  /** Nanoseconds between requests; default one second. */
  readonly interval?: number;
  /** Bytes of payload; default 56. */
  readonly size?: number;
  readonly ttl?: number;
  readonly dontFragment?: boolean;
  /** How long to wait for the last answer, in nanoseconds; default one second after it was sent. */
  readonly deadline?: number;
  /** Added to the clock in the payload's time stamp, so that it is a date; nanoseconds. */
  readonly epoch?: number;
}

export interface PingReply {
  readonly seq: number;
  readonly from: Ip;
  readonly ttl: number;
  readonly bytes: number;
  /** Round-trip time in nanoseconds. */
  readonly rtt: number;
}

export interface PingError {
  readonly seq: number;
  readonly from: Ip | null;
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
}

export interface PingResult {
  readonly sent: number;
  readonly replies: readonly PingReply[];
  readonly errors: readonly PingError[];
  readonly duplicates: number;
}

const NEXT = 0;
const END = 1;

export class Ping implements TimerTarget, EchoListener {
  readonly host: Stack;
  readonly to: Ip;
  readonly id: number;
  readonly #options: Required<PingOptions>;
  readonly #sentAt: Map<number, Instant> = new Map();
  readonly #replies: PingReply[] = [];
  readonly #errors: PingError[] = [];
  readonly #done: ((result: PingResult) => void) | null;
  #duplicates = 0;
  #sent = 0;
  #timer: TimerId = 0;
  #finished = false;

  constructor(host: Stack, to: Ip, options: PingOptions, done: ((result: PingResult) => void) | null = null) {
    this.host = host;
    this.to = to;
    this.id = host.random.integer(65535) + 1;
    this.#done = done;
    this.#options = {
      interval: SECOND,
      size: 56,
      ttl: 64,
      dontFragment: true,
      deadline: SECOND,
      epoch: 0,
      ...options,
    };
    if (typeof to === 'number') host.ip4.icmp.listen(this.id, this);
    else host.ip6.icmp.listen(this.id, this);
  }

  get finished(): boolean {
    return this.#finished;
  }

  get result(): PingResult {
    return { sent: this.#sent, replies: this.#replies, errors: this.#errors, duplicates: this.#duplicates };
  }

  /** Sends the first request now and the others as the interval says. */
  start(): void {
    this.fire(NEXT);
  }

  fire(token: number): void {
    this.#timer = 0;
    if (token === END) return this.stop();
    const { clock, timers } = this.host.ground;
    this.#request(this.#sent + 1);
    if (this.#finished) return;
    const last = this.#sent >= this.#options.count;
    const wait = last ? this.#options.deadline : this.#options.interval;
    this.#timer = timers.at(clock.now + wait, this, last ? END : NEXT);
  }

  stop(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#timer !== 0) this.host.ground.timers.cancel(this.#timer);
    if (typeof this.to === 'number') this.host.ip4.icmp.unlisten(this.id);
    else this.host.ip6.icmp.unlisten(this.id);
    this.#done?.(this.result);
  }

  reply(from: Ip, _id: number, seq: number, ttl: number, _frame: Frame, at: number, end: number): void {
    const sentAt = this.#sentAt.get(seq);
    if (sentAt === undefined) return;
    if (this.#replies.some((reply) => reply.seq === seq)) {
      this.#duplicates++;
      return;
    }
    const rtt = this.host.ground.clock.now - sentAt;
    this.#replies.push({ seq, from, ttl, bytes: end - at + 8, rtt });
    if (this.#replies.length >= this.#options.count) this.stop();
  }

  error(from: Ip, type: number, code: number, _id: number, seq: number, mtu: number): void {
    this.#errors.push({ seq, from, type, code, mtu });
  }

  #request(seq: number): void {
    const { pool, clock } = this.host.ground;
    const size = this.#options.size;
    const frame = pool.take(size);
    const micros = Math.floor((clock.now + this.#options.epoch) / 1000);
    for (let i = 0; i < size; i++) frame.view.setUint8(frame.start + i, i & 0xff);
    if (size >= 16) {
      frame.view.setBigUint64(frame.start, BigInt(Math.floor(micros / 1e6)), true);
      frame.view.setBigUint64(frame.start + 8, BigInt(micros % 1e6), true);
    }
    this.#sent = seq;
    this.#sentAt.set(seq & 0xffff, clock.now);
    const { ttl, dontFragment } = this.#options;
    const sent =
      typeof this.to === 'number'
        ? this.host.ip4.icmp.echo(this.to, this.id, seq & 0xffff, frame, ttl, dontFragment)
        : this.host.ip6.icmp.echo(this.to, this.id, seq & 0xffff, frame, ttl);
    if (sent === SENT.ok) return;
    const tooLong = sent === SENT.tooLong;
    this.#errors.push({ seq, from: null, type: 3, code: tooLong ? 4 : 0, mtu: 0 });
  }
}
