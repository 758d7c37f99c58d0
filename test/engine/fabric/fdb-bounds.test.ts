import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fdb, LEARN } from '../../../src/engine/fabric/fdb.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { A, B, ether, VtepBench, wrap } from './ground.ts';

describe('an FDB with a bound for each port or peer', () => {
  test('learns so many behind one and goes on behind another', () => {
    const fdb = new Fdb({ maxPerDest: 2 });
    expect([fdb.learn(1, 1, 7, 0), fdb.learn(1, 2, 7, 0), fdb.learn(1, 3, 7, 0)]).toEqual([
      LEARN.new,
      LEARN.new,
      LEARN.full,
    ]);
    expect(fdb.learn(1, 3, 8, 0)).toBe(LEARN.new);
    expect(fdb.learn(1, 1, 7, 0)).toBe(LEARN.refreshed);
  });

  test('lets none move to where it is full, and one move to where it is not', () => {
    const fdb = new Fdb({ maxPerDest: 1 });
    fdb.learn(1, 1, 7, 0);
    fdb.learn(1, 2, 8, 0);
    expect(fdb.learn(1, 2, 7, 0)).toBe(LEARN.full);
    expect(fdb.lookup(1, 2, 0)).toBe(8);
    expect(fdb.learn(1, 1, 9, 0)).toBe(LEARN.moved);
    expect(fdb.learn(1, 2, 7, 0)).toBe(LEARN.moved);
  });

  test('has room again when entries age, are removed or pinned', () => {
    const fdb = new Fdb({ maxPerDest: 1, ageing: SECOND });
    fdb.learn(1, 1, 7, 0);
    expect(fdb.learn(1, 2, 7, 2 * SECOND)).toBe(LEARN.new);
    fdb.remove(1, 2);
    expect(fdb.learn(1, 3, 7, 2 * SECOND)).toBe(LEARN.new);
    fdb.pin(1, 3, 7);
    expect(fdb.learn(1, 4, 7, 2 * SECOND)).toBe(LEARN.new);
    fdb.removeDest(7);
    expect(fdb.learn(1, 5, 7, 2 * SECOND)).toBe(LEARN.new);
    fdb.clear();
    expect(fdb.learn(1, 6, 7, 2 * SECOND)).toBe(LEARN.new);
  });

  test('never holds more behind one than it may, whatever happens', () => {
    const step = fc.record({
      what: fc.constantFrom('learn', 'remove', 'pin', 'age'),
      lo: fc.integer({ min: 1, max: 12 }),
      dest: fc.integer({ min: 0, max: 2 }),
      wait: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const fdb = new Fdb({ maxPerDest: 3, ageing: 5 * SECOND });
        let now = 0;
        for (const { what, lo, dest, wait } of steps) {
          now += wait * SECOND;
          if (what === 'learn') fdb.learn(1, lo, dest, now);
          else if (what === 'remove') fdb.remove(1, lo);
          else if (what === 'pin') fdb.pin(1, lo, dest);
          else fdb.age(now);
          const behind = [0, 0, 0];
          for (const { dest: to, pinned } of fdb.entries(now))
            if (!pinned) behind[to] = (behind[to] ?? 0) + 1;
          for (const n of behind) expect(n).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});

describe('a VTEP whose FDB is full', () => {
  const inner = (n: number): Uint8Array => wrap(100, ether(B, A + n));

  test('forwards without learning, as Linux does', () => {
    const bench = new VtepBench({ maxPerPeer: 1 });
    for (const n of [0, 1, 0]) bench.input(inner(n));
    expect(bench.inside.got).toHaveLength(3);
    expect([bench.vtep.fdb.size, bench.vtep.counters.dropped()]).toEqual([1, 0]);
    bench.ground.end();
  });

  test('or drops, where it is told to, and tells whose frame it was', () => {
    const bench = new VtepBench({ maxPerPeer: 1, whenFull: 'drop' });
    for (const n of [0, 1, 0]) bench.input(inner(n), 5);
    expect(bench.inside.got).toHaveLength(2);
    expect(bench.vtep.counters.snapshot().drops).toEqual({ 'learning limit': 1 });
    expect(bench.ground.told(TRACE.drop)).toEqual([[DROP.learnLimit, 5]]);
    bench.ground.end();
  });
});
