// Connections that begin: RFC 9293 s.3.10.7.2 to s.3.10.7.4 up to ESTABLISHED, with what the SYNs agree on (MSS, window scale,
// time stamps, SACK).

import type { Frame } from '../../../core/frame/frame.ts';
import { FLAG } from '../../../core/wire/tcp.ts';
import * as options from '../../../core/wire/tcp-options.ts';
import { MILLISECOND } from '../../time/clock.ts';
import type { DropReason } from '../../trace/drop.ts';
import { DROP, drop } from '../../trace/drop.ts';
import type { Block } from './block.ts';
import { NEVER, NEWS, TIMER } from './block.ts';
import { begin, measured, time } from './congestion.ts';
import { MSS_DEFAULT, MSS_DEFAULT6, MSS_MIN, RTO_FALLBACK, WINDOW_SCALE } from './constants.ts';
import { arrive, challenge, isOld, mayAnswer, settle } from './input.ts';
import { finish, tell } from './news.ts';
import type { Reading } from './reading.ts';
import { payloadRoom, send, stampNow } from './segment.ts';
import { ahead, plus } from './sequence.ts';
import { arm, disarm } from './timers.ts';

/** Sends the SYN of a connection that this end opens. */
export function open(c: Block, initial: number, stampOffset: number): void {
  start(c, initial, stampOffset);
  offer(c);
  c.state = 'SYN-SENT';
  arm(c, TIMER.resend, c.host.ground.clock.now + c.rto);
  time(c, c.nxt);
  send(c, c.una, FLAG.SYN, 0);
}

/** Answers the SYN of a connection that the other end opens. */
export function answer(c: Block, syn: Reading, initial: number, stampOffset: number): void {
  start(c, initial, stampOffset);
  offer(c);
  heed(c, syn);
  c.state = 'SYN-RECEIVED';
  arm(c, TIMER.resend, c.host.ground.clock.now + c.rto);
  time(c, c.nxt);
  send(c, c.una, FLAG.SYN | FLAG.ACK, 0);
}

/** Sends the SYN once more. */
export function again(c: Block): void {
  c.retransmits++;
  c.registry.retransmits++;
  c.timedAt = NEVER;
  send(c, c.una, c.state === 'SYN-SENT' ? FLAG.SYN : FLAG.SYN | FLAG.ACK, 0);
}

function start(c: Block, initial: number, stampOffset: number): void {
  c.una = initial | 0;
  c.nxt = plus(c.una, 1);
  c.max = c.nxt;
  c.small = c.una;
  c.resent = c.una;
  c.stampOffset = stampOffset;
  c.heardAt = c.host.ground.clock.now;
  c.mssTheirs = typeof c.localIp === 'number' ? MSS_DEFAULT : MSS_DEFAULT6;
}

/** The options that this end would use. */
function offer(c: Block): void {
  const { sack, timestamps, windowScaling } = c.registry.settings;
  c.stamps = timestamps;
  c.sack = sack;
  c.scales = windowScaling;
  c.receiveScale = windowScaling ? WINDOW_SCALE : 0;
}

/** Takes over what their SYN offers; only what both do holds. */
function heed(c: Block, { view, at, seq, stamped, value, window }: Reading): void {
  const mss = options.mss(view, at);
  if (mss > 0) c.mssTheirs = Math.max(MSS_MIN, mss);
  const scale = options.windowScale(view, at);
  c.stamps &&= stamped;
  c.sack &&= options.sackPermitted(view, at);
  c.scales &&= scale >= 0;
  c.sendScale = c.scales ? Math.min(scale, options.WINDOW_SCALE_MAX) : 0;
  if (!c.scales) c.receiveScale = 0;
  if (c.stamps) {
    c.stampRecent = value;
    c.stampAt = c.host.ground.clock.now;
  }
  c.received = plus(seq, 1);
  c.acked = c.received;
  c.edge = c.received;
  // The window of a SYN is not scaled (RFC 7323 s.2.2).
  c.window = window;
  c.windowMax = window;
  c.windowSeq = seq;
  c.windowAck = c.una;
  payloadRoom(c);
}

/** A segment for a connection in SYN-SENT. Takes the frame over. */
export function arriveInSynSent(c: Block, frame: Frame, segment: Reading): void {
  const { flags, ack } = segment;
  c.segmentsReceived++;
  const acks = (flags & FLAG.ACK) !== 0;
  if (acks && ack !== c.nxt) {
    if ((flags & FLAG.RST) === 0) c.registry.refuse(segment);
    return drop(c.host, frame, DROP.tcpInvalidAck);
  }
  if ((flags & FLAG.RST) !== 0) {
    // Only one that acknowledges our SYN is about it.
    if (!acks) return drop(c.host, frame, DROP.tcpFlags);
    frame.release();
    finish(c, 'ECONNREFUSED');
    return tell(c);
  }
  if ((flags & FLAG.SYN) === 0) return drop(c.host, frame, DROP.tcpFlags);
  heed(c, segment);
  frame.release();
  if (acks) {
    established(c, segment);
    c.ackNow = true;
    settle(c);
    return;
  }
  // Both ends have opened (RFC 9293 s.3.5, simultaneous open).
  c.state = 'SYN-RECEIVED';
  send(c, c.una, FLAG.SYN | FLAG.ACK, 0);
}

/** A segment for a connection in SYN-RECEIVED. Takes the frame over. */
export function arriveInSynReceived(c: Block, frame: Frame, segment: Reading): void {
  const { flags, seq, ack } = segment;
  const both = FLAG.SYN | FLAG.ACK;
  const reset = (flags & FLAG.RST) !== 0;
  if (c.stamps && segment.stamped && !reset && isOld(c, segment.value)) {
    return doubted(c, frame, DROP.tcpOldStamp, true);
  }
  if ((flags & FLAG.SYN) !== 0 && !reset && seq === plus(c.received, -1)) {
    // Their SYN once more: our answer was lost. If it acknowledges ours, both have opened.
    if ((flags & both) === both && ack === c.nxt) return complete(c, frame, segment);
    if (mayAnswer(c)) again(c);
    c.segmentsReceived++;
    return drop(c.host, frame, DROP.tcpInvalidSequence);
  }
  if (ahead(plus(seq, segment.length), c.received) < 0 || ahead(seq, c.edge) > 0) {
    return doubted(c, frame, DROP.tcpInvalidSequence, !reset);
  }
  if (reset) {
    if (seq !== c.received) return doubted(c, frame, DROP.tcpInvalidSequence, true);
    frame.release();
    finish(c, 'ECONNREFUSED');
    return tell(c);
  }
  if ((flags & FLAG.SYN) !== 0) return doubted(c, frame, DROP.tcpInvalidSyn, true);
  if ((flags & FLAG.ACK) === 0) return doubted(c, frame, DROP.tcpFlags, false);
  if (ack !== c.nxt) {
    c.registry.refuse(segment);
    return doubted(c, frame, DROP.tcpInvalidAck, false);
  }
  // Without room to accept it the acknowledgement is ignored, and their data will be sent again (Linux: tcp_check_req).
  if (c.parent?.crowded === true) return doubted(c, frame, DROP.listenOverflow, false);
  established(c, segment);
  c.window = segment.window << c.sendScale;
  c.windowMax = c.window;
  c.windowSeq = seq;
  c.windowAck = ack;
  arrive(c, frame, segment);
}

/** The segment ends here, and is perhaps asked about. */
function doubted(c: Block, frame: Frame, reason: DropReason, ask: boolean): void {
  c.segmentsReceived++;
  if (ask) challenge(c);
  drop(c.host, frame, reason);
}

/** The SYN of the other end acknowledges ours, which both had sent. */
function complete(c: Block, frame: Frame, segment: Reading): void {
  if (c.parent?.crowded === true) return doubted(c, frame, DROP.listenOverflow, false);
  c.segmentsReceived++;
  frame.release();
  established(c, segment);
  c.ackNow = true;
  settle(c);
}

function established(c: Block, segment: Reading): void {
  const { now } = c.host.ground.clock;
  c.state = c.ending ? 'FIN-WAIT-1' : 'ESTABLISHED';
  c.una = c.nxt;
  c.small = c.una;
  c.resent = c.una;
  c.usedTo = c.una;
  // One before: a loss in the first window may be mended (RFC 6582 s.3.2 step 1).
  c.recover = plus(c.una, -1);
  c.rescued = c.recover;
  c.heardAt = now;
  c.sentAt = now;
  payloadRoom(c);
  c.longest = Math.min(c.mss, MSS_DEFAULT);
  begin(c);
  // A handshake in which more than one timeout passed begins with one segment (RFC 5681 s.3.1; Linux: tcp_init_transfer).
  if (c.tries > 1) c.congestion = c.mss;
  if (c.timedAt !== NEVER) measured(c, now - c.timedAt);
  else if (c.stamps && segment.stamped) {
    const elapsed = (stampNow(c) - segment.echo) | 0;
    if (elapsed >= 0) measured(c, Math.max(1, elapsed) * MILLISECOND);
  }
  // A timeout that only grew is no guide (RFC 6298 s.5.7).
  if (c.rtt === 0) c.rto = RTO_FALLBACK;
  c.backoff = 0;
  c.tries = 0;
  c.timedAt = NEVER;
  disarm(c, TIMER.resend);
  if (c.parent === null) c.news |= NEWS.connected;
  else {
    c.parent.enqueue(c);
    c.news |= NEWS.acceptable;
  }
}
