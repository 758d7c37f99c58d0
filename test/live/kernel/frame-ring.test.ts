import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FACT, FrameRing } from '../../../src/live/kernel/frame-ring.ts';

const SHAPE = { slots: 8, slotBytes: 16, lead: 0 };

describe('a ring of packets', () => {
  test('gives the reader what the writer put in, in order, and the writer no more room than there is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 12 })), { maxLength: 200 }),
        (steps) => {
          const writer = new FrameRing(SHAPE);
          const reader = new FrameRing(SHAPE, writer.memory);
          let put = 0;
          let taken = 0;
          for (const [writes, count] of steps) {
            if (writes) {
              const room = writer.free;
              expect(room).toBe(Math.min(8 - (put - taken), 8 - (put & 7)));
              const now = Math.min(room, count);
              for (let i = 0; i < now; i++) {
                writer.view.setUint32(writer.slotAt(writer.head + i), put + i);
                writer.setFacts(writer.head + i, put + i, 1, 2);
              }
              if (now > 0) writer.filled(now);
              put += now;
            } else {
              expect(reader.waiting).toBe(put - taken);
              for (let i = 0; i < count && reader.waiting > 0; i++) {
                expect(reader.view.getUint32(reader.slotAt(reader.tail))).toBe(taken);
                expect(reader.fact(reader.tail, FACT.length)).toBe(taken);
                reader.taken();
                taken++;
              }
            }
          }
        },
      ),
    );
  });

  test('wakes a reader once, and only one that sleeps', () => {
    const ring = new FrameRing(SHAPE);
    expect(ring.filled(1)).toBe(false);
    expect(ring.sleep()).toBe(false);
    ring.taken();
    expect(ring.sleep()).toBe(true);
    expect(ring.filled(1)).toBe(true);
    expect(ring.filled(1)).toBe(false);
  });

  test('counts on past 2^32', () => {
    const ring = new FrameRing(SHAPE);
    ring.state[0] = -3;
    ring.state[1] = -3;
    expect(ring.head).toBe(5);
    ring.filled(3);
    expect([ring.waiting, ring.head, ring.free]).toEqual([3, 0, 5]);
    for (let i = 0; i < 3; i++) ring.taken();
    expect([ring.waiting, ring.tail, ring.free]).toEqual([0, 0, 8]);
  });
});
