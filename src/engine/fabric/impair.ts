// What a link does to frames besides carrying them: delay, jitter, loss, duplication, reordering, rate, queue, MTU.
// The words and meanings are tc-netem's and tc-tbf's, so that a user can take a figure from one to the other.

import { VxlabError } from '../../core/wire/numbers.ts';

export interface Impairments {
  /** One-way delay in nanoseconds. */
  readonly delay: number;
  /** Spread around the delay in nanoseconds, even on both sides; order is kept. */
  readonly jitter: number;
  /** Share of frames lost, 0 to 1. */
  readonly loss: number;
  /** Share of frames that arrive twice, 0 to 1. */
  readonly duplicate: number;
  /** Share of frames that overtake: they are sent without the delay, 0 to 1. */
  readonly reorder: number;
  /** Bits a second; 0 means no limit. Counts the frame and 24 bytes of preamble, FCS and gap. */
  readonly rate: number;
  /** Frames that may be held at once, waiting or on their way (netem's limit); beyond that the tail is dropped. */
  readonly queue: number;
  /** Largest IP packet in bytes; 0 means no limit of the cable's own. */
  readonly mtu: number;
}

export const UNIMPAIRED: Impairments = {
  delay: 0,
  jitter: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  rate: 0,
  queue: 1000,
  mtu: 0,
};

/** `a` of a TRACE.impair event. */
export const IMPAIR = { lost: 1, duplicated: 2, overtook: 3, queued: 4 } as const;

/** Preamble 8, FCS 4, interframe gap 12: what a frame takes on the wire besides its bytes (IEEE 802.3). */
export const WIRE_OVERHEAD = 24;

/**
 * Fills in what is not given and refuses what cannot be.
 * @throws VxlabError BAD_IMPAIRMENT naming the value
 */
export function impairments(given: Partial<Impairments>): Impairments {
  const all = { ...UNIMPAIRED, ...given };
  for (const key of ['loss', 'duplicate', 'reorder'] as const) {
    if (!(all[key] >= 0 && all[key] <= 1)) throw bad(key, all[key], 'a share from 0 to 1');
  }
  for (const key of ['delay', 'jitter', 'rate', 'queue', 'mtu'] as const) {
    if (!(Number.isFinite(all[key]) && all[key] >= 0)) throw bad(key, all[key], 'zero or more');
  }
  if (all.jitter > all.delay) throw bad('jitter', all.jitter, `at most the delay (${all.delay} ns)`);
  return all;
}

function bad(key: string, value: number, wanted: string): VxlabError {
  return new VxlabError('BAD_IMPAIRMENT', `${key} is ${value}; it must be ${wanted}`);
}
