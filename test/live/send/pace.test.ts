import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pace } from '../../../src/live/send/pace.ts';

const MS = 1e6;
const SECOND = 1e9;

/** When packets with these times, in milliseconds of the capture, are due, in milliseconds. */
function dues(pace: Pace, times: readonly number[]): number[] {
  return times.map((ms) => pace.due(Math.floor(ms / 1000), (ms % 1000) * MS, 100) / MS);
}

describe('the recorded speed', () => {
  const recorded = (factor = 1, maxGap?: number): Pace => new Pace({ kind: 'recorded', factor }, maxGap);

  test('counts from the first packet', () => {
    expect(dues(recorded(), [5000, 5010, 6500])).toEqual([0, 10, 1500]);
  });

  test('is multiplied', () => {
    expect(dues(recorded(2), [0, 10, 1500])).toEqual([0, 5, 750]);
    expect(dues(recorded(0.5), [0, 10, 1500])).toEqual([0, 20, 3000]);
  });

  test('with a longest gap waits that long at any speed', () => {
    expect(dues(recorded(1, 100 * MS), [0, 50, 9000, 9010])).toEqual([0, 50, 150, 160]);
    expect(dues(recorded(2, 100 * MS), [0, 50, 9000, 9010])).toEqual([0, 25, 125, 130]);
  });

  test('sends packets that are a little out of order with those before them, and loses no time', () => {
    expect(dues(recorded(), [0, 100, 90, 95, 200])).toEqual([0, 100, 100, 100, 200]);
  });

  test('goes on when the clock of the capture was set back', () => {
    expect(dues(recorded(), [9000, 9100, 1000, 1100, 1050, 1200])).toEqual([0, 100, 100, 200, 200, 300]);
  });

  test('sends packets without a time at once', () => {
    const pace = recorded();
    expect([pace.due(-1, 0, 9), pace.due(7, 0, 9), pace.due(-1, 0, 9), pace.due(7, MS, 9)]).toEqual([
      0,
      0,
      0,
      MS,
    ]);
  });

  test('begins anew where the capture does, without going back', () => {
    const pace = recorded();
    dues(pace, [5000, 5300]);
    pace.again();
    expect(dues(pace, [5000, 5300])).toEqual([300, 600]);
  });

  test('never goes back, and drifts not at all from the capture over any number of gaps', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 5_000_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(gaps, fc.constantFrom(0.25, 1, 3, 7), (list, factor) => {
        const pace = recorded(factor);
        pace.due(100, 0, 1);
        let at = 0;
        let before = 0;
        for (const gap of list) {
          at += gap;
          const due = pace.due(100 + Math.floor(at / SECOND), at % SECOND, 1);
          expect(due).toBeGreaterThanOrEqual(before);
          before = due;
        }
        expect(before).toBe(at / factor);
      }),
    );
  });
});

describe('another speed', () => {
  test('so many packets a second, whatever the capture says', () => {
    const pace = new Pace({ kind: 'pps', packets: 1000 });
    expect(dues(pace, [0, 50_000, 3])).toEqual([0, 1, 2]);
  });

  test('so many bits a second: a packet is due when those before it are through', () => {
    const pace = new Pace({ kind: 'rate', bits: 8000 });
    expect([pace.due(0, 0, 500), pace.due(0, 0, 1500), pace.due(0, 0, 1)]).toEqual([
      0,
      SECOND / 2,
      2 * SECOND,
    ]);
  });

  test('top speed waits for nothing', () => {
    const pace = new Pace({ kind: 'top' });
    expect(pace.waits).toBe(false);
    expect(dues(pace, [0, 9000])).toEqual([0, 0]);
  });
});
