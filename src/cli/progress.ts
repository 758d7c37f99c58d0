// How far long work is, on standard error: nothing in the first second, then one line that is written over on a terminal and a
// line now and then elsewhere.

import type { Io } from './io.ts';

/** Milliseconds before the first word, and between two. */
const QUIET = 1000;
const EVERY_LIVE = 200;
const EVERY_PLAIN = 5000;

export class Progress {
  readonly #io: Io;
  readonly #began: number = performance.now();
  #next = QUIET;
  #shown = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** What there is to say now, if it is time to say something. */
  say(words: () => string): void {
    const elapsed = performance.now() - this.#began;
    if (elapsed < this.#next) return;
    this.#next = elapsed + (this.#io.liveErr ? EVERY_LIVE : EVERY_PLAIN);
    this.#show(words());
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown && this.#io.liveErr) this.#io.err('\r\u001b[K');
    this.#shown = false;
  }

  #show(line: string): void {
    this.#shown = true;
    this.#io.err(this.#io.liveErr ? `\r\u001b[K${line}` : `${line}\n`);
  }
}

/** How much of a file was read. @param total bytes in all; 0 when nobody knows */
export function readSoFar(what: string, bytes: number, total: number): string {
  return `${what}: ${total > 0 ? `${Math.floor((100 * bytes) / total)} %` : `${(bytes / 1e6).toFixed(1)} MB`}`;
}
