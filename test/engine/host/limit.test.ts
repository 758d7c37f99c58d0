import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ErrorLimit } from '../../../src/engine/host/limit.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';

describe('error limit', () => {
  test('no peer ever gets more than six and one a second', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 3 * SECOND }), { minLength: 1, maxLength: 60 }), (gaps) => {
        const clock = { now: 0 };
        const limit = new ErrorLimit(clock);
        let allowed = 0;
        for (const gap of gaps) {
          clock.now += gap;
          if (limit.allows(7)) allowed++;
        }
        expect(allowed).toBeLessThanOrEqual(6 + clock.now / SECOND);
        expect(allowed).toBeGreaterThanOrEqual(Math.min(6, gaps.length));
      }),
    );
  });

  test('forged peers do not fill the memory: beyond 4096 all begin anew', () => {
    const limit = new ErrorLimit({ now: 0 });
    for (let i = 0; i < 6; i++) expect(limit.allows(1)).toBe(true);
    expect(limit.allows(1)).toBe(false);
    for (let peer = 2; peer <= 4096; peer++) limit.allows(peer);
    expect(limit.allows(1)).toBe(false);
    limit.allows(5000);
    expect(limit.allows(1)).toBe(true);
  });
});
