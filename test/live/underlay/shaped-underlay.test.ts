import { describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { MILLISECOND, SECOND } from '../../../src/engine/time/clock.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';
import type { LiveUnderlay } from '../../../src/live/underlay/live-underlay.ts';
import { noCounts } from '../../../src/live/underlay/live-underlay.ts';
import { ShapedUnderlay } from '../../../src/live/underlay/shaped-underlay.ts';

interface Sent {
  readonly at: number;
  readonly peer: number;
  readonly entropy: number;
  readonly tos: number;
  readonly length: number;
}

class Below implements LiveUnderlay {
  readonly counters = noCounts();
  readonly notices: string[] = [];
  readonly sent: Sent[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  sendTo(peer: number, entropy: number, tos: number, frame: Frame): void {
    this.counters.sent++;
    this.sent.push({ at: this.#clock.now, peer, entropy, tos, length: frame.length });
    frame.release();
  }

  room(): number {
    return 1472;
  }
  join(): void {}
  leave(): void {}
  kernelDrops(): null {
    return null;
  }
  open(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('a rate for what is sent', () => {
  test('lets a burst pass at once, then so many bits a second, in order and with all that belongs to them', () => {
    const clock = new VirtualClock();
    const pool = new FramePool();
    const below = new Below(clock);
    const shaped = new ShapedUnderlay(below, clock, 8_000_000);
    for (let i = 0; i < 500; i++) shaped.sendTo(i, i * 3, i & 0xff, pool.take(1000));
    expect(below.sent).toHaveLength(10);
    clock.runUntil(100 * MILLISECOND);
    // A megabyte a second: a thousand bytes a millisecond, behind the burst.
    expect(below.sent).toHaveLength(110);
    clock.runUntil(SECOND);
    expect(below.sent).toHaveLength(500);
    expect(below.sent.map(({ peer, entropy, tos }) => [peer, entropy, tos])).toEqual(
      Array.from({ length: 500 }, (_, i) => [i, i * 3, i & 0xff]),
    );
    expect(pool.out).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('lets a datagram pass that is longer than a burst', () => {
    const clock = new VirtualClock();
    const pool = new FramePool();
    const below = new Below(clock);
    const shaped = new ShapedUnderlay(below, clock, 8000);
    for (let i = 0; i < 3; i++) shaped.sendTo(1, 0, 0, pool.take(9000));
    clock.runUntil(60 * SECOND);
    expect(below.sent).toHaveLength(3);
  });

  test('holds a bounded number, counts what is beyond, and lets all go at the end', async () => {
    const clock = new VirtualClock();
    const pool = new FramePool();
    const below = new Below(clock);
    const shaped = new ShapedUnderlay(below, clock, 8_000);
    for (let i = 0; i < 2000; i++) shaped.sendTo(1, 0, 0, pool.take(1000));
    const passed = below.sent.length;
    expect(shaped.counters.queueFull).toBe(2000 - 1024 - passed);
    expect(shaped.counters.sent).toBe(passed + shaped.counters.queueFull);
    expect(pool.out).toBe(1024);
    await shaped.close();
    expect(pool.out).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
