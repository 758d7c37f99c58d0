// When a connection's timers are due. One timer of the clock serves them all, and is set anew only for something earlier: what
// is put off, as the retransmission is by every acknowledgement, lets it fire in vain and then waits for the rest.

import type { Instant } from '../../time/clock.ts';
import type { Block } from './block.ts';
import { NEVER, TIMERS } from './block.ts';

/** @param timer one of TIMER */
export function arm(c: Block, timer: number, when: Instant): void {
  c.due[timer] = when;
  if (c.armed !== NEVER && c.armed <= when) return;
  const { timers } = c.host.ground;
  if (c.armed !== NEVER) timers.cancel(c.timer);
  c.armed = when;
  c.timer = timers.at(when, c, 0);
}

export function disarm(c: Block, timer: number): void {
  c.due[timer] = NEVER;
}

export function isArmed(c: Block, timer: number): boolean {
  return c.due[timer] !== NEVER;
}

/** The clock fired: true for a timer that is due now, and then it is no longer armed. */
export function isDue(c: Block, timer: number): boolean {
  const when = c.due[timer] as number;
  if (when === NEVER || when > c.host.ground.clock.now) return false;
  c.due[timer] = NEVER;
  return true;
}

/** After the clock fired: waits for what is due next, if anything is. */
export function rearm(c: Block): void {
  if (c.armed !== NEVER) return;
  let next = Number.POSITIVE_INFINITY;
  for (let timer = 0; timer < TIMERS; timer++) {
    const when = c.due[timer] as number;
    if (when !== NEVER && when < next) next = when;
  }
  if (next === Number.POSITIVE_INFINITY) return;
  c.armed = next;
  c.timer = c.host.ground.timers.at(next, c, 0);
}

export function disarmAll(c: Block): void {
  c.due.fill(NEVER);
  if (c.armed !== NEVER) c.host.ground.timers.cancel(c.timer);
  c.armed = NEVER;
}
