// Where events wait on their way from the engine to programs. The engine tells of them inside its packet path, where no
// program may run; they are handed over in the order in which they came, once the clock's step has returned (ADR 10).

import { AsyncResource } from 'node:async_hooks';
import { current } from './crash.ts';

/** Someone who is told of events: a socket, a timer, a question that was asked. */
export interface Recipient {
  /** The asynchronous context in which it hears of them: the program's that made it. null: it hears no more. */
  readonly scope: AsyncResource | null;
  /** `what` is what was given to `post`. */
  deliver(what: number): void;
}

export class Inbox {
  #recipients: Recipient[] = [];
  #what: number[] = [];
  #at = 0;
  /** Called when an event is put into an empty inbox; on the wall clock it asks Node for a turn. */
  wake: (() => void) | null = null;

  /** Called when somebody waits for rest; on the wall clock it makes sure that it comes. */
  wakeToRest: (() => void) | null = null;
  #resting: (() => void)[] = [];
  #holds = 0;

  /** Promises for which time stands. */
  get holds(): number {
    return this.#holds;
  }

  /** Time stands until the promise settles: for work that cannot be seen, such as a connection of the machine's. */
  async hold<T>(promise: Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await promise;
    } finally {
      this.#holds--;
    }
  }

  /** Resolves when all programs wait, before time moves on. */
  rest(): Promise<void> {
    return new Promise((told) => {
      this.#resting.push(told);
      if (this.#resting.length === 1) this.wakeToRest?.();
    });
  }

  /** All programs wait: says so to whoever asked; false when nobody did. */
  rested(): boolean {
    const told = this.#resting;
    if (told.length === 0) return false;
    this.#resting = [];
    for (const one of told) one();
    return true;
  }

  /** Events that wait. */
  get size(): number {
    return this.#recipients.length - this.#at;
  }

  /** Puts an event in; allowed anywhere. */
  post(to: Recipient, what: number): void {
    this.#recipients.push(to);
    this.#what.push(what);
    if (this.#recipients.length - this.#at === 1) this.wake?.();
  }

  /** Hands over the oldest event; false when none waits. What is thrown ends the program; without one it comes out here. */
  deliver(): boolean {
    const to = this.#recipients[this.#at];
    if (to === undefined) return false;
    const what = this.#what[this.#at] as number;
    if (++this.#at === this.#recipients.length) {
      this.#recipients.length = 0;
      this.#what.length = 0;
      this.#at = 0;
    } else if (this.#at === 4096) {
      this.#recipients = this.#recipients.slice(4096);
      this.#what = this.#what.slice(4096);
      this.#at = 0;
    }
    to.scope?.runInAsyncScope(tell, undefined, to, what);
    return true;
  }
}

/** Runs in the program's context, which an error would leave on its way out. */
function tell(to: Recipient, what: number): void {
  try {
    to.deliver(what);
  } catch (error) {
    const program = current();
    if (program === undefined) throw error;
    program.crashed(error);
  }
}

/** A scope that lasts as long as its owner. */
export function scopeOf(name: string): AsyncResource {
  return new AsyncResource(name, { requireManualDestroy: true });
}
