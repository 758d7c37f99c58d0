import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { fold, pseudo4, pseudo6 } from '../../../src/core/wire/checksum.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import * as udp from '../../../src/core/wire/udp.ts';
import { Offload } from '../../../src/live/offload/offload.ts';
import { frame, packet4, packet6 } from '../../engine/host/packets.ts';
import { viewOf } from '../../support/bytes.ts';

const HEAD = { to: 0x020000000001, from: 0x020000000002 };
const TO = { src: '10.0.0.1', dst: '10.0.0.2' };
const TO6 = { src: 'fd00::1', dst: 'fd00::2' };

/** A TCP segment with twelve bytes of options; its checksum field is 0. */
function segment(payload: Uint8Array, flags: number = tcp.FLAG.ACK, seq = 1000): Uint8Array {
  const bytes = new Uint8Array(32 + payload.length);
  const view = viewOf(bytes);
  view.setUint16(0, 4000);
  view.setUint16(2, 80);
  tcp.setSeq(view, 0, seq);
  tcp.setDataOffset(view, 0, 32);
  tcp.setFlags(view, 0, flags);
  bytes.set(payload, 32);
  return bytes;
}

const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

/** Ethernet frames with TCP or UDP in them, over IPv4 and IPv6, and where the transport begins. */
function four(proto: number, transport: Uint8Array): Uint8Array {
  return packet4(HEAD, { ...TO, proto, id: 77 }, transport);
}
function six(proto: number, transport: Uint8Array): Uint8Array {
  return packet6(HEAD, { ...TO6, next: proto }, transport);
}
function datagram(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = viewOf(bytes);
  view.setUint16(0, 4000);
  view.setUint16(2, 53);
  view.setUint16(4, bytes.length);
  bytes.set(payload, 8);
  return bytes;
}

/** The pseudo header's sum of a frame of ours. */
function pseudoOf(view: DataView, start: number, end: number, proto: number): number {
  const is4 = view.getUint16(start + 12) === 0x0800;
  const at = start + (is4 ? 34 : 54);
  return is4
    ? pseudo4(ipv4.src(view, start + 14), ipv4.dst(view, start + 14), proto, end - at)
    : pseudo6(view, start + 14, proto, end - at);
}

/** Checks a frame's checksums with the codecs' own eyes. */
function sound(bytes: Uint8Array, proto: number): boolean {
  const view = viewOf(bytes);
  const is4 = view.getUint16(12) === 0x0800;
  const at = is4 ? 34 : 54;
  const pseudo = pseudoOf(view, 0, bytes.length, proto);
  const transport =
    proto === 6
      ? tcp.checksumOk(view, at, bytes.length, pseudo)
      : udp.checksumOk(view, at, bytes.length, pseudo, false);
  return transport && (!is4 || ipv4.checksumOk(view, 14));
}

describe('checksums that nobody completed', () => {
  test.each<[string, number, Uint8Array, number]>([
    ['TCP over IPv4', 6, four(6, segment(pattern(101))), 34 + 16],
    ['TCP over IPv6', 6, six(6, segment(pattern(100))), 54 + 16],
    ['UDP over IPv4', 17, four(17, datagram(pattern(33))), 34 + 6],
    ['UDP over IPv6', 17, six(17, datagram(pattern(0))), 54 + 6],
  ])('of %s are completed where the field holds the pseudo header alone', (_, proto, bytes, field) => {
    const pool = new FramePool();
    const offload = new Offload(pool);
    viewOf(bytes).setUint16(field, fold(pseudoOf(viewOf(bytes), 0, bytes.length, proto)));
    const one = pool.from(bytes);
    offload.complete(one);
    expect(sound(one.toBytes(), proto)).toBe(true);
    // One that is right, and one that is wrong otherwise, are left alone.
    offload.complete(one);
    expect(offload.counters.completed).toBe(1);
    one.view.setUint16(one.start + field, 0x1234);
    const wrong = one.toBytes();
    offload.complete(one);
    expect(one.toBytes()).toEqual(wrong);
    one.release();
    expect(pool.out).toBe(0);
  });

  test('are completed where the kernel says, and nowhere outside the frame', () => {
    const pool = new FramePool();
    const offload = new Offload(pool);
    const bytes = four(6, segment(pattern(500)));
    viewOf(bytes).setUint16(50, fold(pseudoOf(viewOf(bytes), 0, bytes.length, 6)));
    const one = pool.from(bytes);
    expect(offload.finishAt(one, 34, 16)).toBe(true);
    expect(sound(one.toBytes(), 6)).toBe(true);
    for (const [start, offset] of [
      [60_000, 16],
      [bytes.length - 4, 3],
      [34, 60_000],
    ] as const) {
      expect(offload.finishAt(one, start, offset)).toBe(false);
    }
    one.release();
  });
});

describe('a segment longer than the MTU', () => {
  const lengths = fc.integer({ min: 1, max: 60_000 });
  const family = fc.constantFrom(four, six);
  const tagged = (bytes: Uint8Array): Uint8Array =>
    frame(HEAD, 0x8100, Uint8Array.of(0, 5, ...bytes.subarray(12)));

  test('of TCP becomes segments that make the same stream, each sound and none longer', () => {
    fc.assert(
      fc.property(
        lengths,
        family,
        fc.integer({ min: 600, max: 9000 }),
        fc.boolean(),
        (length, wrap, mtu, sized) => {
          const pool = new FramePool();
          const offload = new Offload(pool);
          const flags = tcp.FLAG.ACK | tcp.FLAG.PSH | tcp.FLAG.FIN | tcp.FLAG.CWR;
          const payload = pattern(length);
          const pieces: Uint8Array[] = [];
          const take = {
            piece: (one: { toBytes(): Uint8Array; release(): void }) => {
              pieces.push(one.toBytes());
              one.release();
            },
          };
          const first = 0xffff_fff0;
          const at = wrap === four ? 34 : 54;
          offload.cut(pool.from(wrap(6, segment(payload, flags, first))), mtu, sized ? 500 : 0, take);
          expect(pool.out).toBe(0);
          const one = pieces.length === 1;
          let seq = first;
          const stream: number[] = [];
          for (const [i, bytes] of pieces.entries()) {
            const view = viewOf(bytes);
            expect(bytes.length - 14).toBeLessThanOrEqual(mtu);
            expect(tcp.seq(view, at)).toBe(seq);
            const part = bytes.subarray(at + 32);
            seq = (seq + part.length) >>> 0;
            for (const byte of part) stream.push(byte);
            const last = i === pieces.length - 1;
            expect(tcp.flags(view, at)).toBe(
              tcp.FLAG.ACK | (last ? tcp.FLAG.PSH | tcp.FLAG.FIN : 0) | (i === 0 ? tcp.FLAG.CWR : 0),
            );
            if (one) continue;
            expect(sound(bytes, 6)).toBe(true);
            if (wrap === four) expect(ipv4.id(view, 14)).toBe(77 + i);
          }
          expect(Buffer.from(stream).equals(Buffer.from(payload))).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of UDP becomes datagrams of the size that the kernel says, and without its word stays one', () => {
    const pool = new FramePool();
    const offload = new Offload(pool);
    const pieces: Uint8Array[] = [];
    const take = {
      piece: (one: { toBytes(): Uint8Array; release(): void }) => {
        pieces.push(one.toBytes());
        one.release();
      },
    };
    offload.cut(pool.from(four(17, datagram(pattern(5000)))), 1450, 1200, take);
    expect(pieces.map((bytes) => bytes.length - 42)).toEqual([1200, 1200, 1200, 1200, 200]);
    for (const bytes of pieces) {
      expect(sound(bytes, 17)).toBe(true);
      expect(udp.length(viewOf(bytes), 34)).toBe(bytes.length - 34);
    }
    offload.cut(pool.from(four(17, datagram(pattern(5000)))), 1450, 0, take);
    expect(pieces.at(-1)).toHaveLength(5042);
    expect(offload.counters).toEqual({ completed: 0, cut: 1, pieces: 5, whole: 0 });
    expect(pool.out).toBe(0);
  });

  test('is found behind a VLAN tag, and the tag stays', () => {
    const pool = new FramePool();
    const offload = new Offload(pool);
    const pieces: Uint8Array[] = [];
    const take = {
      piece: (one: { toBytes(): Uint8Array; release(): void }) => {
        pieces.push(one.toBytes());
        one.release();
      },
    };
    offload.cut(pool.from(tagged(four(6, segment(pattern(3000))))), 1450, 0, take);
    expect(pieces).toHaveLength(3);
    for (const bytes of pieces) expect([...bytes.subarray(12, 18)]).toEqual([0x81, 0, 0, 5, 8, 0]);
  });

  test('any bytes come through whole or in pieces, and every frame goes home', () => {
    const type = fc.constantFrom(0x0800, 0x86dd, 0x8100, 0x0806);
    fc.assert(
      fc.property(
        type,
        fc.uint8Array({ maxLength: 4000 }),
        fc.integer({ min: 0, max: 2000 }),
        (ethertype, bytes, size) => {
          const pool = new FramePool();
          const offload = new Offload(pool);
          const one = pool.from(frame(HEAD, ethertype, bytes));
          offload.complete(one);
          offload.cut(one, 1450, size, { piece: (piece) => piece.release() });
          expect(pool.out).toBe(0);
        },
      ),
    );
  });
});
