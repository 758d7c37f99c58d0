import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bitmap } from '../../../src/engine/ipam/bitmap.ts';

function modelNextClear(model: readonly boolean[], from: number, end: number): number {
  for (let i = Math.max(0, from); i < Math.min(end, model.length); i++) if (!model[i]) return i;
  return -1;
}

describe('bitmap', () => {
  test('agrees with an array of booleans, whatever is done to it', () => {
    // Runs of bits make full words and full pages, which single random bits hardly ever do.
    const step = fc.record({
      set: fc.boolean(),
      at: fc.nat(9999),
      run: fc.oneof(fc.nat(3), fc.nat(70), fc.nat(9000)),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10000 }),
        fc.array(step, { maxLength: 12 }),
        fc.nat(10001),
        fc.nat(10001),
        (bits, steps, from, end) => {
          const bitmap = new Bitmap(bits);
          const model = new Array<boolean>(bits).fill(false);
          let agree = true;
          for (const { set, at, run } of steps) {
            for (let i = at; i < Math.min(bits, at + run); i++) {
              const changed = set ? bitmap.set(i) : bitmap.clear(i);
              if (changed !== (model[i] !== set)) agree = false;
              model[i] = set;
            }
          }
          expect(agree).toBe(true);
          expect(bitmap.count).toBe(model.filter(Boolean).length);
          expect(model.findIndex((bit, i) => bitmap.test(i) !== bit)).toBe(-1);
          expect(bitmap.nextClear(from)).toBe(modelNextClear(model, from, bits));
          expect(bitmap.nextClear(from, end)).toBe(modelNextClear(model, from, end));
          expect(bitmap.nextClear(0)).toBe(modelNextClear(model, 0, bits));
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([1, 31, 32, 33, 4095, 4096, 4097, 8192])(
    'of %i bits fills one by one, in order, and then has none',
    (bits) => {
      const bitmap = new Bitmap(bits);
      for (let i = 0; i < bits; i++) {
        if (bitmap.nextClear(0) !== i || !bitmap.set(i)) expect.fail(`bit ${i} was not the next`);
      }
      expect(bitmap.nextClear(0)).toBe(-1);
      expect(bitmap.count).toBe(bits);
      expect(bitmap.set(bits - 1)).toBe(false);
      expect(bitmap.clear(bits - 1)).toBe(true);
      expect(bitmap.nextClear(0)).toBe(bits - 1);
      expect(bitmap.nextClear(0, bits - 1)).toBe(-1);
    },
  );

  test('reaches over 2^53 bits', () => {
    const bitmap = new Bitmap(2 ** 53);
    const last = Number.MAX_SAFE_INTEGER;
    expect(bitmap.set(last)).toBe(true);
    expect(bitmap.test(last)).toBe(true);
    expect(bitmap.test(last - 1)).toBe(false);
    expect(bitmap.nextClear(last)).toBe(-1);
    expect(bitmap.nextClear(last - 1)).toBe(last - 1);
    expect(bitmap.clear(last)).toBe(true);
    expect(bitmap.clear(last)).toBe(false);
    expect(bitmap.count).toBe(0);
  });

  test('indices outside and impossible sizes are refused', () => {
    const bitmap = new Bitmap(8);
    for (const index of [-1, 8, 0.5, Number.NaN]) {
      for (const act of [() => bitmap.test(index), () => bitmap.set(index), () => bitmap.clear(index)]) {
        expect(act).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
      }
    }
    for (const bits of [-1, 1.5, 2 ** 54, Number.NaN]) {
      expect(() => new Bitmap(bits)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
    }
    expect(new Bitmap(0).nextClear(0)).toBe(-1);
  });
});
