// Timers of a connection fire: the retransmission (RFC 6298 s.5), the delayed acknowledgement, the probe of a closed window
// (RFC 9293 s.3.8.6.1), the keep-alive (s.3.8.4), the end of TIME-WAIT and of an orphan's FIN-WAIT-2.

import { FLAG } from '../../../core/wire/tcp.ts';
import type { Block } from './block.ts';
import { MODE, NEVER, sends, TIMER } from './block.ts';
import { halve } from './congestion.ts';
import {
  KEEPALIVE_INTERVAL,
  KEEPALIVE_PROBES,
  RETRIES,
  RTO_MAX,
  SYN_RETRIES,
  SYNACK_RETRIES,
} from './constants.ts';
import { again as sendSyn } from './handshake.ts';
import { finish, tell } from './news.ts';
import { acknowledge, again, force, isPending, probe, transmit } from './output.ts';
import { payloadRoom, send } from './segment.ts';
import { ahead } from './sequence.ts';
import { arm, isDue, rearm } from './timers.ts';

export function expire(c: Block): void {
  c.armed = NEVER;
  if (c.doomed !== null) finish(c, c.doomed);
  else if (isDue(c, TIMER.wait)) finish(c, null);
  isDue(c, TIMER.news);
  if (isDue(c, TIMER.ack)) {
    // No answer carried it: they may be waiting for the acknowledgement (Linux: tcp_delack_timer_handler).
    c.answering = false;
    acknowledge(c);
  }
  if (isDue(c, TIMER.resend)) resend(c);
  if (isDue(c, TIMER.persist)) persist(c);
  if (isDue(c, TIMER.keep)) keepAlive(c);
  if (c.state !== 'CLOSED') rearm(c);
  tell(c);
}

/** Nobody answers any more. */
function giveUp(c: Block): void {
  finish(c, c.soft ?? 'ETIMEDOUT');
}

function resend(c: Block): void {
  const { now } = c.host.ground.clock;
  c.backoff++;
  c.tries++;
  if (c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED') {
    const most = c.state === 'SYN-SENT' ? SYN_RETRIES : SYNACK_RETRIES;
    if (c.tries > most) return giveUp(c);
    c.rto = Math.min(RTO_MAX, c.rto * 2);
    arm(c, TIMER.resend, now + c.rto);
    return sendSyn(c);
  }
  if (ahead(c.max, c.una) <= 0) return;
  if (c.tries > RETRIES) return giveUp(c);
  // A second timeout for the same bytes halves nothing more (RFC 5681 s.3.1).
  if (c.mode !== MODE.loss || ahead(c.una, c.recover) >= 0) halve(c);
  // Their memory of what they have is not a promise (RFC 2018 s.8).
  if (c.tries > 1 || c.sacked.find(c.una) >= 0) c.sacked.clear();
  c.mode = MODE.loss;
  c.congestion = c.mss;
  c.recover = c.max;
  c.nxt = c.una;
  c.resent = c.una;
  c.duplicates = 0;
  c.timedAt = NEVER;
  c.rto = Math.min(RTO_MAX, c.rto * 2);
  arm(c, TIMER.resend, now + c.rto);
  // Their window may have closed upon what was sent: the first of it asks whether it has opened (Linux:
  // tcp_retransmit_timer), for its number is one that they expect.
  if (c.window > 0) transmit(c);
  else again(c, c.una, payloadRoom(c));
}

function persist(c: Block): void {
  if (!sends(c.state) || ahead(c.max, c.una) > 0 || !isPending(c)) return;
  if (c.window > 0 && force(c)) return;
  // As long as they answer, a window may stay closed (RFC 9293 s.3.8.6.1).
  if (c.probes >= RETRIES) return giveUp(c);
  c.probes++;
  c.backoff++;
  const wait = Math.min(RTO_MAX, c.rto * 2 ** Math.min(c.backoff, 10));
  arm(c, TIMER.persist, c.host.ground.clock.now + wait);
  probe(c);
}

function keepAlive(c: Block): void {
  const { now } = c.host.ground.clock;
  // What waits to be answered asks by itself.
  if (c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED' || ahead(c.max, c.una) > 0 || isPending(c)) {
    arm(c, TIMER.keep, now + c.keepIdle);
    return;
  }
  if (now - c.heardAt < c.keepIdle) {
    c.probes = 0;
    arm(c, TIMER.keep, c.heardAt + c.keepIdle);
    return;
  }
  if (c.probes >= KEEPALIVE_PROBES) {
    send(c, c.max, FLAG.RST | FLAG.ACK, 0);
    return giveUp(c);
  }
  c.probes++;
  probe(c);
  arm(c, TIMER.keep, now + KEEPALIVE_INTERVAL);
}
