import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, sum } from '../../../../src/core/wire/checksum.ts';
import { EPHEMERAL_MAX, EPHEMERAL_MIN, RANGES_MAX } from '../../../../src/engine/host/tcp/constants.ts';
import { Ports } from '../../../../src/engine/host/tcp/ports.ts';
import { Ranges } from '../../../../src/engine/host/tcp/ranges.ts';
import { Ring } from '../../../../src/engine/host/tcp/ring.ts';
import { ahead, later, plus } from '../../../../src/engine/host/tcp/sequence.ts';
import { viewOf } from '../../../support/bytes.ts';
import { pattern } from '../../../support/lab.ts';

const word = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });

describe('sequence numbers', () => {
  test('who is ahead holds across the turn of 2^32 (RFC 9293 s.3.4)', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 0x7fff_ffff }), (from, far) => {
        const to = plus(from, far);
        expect([ahead(to, from), ahead(from, to)]).toEqual([far, -far]);
        expect([later(from, to), later(to, from)]).toEqual([to, to]);
      }),
    );
  });
});

describe('ranges', () => {
  test('are what a set of numbers would be, wherever the turn of 2^32 lies', () => {
    const pair = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }));
    const steps = fc.array(fc.oneof(pair, fc.nat(70)), { maxLength: 40 });
    fc.assert(
      fc.property(word, steps, (base, list) => {
        const ranges = new Ranges();
        const model = new Set<number>();
        for (const step of list) {
          if (typeof step === 'number') {
            ranges.trim(plus(base, step));
            for (const n of [...model]) if (n < step) model.delete(n);
            continue;
          }
          const [left, length] = step;
          const fresh = Array.from({ length }, (_, i) => left + i).filter((n) => !model.has(n));
          expect(ranges.add(plus(base, left), plus(base, left + length))).toBe(fresh.length);
          for (const n of fresh) model.add(n);
        }
        expect(ranges.bytes).toBe(model.size);
        const found: number[] = [];
        for (let i = 0; i < ranges.count; i++) {
          const from = ahead(ranges.left(i), base);
          if (i > 0) expect(from).toBeGreaterThan(ahead(ranges.right(i - 1), base));
          for (let n = from; n < ahead(ranges.right(i), base); n++) found.push(n);
        }
        expect(found).toEqual([...model].sort((x, y) => x - y));
        for (let n = 0; n < 80; n++) expect(ranges.find(plus(base, n)) >= 0).toBe(model.has(n));
      }),
    );
  });

  test('are bounded: one too many is refused, one that joins is not', () => {
    const ranges = new Ranges();
    for (let i = 0; i < RANGES_MAX; i++) expect(ranges.add(i * 10, i * 10 + 5)).toBe(5);
    expect(ranges.add(-10, -5)).toBe(-1);
    expect(ranges.add(5, 10)).toBe(5);
    expect(ranges.count).toBe(RANGES_MAX - 1);
  });
});

describe('rings', () => {
  test('what is put in comes out, with the sum that a checksum takes, at every place and length', () => {
    const turn = fc.tuple(fc.nat(5000), fc.nat(5000), fc.nat(3));
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 12 }), (turns) => {
        const ring = new Ring();
        let model = new Uint8Array(0);
        for (const [put, take, odd] of turns) {
          const bytes = pattern(put + odd);
          if (odd === 0) ring.append(bytes, 0, put);
          else {
            // Out of order: the rear first.
            const half = put >>> 1;
            ring.put(ring.length + half, viewOf(bytes), odd + half, odd + put);
            ring.put(ring.length, viewOf(bytes), odd, odd + half);
            ring.length += put;
          }
          model = Uint8Array.from([...model, ...bytes.subarray(odd, odd + put)]);
          const out = new Uint8Array(model.length + 2);
          const added = ring.copy(0, model.length, viewOf(out), 2);
          expect(Buffer.compare(out.subarray(2), model)).toBe(0);
          // Zero has two faces in one's complement.
          const expected = fold(sum(viewOf(model), 0, model.length));
          expect(fold(added) % 0xffff).toBe(expected % 0xffff);
          const into = new Uint8Array(take);
          const taken = ring.take(into, 0, take);
          expect(taken).toBe(Math.min(take, model.length));
          expect(Buffer.compare(into.subarray(0, taken), model.subarray(0, taken))).toBe(0);
          model = model.slice(taken);
          expect(ring.length).toBe(model.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('ports', () => {
  const none = (): boolean => false;

  test('every ephemeral port is given once before any is given twice', () => {
    const ports = new Ports(12_345);
    const given = new Set<number>();
    for (let i = EPHEMERAL_MIN; i <= EPHEMERAL_MAX; i++) {
      const port = ports.free(none);
      expect(port >= EPHEMERAL_MIN && port <= EPHEMERAL_MAX && !given.has(port)).toBe(true);
      given.add(port);
      ports.add(port);
    }
    expect(ports.free(none)).toBe(0);
    expect(given.has(ports.shared(none))).toBe(true);
    ports.remove(40_000);
    expect(ports.free(none)).toBe(40_000);
    expect(ports.free((port) => port === 40_000)).toBe(0);
  });

  test('a port is in use until its last connection is gone', () => {
    const ports = new Ports(0);
    ports.add(80);
    ports.add(80);
    ports.remove(80);
    expect(ports.uses(80)).toBe(true);
    ports.remove(80);
    expect(ports.uses(80)).toBe(false);
  });
});
