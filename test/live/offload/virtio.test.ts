import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { fold, pseudo4, pseudo6 } from '../../../src/core/wire/checksum.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import { Offload } from '../../../src/live/offload/offload.ts';
import { VirtioFrames } from '../../../src/live/offload/virtio-frames.ts';
import * as virtio from '../../../src/live/offload/virtio-header.ts';
import { packet4, packet6 } from '../../engine/host/packets.ts';
import { hex, viewOf } from '../../support/bytes.ts';

const HEAD = { to: 0x020000000001, from: 0x020000000002 };
const MTU = 1450;
/** What Linux wrote in front of a segment of TCP over IPv4 from a TAP device: 66 bytes of headers, pieces of 1398, sum from byte 34. */
const KERNEL = hex('0101 4200 7605 2200 1000');

function segment(payload: number, flags: number = tcp.FLAG.ACK): Uint8Array {
  const bytes = new Uint8Array(32 + payload);
  const view = viewOf(bytes);
  view.setUint16(0, 4000);
  view.setUint16(2, 80);
  tcp.setSeq(view, 0, 1000);
  tcp.setDataOffset(view, 0, 32);
  tcp.setFlags(view, 0, flags);
  for (let i = 32; i < bytes.length; i++) bytes[i] = (i * 31) & 0xff;
  return bytes;
}

const four = (payload: number, flags?: number): Uint8Array =>
  packet4(HEAD, { src: '10.0.0.1', dst: '10.0.0.2', proto: 6, id: 7 }, segment(payload, flags));
const six = (payload: number, flags?: number): Uint8Array =>
  packet6(HEAD, { src: 'fd00::1', dst: 'fd00::2', next: 6 }, segment(payload, flags));

/** A port's two sides: what it took in, and the pool that it must all go back to. */
function stand(whole: boolean): {
  readonly pool: FramePool;
  readonly offload: Offload;
  readonly frames: VirtioFrames;
  readonly taken: { bytes: Uint8Array; segment: number }[];
  take(header: Uint8Array, bytes: Uint8Array): boolean;
} {
  const pool = new FramePool();
  const offload = new Offload(pool);
  const frames = new VirtioFrames(offload, MTU, whole);
  const taken: { bytes: Uint8Array; segment: number }[] = [];
  const piece = (frame: Frame): void => {
    taken.push({ bytes: frame.toBytes(), segment: frame.segment });
    frame.release();
  };
  return {
    pool,
    offload,
    frames,
    taken,
    take: (header, bytes) => frames.take(pool.from(bytes), viewOf(header), 0, { piece }),
  };
}

describe('a virtio-net header', () => {
  test("is read as Linux wrote it, and written as Linux's", () => {
    const view = viewOf(KERNEL);
    expect(virtio.needsSum(view, 0)).toBe(true);
    expect(virtio.kind(view, 0)).toBe(virtio.KIND.tcp4);
    expect(virtio.segment(view, 0)).toBe(1398);
    expect(virtio.sumStart(view, 0)).toBe(34);
    expect(virtio.sumOffset(view, 0)).toBe(16);
    const written = new Uint8Array(10);
    virtio.writeLong(viewOf(written), 0, virtio.KIND.tcp4, false, 66, 1398, 34, 16);
    expect(written).toEqual(KERNEL);
    virtio.writePlain(viewOf(written), 0);
    expect(written).toEqual(new Uint8Array(10));
  });

  test('has a mark for CWR beside the kind', () => {
    const written = new Uint8Array(10);
    virtio.writeLong(viewOf(written), 0, virtio.KIND.tcp6, true, 86, 1378, 54, 16);
    expect(written[1]).toBe(0x84);
    expect(virtio.kind(viewOf(written), 0)).toBe(virtio.KIND.tcp6);
  });
});

describe('a frame that comes in', () => {
  test('stands for as many as its header says, and goes out with the same header', () => {
    const { frames, pool, take, taken, offload } = stand(true);
    const bytes = four(50_000);
    expect(take(KERNEL, bytes)).toBe(true);
    expect(taken).toEqual([{ bytes, segment: 1398 }]);
    expect(offload.counters).toEqual({ completed: 0, cut: 0, pieces: 0, whole: 1 });
    const out = pool.from(bytes);
    out.segment = 1398;
    expect(frames.push(out)).toBe(true);
    expect(out.toBytes().subarray(0, 10)).toEqual(KERNEL);
    // The field holds the pseudo header's sum, as the kernel leaves it for a card.
    const view = viewOf(bytes);
    const pseudo = pseudo4(view.getUint32(26), view.getUint32(30), 6, bytes.length - 34);
    expect(out.view.getUint16(out.start + 10 + 50)).toBe(fold(pseudo));
    out.release();
    expect(pool.out).toBe(0);
  });

  test('over IPv6, with CWR', () => {
    const { frames, pool } = stand(true);
    const bytes = six(9000, tcp.FLAG.ACK | tcp.FLAG.CWR);
    const out = pool.from(bytes);
    out.segment = 1200;
    expect(frames.push(out)).toBe(true);
    expect([...out.toBytes().subarray(0, 10)]).toEqual([1, 0x84, 86, 0, 0xb0, 4, 54, 0, 16, 0]);
    expect(out.view.getUint16(out.start + 10 + 70)).toBe(
      fold(pseudo6(viewOf(bytes), 14, 6, bytes.length - 54)),
    );
    out.release();
  });

  test('is never said to stand for packets longer than the MTU', () => {
    const header = Uint8Array.from(KERNEL);
    viewOf(header).setUint16(4, 8000, true);
    const { frames, pool, take, taken } = stand(true);
    take(header, four(50_000));
    expect(taken[0]?.segment).toBe(MTU - 52);
    const out = pool.from(four(50_000));
    out.segment = MTU - 51;
    expect(frames.push(out)).toBe(false);
    expect(out.toBytes()).toEqual(four(50_000));
    out.release();
  });

  test('that stands for datagrams longer than the MTU is refused whole: nobody makes other datagrams of them', () => {
    const datagram = new Uint8Array(8 + 8000);
    viewOf(datagram).setUint16(4, datagram.length);
    const bytes = packet4(HEAD, { src: '10.0.0.1', dst: '10.0.0.2', proto: 17 }, datagram);
    const header = Uint8Array.from(KERNEL);
    header[1] = virtio.KIND.udp;
    header[8] = 6;
    for (const [size, segment] of [
      [1000, 1000],
      [MTU - 28, MTU - 28],
      [MTU - 27, 0],
    ] as const) {
      viewOf(header).setUint16(4, size, true);
      const { take, taken } = stand(true);
      take(header, bytes);
      expect(taken).toMatchObject([{ segment }]);
      expect(taken[0]?.bytes.length).toBe(bytes.length);
      const cut = stand(false);
      cut.take(header, bytes);
      expect(cut.taken.length).toBe(segment === 0 ? 1 : Math.ceil(8000 / size));
    }
  });

  test.each([
    ['no segment size', 4, 0],
    ['headers longer than the frame', 2, 0xffff],
    ['a sum that begins behind the frame', 6, 0xffff],
    ['a sum that is written behind the frame', 8, 0xffff],
  ])('whose header lies comes through and nothing outside it is touched: %s', (_, at, value) => {
    for (const payload of [100, 5000]) {
      for (const kind of Object.values(virtio.KIND)) {
        for (const whole of [true, false]) {
          const { pool, take, taken } = stand(whole);
          const header = Uint8Array.from(KERNEL);
          viewOf(header).setUint16(at, value, true);
          header[1] = kind;
          take(header, four(payload));
          expect(taken.length).toBeGreaterThan(0);
          for (const one of taken) expect(one.segment).toBeLessThanOrEqual(MTU - 52);
          expect(pool.out).toBe(0);
        }
      }
    }
  });

  test('is cut at once where frames may not stand for several', () => {
    const { pool, take, taken } = stand(false);
    take(KERNEL, four(5000));
    expect(taken.map(({ bytes }) => bytes.length - 66)).toEqual([1398, 1398, 1398, 806]);
    expect(taken.every(({ segment: size }) => size === 0)).toBe(true);
    expect(pool.out).toBe(0);
  });

  test('of any bytes, behind any header, truncated anywhere, goes on and goes home', () => {
    const header = fc.uint8Array({ minLength: 10, maxLength: 10 });
    const cuts = fc.integer({ min: 1, max: 4000 });
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.constantFrom(four, six).chain((wrap) => cuts.map((n) => wrap(4000).subarray(0, n))),
    );
    fc.assert(
      fc.property(header, bytes, fc.boolean(), (words, given, whole) => {
        const { pool, take, taken, frames } = stand(whole);
        take(words, given);
        expect(taken.length).toBeGreaterThan(0);
        for (const one of taken) {
          const out = pool.from(one.bytes);
          out.segment = one.segment;
          frames.push(out);
          out.release();
        }
        expect(pool.out).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
