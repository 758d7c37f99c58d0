import { describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { HEADROOM } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { hex, toHex } from '../../support/bytes.ts';

const BYTES = hex('00112233 44556677 8899');

function fresh(): { pool: FramePool; frame: Frame } {
  const pool = new FramePool();
  return { pool, frame: pool.from(BYTES) };
}

describe('a frame', () => {
  test('begins behind the headroom, with one holder, no id and nothing known of its checksums', () => {
    const { frame } = fresh();
    expect(frame.start - frame.from).toBe(HEADROOM);
    expect([frame.length, frame.holders, frame.id, frame.summed]).toEqual([10, 1, 0, false]);
    expect(frame.toBytes()).toEqual(BYTES);
  });

  test('has headroom for a datagram over IPv6 with two tags, and for VXLAN over IPv6 with a tag around it', () => {
    const { frame } = fresh();
    for (const n of [8, 40, 8, 14]) frame.push(n);
    for (const n of [8, 8, 40, 4, 14]) frame.push(n);
    expect(frame.length).toBe(10 + 70 + 74);
  });

  test('bytes, view and words are one slab', () => {
    const { frame } = fresh();
    expect(frame.view.buffer).toBe(frame.bytes.buffer);
    expect(frame.words.buffer).toBe(frame.bytes.buffer);
    frame.view.setUint16(frame.start, 0xbeef);
    expect(toHex(frame.toBytes())).toMatch(/^beef/);
  });

  test('push and pull move the start and nothing else', () => {
    const { frame } = fresh();
    const { start, end } = frame;
    expect(frame.push(8)).toBe(start - 8);
    frame.bytes.fill(0xaa, frame.start, start);
    expect(toHex(frame.toBytes())).toBe(`${'aa'.repeat(8)}${toHex(BYTES)}`);
    expect(frame.pull(10)).toBe(start + 2);
    expect(toHex(frame.toBytes())).toBe(toHex(BYTES.slice(2)));
    expect(frame.end).toBe(end);
    expect(frame.push(0)).toBe(start + 2);
    expect(frame.pull(0)).toBe(start + 2);
  });

  test('headroom can be used to its last byte and no further', () => {
    const { pool } = fresh();
    // Not the slab's first slot, so that there would be bytes in front to run into.
    const frame = pool.from(BYTES);
    expect(frame.from).toBeGreaterThan(0);
    expect(frame.push(HEADROOM)).toBe(frame.from);
    expect(frame.length).toBe(HEADROOM + 10);
    expect(() => frame.push(1)).toThrow(
      expect.objectContaining({ code: 'NO_HEADROOM', message: 'frame has 0 bytes of headroom, not 1' }),
    );
    expect(frame.start).toBe(frame.from);
  });

  test('a frame can be pulled until it is empty and no further', () => {
    const { frame } = fresh();
    frame.pull(4);
    expect(() => frame.pull(7)).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_SHORT', message: 'frame has 6 bytes, not 7' }),
    );
    expect(frame.length).toBe(6);
    expect(frame.pull(6)).toBe(frame.end);
    expect(frame.toBytes()).toEqual(new Uint8Array(0));
  });

  test('toBytes is a copy that outlives the frame', () => {
    const { pool, frame } = fresh();
    const bytes = frame.toBytes();
    frame.release();
    pool.take(10).bytes.fill(0xff);
    expect(bytes).toEqual(BYTES);
  });
});

describe('holders', () => {
  test('the last one to let go sends the slot home', () => {
    const { pool, frame } = fresh();
    expect(frame.retain()).toBe(frame);
    frame.retain();
    frame.release();
    frame.release();
    expect([pool.out, frame.holders]).toEqual([1, 1]);
    frame.release();
    expect([pool.out, frame.holders]).toEqual([0, 0]);
  });

  test('a second release is misuse, and the pool does not hand the slot out twice for it', () => {
    const { pool, frame } = fresh();
    frame.release();
    for (let i = 0; i < 2; i++)
      expect(() => frame.release()).toThrow(
        expect.objectContaining({
          code: 'FRAME_RELEASED',
          message: `frame in slot ${frame.slot} was released twice`,
        }),
      );
    expect([pool.out, pool.away()]).toEqual([0, []]);
    const one = pool.take(1);
    const other = pool.take(1);
    expect(one).not.toBe(other);
    expect([one.holders, other.holders, pool.out]).toEqual([1, 1, 2]);
  });

  test('own gives the only holder the frame itself', () => {
    const { pool, frame } = fresh();
    expect(frame.own()).toBe(frame);
    expect([frame.holders, pool.out]).toEqual([1, 1]);
  });

  test('own gives one of several a copy, and the others do not see what is written there', () => {
    const { pool, frame } = fresh();
    frame.id = 77;
    frame.summed = true;
    frame.retain();
    const mine = frame.own();
    expect(mine).not.toBe(frame);
    expect([frame.holders, mine.holders, pool.out]).toEqual([1, 1, 2]);
    expect([mine.id, mine.summed]).toEqual([77, true]);
    mine.bytes.fill(0xff, mine.push(20), mine.end);
    expect(frame.toBytes()).toEqual(BYTES);
    // Now alone, the other one may write in place.
    expect(frame.own()).toBe(frame);
  });

  test('own on a full pool keeps the hold', () => {
    const pool = new FramePool({ maxBytes: 256 * 2048 });
    const frames = Array.from({ length: 256 }, () => pool.take(1));
    const frame = (frames[0] as Frame).retain();
    expect(() => frame.own()).toThrow(expect.objectContaining({ code: 'POOL_EMPTY' }));
    expect([frame.holders, pool.out]).toEqual([2, 256]);
  });
});
