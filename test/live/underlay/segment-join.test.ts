import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { finish, pseudo4, pseudo6, sum } from '../../../src/core/wire/checksum.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { Offload } from '../../../src/live/offload/offload.ts';
import { noCounts } from '../../../src/live/underlay/live-underlay.ts';
import { SegmentJoin } from '../../../src/live/underlay/segment-join.ts';
import { packet4, packet6 } from '../../engine/host/packets.ts';
import { viewOf } from '../../support/bytes.ts';

const HEAD = { to: 0x020000000001, from: 0x020000000002 };
const { ACK, PSH, FIN, CWR, ECE, SYN, RST, URG } = tcp.FLAG;
const SIZE = 500;

interface Piece {
  /** Bytes from the stream's beginning. */
  readonly from: number;
  readonly length: number;
  readonly flags?: number;
  readonly six?: boolean;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly tos?: number;
  readonly ttl?: number;
  readonly port?: number;
  readonly ack?: number;
  readonly window?: number;
  readonly stamp?: number;
  readonly vni?: number;
  readonly mac?: number;
}

const streamByte = (i: number): number => (i * 7 + (i >> 8)) & 0xff;

/** A VXLAN datagram with a TCP segment of the stream in it, sound in every checksum. */
function datagram(piece: Piece): Uint8Array {
  const segment = new Uint8Array(32 + piece.length);
  const view = viewOf(segment);
  view.setUint16(0, piece.port ?? 4000);
  view.setUint16(2, 80);
  tcp.setSeq(view, 0, (0xffff_f000 + piece.from) >>> 0);
  view.setUint32(8, piece.ack ?? 77);
  tcp.setDataOffset(view, 0, 32);
  tcp.setFlags(view, 0, piece.flags ?? ACK);
  view.setUint16(14, piece.window ?? 502);
  view.setUint32(20, 0x0101080a);
  view.setUint32(24, piece.stamp ?? 1000);
  for (let i = 0; i < piece.length; i++) segment[32 + i] = streamByte(piece.from + i);
  const head = { ...HEAD, from: piece.mac ?? HEAD.from };
  const { id = 1 + piece.from / SIZE, dontFragment = true, tos = 0, ttl = 64 } = piece;
  const four = { src: '10.0.0.1', dst: '10.0.0.2', proto: 6, id: id & 0xffff, dontFragment, tos, ttl };
  const six = { src: 'fd00::1', dst: 'fd00::2', next: 6, hops: ttl };
  const inner = piece.six ? packet6(head, six, segment) : packet4(head, four, segment);
  const its = viewOf(inner);
  const at = piece.six ? 54 : 34;
  const pseudo = piece.six
    ? pseudo6(its, 14, 6, segment.length)
    : pseudo4(its.getUint32(26), its.getUint32(30), 6, segment.length);
  tcp.setChecksum(its, at, finish(sum(its, at, inner.length, pseudo)));
  const bytes = new Uint8Array(8 + inner.length);
  vxlan.write(viewOf(bytes), 0, piece.vni ?? 42);
  bytes.set(inner, 8);
  return bytes;
}

interface Out {
  readonly bytes: Uint8Array;
  readonly segment: number;
  readonly peer: number;
  readonly tos: number;
}

/** What comes out for what goes in; the pool is whole afterwards. */
function joined(given: readonly (readonly [Uint8Array, peer?: number, tos?: number])[]): Out[] {
  const pool = new FramePool();
  const out: Out[] = [];
  const { trains } = noCounts();
  const copy = {
    frame: (bytes: Uint8Array, at: number, length: number) => pool.from(bytes.subarray(at, at + length)),
    into: (frame: Frame, to: number, bytes: Uint8Array, at: number, length: number) =>
      frame.bytes.set(bytes.subarray(at, at + length), to),
  };
  const next = {
    input: (frame: Frame, peer: number, tos: number) => {
      out.push({ bytes: frame.toBytes(), segment: frame.segment, peer, tos });
      frame.release();
    },
  };
  const join = new SegmentJoin(pool, copy, next, trains);
  for (const [bytes, peer = 1, tos = 0] of given) {
    // Packets lie anywhere in a ring.
    const ring = new Uint8Array(bytes.length + 7);
    ring.set(bytes, 3);
    join.take(ring, viewOf(ring), 3, bytes.length, peer, tos);
  }
  join.flush();
  join.clear();
  expect(pool.out).toBe(0);
  expect(trains.joined).toBe(given.length - out.length);
  return out;
}

/** The frames that a long one is cut into, each behind its VXLAN header. */
function cut({ bytes, segment }: Out): Uint8Array[] {
  if (segment === 0) return [bytes];
  const pool = new FramePool();
  const pieces: Uint8Array[] = [];
  const piece = (frame: Frame): void => {
    pieces.push(Uint8Array.from([...bytes.subarray(0, 8), ...frame.toBytes()]));
    frame.release();
  };
  new Offload(pool).cut(pool.from(bytes.subarray(8)), 9000, segment, { piece });
  expect(pool.out).toBe(0);
  return pieces;
}

const train = (lengths: readonly number[], more: Partial<Piece> = {}): Piece[] => {
  let from = 0;
  return lengths.map((length, n) => {
    const piece = { from, length, id: 1 + n, ...more };
    from += length;
    return piece;
  });
};

describe('TCP segments that follow one another', () => {
  test.each([false, true])('become one, which is cut into the same again; over IPv6: %s', (six) => {
    const pieces = train([SIZE, SIZE, SIZE, 120], { six }).map(datagram);
    const out = joined(pieces.map((one) => [one]));
    expect(out).toHaveLength(1);
    expect(out[0]?.segment).toBe(SIZE);
    expect(out.flatMap(cut)).toEqual(pieces);
    const view = viewOf(out[0]?.bytes as Uint8Array);
    if (six) expect(view.getUint16(8 + 18)).toBe(32 + 3 * SIZE + 120);
    else {
      expect(view.getUint16(8 + 16)).toBe(52 + 3 * SIZE + 120);
      expect(ipv4.checksumOk(view, 22)).toBe(true);
    }
  });

  test('any train: what comes out, cut, is what went in, in order', () => {
    const flags = fc.constantFrom(ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | PSH | FIN, ACK | ECE);
    const first = fc.constantFrom(ACK, ACK | CWR);
    const length = fc.constantFrom(1, 8, 499, SIZE, SIZE, SIZE, SIZE, 501);
    const sent = fc.record({
      six: fc.boolean(),
      pieces: fc.array(fc.tuple(length, flags), { minLength: 1, maxLength: 60 }),
      first,
      tos: fc.constantFrom(0, 2),
    });
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 4 }), (trains) => {
        const given = trains.flatMap(({ six, pieces, first: flag, tos }, n) =>
          train(
            pieces.map(([bytes]) => bytes),
            { six, tos, port: 4000 + n },
          ).map((piece, i) => datagram({ ...piece, flags: i === 0 ? flag : (pieces[i]?.[1] as number) })),
        );
        const out = joined(given.map((one) => [one]));
        expect(out.flatMap(cut)).toEqual(given);
        for (const { bytes, segment } of out) expect(segment === 0 || bytes.length > segment).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('up to 64 kB of IP packet, and then anew', () => {
    const pieces = train(Array.from({ length: 100 }, () => 1398)).map(datagram);
    const out = joined(pieces.map((one) => [one]));
    expect(out.map(({ bytes }) => Math.round((bytes.length - 74) / 1398))).toEqual([46, 46, 8]);
    for (const { bytes } of out) expect(bytes.length - 22).toBeLessThanOrEqual(65_535);
    expect(out.flatMap(cut)).toEqual(pieces);
  });

  test.each<[string, Partial<Piece>, Partial<Piece>]>([
    ['another port', {}, { port: 4001 }],
    ['another acknowledgment', {}, { ack: 78 }],
    ['another window', {}, { window: 501 }],
    ['another time stamp', {}, { stamp: 1001 }],
    ['another TTL', {}, { ttl: 63 }],
    ['another inner TOS', {}, { tos: 1 }],
    ['an identification that does not follow', {}, { id: 9 }],
    ['an identification that stays without DF', { dontFragment: false }, { id: 1, dontFragment: false }],
    ['another DF', {}, { dontFragment: false }],
    ['another VNI', {}, { vni: 43 }],
    ['another MAC', {}, { mac: 0x020000000003 }],
    ['a gap', {}, { from: SIZE + 1 }],
    ['bytes that were there', {}, { from: 0 }],
    ['more bytes than the first', { length: SIZE - 1 }, { from: SIZE - 1 }],
    ['CWR', {}, { flags: ACK | CWR }],
    ['ECE', {}, { flags: ACK | ECE }],
    ['SYN', {}, { flags: ACK | SYN }],
    ['RST', {}, { flags: ACK | RST }],
    ['URG', {}, { flags: ACK | URG }],
    ['no ACK', {}, { flags: PSH }],
    ['no data', {}, { length: 0 }],
    ['PSH before it', { flags: ACK | PSH }, {}],
    ['FIN before it', { flags: ACK | FIN }, {}],
    ['IPv6 after IPv4', {}, { six: true }],
  ])('do not with %s', (_, one, two) => {
    const first = datagram({ from: 0, length: SIZE, id: 1, ...one });
    const second = datagram({ from: SIZE, length: SIZE, id: 2, ...two });
    const out = joined([[first], [second]]);
    expect(out.map(({ bytes, segment }) => [segment, bytes])).toEqual([
      [0, first],
      [0, second],
    ]);
  });

  test('do not from another peer, or with another outer TOS', () => {
    const [first, second] = train([SIZE, SIZE]).map(datagram) as [Uint8Array, Uint8Array];
    expect(joined([[first], [second, 2]]).map(({ peer }) => peer)).toEqual([1, 2]);
    expect(joined([[first], [second, 1, 3]]).map(({ tos }) => tos)).toEqual([0, 3]);
  });

  test('an identification that stays with DF set does not matter (RFC 6864)', () => {
    const pieces = train([SIZE, SIZE, SIZE], { id: 0 }).map(datagram);
    expect(joined(pieces.map((one) => [one]))).toHaveLength(1);
    // Two that stay and one that goes on are not of one kind.
    const mixed = [0, 0, 1].map((id, n) => datagram({ from: n * SIZE, length: SIZE, id }));
    expect(joined(mixed.map((one) => [one]))).toHaveLength(2);
  });

  test('one with a wrong checksum stays alone, and as it is', () => {
    const places = [8 + 14 + 10, 8 + 34 + 16, 8 + 66, 8 + 66 + SIZE - 1];
    for (const broken of [0, 1, 2]) {
      for (const place of places) {
        const pieces = train([SIZE, SIZE, SIZE]).map(datagram);
        const bad = pieces[broken] as Uint8Array;
        bad[place] = (bad[place] as number) ^ 0x10;
        const out = joined(pieces.map((one) => [one]));
        expect(out.flatMap(cut)).toEqual(pieces);
        expect(out.find(({ bytes }) => Buffer.from(bytes).equals(bad))?.segment).toBe(0);
      }
    }
  });

  test('nothing overtakes: what is in between ends what waits', () => {
    const [a, b, c] = train([SIZE, SIZE, SIZE]).map(datagram) as [Uint8Array, Uint8Array, Uint8Array];
    const other = datagram({ from: 0, length: 0, port: 5000 });
    const out = joined([[a], [b], [other], [c]]);
    expect(out.map(({ segment }) => segment)).toEqual([SIZE, 0, 0]);
    expect(out.flatMap(cut)).toEqual([a, b, other, c]);
  });

  test('truncated anywhere, or any bytes: they come out as they went in', () => {
    const whole = train([SIZE, SIZE]).map(datagram) as [Uint8Array, Uint8Array];
    for (const family of [whole, train([SIZE, SIZE], { six: true }).map(datagram)]) {
      for (let n = 0; n < (family[1] as Uint8Array).length; n += n < 110 ? 1 : 37) {
        const short = (family[1] as Uint8Array).subarray(0, n);
        const out = joined([[family[0] as Uint8Array], [short]]);
        expect(out.map(({ bytes }) => bytes)).toEqual([family[0], Uint8Array.from(short)]);
      }
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1), fc.nat(120), fc.nat(255)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 200 }),
        (changes, noise) => {
          const given = [whole[0].slice(), whole[1].slice(), noise];
          for (const [n, at, value] of changes) (given[n] as Uint8Array)[at] = value;
          const out = joined(given.map((one) => [one]));
          expect(out.flatMap(cut)).toEqual(given);
        },
      ),
      { numRuns: 300 },
    );
  });
});
