import { describe, expect, test } from 'vitest';
import type { TimerTarget } from '../../../src/engine/time/clock.ts';
import { MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';

/** Writes down what fires and when, and does what it was told to at that token. */
class Log implements TimerTarget {
  readonly lines: string[] = [];
  readonly deeds: Map<number, () => void> = new Map();
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  fire(token: number): void {
    this.lines.push(`${this.#clock.now} ${token}`);
    this.deeds.get(token)?.();
  }
}

describe('the virtual clock', () => {
  test('runUntil fires up to and at the limit, then stands at it', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    clock.at(SECOND, log, 2);
    clock.at(MILLISECOND, log, 1);
    clock.at(SECOND + 1, log, 3);
    expect(clock.next).toBe(MILLISECOND);
    expect(clock.runUntil(SECOND)).toBe(2);
    expect(log.lines).toEqual(['1000000 1', '1000000000 2']);
    expect(clock.now).toBe(SECOND);
    expect(clock.pending).toBe(1);
    expect(clock.next).toBe(SECOND + 1);
    expect(clock.runUntil(10 * SECOND)).toBe(1);
    expect(clock.now).toBe(10 * SECOND);
    expect(clock.next).toBe(-1);
  });

  test('a limit that has passed fires nothing and does not turn time back', () => {
    const clock = new VirtualClock();
    clock.runUntil(SECOND);
    clock.at(SECOND, new Log(clock), 1);
    expect(clock.runUntil(5)).toBe(0);
    expect(clock.now).toBe(SECOND);
    expect(clock.runUntil(SECOND)).toBe(1);
  });

  test('a timer set for this instant while it fires comes in the same run, behind the others of the instant', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    log.deeds.set(1, () => {
      clock.at(100, log, 3);
      clock.at(50, log, 4);
    });
    clock.at(100, log, 1);
    clock.at(100, log, 2);
    expect(clock.runUntil(100)).toBe(4);
    expect(log.lines).toEqual(['100 1', '100 2', '100 3', '100 4']);
  });

  test('a time that has passed fires at now, not in the past', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    clock.runUntil(500);
    clock.at(3, log, 1);
    expect(clock.next).toBe(500);
    expect(clock.step()).toBe(true);
    expect(log.lines).toEqual(['500 1']);
  });

  test('step fires one, and says when none waits', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    clock.at(7, log, 1);
    clock.at(7, log, 2);
    expect([clock.step(), clock.now, clock.pending]).toEqual([true, 7, 1]);
    expect([clock.step(), clock.step(), clock.now]).toEqual([true, false, 7]);
    expect(log.lines).toEqual(['7 1', '7 2']);
  });

  test('runUntilIdle follows a chain to its end, or for as many as it may', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    for (let i = 0; i < 5; i++) log.deeds.set(i, () => clock.at(clock.now + SECOND, log, i + 1));
    clock.at(0, log, 0);
    expect(clock.runUntilIdle(2)).toBe(2);
    expect([clock.now, clock.pending]).toEqual([SECOND, 1]);
    expect(clock.runUntilIdle()).toBe(4);
    expect([clock.now, clock.pending]).toEqual([5 * SECOND, 0]);
  });

  test('a timer may cancel another of the same instant before it fires', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    clock.at(9, log, 1);
    const second = clock.at(9, log, 2);
    let cancelled = false;
    log.deeds.set(1, () => {
      cancelled = clock.cancel(second);
    });
    clock.runUntilIdle();
    expect(cancelled).toBe(true);
    expect(log.lines).toEqual(['9 1']);
    expect(clock.cancel(second)).toBe(false);
    expect(clock.cancel(0)).toBe(false);
  });

  test('a timer may not run the clock: CLOCK_BUSY, whichever way it tries', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    const tries = [() => clock.runUntil(9), () => clock.runUntilIdle(), () => clock.step()];
    for (const [token, attempt] of tries.entries()) log.deeds.set(token, attempt);
    const busy = expect.objectContaining({ code: 'CLOCK_BUSY' });
    for (const token of tries.keys()) {
      clock.at(clock.now, log, token);
      expect(() => clock.runUntilIdle()).toThrow(busy);
    }
    expect(log.lines).toHaveLength(3);
  });

  test('after a target threw, the clock stands at that instant and can go on', () => {
    const clock = new VirtualClock();
    const log = new Log(clock);
    log.deeds.set(1, () => {
      throw new Error('broken');
    });
    clock.at(4, log, 1);
    clock.at(4, log, 2);
    expect(() => clock.runUntil(100)).toThrow('broken');
    expect([clock.now, clock.pending]).toEqual([4, 1]);
    expect(clock.runUntil(100)).toBe(1);
    expect(log.lines).toEqual(['4 1', '4 2']);
  });

  test('a limit must be a whole number of nanoseconds below 2^53', () => {
    const clock = new VirtualClock();
    for (const limit of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => clock.runUntil(limit)).toThrow(expect.objectContaining({ code: 'BAD_TIME' }));
    }
    expect(clock.runUntil(2 ** 53 - 1)).toBe(0);
    expect(clock.now).toBe(2 ** 53 - 1);
  });
});
