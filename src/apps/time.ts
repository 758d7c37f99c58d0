// Time as a program in a container sees it: sleeping, timers and the date, all by the lab's clock. In the shapes of Node's
// timers, timers/promises and Date.

import type { AsyncResource } from 'node:async_hooks';
import type { TimerId, TimerTarget } from '../engine/time/clock.ts';
import type { Recipient } from './inbox.ts';
import { scopeOf } from './inbox.ts';
import type { Closable, Site } from './site.ts';

const MILLISECOND = 1_000_000;
/** Node's longest timer; longer ones fire after 1 ms there, and here. */
const LONGEST = 0x7fffffff;

export interface SleepOptions {
  readonly signal?: AbortSignal;
  /** False lets the program end while it sleeps. */
  readonly ref?: boolean;
}

/** What `setTimeout` and `setInterval` answer: Node's Timeout. */
export interface VirtualTimer {
  ref(): this;
  unref(): this;
  hasRef(): boolean;
  /** Begins to wait anew. */
  refresh(): this;
  close(): this;
  [Symbol.toPrimitive](): number;
}

export interface VirtualTime {
  /** Nanoseconds of the lab's clock. */
  readonly now: number;
  /** Milliseconds since 1970, as Date.now() has them; the lab begins at a fixed moment on virtual time. */
  date(): number;
  /** A Date class of this clock. */
  readonly Date: DateConstructor;
  /** Resolves after so many milliseconds. Rejects with an AbortError when the signal says so. */
  sleep(ms: number, options?: SleepOptions): Promise<void>;
  /** Time stands until the promise settles: for work that the lab cannot see, such as a connection of the machine's. */
  hold<T>(promise: Promise<T>): Promise<T>;
  setTimeout<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): VirtualTimer;
  setInterval<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): VirtualTimer;
  clearTimeout(timer: VirtualTimer | number | string | null | undefined): void;
  clearInterval(timer: VirtualTimer | number | string | null | undefined): void;
}

/** One timer of a program. */
class Timeout implements VirtualTimer, Recipient, TimerTarget, Closable {
  readonly scope: AsyncResource = scopeOf('VXLABTIMEOUT');
  readonly id: number;
  readonly #site: Site;
  readonly #all: Map<number, Timeout>;
  readonly #callback: () => void;
  readonly #wait: number;
  readonly #repeat: boolean;
  #timer: TimerId = 0;
  #round = 0;
  #ref = true;
  #done = false;

  constructor(
    site: Site,
    all: Map<number, Timeout>,
    id: number,
    wait: number,
    repeat: boolean,
    callback: () => void,
  ) {
    this.#site = site;
    this.#all = all;
    this.id = id;
    this.#wait = wait;
    this.#repeat = repeat;
    this.#callback = callback;
    site.enter();
    this.#start();
  }

  fire(round: number): void {
    this.#timer = 0;
    this.#site.inbox.post(this, round);
  }

  deliver(round: number): void {
    if (this.#done || round !== this.#round) return;
    try {
      this.#callback();
    } finally {
      if (!this.#done && round === this.#round) {
        if (this.#repeat) this.#start();
        else this.close();
      }
    }
  }

  ref(): this {
    this.#ref = true;
    if (!this.#done) this.#site.holds.add(this);
    return this;
  }

  unref(): this {
    this.#ref = false;
    this.#site.holds.delete(this);
    return this;
  }

  hasRef(): boolean {
    return this.#ref && !this.#done;
  }

  refresh(): this {
    if (this.#done && this.#repeat) return this;
    this.#site.timers.cancel(this.#timer);
    this.#site.enter();
    this.#start();
    return this;
  }

  close(): this {
    this.terminate();
    return this;
  }

  terminate(): void {
    this.#done = true;
    this.#site.timers.cancel(this.#timer);
    this.#timer = 0;
    this.#all.delete(this.id);
    this.#site.holds.open.delete(this);
    this.#site.holds.delete(this);
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  #start(): void {
    const { clock, timers, holds } = this.#site;
    this.#done = false;
    this.#all.set(this.id, this);
    holds.open.add(this);
    if (this.#ref) holds.add(this);
    this.#timer = timers.at(clock.now + this.#wait, this, ++this.#round);
  }
}

/** The time of a container. */
export class ContainerTime implements VirtualTime {
  readonly #site: Site;
  readonly #timers: Map<number, Timeout> = new Map();
  #next = 1;
  readonly Date: DateConstructor;

  constructor(site: Site) {
    this.#site = site;
    this.Date = dateOf(() => this.date());
    // Programs take these off the object, as they take Node's from their modules.
    this.sleep = this.sleep.bind(this);
    this.setTimeout = this.setTimeout.bind(this);
    this.setInterval = this.setInterval.bind(this);
    this.clearTimeout = this.clearTimeout.bind(this);
    this.clearInterval = this.clearInterval.bind(this);
  }

  get now(): number {
    this.#site.enter();
    return this.#site.clock.now;
  }

  date(): number {
    return this.#site.epoch + Math.floor(this.now / MILLISECOND);
  }

  sleep(ms: number, options: SleepOptions = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const timer = this.setTimeout(() => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      }, ms);
      const aborted = (): void => {
        timer.close();
        reject(abortError(signal as AbortSignal));
      };
      if (options.ref === false) timer.unref();
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  hold<T>(promise: Promise<T>): Promise<T> {
    return this.#site.inbox.hold(promise);
  }

  setTimeout<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): VirtualTimer {
    return this.#timer(callback, ms, args, false);
  }

  setInterval<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): VirtualTimer {
    return this.#timer(callback, ms, args, true);
  }

  clearTimeout(timer: VirtualTimer | number | string | null | undefined): void {
    if (timer === null || timer === undefined) return;
    this.#timers.get(Number(timer))?.close();
  }

  clearInterval(timer: VirtualTimer | number | string | null | undefined): void {
    this.clearTimeout(timer);
  }

  #timer<A extends unknown[]>(
    callback: (...args: A) => void,
    ms: number | undefined,
    args: A,
    repeat: boolean,
  ): Timeout {
    if (typeof callback !== 'function') {
      throw Object.assign(new TypeError('The "callback" argument must be of type function'), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
    // As Node: what is no number, below 1 or too long is 1 ms. Parts of a millisecond are kept, for a finer clock is here.
    const asked = Number(ms);
    const wait = asked >= 1 && asked <= LONGEST ? asked : 1;
    return new Timeout(this.#site, this.#timers, this.#next++, Math.round(wait * MILLISECOND), repeat, () =>
      callback(...args),
    );
  }
}

function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/** A Date whose "now" is the lab's. */
function dateOf(now: () => number): DateConstructor {
  return new Proxy(Date, {
    construct: (target, args: [], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new Date(now()).toString(),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
}
