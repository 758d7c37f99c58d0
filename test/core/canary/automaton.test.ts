import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Automaton, START } from '../../../src/core/canary/automaton.ts';
import { tries } from '../../support/properties.ts';

/** Where each pattern ends, by looking for each by itself. */
function expected(patterns: readonly Uint8Array[], bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let end = 1; end <= bytes.length; end++) {
    for (const [i, pattern] of patterns.entries()) {
      const from = end - pattern.length;
      if (from >= 0 && pattern.every((byte, k) => bytes[from + k] === byte)) found.push(`${end} ${i}`);
    }
  }
  return found.sort();
}

function found(patterns: readonly Uint8Array[], bytes: Uint8Array, cuts: readonly number[]): string[] {
  const automaton = new Automaton(patterns);
  const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
    (a, b) => a - b,
  );
  const all: string[] = [];
  let state: number = START;
  for (const [i, to] of places.entries()) {
    for (let at = places[i - 1] ?? 0; at < to; ) {
      automaton.run(state, bytes, at, to);
      at = automaton.at;
      state = automaton.state;
      for (const index of automaton.ends(state) ?? []) all.push(`${at} ${index}`);
    }
  }
  return all.sort();
}

describe('many patterns in one pass', () => {
  test('any patterns, one inside the other too, in any pieces: each end of each, once', () => {
    const few = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
      fc.uint8Array({ max: 2, minLength, maxLength });
    fc.assert(
      fc.property(
        fc.array(few(6, 1), { minLength: 1, maxLength: 8 }),
        few(200),
        fc.array(fc.nat(200)),
        (patterns, bytes, cuts) => {
          expect(found(patterns, bytes, cuts)).toEqual(expected(patterns, bytes));
        },
      ),
      tries(500),
    );
  });

  test('a pattern of all 256 bytes', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const bytes = Uint8Array.of(...all, 7, ...all, ...all.subarray(0, 255), 254);
    expect(found([all], bytes, [100, 300])).toEqual(['256 0', '513 0']);
  });
});
