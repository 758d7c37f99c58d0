import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mac } from '../../../src/core/wire/address.ts';
import { Fdb, LEARN, NONE } from '../../../src/engine/fabric/fdb.ts';
import { MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';

const DAY = 86_400 * SECOND;

interface Known {
  dest: number;
  heard: number;
  pinned: boolean;
}

/** The promises of an Fdb on a Map. Times in the property keep away from the edge of ageing, so no precision matters. */
class Model {
  readonly known: Map<number, Known> = new Map();
  readonly #ageing: number;
  readonly #max: number;

  constructor(ageing: number, max: number) {
    this.#ageing = ageing;
    this.#max = max;
  }

  aged(entry: Known, now: number): boolean {
    return !entry.pinned && this.#ageing > 0 && now - entry.heard >= this.#ageing;
  }

  learn(key: number, dest: number, now: number): number {
    const entry = this.known.get(key);
    if (entry === undefined) {
      const learned = [...this.known.values()].filter((other) => !other.pinned).length;
      if (this.#max > 0 && learned >= this.#max && this.age(now) === 0) return LEARN.full;
      this.known.set(key, { dest, heard: now, pinned: false });
      return LEARN.new;
    }
    if (entry.pinned) return LEARN.pinned;
    const moved = entry.dest !== dest;
    Object.assign(entry, { dest, heard: now });
    return moved ? LEARN.moved : LEARN.refreshed;
  }

  lookup(key: number, now: number): number {
    const entry = this.known.get(key);
    return entry === undefined || this.aged(entry, now) ? NONE : entry.dest;
  }

  age(now: number): number {
    return this.removeWhere((entry) => this.aged(entry, now));
  }

  removeWhere(goes: (entry: Known) => boolean): number {
    const gone = [...this.known].filter(([, entry]) => goes(entry));
    for (const [key] of gone) this.known.delete(key);
    return gone.length;
  }

  entries(now: number): { mac: number; dest: number; pinned: boolean }[] {
    return [...this.known]
      .filter(([, entry]) => !this.aged(entry, now))
      .map(([key, { dest, pinned }]) => ({ mac: key, dest, pinned }))
      .sort((x, y) => x.mac - y.mac);
  }
}

// Forty stations, few of them at a time more than a small table takes: they meet in slots, grow it, and leave gaps.
const station = fc.record({
  hi: fc.constantFrom(0, 0x0242, 0x8000, 0xffff),
  lo: fc.constantFrom(0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xac110002, 0xac110003, 0xffff0000, 0xffffffff),
});
const dest = fc.nat(4);

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('learn' as const), station, dest, flag: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('lookup' as const), station, dest, flag: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('remove' as const), station, dest, flag: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('pin' as const), station, dest, flag: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('removeDest' as const), station, dest, flag: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('age' as const), station, dest, flag: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('wait' as const), station, dest, flag: fc.boolean() }),
  },
);

describe('the forwarding database', () => {
  test.each([
    { ageing: 95 * SECOND, max: 0 },
    { ageing: 95 * SECOND, max: 6 },
    { ageing: 0, max: 3 },
  ])('agrees with a Map through any steps: %o', ({ ageing, max }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 250 }), (steps) => {
        const fdb = new Fdb({ ageing, max });
        const model = new Model(ageing, max);
        let now = 0;
        for (const { op, station: at, dest: to, flag } of steps) {
          const key = mac(at.hi, at.lo);
          // The low word comes with or without sign: a DataView gives one, a bit operation the other.
          const lo = flag ? at.lo : at.lo | 0;
          if (op === 'learn') expect(fdb.learn(at.hi, lo, to, now)).toBe(model.learn(key, to, now));
          else if (op === 'lookup') expect(fdb.lookup(at.hi, lo, now)).toBe(model.lookup(key, now));
          else if (op === 'remove') expect(fdb.remove(at.hi, lo)).toBe(model.known.delete(key));
          else if (op === 'pin') {
            fdb.pin(at.hi, lo, to);
            model.known.set(key, { dest: to, heard: now, pinned: true });
          } else if (op === 'removeDest') {
            const gone = model.removeWhere((entry) => entry.dest === to && (flag || !entry.pinned));
            expect(fdb.removeDest(to, flag)).toBe(gone);
          } else if (op === 'age') expect(fdb.age(now)).toBe(model.age(now));
          else now += (to + 1) * 10 * SECOND;
          expect(fdb.size).toBe(model.known.size);
        }
        const entries = fdb.entries(now).map(({ mac, dest, pinned }) => ({ mac, dest, pinned }));
        expect(entries).toEqual(model.entries(now));
        for (const [key] of model.known) {
          const found = fdb.lookup(Math.floor(key / 2 ** 32), key >>> 0, now);
          expect(found).toBe(model.lookup(key, now));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('ten thousand stations are all found again, also after every second one left', () => {
    const fdb = new Fdb();
    const lo = (i: number): number => Math.imul(i, 0x9e3779b1);
    for (let i = 0; i < 10_000; i++) expect(fdb.learn(i & 0xffff, lo(i), i, 0)).toBe(LEARN.new);
    for (let i = 0; i < 10_000; i += 2) expect(fdb.remove(i & 0xffff, lo(i))).toBe(true);
    expect(fdb.size).toBe(5_000);
    for (let i = 0; i < 10_000; i++) {
      expect(fdb.lookup(i & 0xffff, lo(i), 0)).toBe(i % 2 === 0 ? NONE : i);
    }
  });

  test('an entry of 300 s is there until then and gone after, unless told otherwise (Linux default)', () => {
    const fdb = new Fdb();
    fdb.learn(2, 1, 7, 12_345);
    expect(fdb.lookup(2, 1, 12_345 + 300 * SECOND - 10 * MILLISECOND)).toBe(7);
    expect(fdb.lookup(2, 1, 12_345 + 300 * SECOND + 10 * MILLISECOND)).toBe(NONE);
  });

  test('being sent to does not keep an entry: only frames from the station do', () => {
    const fdb = new Fdb({ ageing: 10 * SECOND });
    fdb.learn(2, 1, 7, 0);
    fdb.learn(2, 2, 7, 0);
    for (let second = 1; second < 10; second++) {
      expect(fdb.lookup(2, 1, second * SECOND)).toBe(7);
      expect(fdb.learn(2, 2, 7, second * SECOND)).toBe(LEARN.refreshed);
    }
    expect(fdb.lookup(2, 1, 11 * SECOND)).toBe(NONE);
    expect(fdb.lookup(2, 2, 11 * SECOND)).toBe(7);
    expect(fdb.age(11 * SECOND)).toBe(1);
    expect(fdb.size).toBe(1);
  });

  test('without ageing an entry is there after a hundred days', () => {
    const fdb = new Fdb({ ageing: 0 });
    fdb.learn(2, 1, 7, 0);
    expect(fdb.age(100 * DAY)).toBe(0);
    expect(fdb.lookup(2, 1, 100 * DAY)).toBe(7);
  });

  test('a station that moves is found at its new place', () => {
    const fdb = new Fdb();
    expect(fdb.learn(2, 1, 7, 0)).toBe(LEARN.new);
    expect(fdb.learn(2, 1, 8, 1)).toBe(LEARN.moved);
    expect(fdb.learn(2, 1, 8, 2)).toBe(LEARN.refreshed);
    expect(fdb.lookup(2, 1, 3)).toBe(8);
    expect(fdb.size).toBe(1);
  });

  test('a pinned entry neither moves nor ages; unpinned again by removal only', () => {
    const fdb = new Fdb({ ageing: SECOND });
    fdb.learn(2, 1, 7, 0);
    fdb.pin(2, 1, 9);
    expect(fdb.isPinned(2, 1)).toBe(true);
    expect(fdb.isPinned(2, 2)).toBe(false);
    expect(fdb.learn(2, 1, 8, 1)).toBe(LEARN.pinned);
    expect(fdb.lookup(2, 1, 50 * SECOND)).toBe(9);
    expect(fdb.age(50 * SECOND)).toBe(0);
    expect(fdb.removeDest(9)).toBe(0);
    expect(fdb.removeDest(9, true)).toBe(1);
    expect(fdb.lookup(2, 1, 50 * SECOND)).toBe(NONE);
    fdb.learn(2, 1, 8, 50 * SECOND);
    expect(fdb.isPinned(2, 1)).toBe(false);
  });

  test('at its bound nothing more is learned, but what is known is refreshed, moved and pinned, and aged room is used', () => {
    const fdb = new Fdb({ ageing: 10 * SECOND, max: 2 });
    fdb.learn(2, 1, 7, 0);
    fdb.learn(2, 2, 7, 5 * SECOND);
    expect(fdb.learn(2, 3, 7, 6 * SECOND)).toBe(LEARN.full);
    expect(fdb.lookup(2, 3, 6 * SECOND)).toBe(NONE);
    expect(fdb.learn(2, 2, 8, 6 * SECOND)).toBe(LEARN.moved);
    fdb.pin(2, 9, 1);
    expect(fdb.size).toBe(3);
    expect(fdb.learn(2, 3, 7, 11 * SECOND)).toBe(LEARN.new);
    expect(fdb.learn(2, 4, 7, 11 * SECOND)).toBe(LEARN.full);
    fdb.pin(2, 3, 7);
    expect(fdb.learn(2, 4, 7, 11 * SECOND)).toBe(LEARN.new);
  });

  test('the listing is in order of address and says how long ago each was heard', () => {
    const fdb = new Fdb();
    fdb.learn(0xffff, 0xffffffff, 3, 4 * SECOND);
    fdb.pin(0x0242, 0xac110002, 1);
    fdb.learn(0x0242, 0x80000000, 2, 0);
    const listing = fdb.entries(10 * SECOND);
    expect(listing.map(({ mac, dest, pinned }) => [mac, dest, pinned])).toEqual([
      [0x0242_80000000, 2, false],
      [0x0242_ac110002, 1, true],
      [0xffff_ffffffff, 3, false],
    ]);
    const ages = listing.map(({ age }) => Math.round(age / (10 * MILLISECOND)));
    expect(ages).toEqual([1000, 0, 600]);
  });

  test('an empty table answers everything, and clear makes one', () => {
    const fdb = new Fdb({ max: 1 });
    const empty = (): void => {
      expect(fdb.size).toBe(0);
      expect(fdb.lookup(2, 1, 0)).toBe(NONE);
      expect(fdb.isPinned(2, 1)).toBe(false);
      expect(fdb.remove(2, 1)).toBe(false);
      expect(fdb.removeDest(0, true)).toBe(0);
      expect(fdb.age(DAY)).toBe(0);
      expect(fdb.entries(0)).toEqual([]);
    };
    empty();
    fdb.learn(2, 1, 7, 0);
    fdb.pin(2, 2, 7);
    fdb.clear();
    empty();
    expect(fdb.learn(2, 1, 7, 0)).toBe(LEARN.new);
  });

  test('the address of zeros and the broadcast address are addresses like others', () => {
    const fdb = new Fdb();
    fdb.pin(0, 0, 5);
    fdb.pin(0xffff, 0xffffffff, 6);
    expect([fdb.lookup(0, 0, 0), fdb.lookup(0xffff, -1, 0)]).toEqual([5, 6]);
    expect(fdb.remove(0, 0)).toBe(true);
    expect(fdb.lookup(0, 0, 0)).toBe(NONE);
  });

  test.each([30, 60, 103])('an entry that nobody swept for %i days is still gone', (days) => {
    const fdb = new Fdb();
    fdb.learn(2, 1, 7, 0);
    expect(fdb.lookup(2, 1, days * DAY)).toBe(NONE);
    expect(fdb.entries(days * DAY)).toEqual([]);
  });
});
