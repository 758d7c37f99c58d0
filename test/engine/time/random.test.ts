import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RandomSource, RandomStream } from '../../../src/engine/time/random.ts';

function take(stream: RandomStream, count: number): number[] {
  return Array.from({ length: count }, () => stream.uint32());
}

// First four and thousandth number, from a second implementation of sfc32 and FNV-1a in Python's unbounded integers.
const KNOWN: [number, number, number, number[], number][] = [
  [0, 0, 0, [0x514676c3, 0x08a809df, 0x30349d2b, 0xfb52c520], 0x50329421],
  [1, 2, 3, [0x736a3b41, 0xb2e53014, 0x3d56e4c7, 0xeda6a65f], 0xdf0452d7],
  [0xdeadbeef, 0x80000000, 0xffffffff, [0x2866213c, 0x6a45ce1c, 0xf59dd025, 0x412182b2], 0x93102951],
];

const NAMED: [number | string, string, number[], number][] = [
  [7, 'link/1', [0xa36bc883, 0x7729ecfb, 0xd16d0ead, 0x2925364a], 0x57efbe9a],
  ['lab', 'é', [0x494101f6, 0xc9cb1a2f, 0x6c88d54e, 0x04b606f1], 0x0cf9e721],
];

describe('a random stream', () => {
  test.each(KNOWN)('sfc32 of %i, %i, %i gives the known numbers', (a, b, c, first, thousandth) => {
    const numbers = take(new RandomStream(a, b, c), 1000);
    expect(numbers.slice(0, 4)).toEqual(first);
    expect(numbers[999]).toBe(thousandth);
  });

  test('integer reaches every value about equally often, for sizes that do not divide 2^32', () => {
    const stream = new RandomStream(1, 2, 3);
    for (const n of [1, 2, 3, 7, 10]) {
      const counts = new Array<number>(n).fill(0);
      const draws = 7000 * n;
      for (let i = 0; i < draws; i++) {
        const drawn = stream.integer(n);
        counts[drawn] = (counts[drawn] as number) + 1;
      }
      // Five standard deviations; the seed is fixed, so this either always holds or never.
      for (const count of counts) expect(Math.abs(count - 7000)).toBeLessThanOrEqual(5 * Math.sqrt(7000));
    }
  });

  test('integer draws again what would favour small values', () => {
    // With n = 3 * 2^30 a plain remainder would give the lowest third twice as often.
    const stream = new RandomStream(4, 5, 6);
    const n = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 9000; i++) if (stream.integer(n) < 2 ** 30) low++;
    expect(low).toBeGreaterThan(2700);
    expect(low).toBeLessThan(3300);
  });

  test('integer takes whole numbers from 1 to 2^32 only', () => {
    const stream = new RandomStream(0, 0, 0);
    for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => stream.integer(n)).toThrow(expect.objectContaining({ code: 'BAD_RANGE' }));
    }
    expect(stream.integer(2 ** 32)).toBe(new RandomStream(0, 0, 0).uint32());
  });

  test('float stays within 0 and 1, exponential is never negative nor endless', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (a, b, c) => {
        const stream = new RandomStream(a, b, c);
        for (let i = 0; i < 50; i++) {
          const drawn = stream.float();
          expect(drawn >= 0 && drawn < 1).toBe(true);
          const gap = stream.exponential(10);
          expect(gap >= 0 && Number.isFinite(gap)).toBe(true);
          expect(Number.isFinite(stream.normal())).toBe(true);
        }
      }),
    );
  });

  test('exponential and normal have the mean and spread they claim', () => {
    const stream = new RandomStream(7, 8, 9);
    const moments = (draw: () => number): [number, number] => {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < 100_000; i++) {
        const drawn = draw();
        sum += drawn;
        squares += drawn * drawn;
      }
      const mean = sum / 100_000;
      return [mean, Math.sqrt(squares / 100_000 - mean * mean)];
    };
    const [gap, gapSpread] = moments(() => stream.exponential(50));
    expect(Math.abs(gap - 50)).toBeLessThan(1);
    expect(Math.abs(gapSpread - 50)).toBeLessThan(1.5);
    const [centre, spread] = moments(() => stream.normal());
    expect(Math.abs(centre)).toBeLessThan(0.02);
    expect(Math.abs(spread - 1)).toBeLessThan(0.02);
  });

  test('shuffle keeps the elements and reaches every order', () => {
    const stream = new RandomStream(1, 1, 1);
    const orders = new Set<string>();
    for (let i = 0; i < 500; i++) {
      const list = ['a', 'b', 'c', 'd'];
      expect(stream.shuffle(list)).toBe(list);
      expect([...list].sort()).toEqual(['a', 'b', 'c', 'd']);
      orders.add(list.join(''));
    }
    expect(orders.size).toBe(24);
    expect(stream.shuffle([])).toEqual([]);
  });

  test('bytes are the top bytes of the numbers', () => {
    const bytes = new RandomStream(1, 2, 3).bytes(64);
    expect([...bytes]).toEqual(take(new RandomStream(1, 2, 3), 64).map((drawn) => drawn >>> 24));
  });
});

describe('a random source', () => {
  test.each(NAMED)('seed %s and name %s give the known numbers', (seed, name, first, thousandth) => {
    const numbers = take(new RandomSource(seed).stream(name), 1000);
    expect(numbers.slice(0, 4)).toEqual(first);
    expect(numbers[999]).toBe(thousandth);
  });

  test('a stream does not depend on which others were made or used', () => {
    const alone = take(new RandomSource(7).stream('link/1'), 20);
    const source = new RandomSource(7);
    const other = source.stream('link/0');
    take(other, 5);
    const stream = source.stream('link/1');
    const mixed = take(stream, 10);
    take(other, 5);
    expect([...mixed, ...take(stream, 10)]).toEqual(alone);
  });

  test('another seed or name gives other numbers; where one ends and the other begins matters', () => {
    const seen = new Set<string>();
    const pairs = [
      ['1', 'a'],
      ['2', 'a'],
      ['1', 'b'],
      ['1a', ''],
      ['', '1a'],
      ['1', ''],
      ['', '1'],
    ] as const;
    for (const [seed, name] of pairs) seen.add(take(new RandomSource(seed).stream(name), 2).join());
    expect(seen.size).toBe(pairs.length);
  });

  test('a seed is the same as a number and as text', () => {
    expect(take(new RandomSource(42).stream('x'), 4)).toEqual(take(new RandomSource('42').stream('x'), 4));
  });
});
