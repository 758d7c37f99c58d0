// The arithmetic behind `scripts/bench vtep`: what was lost, the rate at equal loss, medians.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median } from '../../scripts/benchmarks/harness.ts';
import type { Trial } from '../../scripts/benchmarks/vtep-search.ts';
import { lossOf, Rounds, searchRate } from '../../scripts/benchmarks/vtep-search.ts';

/** A path that carries so many packets a second, and a sender that can offer no more than `most`. */
function path(capacity: number, most = Number.POSITIVE_INFINITY) {
  const asked: number[] = [];
  const offer = async (rate: number): Promise<Trial> => {
    asked.push(rate);
    const offered = Math.min(rate, most);
    return {
      offered,
      sent: offered,
      received: Math.min(offered, capacity),
      rate: Math.min(offered, capacity),
    };
  };
  return { asked, offer };
}

describe('the rate at equal loss', () => {
  test('is found between what was carried and what was not, within what the steps can tell', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 1_000_000 }),
        fc.integer({ min: 50, max: 145 }),
        fc.integer({ min: 1, max: 10 }),
        async (top, percent, steps) => {
          const capacity = (top * percent) / 100;
          const { asked, offer } = path(capacity);
          const { rate, held } = await searchRate(top, 0, steps, offer);
          expect(new Set(asked).size).toBe(steps);
          expect(held).toBe(false);
          expect(rate).toBeLessThanOrEqual(capacity);
          // The first step is at the top: below it lies the top's width, above it half of that.
          const width = capacity < top ? top : top * 0.5;
          expect(capacity - rate).toBeLessThanOrEqual(width / 2 ** (steps - 1) + 1e-6);
        },
      ),
    );
  });

  test('allows the loss that is asked for and no more', async () => {
    const losing = async (rate: number): Promise<Trial> => ({
      offered: rate,
      sent: 10_000,
      received: rate > 50_000 ? 9_989 : 9_990,
      rate,
    });
    const { rate } = await searchRate(100_000, 0.001, 12, losing);
    expect(rate).toBeLessThanOrEqual(50_000);
    expect(rate).toBeGreaterThan(49_900);
  });

  test('is not lowered by one bad moment, but by two of the same rate', async () => {
    const bad = (times: number) => {
      let left = times;
      return async (rate: number): Promise<Trial> => {
        const received = left-- > 0 ? 900 : 1000;
        return { offered: rate, sent: 1000, received, rate };
      };
    };
    expect((await searchRate(1000, 0.001, 1, bad(1))).rate).toBe(1000);
    expect((await searchRate(1000, 0.001, 1, bad(2))).rate).toBe(0);
  });

  test("is the sender's own where the path holds it back and nothing is lost", async () => {
    const { asked, offer } = path(500_000, 80_000);
    expect(await searchRate(90_000, 0.001, 6, offer)).toEqual({ rate: 80_000, held: true });
    expect(asked[1]).toBeGreaterThan(90_000);
  });

  test('is nothing when even a trickle is lost', async () => {
    const { rate } = await searchRate(1000, 0.001, 4, path(0).offer);
    expect(rate).toBe(0);
  });
});

test('a loss is a share of what was sent, and never less than none', () => {
  expect(lossOf({ sent: 1000, received: 999 })).toBeCloseTo(0.001, 12);
  expect(lossOf({ sent: 1000, received: 1001 })).toBe(0);
  expect(lossOf({ sent: 0, received: 0 })).toBe(0);
});

test('a median is the middle of an odd number and the mean of two in the middle of an even one', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 9, 2])).toBe(9);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('rounds keep numbers by name', () => {
  const rounds = new Rounds();
  for (const value of [3, 1, 2]) rounds.add(value, 'forwarded', 64, 'batch');
  rounds.add(7, 'forwarded', 1400, 'batch');
  expect(rounds.median('forwarded', 64, 'batch')).toBe(2);
  expect(rounds.largest('forwarded', 64, 'batch')).toBe(3);
  expect(rounds.median('forwarded', 64, 'udp')).toBeNull();
  expect(rounds.largest('sent', 64, 'batch')).toBeNull();
});
