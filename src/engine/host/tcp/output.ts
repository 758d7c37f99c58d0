// What goes out next: new bytes as far as both windows let them, bytes once more after a timeout or in recovery, the FIN behind
// all; Nagle (RFC 896, with Minshall's change as Linux has it), the sender's part of silly-window avoidance (RFC 9293
// s.3.8.6.2.1), probes of a closed window.
//
// What is sent may be answered before the call returns (peers on one bridge), so every state is up to date before a segment
// leaves, and read again after.

import * as tcp from '../../../core/wire/tcp.ts';
import type { Block } from './block.ts';
import { dataEnd, MODE, NEVER, sends, TIMER } from './block.ts';
import { afterIdle, time, used } from './congestion.ts';
import { DELAYED_ACK, DUPLICATES } from './constants.ts';
import { NextSegment, pipe } from './recovery.ts';
import { payloadRoom, send } from './segment.ts';
import { ahead, plus } from './sequence.ts';
import { arm, isArmed } from './timers.ts';

const { ACK, FIN, PSH } = tcp.FLAG;
const next = new NextSegment();

/** Sends all that may be sent now. */
export function transmit(c: Block): void {
  while (sends(c.state) && (c.mode === MODE.recovery && c.sack ? mend(c) : advance(c, false)));
  probeIfStuck(c);
}

/** One step of a recovery with SACK (RFC 6675 s.5 step 4); false when nothing may be sent. */
function mend(c: Block): boolean {
  const room = payloadRoom(c);
  if (c.congestion - pipe(c) < room) return false;
  const lost = next.find(c, room, false);
  if (lost > 0) return again(c, next.at, lost);
  if (advance(c, false)) return true;
  const doubtful = next.find(c, room, true);
  if (doubtful > 0) return again(c, next.at, doubtful);
  const tail = next.rescue(c, room);
  if (tail === 0) return false;
  const { resent } = c;
  again(c, next.at, tail);
  c.resent = resent;
  return false;
}

/** Sends bytes once more, of those that were sent. */
export function again(c: Block, seq: number, most: number): boolean {
  const end = dataEnd(c);
  const bytes = Math.min(most, ahead(c.max, seq));
  const data = Math.min(bytes, Math.max(0, ahead(end, seq)));
  // The FIN takes a number of its own behind the bytes.
  const fin = c.ending && data < bytes && ahead(c.max, end) > 0;
  if (data === 0 && !fin) return false;
  c.resent = plus(seq, data + (fin ? 1 : 0));
  count(c);
  if (!isArmed(c, TIMER.resend)) arm(c, TIMER.resend, c.host.ground.clock.now + c.rto);
  send(c, seq, ACK | (fin ? FIN : 0) | (data > 0 ? PSH : 0), data);
  return true;
}

/** A segment goes again: what it answers cannot be timed (Karn). */
function count(c: Block): void {
  c.timedAt = NEVER;
  c.retransmits++;
  c.registry.retransmits++;
}

/**
 * Sends one segment at `nxt`; false when nothing may be sent.
 * @param force what fits into their window goes, however little (RFC 9293 s.3.8.6.2.1, override)
 */
function advance(c: Block, force: boolean): boolean {
  skipSacked(c);
  const end = dataEnd(c);
  const left = ahead(end, c.nxt);
  if (left < 0 || (left === 0 && !c.ending)) return false;
  const fresh = ahead(c.nxt, c.max) >= 0;
  if (fresh && c.max === c.una && left > 0) afterIdle(c);
  const room = payloadRoom(c);
  const under = inPipe(c);
  const theirs = ahead(plus(c.una, c.window), c.nxt);
  let bytes = Math.min(left, room);
  if (c.sacked.count > 0) bytes = Math.min(bytes, ahead(c.sacked.next(c.nxt, end), c.nxt));
  if (theirs < bytes || theirs <= 0) {
    bytes = theirs;
    if (bytes <= 0 || !(force || !fresh || (under === 0 && bytes >= c.windowMax / 2))) return false;
  }
  const all = bytes === left;
  // A FIN alone does not wait for the path, and something may always go while nothing is on its way.
  if (under > 0 && bytes > 0 && c.congestion + limitedTransmit(c) - under < bytes) {
    used(c, true);
    return false;
  }
  // Another small one is on its way: wait for its acknowledgement, or for more bytes.
  if (fresh && bytes < room && all && !c.noDelay && !c.ending && ahead(c.small, c.una) > 0) return false;
  const last = all && c.ending && theirs > bytes;
  if (bytes === 0 && !last) return false;
  sendNext(c, bytes, bytes < room, all, last);
  return true;
}

function sendNext(c: Block, bytes: number, small: boolean, all: boolean, last: boolean): void {
  const { now } = c.host.ground.clock;
  const seq = c.nxt;
  c.nxt = plus(seq, bytes + (last ? 1 : 0));
  if (last) c.finSent = true;
  if (bytes > 0) {
    if (small) c.small = c.nxt;
    c.sentAt = now;
    // They were heard a moment ago: this may be an answer (Linux: tcp_event_data_sent).
    if (c.receivedAt !== NEVER && now - c.receivedAt < DELAYED_ACK) c.answering = true;
  }
  used(c, c.congestion - inPipe(c) < c.mss);
  const old = ahead(c.max, seq);
  if (old > 0) count(c);
  else time(c, c.nxt);
  const beyond = ahead(c.nxt, c.max);
  if (beyond > 0) {
    c.bytesSent += Math.max(0, bytes - Math.max(0, old));
    c.max = c.nxt;
  }
  if (!isArmed(c, TIMER.resend)) arm(c, TIMER.resend, now + c.rto);
  send(c, seq, ACK | (all && bytes > 0 ? PSH : 0) | (last ? FIN : 0), bytes);
}

/** The first two duplicates let a segment more go each, for they tell of segments that have left (RFC 3042). */
function limitedTransmit(c: Block): number {
  return c.sack || c.mode !== MODE.open ? 0 : Math.min(c.duplicates, DUPLICATES - 1) * c.mss;
}

/** After a timeout all is sent again but what the peer has. */
function skipSacked(c: Block): void {
  if (c.sacked.count === 0) return;
  const range = c.sacked.find(c.nxt);
  if (range >= 0) c.nxt = c.sacked.right(range);
}

/** Bytes on their way, as far as the congestion window counts them. */
function inPipe(c: Block): number {
  if (c.mode === MODE.recovery && c.sack) return pipe(c);
  let bytes = ahead(c.nxt, c.una);
  const { sacked } = c;
  for (let i = 0; i < sacked.count && ahead(sacked.right(i), c.nxt) <= 0; i++) {
    bytes -= ahead(sacked.right(i), sacked.left(i));
  }
  return bytes;
}

/** A window that is closed, or too small, with nothing on its way to open it: their answer to a probe will. */
function probeIfStuck(c: Block): void {
  if (!sends(c.state) || ahead(c.max, c.una) > 0 || isArmed(c, TIMER.persist)) return;
  if (!isPending(c)) return;
  arm(c, TIMER.persist, c.host.ground.clock.now + c.rto);
}

/** True when bytes or the FIN wait to be sent for the first time. */
export function isPending(c: Block): boolean {
  return ahead(dataEnd(c), c.max) > 0 || (c.ending && !c.finSent);
}

/** The time for more room is over: what their window takes goes; false when it takes nothing. */
export function force(c: Block): boolean {
  return advance(c, true);
}

/** The path takes less than what was sent: it goes again in smaller pieces, once for all of it (RFC 1191 s.6.5). */
export function cut(c: Block): void {
  if (!sends(c.state)) return;
  payloadRoom(c);
  if (c.mss >= c.mssSent || ahead(c.max, c.una) <= 0) return;
  c.mssSent = c.mss;
  c.nxt = c.una;
  c.resent = c.una;
  c.timedAt = NEVER;
  transmit(c);
}

/**
 * Acknowledges at once, from behind all that was sent: from further back (`nxt` is, after a timeout) the peer would take it for
 * an old one and refuse the window that it tells.
 */
export function acknowledge(c: Block): void {
  send(c, c.max, ACK, 0);
}

/** A segment without bytes that is out of their window, so that they say where they are (Linux: tcp_xmit_probe_skb). */
export function probe(c: Block): void {
  send(c, plus(c.una, -1), ACK, 0);
}
