import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TimerId, TimerTarget } from '../../../src/engine/time/clock.ts';
import { EventQueue } from '../../../src/engine/time/event-queue.ts';

const TARGET: TimerTarget = { fire: () => {} };
const LAST = Number.MAX_SAFE_INTEGER;

/** What the queue promises, in the plainest way: a list that is searched from its start. */
class Model {
  now = 0;
  events: { when: number; token: number; id: TimerId }[] = [];

  add(when: number, token: number, id: TimerId): void {
    this.events.push({ when: Math.max(Math.floor(when), this.now), token, id });
  }

  first(): number {
    let best = 0;
    for (let i = 1; i < this.events.length; i++) {
      if (this.event(i).when < this.event(best).when) best = i;
    }
    return best;
  }

  peek(): number {
    return this.events.length === 0 ? -1 : this.event(this.first()).when;
  }

  next(limit: number): { when: number; token: number } | null {
    const due = this.events.length > 0 && this.peek() <= limit;
    if (!due) {
      if (limit < LAST) this.now = Math.max(this.now, limit);
      return null;
    }
    const [taken] = this.events.splice(this.first(), 1);
    this.now = (taken as { when: number }).when;
    return taken as { when: number; token: number };
  }

  private event(i: number): { when: number; token: number; id: TimerId } {
    return this.events[i] as { when: number; token: number; id: TimerId };
  }
}

/** Takes out everything; the tokens in order. */
function drain(queue: EventQueue): number[] {
  const tokens: number[] = [];
  while (queue.next()) tokens.push(queue.token);
  return tokens;
}

describe('the event queue', () => {
  test('agrees with a plain list through any adding, cancelling, peeking and taking', () => {
    // Distances of every size, so that every wheel is used, spread and skipped; few different ones, so that times meet.
    const distance = fc
      .tuple(fc.nat(5), fc.constantFrom(0, 1, 2, 3, 31, 32, 511, 512, 1022, 1023))
      .map(([digit, value]) => value * 1024 ** digit);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ op: fc.constant('add' as const), by: distance }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('past' as const), by: distance }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('cancel' as const), by: fc.nat(1000) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('until' as const), by: distance }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('take' as const), by: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new EventQueue(1);
        const model = new Model();
        const given: TimerId[] = [];
        const add = (when: number): void => {
          const token = given.length;
          const id = queue.add(when, TARGET, token);
          model.add(when, token, id);
          given.push(id);
        };
        for (const { op, by } of steps) {
          if (op === 'add') add(Math.min(model.now + by, LAST));
          else if (op === 'past') add(model.now - by);
          else if (op === 'cancel') {
            const id = given[by % Math.max(given.length, 1)] ?? 0;
            const at = model.events.findIndex((event) => event.id === id);
            if (at >= 0) model.events.splice(at, 1);
            expect(queue.cancel(id)).toBe(at >= 0);
          } else {
            const limit = op === 'take' ? LAST : Math.min(model.now + by, LAST);
            const due = model.next(limit);
            expect(queue.next(limit)).toBe(due !== null);
            if (due !== null) expect([queue.time, queue.token]).toEqual([due.when, due.token]);
          }
          expect(queue.size).toBe(model.events.length);
          expect(queue.peek()).toBe(model.peek());
        }
        while (model.events.length > 0) {
          const due = model.next(LAST);
          expect(queue.next()).toBe(true);
          expect([queue.time, queue.token]).toEqual([due?.when, due?.token]);
        }
        expect(queue.next()).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  test('equal times come out in the order in which they were added, from however far each was added', () => {
    const queue = new EventQueue();
    const meeting = 0x1234_5678_9abc;
    const expected: number[] = [];
    let token = 0;
    for (let digit = 5; digit >= 0; digit--) {
      // Each approach leaves the rest of the way in one digit less.
      const now = Math.max(meeting - 1024 ** digit, 0);
      expect(queue.next(now)).toBe(false);
      for (let i = 0; i < 3; i++) {
        queue.add(meeting, TARGET, token);
        expected.push(token++);
      }
    }
    expect(drain(queue)).toEqual(expected);
    expect(queue.time).toBe(meeting);
  });

  test('an event alone in its slot keeps its place before a later one for the same instant', () => {
    const queue = new EventQueue();
    queue.add(0x12_3456, TARGET, 1);
    // This limit lies in the slot of the event, in wheel 2, but before the event.
    expect(queue.next(0x12_3000)).toBe(false);
    queue.add(0x12_3456, TARGET, 2);
    expect(drain(queue)).toEqual([1, 2]);
  });

  test('a time that has passed counts as now, behind what is already due now', () => {
    const queue = new EventQueue();
    queue.add(1000, TARGET, 1);
    queue.add(1000, TARGET, 2);
    queue.add(1001, TARGET, 4);
    queue.next();
    queue.add(3, TARGET, 3);
    queue.add(-5, TARGET, 5);
    expect(drain(queue)).toEqual([2, 3, 5, 4]);
  });

  test('after a limit was reached nothing can be added before it', () => {
    const queue = new EventQueue();
    expect(queue.next(5_000_000)).toBe(false);
    queue.add(1, TARGET, 1);
    expect(queue.peek()).toBe(5_000_000);
    expect(queue.next(4_000_000)).toBe(false);
    expect(queue.next(5_000_000)).toBe(true);
    expect(queue.time).toBe(5_000_000);
  });

  test('an id works once: not after it fired, not after it was cancelled, not for the next user of its entry', () => {
    const queue = new EventQueue();
    const fired = queue.add(1, TARGET, 1);
    queue.next();
    expect(queue.cancel(fired)).toBe(false);
    const cancelled = queue.add(2, TARGET, 2);
    expect(queue.cancel(cancelled)).toBe(true);
    expect(queue.cancel(cancelled)).toBe(false);
    const last = queue.add(3, TARGET, 3);
    expect(new Set([fired, cancelled, last]).size).toBe(3);
    expect(queue.cancel(fired)).toBe(false);
    expect(queue.cancel(cancelled)).toBe(false);
    expect(drain(queue)).toEqual([3]);
  });

  test('what was never an id is refused', () => {
    const queue = new EventQueue();
    queue.add(1, TARGET, 1);
    for (const id of [0, -1, 2, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 26 + 1, LAST]) {
      expect(queue.cancel(id)).toBe(false);
    }
    expect(queue.size).toBe(1);
  });

  test('an id of another queue does no harm', () => {
    const other = new EventQueue();
    const queue = new EventQueue();
    queue.add(1, TARGET, 1);
    queue.next();
    // Both have used one entry once: the other's next id has the number and generation of the free entry here.
    other.cancel(other.add(1, TARGET, 1));
    expect(queue.cancel(other.add(1, TARGET, 1))).toBe(false);
    expect(queue.size).toBe(0);
    queue.add(2, TARGET, 2);
    queue.add(3, TARGET, 3);
    expect(drain(queue)).toEqual([2, 3]);
  });

  test('cancelling any three of one instant, in any order, leaves the others in order', () => {
    const all = [0, 1, 2, 3, 4];
    for (const far of [5, 5_000, 5_000_000, 5_000_000_000_000]) {
      for (let pick = 0; pick < 125; pick++) {
        const gone = [pick % 5, Math.floor(pick / 5) % 5, Math.floor(pick / 25)];
        if (new Set(gone).size < 3) continue;
        const queue = new EventQueue();
        const ids = all.map((token) => queue.add(far, TARGET, token));
        for (const token of gone) expect(queue.cancel(ids[token] as number)).toBe(true);
        queue.add(far, TARGET, 5);
        expect(drain(queue)).toEqual([...all.filter((token) => !gone.includes(token)), 5]);
      }
    }
  });

  test('times up to 2^53 - 1 are held to the nanosecond, later ones and no number refused', () => {
    const queue = new EventQueue();
    queue.add(LAST, TARGET, 2);
    queue.add(LAST - 1, TARGET, 1);
    expect(queue.peek()).toBe(LAST - 1);
    expect(queue.next()).toBe(true);
    expect(queue.time).toBe(LAST - 1);
    expect(queue.next()).toBe(true);
    expect(queue.time).toBe(LAST);
    for (const when of [2 ** 53, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(() => queue.add(when, TARGET, 0)).toThrow(expect.objectContaining({ code: 'BAD_TIME' }));
    }
    expect(queue.size).toBe(0);
  });

  test('a fraction of a nanosecond is cut off', () => {
    const queue = new EventQueue();
    queue.add(7.9, TARGET, 1);
    queue.add(7.1, TARGET, 2);
    expect(drain(queue)).toEqual([1, 2]);
    expect(queue.time).toBe(7);
  });

  test('tokens come back as they are: large, negative and broken ones too', () => {
    const queue = new EventQueue();
    const tokens = [-1, 2 ** 31, LAST, 0.5, -0, Number.NaN];
    for (const token of tokens) queue.add(1, TARGET, token);
    expect(drain(queue)).toEqual(tokens);
  });

  test('a target whose events are over is not kept alive', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const queue = new EventQueue();
    const refs = ((): WeakRef<TimerTarget>[] => {
      const [fired, cancelled]: [TimerTarget, TimerTarget] = [{ fire: () => {} }, { fire: () => {} }];
      queue.add(1, fired, 0);
      queue.cancel(queue.add(2, cancelled, 0));
      return [new WeakRef(fired), new WeakRef(cancelled)];
    })();
    queue.add(3, TARGET, 0);
    drain(queue);
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined]);
  });

  test('growing keeps every event with its own target and token', () => {
    const queue = new EventQueue(2);
    const targets = Array.from({ length: 1000 }, (): TimerTarget => ({ fire: () => {} }));
    for (const [i, target] of targets.entries()) queue.add((i * 7919) % 1000, target, i);
    const seen = new Set<number>();
    while (queue.next()) {
      expect(queue.time).toBe((queue.token * 7919) % 1000);
      expect(queue.target).toBe(targets[queue.token]);
      seen.add(queue.token);
    }
    expect(seen.size).toBe(1000);
  });
});
