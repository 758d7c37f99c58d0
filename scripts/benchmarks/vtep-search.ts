// The arithmetic of packet rates: what a trial lost, and the highest rate that is carried with hardly any loss (as the throughput of
// RFC 2544 s.26.1, with a loss allowed that a machine with other work on it has by itself).

import { median } from './harness.ts';

/** One offered load and what became of it. */
export interface Trial {
  /** Packets a second that the path took from the sender. */
  readonly offered: number;
  /** Packets. */
  readonly sent: number;
  readonly received: number;
  /** Packets a second that arrived, from the first to the last. */
  readonly rate: number;
}

/** 0 to 1; what comes twice is no gain. */
export function lossOf({ sent, received }: Pick<Trial, 'sent' | 'received'>): number {
  return sent === 0 ? 0 : Math.max(0, 1 - received / sent);
}

export interface Found {
  /** Packets a second. */
  readonly rate: number;
  /** True when the sender could not offer more: the path holds it back and loses nothing. */
  readonly held: boolean;
}

/** A sender that reaches less of what it was asked for is held back by the path. */
const HELD = 0.95;
/** Above the rate that arrives under too much load: some paths carry more when they are not flooded. */
const ABOVE = 1.5;

/**
 * Halves the way between a rate that was carried and one that was not. Where the sender is held back what it did send counts.
 * @param top the rate that arrives when more is offered than the path takes
 * @param limit the loss that is allowed, 0 to 1
 * @param steps rates that are tried
 */
export async function searchRate(
  top: number,
  limit: number,
  steps: number,
  offer: (rate: number) => Promise<Trial>,
): Promise<Found> {
  let carried = 0;
  let lost = top * ABOVE;
  let best: Found = { rate: 0, held: false };
  for (let step = 0; step < steps; step++) {
    const rate = step === 0 ? top : (carried + lost) / 2;
    let trial = await offer(rate);
    // A moment that somebody else took from the machine is nobody's fault: who loses has a second try.
    if (tooMuch(trial, limit)) trial = await offer(rate);
    if (tooMuch(trial, limit)) {
      lost = rate;
      continue;
    }
    carried = rate;
    const held = trial.offered < rate * HELD;
    const reached = held ? trial.offered : rate;
    if (reached > best.rate) best = { rate: reached, held };
  }
  return best;
}

function tooMuch({ sent, received }: Trial, limit: number): boolean {
  return sent - received > limit * sent;
}

/** Numbers of each name, kept from round to round. */
export class Rounds {
  readonly #numbers: Map<string, number[]> = new Map();

  add(value: number, ...name: readonly (string | number)[]): void {
    const key = name.join('/');
    const known = this.#numbers.get(key);
    if (known === undefined) this.#numbers.set(key, [value]);
    else known.push(value);
  }

  /** null where there is none. */
  median(...name: readonly (string | number)[]): number | null {
    const all = this.#numbers.get(name.join('/'));
    return all === undefined ? null : median(all);
  }

  largest(...name: readonly (string | number)[]): number | null {
    const all = this.#numbers.get(name.join('/'));
    return all === undefined ? null : Math.max(...all);
  }
}
