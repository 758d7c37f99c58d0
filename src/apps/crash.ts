// What a program does not catch ends that program and no other: errors thrown out of its callbacks and promises nobody
// handles are told apart by the asynchronous context they come from.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

/** Who takes the errors of a context. */
export interface Crashing {
  crashed(error: unknown): void;
}

const contexts: AsyncLocalStorage<Crashing> = new AsyncLocalStorage();
let users = 0;

/** Runs something in the context of a program; so does all that it begins. */
export function within<T>(program: Crashing, run: () => T): T {
  return contexts.run(program, run);
}

/** The program that is running now; undefined outside of all. */
export function current(): Crashing | undefined {
  return contexts.getStore();
}

/** Begins to catch. Errors of nobody's program go the way they would have gone. */
export function catchCrashes(): void {
  if (++users > 1 || process.hasUncaughtExceptionCaptureCallback()) return;
  process.setUncaughtExceptionCaptureCallback(caught);
}

/** Stops catching, after what the last program threw on its way out. */
export function letCrash(): void {
  setImmediate(() => {
    if (--users === 0) process.setUncaughtExceptionCaptureCallback(null);
  });
}

function caught(error: Error): void {
  const program = contexts.getStore();
  if (program !== undefined) return program.crashed(error);
  if (process.listenerCount('uncaughtException') > 0) {
    (process as EventEmitter).emit('uncaughtException', error, 'uncaughtException');
    return;
  }
  process.stderr.write(`${error?.stack ?? String(error)}\n`);
  process.exit(1);
}
