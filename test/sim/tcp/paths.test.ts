// Streams over a path that loses, delays, doubles, disorders and damages segments and narrows windows: every byte arrives once,
// in order, and nothing is left behind. VXLAB_RUNS=20 tries twenty times as many paths.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { journeys, play } from '../../support/journey.ts';
import { tries } from '../../support/properties.ts';

test('a path that loses nothing: nothing is sent again', () => {
  fc.assert(
    fc.property(journeys(0, 120_000, 3), (journey) => {
      const { complaints, road } = play(journey);
      expect(complaints).toEqual([]);
      expect([road.a.tcp.retransmits, road.b.tcp.retransmits]).toEqual([0, 0]);
    }),
    tries(300),
  );
});

test('a rough path: what is lost is sent again until all is there', () => {
  let clean = 0;
  let again = 0;
  fc.assert(
    fc.property(journeys(0.12, 120_000, 3), (journey) => {
      const { complaints, pairs, road } = play(journey, ['ETIMEDOUT']);
      expect(complaints).toEqual([]);
      clean += pairs.filter(({ up, down }) => up.clean && down?.clean === true).length / pairs.length;
      again += road.a.tcp.retransmits;
    }),
    tries(1000),
  );
  expect(clean).toBeGreaterThan(tries(1000).numRuns * 0.99);
  expect(again).toBeGreaterThan(tries(1000).numRuns);
});

test('a terrible path: intact, or timed out', () => {
  let clean = 0;
  fc.assert(
    fc.property(journeys(0.5, 8_000, 2), (journey) => {
      const { complaints, pairs } = play(journey, ['ETIMEDOUT', 'ECONNRESET', 'EPIPE']);
      expect(complaints).toEqual([]);
      clean += pairs.filter(({ up, down }) => up.clean && down?.clean === true).length / pairs.length;
    }),
    tries(1000),
  );
  expect(clean).toBeGreaterThan(tries(1000).numRuns * 0.8);
});
