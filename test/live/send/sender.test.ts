import { describe, expect, test } from 'vitest';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { Held } from '../../../src/live/send/held.ts';
import type { Speed } from '../../../src/live/send/pace.ts';
import { Pace } from '../../../src/live/send/pace.ts';
import type { Memory, Road } from '../../../src/live/send/road.ts';
import { NO_PORT, noneSent } from '../../../src/live/send/road.ts';
import { reportOf } from '../../../src/live/send/send-report.ts';
import type { SendClock, SenderOptions } from '../../../src/live/send/sender.ts';
import { Sender } from '../../../src/live/send/sender.ts';

const MS = 1e6;

/** Time that moves when somebody waits for it. */
class Hands implements SendClock {
  time = 7e9;
  turns = 0;
  now(): number {
    return this.time;
  }
  until(when: number): Promise<void> {
    this.time = Math.max(this.time, when);
    return Promise.resolve();
  }
  turn(): Promise<void> {
    this.turns++;
    return Promise.resolve();
  }
}

/** A road that notes when it was handed what, and when it was flushed. */
class Notes implements Road {
  readonly means = 'batch';
  readonly took = 0;
  readonly counters = noneSent();
  readonly room: number = 100;
  broken: VxlabError | null = null;
  readonly sent: { readonly at: number; readonly first: number; readonly bytes: number }[] = [];
  readonly flushedWith: number[] = [];
  readonly #clock: Hands;
  readonly #cost: number;
  #waiting = 0;

  /** @param cost nanoseconds that each packet takes */
  constructor(clock: Hands, cost = 0) {
    this.#clock = clock;
    this.#cost = cost;
  }

  send({ view }: Memory, start: number, end: number): void {
    this.sent.push({ at: (this.#clock.time - 7e9) / MS, first: view.getUint8(start), bytes: end - start });
    this.#clock.time += this.#cost;
    this.#waiting++;
    this.counters.sent++;
  }

  flush(): void {
    if (this.#waiting > 0) this.flushedWith.push(this.#waiting);
    this.#waiting = 0;
  }

  ready(): null {
    return null;
  }
  settle(): null {
    return null;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Packets at these milliseconds; each holds its number in all its bytes. */
function held(times: readonly number[], lengths: readonly number[] = []): Held {
  const packets = new Held();
  for (const [i, ms] of times.entries()) {
    const length = lengths[i] ?? 20;
    const at = packets.add(length, Math.floor(ms / 1000), (ms % 1000) * MS, NO_PORT);
    packets.bytes.fill(i, at, at + length);
  }
  return packets;
}

const RECORDED: Speed = { kind: 'recorded', factor: 1 };
const never = new AbortController().signal;

function at(
  speed: Speed,
  options: SenderOptions = {},
  cost = 0,
): { clock: Hands; road: Notes; sender: Sender } {
  const clock = new Hands();
  const road = new Notes(clock, cost);
  return { clock, road, sender: new Sender(road, new Pace(speed), clock, options) };
}

describe('a sender', () => {
  test('hands over each packet when it is due, and what waits before it sleeps', async () => {
    const { road, sender } = at(RECORDED);
    await sender.send(held([1000, 1000, 1250, 3000]), never);
    expect(road.sent.map((one) => [one.at, one.first])).toEqual([
      [0, 0],
      [0, 1],
      [250, 2],
      [2000, 3],
    ]);
    expect(road.flushedWith).toEqual([2, 1, 1]);
    expect(sender.duration).toBe(2000 * MS);
  });

  test('goes on counting from the first packet when more is read', async () => {
    const { road, sender } = at(RECORDED);
    await sender.send(held([0, 10]), never);
    await sender.send(held([20, 30]), never);
    expect(road.sent.map((one) => one.at)).toEqual([0, 10, 20, 30]);
  });

  test('catches up after a pause: late packets go at once, the next is in time again', async () => {
    const { clock, road, sender } = at(RECORDED);
    await sender.send(held([0, 10]), never);
    clock.time += 25 * MS;
    await sender.send(held([20, 30, 40]), never);
    expect(road.sent.map((one) => one.at)).toEqual([0, 10, 35, 35, 40]);
    expect([sender.late, sender.latest, sender.lateness]).toEqual([2, 15 * MS, 20 * MS]);
    const { lateness } = reportOf(sender, null);
    expect(lateness).toEqual({ mean: 0.004, max: 0.015, overMillisecond: 2 });
  });

  test('keeps a rate that its own work does not slow', async () => {
    const { road, sender } = at({ kind: 'pps', packets: 1000 }, {}, 300_000);
    await sender.send(held(new Array(50).fill(0)), never);
    expect(road.sent.map((one) => one.at)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  test('lets others have their turn when it never sleeps', async () => {
    const { clock, sender } = at({ kind: 'top' }, {}, MS);
    await sender.send(held(new Array(256).fill(0)), never);
    expect(clock.turns).toBe(3);
    expect(reportOf(sender, null).lateness).toBeNull();
  });

  test('tells of its progress during long waits', async () => {
    let told = 0;
    const { sender } = at(RECORDED, { progress: () => told++ });
    await sender.send(held([0, 2000]), never);
    expect(told).toBeGreaterThanOrEqual(10);
  });

  test('ends at its limit', async () => {
    const { road, sender } = at(RECORDED, { limit: 3 });
    await sender.send(held([0, 1]), never);
    expect(sender.done).toBe(false);
    await sender.send(held([2, 3]), never);
    expect([sender.done, road.sent.length]).toEqual([true, 3]);
  });

  test('ends in the middle of a wait', async () => {
    const stop = new AbortController();
    const { road, sender } = at(RECORDED, { progress: () => stop.abort() });
    await sender.send(held([0, 2000]), stop.signal);
    expect(road.sent).toHaveLength(1);
  });

  test('ends when nothing can leave any more', async () => {
    const { road, sender } = at({ kind: 'top' });
    road.broken = new VxlabError('INTERFACE_DOWN', 'it went down');
    await sender.send(held([0, 1]), never);
    expect([sender.done, road.sent.length]).toEqual([true, 0]);
  });

  test('counts what is too long, and sends the rest', async () => {
    const { road, sender } = at({ kind: 'top' });
    await sender.send(held([0, 0, 0], [100, 101, 5]), never);
    expect(road.sent.map((one) => one.bytes)).toEqual([100, 5]);
    expect(Object.fromEntries(road.counters.failed)).toEqual({ tooLong: 1 });
    expect(sender.packets).toBe(3);
  });
});

describe('what is held', () => {
  test('stays whole when its memory grows, and uses it again', () => {
    const packets = new Held();
    const long = 700_000;
    const first = packets.add(long, 0, 0, NO_PORT);
    packets.bytes.fill(7, first, first + long);
    const second = packets.add(long, 0, 0, NO_PORT);
    packets.bytes.fill(8, second, second + long);
    expect(packets.bytes.subarray(first, first + long).every((byte) => byte === 7)).toBe(true);
    const { bytes } = packets;
    packets.clear();
    expect([packets.add(long, 0, 0, NO_PORT), packets.bytes === bytes]).toEqual([first, true]);
  });
});
