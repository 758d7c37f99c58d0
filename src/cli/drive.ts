// Lets a lab's virtual time pass in slices, so that Ctrl-C is heard, a file is not outrun, and long work says how far it is.

import type { Lab } from '../lab/lab.ts';
import type { CaptureFile } from '../live/pcap-file.ts';
import type { Io } from './io.ts';
import { durationText } from './units.ts';

/** Virtual time at a go, in nanoseconds: a slice of a large lab is a noticeable time. */
const SLICE = 50_000_000;
/** Wall-clock milliseconds without a word. */
const PATIENCE = 1000;
const AGAIN = { terminal: 200, other: 5000 };
/** How often a lab that follows the wall clock looks at it. */
const TICK = 20;

/** Runs for `duration` nanoseconds as fast as it can, or until the user stops it. */
export async function runFor(io: Io, lab: Lab, duration: number, file: CaptureFile | null): Promise<void> {
  const until = lab.now + duration;
  const progress = new Progress(io);
  let breath = performance.now();
  while (lab.now < until && !io.signal.aborted) {
    lab.run(Math.min(SLICE, until - lab.now));
    if (performance.now() - breath < TICK) continue;
    progress.say(`${durationText(lab.now)} of ${durationText(until)} of virtual time`);
    await pause(0);
    await file?.drained();
    breath = performance.now();
  }
  progress.end();
}

/** Lets virtual time follow the wall clock until the user stops it. */
export async function follow(io: Io, lab: Lab, file: CaptureFile | null): Promise<void> {
  const start = performance.now();
  const begun = lab.now;
  const progress = new Progress(io);
  while (!io.signal.aborted) {
    const due = begun + Math.floor((performance.now() - start) * 1e6);
    if (due > lab.now) lab.run(due - lab.now);
    if (io.liveErr) progress.say(`${Math.floor((performance.now() - start) / 1000)} s; Ctrl-C ends it`);
    await file?.drained();
    await pause(TICK, io.signal);
  }
  progress.end();
}

/** Milliseconds; ends early when the signal comes. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal?.aborted === true) return done();
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
  });
}

/** One line on standard error that says how far long work is: written over on a terminal, now and then elsewhere. */
class Progress {
  readonly #io: Io;
  #last: number = performance.now() - (AGAIN.other - PATIENCE);
  readonly #start: number = performance.now();
  #shown = false;

  constructor(io: Io) {
    this.#io = io;
  }

  say(words: string): void {
    const now = performance.now();
    const again = this.#io.liveErr ? AGAIN.terminal : AGAIN.other;
    if (now - this.#start < PATIENCE || now - this.#last < again) return;
    this.#last = now;
    this.#shown = true;
    this.#io.err(this.#io.liveErr ? `\r${words}\u001b[K` : `${words}\n`);
  }

  end(): void {
    if (this.#shown && this.#io.liveErr) this.#io.err('\r\u001b[K');
  }
}
