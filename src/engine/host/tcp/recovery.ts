// What a sender does about bytes that duplicates say are lost: with SACK the rules of RFC 6675 (which bytes are lost, what is in
// the pipe, what is sent next), without it NewReno (RFC 6582).
//
//   una                resent                        max
//    │ lost, sent again │ lost │ sacked │ gap │ sacked │ in flight
//
// A gap is lost when three ranges, or more than two segments' bytes, were received behind it (RFC 6675 s.4).

import type { Block } from './block.ts';
import { MODE, NEVER, own } from './block.ts';
import { halve } from './congestion.ts';
import { DUPLICATES } from './constants.ts';
import { ahead, later, plus } from './sequence.ts';

/** Notes what the peer says it has; answers true when that is news. */
export function sackedAlso(c: Block, left: number, right: number): boolean {
  // Below una it tells of a duplicate (RFC 2883), behind max of something never sent.
  if (ahead(right, left) <= 0 || ahead(left, c.una) < 0 || ahead(right, c.max) > 0) return false;
  c.sacked = own(c.sacked);
  return c.sacked.add(left, right) > 0;
}

/**
 * The number below which everything is lost that was not received: there three ranges, or more than two segments' bytes,
 * were received at or behind it. `una` when nothing is lost.
 */
export function lostBelow(c: Block): number {
  const { sacked } = c;
  const { count } = sacked;
  const enough = (DUPLICATES - 1) * c.mss;
  let bytes = 0;
  for (let i = count - 1; i >= 0; i--) {
    bytes += ahead(sacked.right(i), sacked.left(i));
    if (count - i >= DUPLICATES || bytes > enough) return sacked.left(i);
  }
  return c.una;
}

/** True when the first byte that is not acknowledged is lost. */
export function isHeadLost(c: Block): boolean {
  return c.sacked.count > 0 && ahead(lostBelow(c), c.una) > 0 && ahead(c.sacked.left(0), c.una) > 0;
}

/** Goes into recovery: the window is halved once for all losses up to here. */
export function enterRecovery(c: Block): void {
  halve(c);
  c.mode = MODE.recovery;
  c.recover = c.max;
  c.resent = c.una;
  c.rescued = plus(c.una, -1);
  c.timedAt = NEVER;
  // Each duplicate means that a segment has left the network; with SACK the pipe says so.
  c.congestion = c.threshold + (c.sack ? 0 : DUPLICATES * c.mss);
}

/** All that was sent when the recovery began has arrived. */
export function leaveRecovery(c: Block): void {
  c.congestion = c.threshold;
}

/**
 * True when duplicates may start a recovery: not for losses that were mended already. Without SACK that has to be sure
 * (RFC 6582 s.3.2 step 1).
 */
export function mayRecover(c: Block): boolean {
  return c.mode === MODE.open && ahead(c.una, c.recover) >= (c.sack ? 0 : 1);
}

/** Bytes that are taken to be in the network during a recovery with SACK (RFC 6675 s.4, SetPipe). */
export function pipe(c: Block): number {
  const ranges = c.sacked;
  const lost = lostBelow(c);
  let bytes = 0;
  let at = c.una;
  for (let i = 0; i < ranges.count; i++) {
    const gap = ahead(ranges.left(i), at);
    if (gap > 0) {
      if (ahead(at, lost) >= 0) bytes += gap;
      bytes += Math.max(0, Math.min(gap, ahead(c.resent, at)));
    }
    at = ranges.right(i);
  }
  const resent = Math.max(0, ahead(c.resent, at));
  return bytes + Math.max(0, ahead(c.max, at)) + resent;
}

/** The next bytes to send again: where they begin, in `at`, and how many; 0 for none (RFC 6675 s.4, NextSeg). */
export class NextSegment {
  at = 0;

  /** @param evenDoubtful also gaps that are not known to be lost (rule 3) */
  find(c: Block, room: number, evenDoubtful: boolean): number {
    const ranges = c.sacked;
    const lost = lostBelow(c);
    let at = c.una;
    for (let i = 0; i < ranges.count; i++) {
      const from = later(at, c.resent);
      const gap = ahead(ranges.left(i), from);
      if (gap > 0 && (evenDoubtful || ahead(from, lost) < 0)) {
        this.at = from;
        return Math.min(gap, room);
      }
      at = ranges.right(i);
    }
    return 0;
  }

  /** The last bytes that nobody has, once while a recovery gets that far: their loss would show by timeout only (rule 4). */
  rescue(c: Block, room: number): number {
    if (ahead(c.una, c.rescued) <= 0) return 0;
    const ranges = c.sacked;
    let end = c.max;
    let from = c.una;
    const last = ranges.count - 1;
    if (last >= 0 && ranges.right(last) === end) {
      end = ranges.left(last);
      if (last > 0) from = ranges.right(last - 1);
    } else if (last >= 0) from = ranges.right(last);
    // What recovery has sent again already needs no rescue.
    from = later(from, later(c.resent, plus(end, -room)));
    if (ahead(end, from) <= 0) return 0;
    c.rescued = c.recover;
    this.at = from;
    return ahead(end, from);
  }
}
