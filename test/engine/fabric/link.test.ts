import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import type { Impairments } from '../../../src/engine/fabric/impair.ts';
import { IMPAIR, impairments, UNIMPAIRED } from '../../../src/engine/fabric/impair.ts';
import { LinkEnd, link } from '../../../src/engine/fabric/link.ts';
import type { Sink } from '../../../src/engine/fabric/port.ts';
import { MICROSECOND, MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import { Ground } from './ground.ts';

/** Frames carry their number in the first four bytes. */
class Arrivals implements Sink {
  readonly at: [number, number][] = [];
  readonly #ground: Ground;
  constructor(ground: Ground) {
    this.#ground = ground;
  }
  receive(frame: Frame): void {
    this.at.push([this.#ground.clock.now, frame.view.getUint32(frame.start)]);
    frame.release();
  }
}

let ground: Ground;
let near: LinkEnd;
let far: LinkEnd;
let here: Arrivals;
let there: Arrivals;

function setUp(given: Partial<Impairments> = {}, seed: number | string = 1): void {
  ground = new Ground();
  const random = new RandomSource(seed);
  near = new LinkEnd(1, 'near', 1500, ground, random.stream('near'));
  far = new LinkEnd(2, 'far', 1500, ground, random.stream('far'));
  link(near, far);
  here = new Arrivals(ground);
  there = new Arrivals(ground);
  near.plug(here, 0);
  far.plug(there, 0);
  near.impair(impairments(given));
}

function send(count: number, gap = 0, length = 76, from: LinkEnd = near): void {
  for (let i = 0; i < count; i++) {
    const frame = ground.pool.take(length);
    frame.view.setUint32(frame.start, i);
    from.send(frame);
    if (gap > 0) ground.clock.runUntil(ground.clock.now + gap);
  }
}

function sendAll(count: number, gap = 0, length = 76): [number, number][] {
  send(count, gap, length);
  ground.clock.runUntilIdle();
  ground.end();
  return there.at;
}

beforeEach(() => setUp());

describe('link', () => {
  test('delay is exact and one-way; the other direction has its own', () => {
    setUp({ delay: 3 * MILLISECOND });
    send(1, 0, 76, far);
    expect(sendAll(1)).toEqual([[3 * MILLISECOND, 0]]);
    expect(here.at).toEqual([[0, 0]]);
    expect(far.impairments).toBe(UNIMPAIRED);
  });

  test('jitter stays within its spread and keeps the order', () => {
    setUp({ delay: 5 * MILLISECOND, jitter: 4 * MILLISECOND });
    const gap = 100 * MICROSECOND;
    const arrived = sendAll(500, gap);
    expect(arrived.map(([, n]) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    const delays = arrived.map(([time, n]) => time - n * gap);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(MILLISECOND);
    expect(Math.max(...delays)).toBeLessThanOrEqual(9 * MILLISECOND);
    expect(new Set(delays).size).toBeGreaterThan(100);
  });

  test('jitter is even on both sides when frames are far apart', () => {
    setUp({ delay: 10, jitter: 10 });
    const delays = sendAll(4000, 100).map(([time, n]) => time - n * 100);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    // Deviation of one is 10/sqrt(3); five deviations of the mean of 4000.
    expect(Math.abs(mean - 10)).toBeLessThan((5 * 10) / Math.sqrt(3 * 4000));
  });

  test.each([0.01, 0.1, 0.5, 0.9])('loss of %d is met within five deviations of the binomial', (loss) => {
    setUp({ loss });
    const n = 10_000;
    const arrived = sendAll(n).length;
    expect(Math.abs(arrived - n * (1 - loss))).toBeLessThan(5 * Math.sqrt(n * loss * (1 - loss)));
    expect(near.counters.dropped(DROP.impairment)).toBe(n - arrived);
    expect(ground.told(TRACE.impair).length).toBe(n - arrived);
  });

  test('loss of 0 loses none and loss of 1 all', () => {
    setUp({ loss: 0, delay: 1 });
    expect(sendAll(1000).length).toBe(1000);
    setUp({ loss: 1 });
    expect(sendAll(1000).length).toBe(0);
  });

  test('duplication: about as many as asked, each twin equal to its original', () => {
    setUp({ duplicate: 0.3 });
    const arrived = sendAll(4000, 10).map(([, n]) => n);
    expect(Math.abs(arrived.length - 5200)).toBeLessThan(5 * Math.sqrt(4000 * 0.21));
    expect(new Set(arrived).size).toBe(4000);
    setUp({ duplicate: 1, delay: 7 });
    expect(sendAll(2)).toEqual([
      [7, 0],
      [7, 0],
      [7, 1],
      [7, 1],
    ]);
    expect(ground.told(TRACE.impair)).toEqual([
      [IMPAIR.duplicated, 0],
      [IMPAIR.duplicated, 0],
    ]);
  });

  test('reordering: the share that overtakes arrives without the delay', () => {
    setUp({ delay: MILLISECOND, reorder: 0.25 });
    const arrived = sendAll(4000, 10 * MICROSECOND);
    const early = arrived.filter(([time, n]) => time === n * 10 * MICROSECOND).length;
    const late = arrived.filter(([time, n]) => time === n * 10 * MICROSECOND + MILLISECOND).length;
    expect(early + late).toBe(4000);
    expect(Math.abs(early - 1000)).toBeLessThan(5 * Math.sqrt(4000 * 0.25 * 0.75));
    expect(ground.told(TRACE.impair)[0]).toEqual([IMPAIR.overtook, MILLISECOND]);
  });

  test('rate: a frame takes its bytes and 24 more, one after the other', () => {
    setUp({ rate: 1_000_000, delay: 5 });
    // (76 + 24) * 8 bits at 1 Mbit/s are 800 microseconds.
    expect(sendAll(3)).toEqual([
      [800_005, 0],
      [1_600_005, 1],
      [2_400_005, 2],
    ]);
    setUp({ rate: 3_000 });
    expect(sendAll(1, 0, 1)[0]?.[0]).toBe(Math.ceil((25 * 8e9) / 3000));
  });

  test('the link is free again after a pause', () => {
    setUp({ rate: 1_000_000 });
    expect(sendAll(2, 5 * MILLISECOND).map(([time]) => time)).toEqual([800_000, 5_800_000]);
  });

  test('a full queue drops the tail', () => {
    setUp({ rate: 1_000_000, queue: 2 });
    expect(sendAll(5).map(([, n]) => n)).toEqual([0, 1]);
    expect(near.counters.dropped(DROP.queueFull)).toBe(3);
    setUp({ rate: 1_000_000, queue: 0 });
    expect(sendAll(5)).toEqual([]);
  });

  test('changing the rate while frames are in flight leaves the queue with its true length', () => {
    setUp({ rate: 1_000_000, queue: 2 });
    send(2);
    near.impair(UNIMPAIRED);
    ground.clock.runUntilIdle();
    near.impair(impairments({ rate: 1_000_000, queue: 2 }));
    send(3);
    ground.clock.runUntilIdle();
    expect(there.at.length).toBe(4);
    setUp({ delay: SECOND });
    send(5);
    near.impair(impairments({ rate: 1_000_000, queue: 2 }));
    ground.clock.runUntilIdle();
    send(5);
    ground.clock.runUntilIdle();
    expect(there.at.length).toBe(7);
    ground.end();
  });

  test("MTU: the device's and the cable's own, with room for a tag", () => {
    setUp({ mtu: 1000 });
    send(1, 0, 1018);
    send(1, 0, 1019);
    send(1, 0, 1518, far);
    send(1, 0, 1519, far);
    ground.clock.runUntilIdle();
    expect([there.at.length, here.at.length]).toEqual([1, 1]);
    expect(near.counters.dropped(DROP.mtuExceeded)).toBe(1);
    expect(far.counters.dropped(DROP.mtuExceeded)).toBe(1);
    ground.end();
  });

  test('down at either end: nothing is sent, and what is in flight does not arrive', () => {
    setUp({ delay: SECOND });
    send(1);
    far.up = false;
    send(1);
    near.up = false;
    send(1);
    ground.clock.runUntilIdle();
    expect(there.at).toEqual([]);
    expect([near.counters.dropped(DROP.linkDown), far.counters.dropped(DROP.linkDown)]).toEqual([2, 1]);
    ground.end();
  });

  test('what is in flight does not arrive when only the sending end goes down', () => {
    setUp({ delay: SECOND });
    send(1);
    near.up = false;
    ground.clock.runUntilIdle();
    expect([there.at, far.counters.dropped(DROP.linkDown)]).toEqual([[], 1]);
    ground.end();
  });

  test('a twin does not overtake what left before it', () => {
    setUp({ delay: 100, jitter: 100 }, 3);
    send(200);
    near.impair(impairments({ delay: 1, duplicate: 1 }));
    send(1);
    ground.clock.runUntilIdle();
    expect(there.at.slice(-2).map(([time]) => time)).toEqual([there.at[199]?.[0], there.at[199]?.[0]]);
    expect(there.at.map(([, n]) => n).slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    ground.end();
  });

  test.each([1, 2, 3, 4])('seed %i: frames stay in order behind twins, whatever the jitter', (seed) => {
    setUp({ delay: 5 * MILLISECOND, jitter: 5 * MILLISECOND, duplicate: 0.3 }, seed);
    const arrived = sendAll(300, 2 * MILLISECOND).map(([, n]) => n);
    expect(arrived.length).toBeGreaterThan(330);
    expect(arrived).toEqual([...arrived].sort((x, y) => x - y));
  });

  test('counters at both ends', () => {
    sendAll(3, 0, 100);
    expect(near.counters.snapshot()).toMatchObject({ txPackets: 3, txBytes: 300, rxPackets: 0 });
    expect(far.counters.snapshot()).toMatchObject({ rxPackets: 3, rxBytes: 300, txPackets: 0 });
  });

  test('an end that nobody owns swallows what comes', () => {
    const lone = new LinkEnd(3, 'lone', 1500, ground, new RandomSource(1).stream('x'));
    send(2, 0, 76, lone);
    ground.clock.runUntilIdle();
    ground.end();
  });

  test('the same seed gives the same arrivals, another seed others', () => {
    const all = { delay: MILLISECOND, jitter: MILLISECOND, loss: 0.2, duplicate: 0.2, reorder: 0.2 };
    const run = (seed: number): [number, number][] => {
      setUp(all, seed);
      return sendAll(200, 10 * MICROSECOND);
    };
    const first = run(1);
    expect(run(1)).toEqual(first);
    expect(run(2)).not.toEqual(first);
  });

  test('property: whatever the impairments, frames sent = arrived + dropped - duplicated, and all come home', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const any = fc.record({
      delay: fc.integer({ min: 1000, max: 100_000 }),
      jitter: fc.nat(1000),
      loss: share,
      duplicate: share,
      reorder: share,
      rate: fc.constantFrom(0, 1e6, 1e9),
      queue: fc.nat(20),
    });
    fc.assert(
      fc.property(any, fc.nat(50), (given, count) => {
        setUp(given);
        const arrived = sendAll(count, 5000).length;
        const twins = ground.told(TRACE.impair).filter(([what]) => what === IMPAIR.duplicated).length;
        expect(arrived).toBe(count - near.counters.dropped() + twins);
      }),
    );
  });
});

describe('impairments', () => {
  test('what is not given is nothing', () => {
    expect(impairments({})).toEqual(UNIMPAIRED);
  });

  test.each<[Partial<Impairments>, string]>([
    [{ loss: 1.1 }, 'loss is 1.1; it must be a share from 0 to 1'],
    [{ duplicate: -0.1 }, 'duplicate is -0.1; it must be a share from 0 to 1'],
    [{ reorder: Number.NaN }, 'reorder is NaN; it must be a share from 0 to 1'],
    [{ delay: -1 }, 'delay is -1; it must be zero or more'],
    [{ rate: Number.POSITIVE_INFINITY }, 'rate is Infinity; it must be zero or more'],
    [{ jitter: -1 }, 'jitter is -1; it must be zero or more'],
    [{ queue: -1 }, 'queue is -1; it must be zero or more'],
    [{ mtu: Number.NaN }, 'mtu is NaN; it must be zero or more'],
    [{ delay: 5, jitter: 6 }, 'jitter is 6; it must be at most the delay (5 ns)'],
  ])('%o is refused with its value', (given, message) => {
    expect(() => impairments(given)).toThrow(expect.objectContaining({ code: 'BAD_IMPAIRMENT', message }));
  });
});
