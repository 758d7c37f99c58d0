// A segment arrives for a connection that is past its SYN: RFC 9293 s.3.10.7.4 in its order, with the time stamps of RFC 7323
// s.5 before it and the challenges of RFC 5961 in it.

import type { Frame } from '../../../core/frame/frame.ts';
import { FLAG } from '../../../core/wire/tcp.ts';
import { DROP, drop } from '../../trace/drop.ts';
import { isPlausible, takeAck } from './ack.ts';
import type { Block } from './block.ts';
import { NEVER, NEWS, TIMER } from './block.ts';
import { CHALLENGE_PAUSE, FIN_TIMEOUT, PAWS_LIFETIME, TIME_WAIT } from './constants.ts';
import { finish, tell } from './news.ts';
import { acknowledge, transmit } from './output.ts';
import type { Reading } from './reading.ts';
import { soon, takeBytes, twice } from './receive.ts';
import { ahead, plus } from './sequence.ts';
import type { TcpError } from './socket.ts';
import { arm, disarm } from './timers.ts';

/** Takes the frame over. The connection is in no state before ESTABLISHED. */
export function arrive(c: Block, frame: Frame, segment: Reading): void {
  c.segmentsReceived++;
  if (!isWelcome(c, frame, segment)) {
    tell(c);
    return;
  }
  const stamped = c.stamps && segment.stamped;
  if (stamped && ahead(segment.seq, c.acked) <= 0) {
    c.stampRecent = segment.value;
    c.stampAt = c.host.ground.clock.now;
  }
  const bare = segment.length === 0;
  takeAck(c, segment, bare, stamped);
  finAcknowledged(c);
  if (!bare && c.state !== 'CLOSED') {
    if (!c.theyEnded) {
      if (takeBytes(c, segment)) theyEnded(c);
    } else {
      c.ackNow = true;
      if (c.state === 'TIME-WAIT') arm(c, TIMER.wait, c.host.ground.clock.now + TIME_WAIT);
    }
  }
  frame.release();
  settle(c);
}

/** After whatever happened: sends what may go, acknowledges, tells. */
export function settle(c: Block): void {
  transmit(c);
  if (c.ackNow && c.state !== 'CLOSED') acknowledge(c);
  tell(c);
}

/** The checks before the acknowledgement; false when the segment ended here, released. */
function isWelcome(c: Block, frame: Frame, segment: Reading): boolean {
  const { seq, ack, flags } = segment;
  const reset = (flags & FLAG.RST) !== 0;
  if (c.stamps && segment.stamped && !reset && isOld(c, segment.value)) {
    answerSparingly(c, segment);
    drop(c.host, frame, DROP.tcpOldStamp);
    return false;
  }
  // One that has lost its stamp on the way could be from any time (RFC 7323 s.3.2).
  if (c.stamps && !segment.stamped && (flags & (FLAG.RST | FLAG.SYN)) === 0) {
    drop(c.host, frame, DROP.tcpOldStamp);
    return false;
  }
  const room = Math.max(0, ahead(c.edge, c.received));
  const end = plus(seq, segment.length);
  if (ahead(end, c.acked) < 0 || ahead(seq, plus(c.received, room)) > 0) {
    if (!reset) answerSparingly(c, segment);
    drop(c.host, frame, DROP.tcpInvalidSequence);
    return false;
  }
  if (reset) {
    // Only the exact number ends the connection; another in the window is asked about (RFC 5961 s.3.2).
    if (seq !== c.received) {
      challenge(c);
      drop(c.host, frame, DROP.tcpInvalidSequence);
      return false;
    }
    frame.release();
    finish(c, resetMeans(c));
    return false;
  }
  if ((flags & FLAG.SYN) !== 0) {
    challenge(c);
    drop(c.host, frame, DROP.tcpInvalidSyn);
    return false;
  }
  if ((flags & FLAG.ACK) === 0) {
    drop(c.host, frame, DROP.tcpFlags);
    return false;
  }
  if (!isPlausible(c, ack)) {
    challenge(c);
    drop(c.host, frame, DROP.tcpInvalidAck);
    return false;
  }
  c.heardAt = c.host.ground.clock.now;
  return true;
}

/**
 * What a reset ends a connection with: with nothing amiss where both have finished and only the last acknowledgement was lost
 * (RFC 9293 s.3.10.7.4: CLOSING, LAST-ACK, TIME-WAIT).
 */
function resetMeans(c: Block): TcpError | null {
  const { state } = c;
  if (state === 'CLOSE-WAIT') return 'EPIPE';
  const late = state === 'CLOSING' || state === 'LAST-ACK' || state === 'TIME-WAIT';
  return late && c.sending.length === 0 ? null : 'ECONNRESET';
}

/** True for a stamp from before the latest: a segment from an earlier round of the numbers (PAWS). */
export function isOld(c: Block, stamp: number): boolean {
  return ahead(stamp, c.stampRecent) < 0 && c.host.ground.clock.now - c.stampAt < PAWS_LIFETIME;
}

/** A segment that came before is acknowledged again, for its acknowledgement may be lost. */
function answerSparingly(c: Block, segment: Reading): void {
  const bytes = segment.to - segment.from;
  if (bytes > 0 && c.sack && ahead(segment.seq, c.received) < 0) {
    const end = plus(segment.seq, bytes);
    twice(c, segment.seq, ahead(end, c.received) > 0 ? c.received : end);
  }
  if (segment.length > 0) {
    if (c.state === 'TIME-WAIT') arm(c, TIMER.wait, c.host.ground.clock.now + TIME_WAIT);
    acknowledge(c);
  } else challenge(c);
}

/** An acknowledgement for whoever may be guessing, not more than two a second (RFC 5961 s.7). */
export function challenge(c: Block): void {
  if (mayAnswer(c)) acknowledge(c);
}

/** True, and noted, when the last answer to a segment out of place is long enough ago (Linux: tcp_oow_rate_limited). */
export function mayAnswer(c: Block): boolean {
  const { now } = c.host.ground.clock;
  if (c.challengeAt !== NEVER && now - c.challengeAt < CHALLENGE_PAUSE) return false;
  c.challengeAt = now;
  return true;
}

/** Their acknowledgement may cover our FIN. */
function finAcknowledged(c: Block): void {
  if (!c.finSent || c.sending.length > 0 || ahead(c.max, c.una) > 0) return;
  if (c.state === 'FIN-WAIT-1') {
    c.state = 'FIN-WAIT-2';
    if (c.orphan) arm(c, TIMER.wait, c.host.ground.clock.now + FIN_TIMEOUT);
  } else if (c.state === 'CLOSING') wait(c);
  else if (c.state === 'LAST-ACK') finish(c, null);
}

/** Their FIN is in order. */
export function theyEnded(c: Block): void {
  if (c.state === 'ESTABLISHED') {
    c.state = 'CLOSE-WAIT';
    // Most answer with a FIN of their own, which carries the acknowledgement (Linux: tcp_fin).
    c.answering = true;
    if (!c.ackNow) soon(c);
    return;
  }
  c.ackNow = true;
  if (c.state === 'FIN-WAIT-1') c.state = 'CLOSING';
  else if (c.state === 'FIN-WAIT-2') wait(c);
}

/** Both ends have finished: the numbers are kept a while, so that nothing late is taken for another connection's. */
function wait(c: Block): void {
  c.state = 'TIME-WAIT';
  c.news |= NEWS.closed;
  c.error = null;
  disarm(c, TIMER.keep);
  arm(c, TIMER.wait, c.host.ground.clock.now + TIME_WAIT);
}
