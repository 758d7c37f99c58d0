// An acknowledgement arrives (RFC 9293 s.3.10.7.4, RFC 5961 s.5): bytes leave the ring, round trips are measured, windows grow,
// losses are noticed and mended.

import * as options from '../../../core/wire/tcp-options.ts';
import { MILLISECOND } from '../../time/clock.ts';
import type { Block } from './block.ts';
import { dataEnd, MODE, NEVER, TIMER } from './block.ts';
import { grow, measured } from './congestion.ts';
import { DUPLICATES } from './constants.ts';
import { roomCame } from './news.ts';
import { again } from './output.ts';
import type { Reading } from './reading.ts';
import { enterRecovery, isHeadLost, leaveRecovery, mayRecover, sackedAlso } from './recovery.ts';
import { payloadRoom, stampNow } from './segment.ts';
import { ahead, plus } from './sequence.ts';
import { arm, disarm } from './timers.ts';

/** No time stamp to measure by; an echo is a number from 0. */
const NO_ECHO = -1;

/** True when the acknowledgement can be believed; a false one is answered with where we are. */
export function isPlausible(c: Block, ack: number): boolean {
  return ahead(ack, c.max) <= 0 && ahead(ack, plus(c.una, -c.windowMax)) >= 0;
}

/**
 * Takes an acknowledgement.
 * @param bare true when the segment has neither bytes nor FIN
 * @param stamped true when its time stamp is to be heeded
 */
export function takeAck(c: Block, segment: Reading, bare: boolean, stamped: boolean): void {
  const { seq, ack } = segment;
  const news = c.sack && readSack(c, segment.view, segment.at);
  const window = segment.window << c.sendScale;
  const same = window === c.window;
  const forward = ahead(ack, c.una);
  // Below what was acknowledged before it is late, and only its ranges are news.
  if (forward >= 0) takeWindow(c, seq, ack, window);
  c.probes = 0;
  // Whose window is closed answers, but takes nothing: that may last (RFC 9293 s.3.8.6.1).
  if (c.window === 0) c.tries = 0;
  if (forward > 0) advanced(c, ack, stamped ? segment.echo : NO_ECHO);
  else if (forward === 0 && ahead(c.max, c.una) > 0) {
    if (news || (!c.sack && bare && same)) duplicate(c);
  }
}

/** Takes the window of a segment that is no older than the last one's, nor smaller in the same place (Linux: tcp_may_update_window). */
function takeWindow(c: Block, seq: number, ack: number, window: number): void {
  const later = ahead(seq, c.windowSeq);
  const further = ahead(ack, c.windowAck);
  if (further <= 0 && later <= 0) {
    if (later < 0 || further < 0 || (window <= c.window && window !== 0)) return;
  }
  c.windowSeq = seq;
  c.windowAck = ack;
  if (window === c.window) return;
  if (c.window === 0) c.backoff = 0;
  c.window = window;
  if (window > c.windowMax) c.windowMax = window;
  if (window > 0) disarm(c, TIMER.persist);
}

function readSack(c: Block, view: DataView, at: number): boolean {
  const o = options.sackAt(view, at);
  if (o < 0) return false;
  let news = false;
  for (let i = 0; i < options.sackCount(view, o); i++) {
    if (sackedAlso(c, options.sackLeft(view, o, i) | 0, options.sackRight(view, o, i) | 0)) news = true;
  }
  return news;
}

function advanced(c: Block, ack: number, echo: number): void {
  const end = dataEnd(c);
  const bytes = ahead(ack, c.una);
  const data = Math.min(bytes, ahead(end, c.una));
  c.sending.drop(data);
  if (c.sending.length === 0) c.sending.empty();
  c.una = ack;
  if (ahead(c.nxt, ack) < 0) c.nxt = ack;
  if (ahead(c.resent, ack) < 0) c.resent = ack;
  if (ahead(c.small, ack) < 0) c.small = ack;
  c.sacked.trim(ack);
  measure(c, ack, echo);
  c.duplicates = 0;
  c.tries = 0;
  c.soft = null;
  const { now } = c.host.ground.clock;
  if (ahead(c.max, ack) > 0) arm(c, TIMER.resend, now + c.rto);
  else disarm(c, TIMER.resend);
  roomCame(c);
  if (c.mode === MODE.open) {
    grow(c, bytes);
    if (isHeadLost(c) && mayRecover(c)) enterRecovery(c);
  } else if (ahead(ack, c.recover) >= 0) {
    if (c.mode === MODE.recovery) leaveRecovery(c);
    else grow(c, bytes);
    c.mode = MODE.open;
  } else if (c.mode === MODE.loss) grow(c, bytes);
  else if (!c.sack) {
    // One segment more is missing (RFC 6582 s.3.2 step 3, partial acknowledgement).
    c.congestion = Math.max(c.congestion - bytes + c.mss, c.mss);
    again(c, c.una, payloadRoom(c));
  }
}

function measure(c: Block, ack: number, echo: number): void {
  if (c.timedAt !== NEVER && ahead(ack, c.timedSeq) >= 0) {
    measured(c, c.host.ground.clock.now - c.timedAt);
    c.timedAt = NEVER;
  } else if (c.backoff > 0 && echo !== NO_ECHO) {
    // What was sent more than once is measured by its time stamp alone (RFC 7323 s.4.1); without, the timeout stays (Karn).
    const elapsed = (stampNow(c) - echo) | 0;
    if (elapsed >= 0) measured(c, Math.max(1, elapsed) * MILLISECOND);
  }
}

function duplicate(c: Block): void {
  c.duplicates++;
  if (c.mode === MODE.recovery) {
    if (!c.sack) c.congestion += c.mss;
    return;
  }
  if (!mayRecover(c) || (c.duplicates < DUPLICATES && !isHeadLost(c))) return;
  enterRecovery(c);
  // The first lost segment goes at once, whatever the pipe says (RFC 6675 s.5 step 4.3).
  again(c, c.una, Math.min(payloadRoom(c), ahead(c.sacked.next(c.una, c.max), c.una)));
}
