import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../src/apps/histogram.ts';
import { Tally } from '../../src/apps/tally.ts';

describe('a histogram', () => {
  test('tells any quantile within 1/128 of the true one', () => {
    const values = fc.array(fc.double({ min: 0, max: 2 ** 50, noNaN: true }).map(Math.floor), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const histogram = new Histogram();
        for (const value of list) histogram.add(value);
        const sorted = [...list].sort((x, y) => x - y);
        const exact = sorted[Math.max(1, Math.ceil(q * list.length)) - 1] as number;
        expect(Math.abs(histogram.quantile(q) - exact)).toBeLessThanOrEqual(exact / 128);
        const { count, min, max } = histogram.summary();
        expect([count, min, max]).toEqual([list.length, sorted[0], sorted.at(-1)]);
      }),
    );
  });

  test('two that are merged are as one', () => {
    const [one, two, all] = [new Histogram(), new Histogram(), new Histogram()];
    for (let n = 0; n < 1000; n++) {
      (n % 3 === 0 ? one : two).add(n * n * n);
      all.add(n * n * n);
    }
    one.merge(two);
    expect(one.summary()).toEqual(all.summary());
  });

  test('is empty with zeros', () => {
    expect(new Histogram().summary()).toEqual({ count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 });
  });

  test('knows the edges of powers of two', () => {
    for (const value of [127, 128, 129, 255, 256, 2 ** 31, 2 ** 49 - 1, 2 ** 53 - 1]) {
      const histogram = new Histogram();
      histogram.add(value);
      histogram.add(value);
      expect(histogram.quantile(0.5)).toBe(value);
    }
  });
});

describe('a tally', () => {
  test('counts requests, failures by code and goodput, for each peer', () => {
    let now = 0;
    const tally = new Tally(() => now);
    const web = tally.peer('web');
    web.begin();
    now = 1e9;
    web.request(2e6, 100, 1_000_000);
    web.request(4e6, 100, 1_000_000);
    web.failure('ECONNREFUSED');
    web.failure('HTTP 503');
    web.failure('ECONNREFUSED');
    tally.peer('db').bytes(5, 0);
    const [row, other] = tally.rows();
    expect(row).toMatchObject({
      peer: 'web',
      requests: 5,
      failures: 3,
      errors: { ECONNREFUSED: 2, 'HTTP 503': 1 },
      bytesSent: 200,
      bytesReceived: 2_000_000,
      goodput: 16e6,
      from: 0,
      to: 1e9,
    });
    expect(row?.latency).toMatchObject({ count: 2, min: 2e6, max: 4e6, mean: 3e6 });
    expect(other).toMatchObject({ peer: 'db', requests: 0, goodput: 0 });
  });

  test('tallies of several tasks add up', () => {
    const [one, two] = [new Tally(() => 1e9), new Tally(() => 3e9)];
    one.peer('web').request(10, 1, 500);
    two.peer('web').request(30, 1, 500);
    two.peer('web').failure('ETIMEDOUT');
    one.merge(two);
    expect(one.rows()).toMatchObject([
      {
        requests: 3,
        failures: 1,
        bytesReceived: 1000,
        from: 1e9,
        to: 3e9,
        goodput: 4000,
        latency: { count: 2, min: 10, max: 30 },
      },
    ]);
  });
});
