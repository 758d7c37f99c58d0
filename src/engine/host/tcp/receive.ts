// Bytes arrive (RFC 9293 s.3.10.7.4, seventh and eighth): in order into the ring, out of order to their places beyond its
// length; and when that is acknowledged: at once for more than a full segment, a young connection or anything unusual, else a
// little later (RFC 5681 s.4.2, RFC 9293 s.3.8.6.3; Linux: __tcp_ack_snd_check, tcp_event_data_recv).

import { FLAG } from '../../../core/wire/tcp.ts';
import type { Block } from './block.ts';
import { NEVER, NEWS, own, TIMER } from './block.ts';
import { DELAYED_ACK, QUICK_ACKS } from './constants.ts';
import type { Reading } from './reading.ts';
import { ahead, plus } from './sequence.ts';
import { arm, isArmed } from './timers.ts';

/** Takes a segment's bytes and FIN; it lies in the window, at least in part. Answers true when their FIN is now in order. */
export function takeBytes(c: Block, segment: Reading): boolean {
  const { view } = segment;
  let { from, to, seq } = segment;
  const fin = segment.has(FLAG.FIN);
  const finSeq = plus(seq, to - from);
  const known = ahead(c.received, seq);
  if (known > 0) {
    // Some of it was here before.
    twice(c, seq, plus(seq, Math.min(known, to - from)));
    from = Math.min(to, from + known);
    seq = c.received;
    unusual(c);
  }
  const over = ahead(
    plus(seq, to - from),
    plus(c.received, c.registry.settings.receiveBuffer - c.receiving.length),
  );
  if (over > 0) {
    // More than there is room for, which a probe of a closed window may be: what is wanted is said again.
    to = Math.max(from, to - over);
    c.ackNow = true;
  }
  if (fin && over <= 0) {
    c.finAhead = true;
    c.finSeq = finSeq;
  }
  if (to > from) {
    if (seq === c.received) inOrder(c, segment, from, to);
    else outOfOrder(c, view, seq, from, to);
  } else if (fin && seq !== c.received) unusual(c);
  if (!c.finAhead || c.finSeq !== c.received) return false;
  c.finAhead = false;
  c.theyEnded = true;
  c.received = plus(c.received, 1);
  c.news |= NEWS.ended;
  return true;
}

function inOrder(c: Block, segment: Reading, from: number, to: number): void {
  const ring = c.receiving;
  const before = ring.length;
  ring.put(before, segment.view, from, to);
  let bytes = to - from;
  const gaps = c.gaps;
  if (gaps.count > 0) {
    // A gap is being filled: what lies behind it is in order now (RFC 5681 s.4.2: acknowledged at once).
    c.ackNow = true;
    const end = plus(c.received, bytes);
    if (ahead(gaps.left(0), end) < 0) {
      twice(c, gaps.left(0), ahead(gaps.right(0), end) < 0 ? gaps.right(0) : end);
    }
    for (let i = 0; i < gaps.count && ahead(gaps.left(i), end) <= 0; i++) {
      bytes = Math.max(bytes, ahead(gaps.right(i), c.received));
    }
    gaps.trim(plus(c.received, bytes));
  }
  ring.length = before + bytes;
  c.received = plus(c.received, bytes);
  c.bytesReceived += bytes;
  c.unacked += bytes;
  if (before === 0) c.news |= NEWS.readable;
  heard(c, to - from, segment.has(FLAG.PSH));
  if (c.unacked > c.longest || (c.quick > 0 && !c.answering)) c.ackNow = true;
  else soon(c);
}

/** Acknowledges a little later, if nothing else does before. */
export function soon(c: Block): void {
  if (!isArmed(c, TIMER.ack)) arm(c, TIMER.ack, c.host.ground.clock.now + DELAYED_ACK);
}

/** What a segment in order says of its sender: how long its segments are, and whether it begins to speak. */
function heard(c: Block, bytes: number, push: boolean): void {
  const { now } = c.host.ground.clock;
  if (bytes >= c.longest) c.longest = bytes;
  if (push) c.pushed = true;
  if (c.receivedAt === NEVER || now - c.receivedAt > c.rto) {
    const window = Math.max(0, ahead(c.edge, c.received));
    c.quick = Math.max(2, Math.min(QUICK_ACKS, Math.floor(window / (2 * c.longest))));
  }
  c.receivedAt = now;
}

function outOfOrder(c: Block, view: DataView, seq: number, from: number, to: number): void {
  unusual(c);
  const end = plus(seq, to - from);
  c.gaps = own(c.gaps);
  const fresh = c.gaps.add(seq, end);
  if (fresh < 0) return;
  if (fresh < to - from) twice(c, seq, end);
  if (fresh === 0) return;
  c.receiving.put(c.receiving.length + ahead(seq, c.received), view, from, to);
  const range = c.gaps.find(seq);
  if (c.gaps.find(c.gapSeq) !== range) {
    if (c.gaps.find(c.gapBefore) !== range) c.gapEarlier = c.gapBefore;
    c.gapBefore = c.gapSeq;
  }
  c.gapSeq = seq;
}

/** Something is lost or comes twice: acknowledged at once, as is what follows (Linux: tcp_enter_quickack_mode). */
function unusual(c: Block): void {
  c.ackNow = true;
  c.answering = false;
  c.quick = Math.max(c.quick, 2);
}

/** A duplicate, to be told of with the next acknowledgement (RFC 2883). */
export function twice(c: Block, left: number, right: number): void {
  if (ahead(right, left) <= 0) return;
  c.twiceLeft = left;
  c.twiceRight = right;
}
