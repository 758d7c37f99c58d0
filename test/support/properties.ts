// fast-check draws about ten items whatever `maxLength` says, unless told that a stated length is meant.

import fc from 'fast-check';

fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });

/**
 * How a long property is tried: `count` times, with the same numbers each time; or, when VXLAB_RUNS is set, so many times as
 * often and with new numbers.
 */
export function tries(count: number): { readonly numRuns: number; readonly seed?: number } {
  const times = process.env['VXLAB_RUNS'];
  return times === undefined
    ? { numRuns: count, seed: count }
    : { numRuns: Math.max(1, Math.round(count * Number(times))) };
}
