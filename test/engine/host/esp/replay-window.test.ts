import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplayWindow } from '../../../../src/engine/host/esp/replay-window.ts';
import { tries } from '../../../support/properties.ts';

describe('the anti-replay window (RFC 4303 s.3.4.3)', () => {
  test('takes each number once, in any order, as far back as it reaches: a Set says the same', () => {
    const size = fc.constantFrom(32, 64, 128, 1024);
    const step = fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -2000, max: 5000 }));
    fc.assert(
      fc.property(size, fc.array(step, { maxLength: 400 }), (reach, steps) => {
        const window = new ReplayWindow(reach);
        const seen = new Set<number>();
        let highest = 0;
        let number = 1;
        for (const by of steps) {
          number = Math.max(0, number + by);
          const fresh = number > 0 && !seen.has(number) && number > highest - reach;
          expect(window.isNew(number)).toBe(fresh);
          if (!fresh) continue;
          window.accept(number);
          seen.add(number);
          highest = Math.max(highest, number);
        }
        expect(window.highest).toBe(highest);
      }),
      tries(300),
    );
  });

  test('goes up to the last number there is', () => {
    const window = new ReplayWindow(64);
    window.accept(0xffff_fff0);
    window.accept(0xffff_ffff);
    expect(
      [0xffff_fff0, 0xffff_ffff, 0xffff_fff1, 0xffff_ffbf, 0xffff_ffc0].map((one) => window.isNew(one)),
    ).toEqual([false, false, true, false, true]);
  });

  test('a number that was looked at and not proved may come again', () => {
    const window = new ReplayWindow(64);
    expect([window.isNew(5), window.isNew(5)]).toEqual([true, true]);
  });

  test('of size 0 looks at nothing, as Docker has it', () => {
    const window = new ReplayWindow(0);
    window.accept(7);
    expect([window.isNew(7), window.isNew(0)]).toEqual([true, true]);
  });
});
