// How much is kept of datagrams whose fragments have not all come, and what was counted on the way.

import { VxlabError } from '../wire/numbers.ts';

export interface ReassemblyLimits {
  /** Datagrams in progress, 1 to 1,000,000; default 4096. */
  readonly datagrams: number;
  /** Bytes of memory for all of them, at least 1; default 16 MiB. */
  readonly bytes: number;
  /** Seconds of the capture's time that a datagram may take; default 30, as in Linux (ip_frag_time). */
  readonly seconds: number;
}

export const REASSEMBLY_LIMITS: ReassemblyLimits = { datagrams: 4096, bytes: 16 * 1024 * 1024, seconds: 30 };

const DATAGRAMS_MAX = 1_000_000;

/** What became of fragments and datagrams so far. */
export interface ReassemblyCounts {
  /** Fragments that were offered whole. */
  fragments: number;
  /** Fragments that came again, byte for byte. */
  repeated: number;
  /** Datagrams put together. */
  completed: number;
  /** Datagrams given up because a fragment was missing for too long. */
  timedOut: number;
  /** Datagrams given up for want of room: a limit was hit. */
  evicted: number;
  /** Datagrams void because fragments contradict each other. */
  overlapping: number;
  /** Datagrams void because they would be longer than IP allows. */
  oversize: number;
}

/**
 * The limits with the defaults for what is left out.
 * @throws VxlabError BAD_LIMIT
 */
export function reassemblyLimits(given: Partial<ReassemblyLimits> = {}): ReassemblyLimits {
  const limits = { ...REASSEMBLY_LIMITS, ...given };
  if (!Number.isInteger(limits.datagrams) || limits.datagrams < 1 || limits.datagrams > DATAGRAMS_MAX) {
    throw new VxlabError(
      'BAD_LIMIT',
      `${limits.datagrams} is no number of datagrams; it must be a whole number from 1 to ${DATAGRAMS_MAX}`,
    );
  }
  if (!(limits.bytes >= 1)) {
    throw new VxlabError('BAD_LIMIT', `${limits.bytes} is no number of bytes; it must be 1 or more`);
  }
  if (!(limits.seconds > 0)) {
    throw new VxlabError('BAD_LIMIT', `${limits.seconds} is no time in seconds; it must be more than 0`);
  }
  return limits;
}
