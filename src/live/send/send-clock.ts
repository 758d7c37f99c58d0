// The wall clock of a sender. Node's timers wake to the millisecond; the last of a wait is slept in this thread, which wakes within
// some fifty microseconds.

import { setImmediate, setTimeout } from 'node:timers/promises';
import type { SendClock } from './sender.ts';

const MILLISECOND = 1_000_000;
/** What is left to the finer sleep: Node's timers may be a millisecond and more late. */
const FINE = 3 * MILLISECOND;
/** Nobody rings it. */
const bell = new Int32Array(new SharedArrayBuffer(4));

export const sendClock: SendClock = {
  now: () => performance.now() * MILLISECOND,

  async until(when, signal) {
    for (;;) {
      const left = when - sendClock.now();
      if (left <= 0 || signal.aborted) return;
      if (left > FINE) {
        // A timer of Node's goes to 24 days.
        const wait = Math.min(2 ** 31 - 1, Math.floor((left - FINE) / MILLISECOND) + 1);
        await setTimeout(wait, undefined, { signal }).catch(() => undefined);
      } else Atomics.wait(bell, 0, 0, left / MILLISECOND);
    }
  },

  async turn() {
    await setImmediate();
  },
};
