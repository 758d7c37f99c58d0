// One TCP connection inside a tunnel as the packets show it: what each side sent, what it sent again, and what the other
// side said to it. RFC 9293; what counts as sent again, out of order or a duplicate ACK is close to Wireshark's
// tcp.analysis, with one difference: data is out of order only where a gap was seen before.
//
// A stream that begins before the capture has no first packet to compare with: the first one seen starts the count.

import * as tcp from '../../wire/tcp.ts';
import { Evidence } from '../evidence.ts';
import { TICK } from './tap.ts';

const { SYN, FIN, RST, ACK } = tcp.FLAG;

/** A gap that is filled within 3 ms was reordering, not loss (Wireshark's default); ticks. */
const REORDER = 3000 / TICK;
/** Two looks at one packet without an identification come within 1 ms; ticks. */
const LOOK_AGAIN = 1000 / TICK;

/** One segment as the rule read it; reused. Every number is a signed 32-bit integer, which V8 keeps in place. */
export class Segment {
  seq = 0;
  ack = 0;
  flags = 0;
  window = 0;
  /** Bytes of data. */
  length = 0;
  /** Bytes of the inner IP packet. */
  size = 0;
  dontFragment = false;
  /** IPv4's identification, 0 for IPv6. */
  id = 0;
  checksum = 0;
  /** Ticks of the Stopwatch. */
  time = 0;
  number = 0;
}

/** What one side sent. */
export class Side {
  /** The tap whose view counts; -1 before the first packet. */
  tap = -1;
  started = false;
  /** Behind the last byte sent, and when that was. */
  next = 0;
  nextTime = 0;
  /** The last gap in what was sent. */
  gapFrom = 0;
  gapTo = 0;
  acked = false;
  ack = 0;
  window = 0;
  dupRun = 0;
  isClosed = false;
  /** When its window closed, or was last seen so. */
  closedAt = 0;
  lastTime = 0;
  keepAlive = false;
  isn = 0;
  syn = false;
  fin = false;

  packets = 0;
  resets = 0;
  /** SYNs, FINs and segments with data. */
  segments = 0;
  syns = 0;
  synsAgain = 0;
  dataAgain = 0;
  outOfOrder = 0;
  dupAcks = 0;
  zeroWindows = 0;
  /** Ticks for which its window was closed. */
  closedFor = 0;
  again: Evidence | null = null;
  dups: Evidence | null = null;
  closed: Evidence | null = null;
  synEvidence: Evidence | null = null;

  /** The largest packet (bytes of inner IP) that was acknowledged, and the largest that waits for it. */
  passed = 0;
  waiting = 0;
  waitingEnd = 0;
  /** Data that is sent again and again: where it starts, the packet's size, how often, the first time. */
  stuckSeq = 0;
  stuckSize = 0;
  stuckTimes = 0;
  stuckSince = 0;
  stuckDontFragment = false;
  /** The last size that was tried for the same data. */
  stuckLast = 0;
  stuck: Evidence | null = null;
  /** Data that arrived only in smaller packets: the size that did not, and the one that did. */
  shrunkFrom = 0;
  shrunkTo = 0;
  /** The MTU that an ICMP error told this side, -1 for none. */
  tooBig = -1;

  /** The last four packets, the newest first. */
  #id0 = 0;
  #id1 = 0;
  #id2 = 0;
  #id3 = 0;

  remember(s: Segment): void {
    this.#id3 = this.#id2;
    this.#id2 = this.#id1;
    this.#id1 = this.#id0;
    this.#id0 = identity(s);
  }

  /** True when the capture had this very packet a moment ago. */
  had(s: Segment): boolean {
    const id = identity(s);
    if (this.#id0 !== id && this.#id1 !== id && this.#id2 !== id && this.#id3 !== id) return false;
    return s.id > 1 || Math.abs((s.time - this.lastTime) | 0) < LOOK_AGAIN;
  }

  /** Forgets where the numbers stood, for another connection of the same ports. */
  renew(): void {
    this.started = false;
    this.acked = false;
    this.syn = false;
    this.fin = false;
    this.dupRun = 0;
    this.isClosed = false;
    this.waiting = 0;
    this.stuckTimes = 0;
    this.gapFrom = this.gapTo;
  }
}

export class Stream {
  readonly a: Side = new Side();
  readonly b: Side = new Side();
  connections = 1;
  /** The side that sent a SYN without ACK: 0 for a, 1 for b, -1 when none did. */
  opener = -1;
  /** Connections that were answered with RST in place of SYN-ACK, and such that were reset later, by a and by b. */
  refused: Evidence | null = null;
  reset: Evidence | null = null;
  resetsByA = 0;
  resetsByB = 0;
  /** A connection's first reset counts. */
  isReset = false;

  /** Takes the next segment, which a sent, or b. */
  take(s: Segment, byB: boolean): void {
    const from = byB ? this.b : this.a;
    const to = byB ? this.a : this.b;
    if (isBehind(s, from) && from.had(s)) return;
    from.remember(s);
    from.packets++;
    from.lastTime = s.time;
    if ((s.flags & RST) !== 0) {
      from.resets++;
      this.#resetBy(s, byB, from, to);
      return;
    }
    if ((s.flags & SYN) !== 0) this.#open(s, byB, from, to);
    closing(s, from);
    const probe = isProbe(s, from, to);
    if (!probe) sent(s, from, to);
    if ((s.flags & ACK) !== 0) acknowledged(s, from, to);
    from.keepAlive = probe;
    from.window = s.window;
    if ((s.flags & FIN) !== 0) from.fin = true;
  }

  #open(s: Segment, byB: boolean, from: Side, to: Side): void {
    const opens = (s.flags & ACK) === 0;
    if (from.syn && s.seq !== from.isn && opens) {
      this.connections++;
      this.isReset = false;
      from.renew();
      to.renew();
    }
    if (opens) {
      this.opener = byB ? 1 : 0;
      from.syns++;
      from.synEvidence ??= new Evidence();
      from.synEvidence.add(s.number);
    }
    // A SYN ends what was known of a stream that began before the capture.
    if (!from.syn) from.started = false;
    from.syn = true;
    from.isn = s.seq;
  }

  #resetBy(s: Segment, byB: boolean, from: Side, to: Side): void {
    if (this.isReset) return;
    this.isReset = true;
    if (to.syn && !from.syn && to.segments <= to.syns && this.opener === (byB ? 0 : 1)) {
      this.refused ??= new Evidence();
      this.refused.add(s.number);
      return;
    }
    // Behind a FIN it only hurries the end.
    if (from.fin || to.fin) return;
    this.reset ??= new Evidence();
    this.reset.add(s.number);
    if (byB) this.resetsByB++;
    else this.resetsByA++;
  }
}

/** What two looks at one packet have in common. A checksum left to a network card says little, so more is taken in. */
function identity(s: Segment): number {
  const numbers =
    Math.imul(s.seq, 0x9e3779b1) ^ Math.imul(s.ack, 0x85ebca77) ^ Math.imul(s.window, 0xc2b2ae3d);
  return ((s.id << 16) | s.checksum) ^ numbers;
}

/** True when a segment brings nothing new and so may be a second look at one that was there. */
function isBehind(s: Segment, from: Side): boolean {
  if (!from.started) return from.packets > 0;
  return ((s.seq - from.next) | 0) < 0 || s.length === 0;
}

/** True for a keep-alive (RFC 9293 s.3.8.4) and a byte into a closed window (s.3.8.6.1): they bring nothing on its way. */
function isProbe(s: Segment, from: Side, to: Side): boolean {
  if (!from.started || s.length > 1 || (s.flags & (SYN | FIN)) !== 0) return false;
  if (s.seq === ((from.next - 1) | 0)) return true;
  return s.length === 1 && s.seq === from.next && to.isClosed;
}

function closing(s: Segment, from: Side): void {
  if ((s.flags & (SYN | FIN)) !== 0) return;
  if (s.window === 0) {
    from.zeroWindows++;
    from.closed ??= new Evidence();
    from.closed.add(s.number);
    if (from.isClosed) from.closedFor += Math.max(0, (s.time - from.closedAt) | 0);
    from.isClosed = true;
    from.closedAt = s.time;
  } else if (from.isClosed) {
    from.closedFor += Math.max(0, (s.time - from.closedAt) | 0);
    from.isClosed = false;
  }
}

function sent(s: Segment, from: Side, to: Side): void {
  const span = s.length + ((s.flags & SYN) === 0 ? 0 : 1) + ((s.flags & FIN) === 0 ? 0 : 1);
  if (span === 0) return;
  const end = (s.seq + span) | 0;
  from.segments++;
  const ahead = (s.seq - from.next) | 0;
  if (!from.started || ahead >= 0) {
    if (from.started && ahead > 0) {
      from.gapFrom = from.next;
      from.gapTo = s.seq;
    }
    from.started = true;
    from.next = end;
    from.nextTime = s.time;
    if (s.size > from.waiting) {
      from.waiting = s.size;
      from.waitingEnd = end;
    }
    return;
  }
  const fast = to.dupRun >= 2 && to.ack === s.seq;
  const fills = ((s.seq - from.gapFrom) | 0) >= 0 && ((end - from.gapTo) | 0) <= 0;
  if (fills && !fast && ((s.time - from.nextTime) | 0) < REORDER) from.outOfOrder++;
  else {
    from.again ??= new Evidence();
    from.again.add(s.number);
    if ((s.flags & SYN) !== 0) from.synsAgain++;
    else from.dataAgain++;
    if (s.length > 0) sticks(s, from);
  }
  if (((end - from.next) | 0) > 0) from.next = end;
}

/** Notes that data had to be sent again, in a packet of this size. */
function sticks(s: Segment, from: Side): void {
  if (from.stuckTimes > 0 && s.seq === from.stuckSeq) {
    from.stuckTimes++;
    from.stuckLast = s.size;
    if (s.size > from.stuckSize) from.stuckSize = s.size;
  } else if (from.stuckTimes === 0) {
    from.stuckSeq = s.seq;
    from.stuckSize = s.size;
    from.stuckLast = s.size;
    from.stuckTimes = 1;
    from.stuckSince = s.time;
    from.stuckDontFragment = s.dontFragment;
    from.stuck = new Evidence();
  } else return;
  from.stuck?.add(s.number);
}

function acknowledged(s: Segment, from: Side, to: Side): void {
  const same = from.acked && s.ack === from.ack;
  if (!same) from.dupRun = 0;
  else if (
    s.length === 0 &&
    (s.flags & (SYN | FIN)) === 0 &&
    s.window !== 0 &&
    s.window === from.window &&
    s.seq === from.next &&
    !to.keepAlive
  ) {
    from.dupRun++;
    from.dupAcks++;
    from.dups ??= new Evidence();
    from.dups.add(s.number);
  }
  if (!from.acked || ((s.ack - from.ack) | 0) > 0) from.ack = s.ack;
  from.acked = true;
  if (to.waiting > 0 && ((s.ack - to.waitingEnd) | 0) >= 0) {
    if (to.waiting > to.passed) to.passed = to.waiting;
    to.waiting = 0;
  }
  if (to.stuckTimes > 0 && ((s.ack - to.stuckSeq) | 0) > 0) {
    if (to.stuckTimes >= 2 && to.stuckLast < to.stuckSize) {
      to.shrunkFrom = to.stuckSize;
      to.shrunkTo = to.stuckLast;
    } else if (to.stuckSize > to.passed) to.passed = to.stuckSize;
    to.stuckTimes = 0;
  }
}
