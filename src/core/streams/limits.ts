// How much is kept of streams that are followed, and what was counted when a bound was reached.

import { VxlabError } from '../wire/numbers.ts';

export interface StreamLimits {
  /** Streams followed at once, 1 to 1,000,000; default 16384. The one that was silent longest goes. */
  readonly streams: number;
  /** Bytes of memory for segments that came before their turn, of one direction; at least 1; default 1 MiB. */
  readonly held: number;
  /** Such segments of one direction, 1 to 65536; default 1024. */
  readonly segments: number;
  /** Bytes of memory for all that is held of all streams, at least 1; default 64 MiB. */
  readonly bytes: number;
}

export const STREAM_LIMITS: StreamLimits = {
  streams: 16_384,
  held: 1024 * 1024,
  segments: 1024,
  bytes: 64 * 1024 * 1024,
};

const STREAMS_MAX = 1_000_000;
const SEGMENTS_MAX = 65_536;

/** How often each bound was reached. */
export interface StreamCounts {
  streams: number;
  held: number;
  segments: number;
  bytes: number;
}

/**
 * The limits with the defaults for what is left out.
 * @throws VxlabError BAD_LIMIT
 */
export function streamLimits(given: Partial<StreamLimits> = {}): StreamLimits {
  const limits = { ...STREAM_LIMITS, ...given };
  whole(limits.streams, 'streams', STREAMS_MAX);
  whole(limits.segments, 'segments', SEGMENTS_MAX);
  whole(limits.held, 'bytes held', Number.MAX_SAFE_INTEGER);
  whole(limits.bytes, 'bytes', Number.MAX_SAFE_INTEGER);
  return limits;
}

function whole(value: number, what: string, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new VxlabError(
    'BAD_LIMIT',
    `${value} is no number of ${what}; it must be a whole number from 1 to ${most}`,
  );
}
