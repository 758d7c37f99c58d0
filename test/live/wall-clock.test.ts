import { describe, expect, test } from 'vitest';
import { MILLISECOND } from '../../src/engine/time/clock.ts';
import { WallClock } from '../../src/live/wall-clock.ts';

/** Resolves with the tokens in the order in which they fired, when `last` has. */
function tokens(
  clock: WallClock,
  plan: readonly (readonly [after: number, token: number])[],
  last: number,
): Promise<number[]> {
  return new Promise((done) => {
    const fired: number[] = [];
    const target = {
      fire: (token: number): void => {
        fired.push(token);
        if (token === last) done(fired);
      },
    };
    const now = clock.tick();
    for (const [after, token] of plan) clock.at(now + after, target, token);
  });
}

describe('the wall clock', () => {
  test('fires by time, and in order of arrival at equal times', async () => {
    const clock = new WallClock();
    const plan = [
      [3, 4],
      [1, 1],
      [2, 2],
      [2, 3],
      [5, 5],
    ].map(([ms, token]) => [(ms ?? 0) * MILLISECOND, token ?? 0] as const);
    expect(await tokens(clock, plan, 5)).toEqual([1, 2, 3, 4, 5]);
    clock.close();
  });

  test('a timer that is set earlier than those that wait comes first', async () => {
    const clock = new WallClock();
    const both = tokens(
      clock,
      [
        [20 * MILLISECOND, 2],
        [1 * MILLISECOND, 1],
      ],
      2,
    );
    expect(await both).toEqual([1, 2]);
    clock.close();
  });

  test('a cancelled timer does not fire, and cannot be cancelled twice', async () => {
    const clock = new WallClock();
    const fired: number[] = [];
    const id = clock.at(clock.tick() + MILLISECOND, { fire: (token) => fired.push(token) }, 1);
    expect([clock.cancel(id), clock.cancel(id)]).toEqual([true, false]);
    await tokens(clock, [[5 * MILLISECOND, 9]], 9);
    expect(fired).toEqual([]);
    clock.close();
  });

  test('now moves with tick only, and never back', () => {
    const clock = new WallClock();
    const first = clock.tick();
    expect(clock.now).toBe(first);
    expect(clock.tick()).toBeGreaterThanOrEqual(first);
    clock.close();
  });
});
