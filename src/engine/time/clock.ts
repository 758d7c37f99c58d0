// Time as the engine sees it: handed in, never read from the machine.
//
// In the simulation a VirtualClock is both interfaces below; live, the wall clock stands behind them. A timer is a
// target and a token, not a closure, so that scheduling a frame's arrival allocates nothing: the token says which of
// the target's own things is due.

/** Whole nanoseconds since the world began, 0 to 2^53 - 1: exact for 104 days. */
export type Instant = number;

export const MICROSECOND: Instant = 1_000;
export const MILLISECOND: Instant = 1_000_000;
export const SECOND: Instant = 1_000_000_000;

export interface Clock {
  readonly now: Instant;
}

/** Names one scheduled event. 0 is never a timer, so a field may hold 0 for "none". */
export type TimerId = number;

export interface TimerTarget {
  /** The event is due. `token` is what was given to `at`. */
  fire(token: number): void;
}

export interface Timers {
  /**
   * Fires `target` at `when`; if that has passed, now, but not within this call. Equal times fire in the order added.
   * @param token any number: says which of the target's things is due
   */
  at(when: Instant, target: TimerTarget, token: number): TimerId;
  /** Takes a timer back; false if it has fired, was cancelled before, or is 0. */
  cancel(id: TimerId): boolean;
}
