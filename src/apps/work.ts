// What Node still has to do for programs and can be known: immediates, and requests to its thread pool (files, names,
// zlib, crypto). Sockets, timers and workers of the machine are not known to end, so nobody waits for them (ADR 10).
//
// Requests are seen by async_hooks: one that was begun (`init`) and not yet called back (`before`) is under way. A stream of
// zlib is one resource for many requests; it has input in its `buffer` while one is under way.

import type { AsyncHook } from 'node:async_hooks';
import { asyncWrapProviders, createHook } from 'node:async_hooks';

/** Requests that the thread pool works off and that always end. */
const AWAITED: ReadonlySet<string> = new Set(
  Object.keys(asyncWrapProviders).filter(
    (type) =>
      (type.endsWith('REQUEST') && !type.startsWith('HTTP')) ||
      /^(FSREQ|GET(ADDR|NAME)INFO|FILEHANDLECLOSE)/.test(type),
  ),
);

interface Request {
  readonly type: string;
  readonly resource: { readonly ondone?: unknown };
}
interface ZlibHandle {
  readonly buffer?: unknown;
}

class Work {
  readonly #requests: Map<number, Request> = new Map();
  readonly #zlib: Map<number, WeakRef<ZlibHandle>> = new Map();
  readonly #hook: AsyncHook;
  #watchers = 0;

  constructor() {
    this.#hook = createHook({
      init: (id, type, _trigger, resource) => {
        if (type === 'PROMISE') return;
        if (AWAITED.has(type)) this.#requests.set(id, { type, resource });
        else if (type === 'ZLIB') this.#zlib.set(id, new WeakRef(resource as ZlibHandle));
      },
      before: (id) => {
        if (this.#requests.size > 0) this.#requests.delete(id);
      },
    });
  }

  watch(): void {
    if (++this.#watchers === 1) this.#hook.enable();
  }

  unwatch(): void {
    if (--this.#watchers > 0) return;
    this.#hook.disable();
    this.#requests.clear();
    this.#zlib.clear();
  }

  /** Requests under way, by kind; empty when there are none. */
  pending(): string[] {
    const found: string[] = [];
    for (const [id, { type, resource }] of this.#requests) {
      // A job of crypto that runs within its call has nobody to call back.
      if (type.endsWith('REQUEST') && resource.ondone === undefined) this.#requests.delete(id);
      else found.push(type);
    }
    for (const [id, handle] of this.#zlib) {
      const stream = handle.deref();
      if (stream === undefined) this.#zlib.delete(id);
      else if (stream.buffer !== null && stream.buffer !== undefined) found.push('ZLIB');
    }
    return found;
  }
}

/** One for all of the process, as async_hooks is. */
export const work: Work = new Work();

/** True while a program has set an immediate that has not run. */
export function hasImmediates(): boolean {
  return process.getActiveResourcesInfo().includes('Immediate');
}
