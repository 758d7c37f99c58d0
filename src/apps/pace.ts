// How virtual time and Node's event loop advance together (ADR 10): time stands while a program still has work to do, and
// moves on to the next event when all are waiting.
//
//   ┌─► step the clock until an event touches a program ──► hand over what the inbox holds, a turn of the loop each ─┐
//   └────────────── nothing left: no event, no immediate, no request to the thread pool, no hold ◄──────────────────┘

import { VxlabError } from '../core/wire/numbers.ts';
import type { Instant } from '../engine/time/clock.ts';
import type { VirtualClock } from '../engine/time/virtual-clock.ts';
import { Inbox } from './inbox.ts';
import { hasImmediates, work } from './work.ts';

export interface PaceOptions {
  /** Wall-clock milliseconds that a program may keep time standing; default 30,000. */
  readonly patience?: number;
  /** Turns of the loop that it may; default 100,000. */
  readonly turns?: number;
}

/** Steps of the clock after which the loop has a turn all the same, for signals and the terminal. */
const STEPS = 50_000;
/** Turns taken one behind the other while the thread pool works; then the loop sleeps a millisecond at a time. */
const SPINS = 200;

/** What somebody lets time pass for. */
interface Goal {
  readonly limit: Instant;
  readonly done: () => boolean;
  /** What it fails with at its limit; null where the limit is the goal. */
  readonly late: VxlabError | null;
  readonly reached: () => void;
  readonly failed: (error: unknown) => void;
}

export class Pace {
  readonly clock: VirtualClock;
  readonly inbox: Inbox;
  readonly #patience: number;
  readonly #turns: number;
  readonly #deliver: () => void;
  readonly #goals: Goal[] = [];
  #closed = false;

  constructor(clock: VirtualClock, options: PaceOptions = {}) {
    this.clock = clock;
    this.inbox = new Inbox();
    this.#patience = options.patience ?? 30_000;
    this.#turns = options.turns ?? 100_000;
    this.#deliver = () => {
      this.inbox.deliver();
    };
    work.watch();
  }

  /** Lets virtual time pass; nanoseconds. @throws VxlabError as `runUntil` */
  run(duration: number): Promise<void> {
    return this.runUntil(this.clock.now + Math.round(duration));
  }

  /** Lets virtual time pass up to an instant. @throws VxlabError NEVER_RESTS for a program that never waits */
  runUntil(limit: Instant): Promise<void> {
    return this.#pursue(limit, () => false, null);
  }

  /**
   * Lets virtual time pass until a promise settles, and answers as it does. Time then stands, unless somebody else's run
   * is under way.
   * @param limit nanoseconds that it may take from now
   * @throws VxlabError TIME_IS_UP; NEVER_SETTLES when nothing is left that could happen; as `runUntil`
   */
  async until<T>(promise: Promise<T>, limit: number = Number.POSITIVE_INFINITY): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    const last = Math.min(Number.MAX_SAFE_INTEGER, this.clock.now + Math.round(limit));
    const late = new VxlabError('TIME_IS_UP', `not done after ${limit / 1e9} s of virtual time`);
    await this.#pursue(last, () => settled, late);
    return promise;
  }

  /** Lets programs do what they can do now; time stands. @throws VxlabError as `runUntil` */
  rest(): Promise<void> {
    return this.#pursue(-1, () => false, null);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    work.unwatch();
  }

  #pursue(limit: Instant, done: () => boolean, late: VxlabError | null): Promise<void> {
    return new Promise((reached, failed) => {
      this.#goals.push({ limit, done, late, reached, failed });
      if (this.#goals.length === 1) void this.#run();
    });
  }

  async #run(): Promise<void> {
    const goals = this.#goals;
    try {
      while (goals.length > 0) {
        await this.#rest();
        if (this.inbox.rested()) await this.#rest();
        // Who is told goes on before time does.
        if (this.#settle((goal) => goal.done(), null)) continue;
        const limit = Math.min(...goals.map((goal) => goal.limit));
        if (this.#advance(limit)) continue;
        if (limit === Number.MAX_SAFE_INTEGER) this.#settle(() => true, deadEnd());
        else if (limit > this.clock.now) this.clock.runUntil(limit);
        this.#settle((goal) => goal.limit <= limit, null);
      }
    } catch (error) {
      for (const goal of goals.splice(0)) goal.failed(error);
    }
  }

  /** Goals that were reached leave; those that are late, or find a dead end, fail. */
  #settle(which: (goal: Goal) => boolean, error: Error | null): boolean {
    const found = this.#goals.filter(which);
    for (const goal of found) {
      this.#goals.splice(this.#goals.indexOf(goal), 1);
      const failure = error ?? (goal.done() ? null : goal.late);
      if (failure === null) goal.reached();
      else goal.failed(failure);
    }
    return found.length > 0;
  }

  /** Steps the clock until the inbox holds something; false when nothing is due up to the limit. */
  #advance(limit: Instant): boolean {
    const { clock, inbox } = this;
    let steps = 0;
    while (inbox.size === 0) {
      const next = clock.next;
      if (next < 0 || next > limit) return false;
      clock.step();
      if (++steps === STEPS) return true;
    }
    // The rest of this instant first: what happens at one time is one piece of news.
    while (clock.next === clock.now && ++steps < STEPS) clock.step();
    return true;
  }

  /** Turns Node's loop until nothing is left to do that is known of. */
  async #rest(): Promise<void> {
    let began = 0;
    let spins = 0;
    for (let turns = 0; ; turns++) {
      for (let n = this.inbox.size; n > 0; n--) setImmediate(this.#deliver);
      await turn();
      if (this.inbox.size === 0 && !hasImmediates()) {
        const pending = work.pending();
        if (pending.length === 0 && this.inbox.holds === 0) return;
        turns--;
        if (++spins > SPINS) await nap();
        if (this.inbox.holds === 0) {
          if (began === 0) began = performance.now();
          if (performance.now() - began > this.#patience)
            throw restless(`waits for ${[...new Set(pending)].join(', ')}`);
        }
      } else {
        began = 0;
        if (turns >= this.#turns) throw restless(`has had ${turns} turns of the event loop at one instant`);
      }
    }
  }
}

function deadEnd(): VxlabError {
  return new VxlabError('NEVER_SETTLES', 'all programs wait, and nothing is left that could happen');
}

function restless(what: string): VxlabError {
  return new VxlabError(
    'NEVER_RESTS',
    `a program never comes to rest: it ${what}, so virtual time cannot move on`,
  );
}

function turn(): Promise<void> {
  return new Promise((done) => {
    setImmediate(done);
  });
}

function nap(): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, 1);
  });
}

/** An inbox for the wall clock, where time moves by itself: events are handed over in the loop's next turn. */
export function wallInbox(): Inbox {
  const inbox = new Inbox();
  const deliver = (): void => {
    try {
      inbox.deliver();
    } finally {
      if (inbox.size > 0) setImmediate(deliver);
    }
  };
  inbox.wake = () => {
    setImmediate(deliver);
  };
  // Nothing says when nothing is left to do; a hundredth of a second without a word is taken for it.
  inbox.wakeToRest = () => {
    setTimeout(() => inbox.rested(), 10);
  };
  return inbox;
}
