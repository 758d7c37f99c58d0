// Lets a lab's virtual time pass in slices, so that Ctrl-C is heard, a file is not outrun, and long work says how far it is.

import type { Lab } from '../lab/lab.ts';
import type { CaptureFile } from '../live/capture/pcap-file.ts';
import type { Io } from './io.ts';
import { Progress } from './progress.ts';
import { durationText } from './units.ts';

/** Virtual time at a go, in nanoseconds: a slice of a large lab is a noticeable time. */
const SLICE = 50_000_000;
/** Wall-clock milliseconds between two looks at what else there is. */
const TICK = 20;

/** Runs for `duration` nanoseconds as fast as it can, or until the user stops it. */
export async function runFor(io: Io, lab: Lab, duration: number, file: CaptureFile | null): Promise<void> {
  const until = lab.now + duration;
  const progress = new Progress(io);
  let breath = performance.now();
  while (lab.now < until && !io.signal.aborted) {
    lab.run(Math.min(SLICE, until - lab.now));
    if (performance.now() - breath < TICK) continue;
    progress.say(() => `${durationText(lab.now)} of ${durationText(until)} of virtual time`);
    await pause(0);
    await file?.drained();
    breath = performance.now();
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
