import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { HEADROOM } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { toHex } from '../../support/bytes.ts';

const SMALL = 2048;
const JUMBO = 10240;
const HUGE = 66048;

function room(frame: Frame): number {
  return frame.to - frame.from;
}

function slotBytes(frame: Frame): string {
  return toHex(frame.bytes.slice(frame.from, frame.to));
}

describe('slots of three sizes', () => {
  test.each([
    [0, SMALL],
    [1514, SMALL],
    [SMALL - HEADROOM, SMALL],
    [SMALL - HEADROOM + 1, JUMBO],
    [9014, JUMBO],
    [JUMBO - HEADROOM, JUMBO],
    [JUMBO - HEADROOM + 1, HUGE],
    [65535 + 14, HUGE],
    [HUGE - HEADROOM, HUGE],
  ])('a frame of %i bytes takes a slot of %i', (length, size) => {
    const pool = new FramePool();
    const frame = pool.take(length);
    expect([room(frame), frame.length, frame.start - frame.from]).toEqual([size, length, HEADROOM]);
    expect(frame.end).toBeLessThanOrEqual(frame.to);
  });

  test('a frame too long for every slot is misuse and takes nothing', () => {
    const pool = new FramePool();
    expect(() => pool.take(HUGE - HEADROOM + 1)).toThrow(
      expect.objectContaining({
        code: 'FRAME_TOO_LONG',
        message: `a frame of ${HUGE - HEADROOM + 1} bytes fits no slot`,
      }),
    );
    expect([pool.out, pool.allocated]).toEqual([0, 0]);
  });

  test('slabs are allocated as they are needed, by size', () => {
    const pool = new FramePool();
    expect(pool.allocated).toBe(0);
    for (let i = 0; i < 256; i++) pool.take(1);
    expect(pool.allocated).toBe(256 * SMALL);
    pool.take(1);
    expect(pool.allocated).toBe(512 * SMALL);
    pool.take(5000);
    expect(pool.allocated).toBe(512 * SMALL + 32 * JUMBO);
    pool.take(60000);
    expect(pool.allocated).toBe(512 * SMALL + 32 * JUMBO + 8 * HUGE);
    expect(pool.out).toBe(259);
  });

  test('slots of one slab stand side by side on word borders, and each number leads to its frame', () => {
    const pool = new FramePool();
    for (const [length, count] of [
      [1, 300],
      [5000, 40],
      [60000, 10],
    ] as const) {
      const places = new Map<ArrayBufferLike, Set<number>>();
      for (let i = 0; i < count; i++) {
        const frame = pool.take(length);
        expect(pool.at(frame.slot)).toBe(frame);
        expect(frame.from % 4).toBe(0);
        expect(frame.from % room(frame)).toBe(0);
        expect(frame.to).toBeLessThanOrEqual(frame.bytes.length);
        const taken = places.get(frame.bytes.buffer) ?? new Set();
        expect(taken.has(frame.from)).toBe(false);
        places.set(frame.bytes.buffer, taken.add(frame.from));
      }
    }
    expect(new Set(pool.away().map((f) => f.slot)).size).toBe(350);
  });

  test('a slot that came home is the next to go out, as new', () => {
    const pool = new FramePool();
    const frame = pool.take(100);
    frame.push(50);
    frame.id = 9;
    frame.summed = true;
    frame.release();
    const again = pool.take(60);
    expect(again).toBe(frame);
    expect([again.start - again.from, again.length, again.id, again.summed, again.holders]).toEqual([
      HEADROOM,
      60,
      0,
      false,
      1,
    ]);
  });

  test('sizes do not mix: a jumbo slot that came home is not handed out for a small frame', () => {
    const pool = new FramePool();
    for (const length of [5000, 60000, 100]) pool.take(length).release();
    expect([100, 5000, 60000].map((length) => room(pool.take(length)))).toEqual([SMALL, JUMBO, HUGE]);
    expect(pool.allocated).toBe(256 * SMALL + 32 * JUMBO + 8 * HUGE);
  });

  test('from copies the bytes in', () => {
    const pool = new FramePool();
    const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff);
    const frame = pool.from(bytes);
    expect(toHex(frame.toBytes())).toBe(toHex(bytes));
    bytes.fill(0);
    expect(frame.toBytes()[255]).toBe(255);
  });
});

describe('the limit', () => {
  test('a pool at its limit refuses, tells how many are out, and goes on when one comes home', () => {
    const pool = new FramePool({ maxBytes: 256 * SMALL });
    const frames = Array.from({ length: 256 }, () => pool.take(1));
    expect(() => pool.take(1)).toThrow(
      expect.objectContaining({
        code: 'POOL_EMPTY',
        message: `256 frames are out and the pool may not grow past ${256 * SMALL} bytes`,
      }),
    );
    expect(() => pool.take(5000)).toThrow(expect.objectContaining({ code: 'POOL_EMPTY' }));
    expect(() => pool.copyOf(frames[0] as Frame)).toThrow(expect.objectContaining({ code: 'POOL_EMPTY' }));
    expect([pool.out, pool.allocated]).toEqual([256, 256 * SMALL]);
    (frames[7] as Frame).release();
    expect(pool.take(1)).toBe(frames[7]);
  });

  test('a limit below one slab allows nothing of that size', () => {
    const pool = new FramePool({ maxBytes: 256 * SMALL - 1 });
    expect(() => pool.take(1)).toThrow(expect.objectContaining({ code: 'POOL_EMPTY' }));
    expect(room(pool.take(5000))).toBe(JUMBO);
  });
});

describe('what is out', () => {
  test('away names the frames that did not come home', () => {
    const pool = new FramePool();
    const frames = [1, 2, 3, 5000].map((length) => pool.take(length));
    frames[1]?.retain();
    frames[0]?.release();
    frames[1]?.release();
    expect(new Set(pool.away())).toEqual(new Set([frames[1], frames[2], frames[3]]));
    expect(pool.out).toBe(3);
    for (const frame of pool.away()) frame.release();
    expect([pool.out, pool.away()]).toEqual([0, []]);
  });
});

describe('copies', () => {
  test('are exact at every alignment and length, and touch no other slot', () => {
    const pool = new FramePool();
    const frame = pool.take(0);
    const room1 = pool.take(0);
    const neighbour = pool.take(0);
    expect([room1.from, neighbour.from]).toEqual([frame.from + SMALL, frame.from + 2 * SMALL]);
    room1.release();
    for (let i = frame.from; i < frame.to; i++) frame.bytes[i] = (i * 7 + 3) & 0xff;
    neighbour.bytes.fill(0xee, neighbour.from, neighbour.to);
    const before = [slotBytes(frame), slotBytes(neighbour)];
    const windows: [number, number][] = [];
    for (let skip = 0; skip < 8; skip++) {
      for (let length = 0; length < 20; length++) windows.push([HEADROOM + skip, HEADROOM + skip + length]);
      windows.push([skip, SMALL], [skip, SMALL - skip], [SMALL - skip, SMALL], [0, skip]);
    }
    for (const [start, end] of windows) {
      frame.start = frame.from + start;
      frame.end = frame.from + end;
      const copy = pool.copyOf(frame);
      expect(copy).toBe(room1);
      expect([copy.start - copy.from, copy.end - copy.from]).toEqual([start, end]);
      expect(toHex(copy.toBytes())).toBe(toHex(frame.toBytes()));
      copy.bytes.fill(0, copy.from, copy.to);
      copy.release();
    }
    expect([slotBytes(frame), slotBytes(neighbour)]).toEqual(before);
  });

  test.each([SMALL, JUMBO, HUGE])('of a slot of %i bytes are whole, in another slab too', (size) => {
    const pool = new FramePool();
    const length = size - HEADROOM;
    const frame = pool.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
    frame.id = 12;
    frame.summed = true;
    const slabs = new Set<ArrayBufferLike>();
    for (let i = 0; i < (size === SMALL ? 300 : 40); i++) {
      const copy = pool.copyOf(frame);
      slabs.add(copy.bytes.buffer);
      expect([room(copy), copy.holders, copy.id, copy.summed]).toEqual([size, 1, 12, true]);
      expect(Buffer.compare(copy.toBytes(), frame.toBytes())).toBe(0);
    }
    expect(slabs.size).toBeGreaterThan(1);
  });

  test('take a slot of the same size, whichever slot the frame is in', () => {
    const pool = new FramePool();
    for (const size of [SMALL, JUMBO, HUGE]) {
      for (let i = 0; i < 3; i++) expect(room(pool.copyOf(pool.take(size - HEADROOM)))).toBe(size);
    }
  });

  test('of a frame without marks clear the marks of the slot they land in', () => {
    const pool = new FramePool();
    const frame = pool.take(4);
    const marked = pool.take(4);
    marked.id = 5;
    marked.summed = true;
    marked.release();
    const copy = pool.copyOf(frame);
    expect(copy).toBe(marked);
    expect([copy.id, copy.summed]).toEqual([0, false]);
  });
});

/** What a frame should hold; as many entries of the list below point here as the frame has holders. */
interface Model {
  bytes: number[];
  headroom: number;
  id: number;
  summed: boolean;
  holders: number;
}

describe('against a model', () => {
  const length = fc.oneof(
    { weight: 6, arbitrary: fc.nat(80) },
    { weight: 2, arbitrary: fc.integer({ min: SMALL - HEADROOM - 20, max: SMALL - HEADROOM + 20 }) },
    { weight: 1, arbitrary: fc.constantFrom(JUMBO - HEADROOM, JUMBO - HEADROOM + 1) },
  );
  const step = fc.record({
    act: fc.constantFrom('take', 'from', 'push', 'pull', 'mark', 'retain', 'own', 'release', 'copy'),
    which: fc.nat(),
    length,
    n: fc.nat(60),
    fill: fc.nat(255),
  });

  test('any sequence of take, push, pull, retain, own, copy and release keeps every frame its bytes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const pool = new FramePool();
        const holds: { frame: Frame; model: Model }[] = [];
        for (const { act, which, length, n, fill } of steps) {
          const i = holds.length === 0 ? -1 : which % holds.length;
          const hold = holds[i];
          if (act === 'take' || act === 'from') {
            const bytes = Uint8Array.from({ length }, (_, k) => (fill + k) & 0xff);
            const frame = act === 'from' ? pool.from(bytes) : pool.take(length);
            if (act === 'take') frame.bytes.set(bytes, frame.start);
            const model = { bytes: [...bytes], headroom: HEADROOM, id: 0, summed: false, holders: 1 };
            holds.push({ frame, model });
          } else if (hold === undefined) {
            continue;
          } else if (act === 'retain') {
            hold.frame.retain();
            hold.model.holders++;
            holds.push({ ...hold });
          } else if (act === 'release') {
            hold.frame.release();
            hold.model.holders--;
            holds.splice(i, 1);
          } else if (act === 'copy') {
            const model = { ...hold.model, bytes: [...hold.model.bytes], holders: 1 };
            holds.push({ frame: pool.copyOf(hold.frame), model });
          } else {
            // Whoever writes owns first.
            if (hold.model.holders > 1) {
              hold.model.holders--;
              hold.model = { ...hold.model, bytes: [...hold.model.bytes], holders: 1 };
            }
            hold.frame = hold.frame.own();
            if (act === 'push') push(hold, n, fill);
            else if (act === 'pull') pull(hold, n);
            else if (act === 'mark') {
              hold.frame.id = hold.model.id = which;
              hold.frame.summed = hold.model.summed = n > 30;
            }
          }
          agree(pool, holds);
        }
        for (const { frame } of holds) frame.release();
        expect([pool.out, pool.away()]).toEqual([0, []]);
      }),
      { numRuns: 150 },
    );
  });

  function push({ frame, model }: { frame: Frame; model: Model }, n: number, fill: number): void {
    if (n > model.headroom) {
      expect(() => frame.push(n)).toThrow(expect.objectContaining({ code: 'NO_HEADROOM' }));
      return;
    }
    const at = frame.push(n);
    frame.bytes.fill(fill, at, at + n);
    model.bytes = [...new Array<number>(n).fill(fill), ...model.bytes];
    model.headroom -= n;
  }

  function pull({ frame, model }: { frame: Frame; model: Model }, n: number): void {
    if (n > model.bytes.length) {
      expect(() => frame.pull(n)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_SHORT' }));
      return;
    }
    frame.pull(n);
    model.bytes = model.bytes.slice(n);
    model.headroom += n;
  }

  function agree(pool: FramePool, holds: readonly { frame: Frame; model: Model }[]): void {
    const frames = new Set(holds.map((hold) => hold.frame));
    expect(pool.out).toBe(frames.size);
    expect(new Set(pool.away())).toEqual(frames);
    expect(new Set(holds.map((hold) => hold.model)).size).toBe(frames.size);
    for (const { frame, model } of holds) {
      const told = [frame.length, frame.start - frame.from, frame.id, frame.summed, frame.holders];
      expect(told).toEqual([model.bytes.length, model.headroom, model.id, model.summed, model.holders]);
      if (Buffer.compare(frame.toBytes(), Uint8Array.from(model.bytes)) !== 0)
        expect(toHex(frame.toBytes())).toBe(toHex(Uint8Array.from(model.bytes)));
    }
  }
});
