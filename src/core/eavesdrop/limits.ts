// How much an eavesdropper keeps. At a bound it goes on without what is new, and counts how often.

import type { StreamLimits } from '../streams/limits.ts';
import { streamLimits } from '../streams/limits.ts';
import { VxlabError } from '../wire/numbers.ts';

export interface EavesdropLimits extends StreamLimits {
  /** Conversations that are reported; as many again of which nothing was read; default 16384. */
  readonly conversations: number;
  /** Readings kept of one conversation of each sort (what was said; who and with what secret); default 512. */
  readonly readings: number;
  /** Characters of all readings kept; default 32 Mi. */
  readonly characters: number;
  /** Characters of one reading; default 4096. */
  readonly text: number;
  /** Hosts; default 16384. */
  readonly hosts: number;
  /** Names of one host; default 16. */
  readonly names: number;
  /** ESP associations; default 4096. */
  readonly sealed: number;
}

const DEFAULTS: Omit<EavesdropLimits, keyof StreamLimits> = {
  conversations: 16_384,
  readings: 512,
  characters: 32 * 1024 * 1024,
  text: 4096,
  hosts: 16_384,
  names: 16,
  sealed: 4096,
};

const MOST = 2 ** 40;

/**
 * The limits with the defaults for what is left out.
 * @throws VxlabError BAD_LIMIT
 */
export function eavesdropLimits(given: Partial<EavesdropLimits> = {}): EavesdropLimits {
  const limits: EavesdropLimits = { ...DEFAULTS, ...streamLimits(given), ...given };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = limits[name];
    if (Number.isInteger(value) && value >= 1 && value <= MOST) continue;
    throw new VxlabError(
      'BAD_LIMIT',
      `${value} is no limit of ${name}; it must be a whole number from 1 to ${MOST}`,
    );
  }
  return limits;
}

/** Bounds by the words that a report has for them, and how often each was reached. */
export class Hits {
  readonly #times: Map<string, number> = new Map();

  note(limit: string, times = 1): void {
    if (times > 0) this.#times.set(limit, (this.#times.get(limit) ?? 0) + times);
  }

  list(): { limit: string; times: number }[] {
    return [...this.#times].map(([limit, times]) => ({ limit, times }));
  }
}
