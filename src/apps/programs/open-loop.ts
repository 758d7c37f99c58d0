// Doing something at a rate whatever becomes of it: the next one does not wait for the last (an open loop, as load is in
// the world; a closed loop hides how long the queue is).

import type { ProgramContext } from '../program.ts';

export interface OpenLoop {
  /** How often a second. */
  readonly rate: number;
  /** How often in all; null for no end. */
  readonly count: number | null;
}

type Needs = Pick<ProgramContext, 'time' | 'signal' | 'random'>;

const SECOND = 1e9;
const MILLISECOND = 1e6;

/**
 * Calls `start` with 0, 1, 2 ... when each is due, and returns after the last or when the program is to end. It begins somewhere
 * within the first gap (at most a second), so that programs with one rate do not go in step.
 */
export async function openLoop(
  { time, signal, random }: Needs,
  { rate, count }: OpenLoop,
  start: (n: number) => void,
): Promise<void> {
  const gap = SECOND / rate;
  const first = time.now + Math.round(random.float() * Math.min(gap, SECOND));
  for (let n = 0; (count === null || n < count) && !signal.aborted; n++) {
    const wait = first + n * gap - time.now;
    if (wait > 0 && !(await slept(time, wait, signal))) return;
    start(n);
  }
}

/** @param wait nanoseconds; at least a millisecond passes @returns false when the program is to end instead */
export async function slept(
  time: ProgramContext['time'],
  wait: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await time.sleep(Math.max(1, wait / MILLISECOND), { signal });
    return !signal.aborted;
  } catch {
    return false;
  }
}

/** Resolves when the program is to end. */
export function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
