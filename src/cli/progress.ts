// How far a long reading is, on standard error: nothing in the first second, then one line that is written over on a
// terminal and a line now and then elsewhere.

import type { Io } from './io.ts';

/** Milliseconds before the first word, and between two. */
const QUIET = 1000;
const EVERY_LIVE = 200;
const EVERY_PLAIN = 5000;

export class Progress {
  readonly #io: Io;
  readonly #what: string;
  readonly #total: number;
  readonly #began: number = performance.now();
  #next = QUIET;
  #shown = false;

  /** @param total bytes to come; 0 when nobody knows */
  constructor(io: Io, what: string, total: number) {
    this.#io = io;
    this.#what = what;
    this.#total = total;
  }

  /** @param bytes read so far */
  at(bytes: number): void {
    const elapsed = performance.now() - this.#began;
    if (elapsed < this.#next) return;
    this.#next = elapsed + (this.#io.liveErr ? EVERY_LIVE : EVERY_PLAIN);
    const share = this.#total > 0 ? `${Math.floor((100 * bytes) / this.#total)} %` : megabytes(bytes);
    this.#show(`${this.#what}: ${share}`);
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

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
