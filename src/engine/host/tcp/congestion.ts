// How much may be under way: slow start and congestion avoidance (RFC 5681) counted in bytes (RFC 3465), with an initial window
// of ten segments (RFC 6928); and the round-trip time with the retransmission timeout made of it (RFC 6298).

import type { Block } from './block.ts';
import { MODE, NEVER } from './block.ts';
import { INITIAL_WINDOW, RTO_MAX, RTO_MIN } from './constants.ts';

/** Bytes sent that are not acknowledged (RFC 5681's FlightSize). */
export function flight(c: Block): number {
  return (c.max - c.una) | 0;
}

export function begin(c: Block): void {
  c.congestion = INITIAL_WINDOW * c.mss;
}

/**
 * Notes how much of the window is in use, for a window that was not used says nothing of the path (RFC 7661; Linux:
 * tcp_cwnd_validate). What was noted holds until all of it is acknowledged.
 */
export function used(c: Block, limited: boolean): void {
  const bytes = (c.nxt - c.una) | 0;
  if (((c.una - c.usedTo) | 0) < 0 && !limited && (c.limited || bytes <= c.usedMost)) return;
  c.limited = limited;
  c.usedMost = bytes;
  c.usedTo = c.nxt;
}

/** New bytes were acknowledged and nothing is being mended. */
export function grow(c: Block, bytes: number): void {
  const slow = c.congestion < c.threshold;
  if (!c.limited && !(slow && c.congestion < 2 * c.usedMost)) return;
  if (slow) {
    // After a timeout a stretch acknowledgement may count for bytes that were there before: one segment then (RFC 3465 s.2.3).
    c.congestion += Math.min(bytes, c.mode === MODE.loss ? c.mss : 2 * c.mss);
    return;
  }
  c.credit += bytes;
  if (c.credit < c.congestion) return;
  c.credit -= c.congestion;
  c.congestion += c.mss;
}

/**
 * Nothing was sent for a while: the window is what the path bore then, not now. It is halved for every timeout that has passed,
 * down to what a connection begins with (RFC 2861 as Linux has it: tcp_slow_start_after_idle).
 */
export function afterIdle(c: Block): void {
  let idle = c.host.ground.clock.now - c.sentAt;
  if (idle <= c.rto) return;
  c.threshold = Math.max(c.threshold, (c.congestion >> 1) + (c.congestion >> 2));
  const least = Math.min(INITIAL_WINDOW * c.mss, c.congestion);
  while (idle > c.rto && c.congestion > least) {
    c.congestion >>= 1;
    idle -= c.rto;
  }
  c.congestion = Math.max(c.congestion, least);
  c.credit = 0;
}

/** Half of what is in flight, and no less than two segments (RFC 5681 s.3.1). */
export function halve(c: Block): void {
  c.threshold = Math.max(flight(c) >> 1, 2 * c.mss);
  c.credit = 0;
}

/** A round-trip time was measured, in nanoseconds. */
export function measured(c: Block, sample: number): void {
  const rtt = Math.max(1, sample);
  if (c.rtt === 0) {
    c.rtt = rtt;
    c.rttVariation = rtt / 2;
  } else {
    c.rttVariation = 0.75 * c.rttVariation + 0.25 * Math.abs(c.rtt - rtt);
    c.rtt = 0.875 * c.rtt + 0.125 * rtt;
  }
  resetTimeout(c);
}

/** The timeout without what failures have added. Linux keeps the variation's part at the minimum, not the sum. */
export function resetTimeout(c: Block): void {
  c.backoff = 0;
  if (c.rtt === 0) return;
  c.rto = Math.min(RTO_MAX, Math.round(c.rtt + Math.max(RTO_MIN, 4 * c.rttVariation)));
}

/** Times the segment that ends at `end`, if none is timed. */
export function time(c: Block, end: number): void {
  if (c.timedAt !== NEVER) return;
  c.timedSeq = end;
  c.timedAt = c.host.ground.clock.now;
}
