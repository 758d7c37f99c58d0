// Which ports of a host have connections, and the choice of a port for a new one (ip_local_port_range). Ports with none are
// found by whole words of a bit map; only where every port has some is each asked whether it may go to that peer as well.

import { EPHEMERAL_MAX, EPHEMERAL_MIN } from './constants.ts';

const SPAN = EPHEMERAL_MAX - EPHEMERAL_MIN + 1;
const WORDS = (SPAN + 31) >>> 5;
const FULL = -1;

export class Ports {
  readonly #counts: Map<number, number> = new Map();
  /** A bit for each ephemeral port that has a connection; those past the last port are set. */
  readonly #used: Int32Array = new Int32Array(WORDS);
  #next: number;

  /** @param start any number from which the first choice is made */
  constructor(start: number) {
    this.#next = start % SPAN;
    for (let i = SPAN; i < WORDS * 32; i++) this.#mark(i, true);
  }

  uses(port: number): boolean {
    return this.#counts.has(port);
  }

  add(port: number): void {
    this.#counts.set(port, (this.#counts.get(port) ?? 0) + 1);
    if (isEphemeral(port)) this.#mark(port - EPHEMERAL_MIN, true);
  }

  remove(port: number): void {
    const count = (this.#counts.get(port) ?? 1) - 1;
    if (count > 0) {
      this.#counts.set(port, count);
      return;
    }
    this.#counts.delete(port);
    if (isEphemeral(port)) this.#mark(port - EPHEMERAL_MIN, false);
  }

  /** A port that no connection has and nothing else forbids; 0 when there is none. */
  free(forbidden: (port: number) => boolean): number {
    let i = this.#next;
    for (let left = SPAN + 32; left > 0; ) {
      const word = this.#used[i >>> 5] as number;
      let step = 1;
      if (word === FULL) step = 32 - (i & 31);
      else if (((word >>> (i & 31)) & 1) === 0 && !forbidden(EPHEMERAL_MIN + i)) return this.#chosen(i);
      left -= step;
      i += step;
      if (i >= SPAN) i = 0;
    }
    return 0;
  }

  /** As `free`, of those that have connections too. */
  shared(forbidden: (port: number) => boolean): number {
    for (let tried = 0; tried < SPAN; tried++) {
      const i = (this.#next + tried) % SPAN;
      if (!forbidden(EPHEMERAL_MIN + i)) return this.#chosen(i);
    }
    return 0;
  }

  #chosen(i: number): number {
    this.#next = (i + 1) % SPAN;
    return EPHEMERAL_MIN + i;
  }

  #mark(i: number, used: boolean): void {
    const bit = 1 << (i & 31);
    const word = this.#used[i >>> 5] as number;
    this.#used[i >>> 5] = used ? word | bit : word & ~bit;
  }
}

function isEphemeral(port: number): boolean {
  return port >= EPHEMERAL_MIN && port <= EPHEMERAL_MAX;
}
