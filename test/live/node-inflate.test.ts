import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NODE_INFLATE } from '../../src/live/node-inflate.ts';
import { tries } from '../support/properties.ts';

const TEXT = Buffer.from('the quick brown fox jumps over the lazy dog; '.repeat(200));
const MOST = 1 << 20;
const packers = { gzip: gzipSync, zlib: deflateSync, raw: deflateRawSync } as const;
const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

describe.each(Object.keys(packers) as (keyof typeof packers)[])('%s', (how) => {
  const packing = how === 'gzip' ? 'gzip' : 'deflate';
  const packed = new Uint8Array(packers[how](TEXT));

  test('whole, and with other bytes behind it', () => {
    expect(text(NODE_INFLATE(packed, MOST, packing))).toBe(TEXT.toString());
    const more = new Uint8Array([...packed, ...Buffer.from('HTTP/1.1 200 OK\r\n')]);
    expect(text(NODE_INFLATE(more, MOST, packing))).toBe(TEXT.toString());
  });

  test('cut off anywhere: what comes before', () => {
    for (let end = 0; end < packed.length; end++) {
      const made = text(NODE_INFLATE(packed.slice(0, end), MOST, packing));
      expect(TEXT.toString().startsWith(made)).toBe(true);
    }
    expect(text(NODE_INFLATE(packed.slice(0, packed.length - 9), MOST, packing)).length).toBeGreaterThan(40);
  });

  test('no more than is asked for, and not much less', () => {
    const bomb = new Uint8Array(packers[how](Buffer.alloc(5_000_000)));
    const made = NODE_INFLATE(bomb, 100_000, packing)?.length ?? 0;
    expect(made).toBeLessThanOrEqual(100_000);
    expect(made).toBeGreaterThan(50_000);
  });
});

describe('other bytes', () => {
  test('never throw, and never make more than is asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('gzip', 'deflate'), (bytes, packing) => {
        for (const head of [[], [0x1f, 0x8b, 8, 0x1f], [0x78, 0x9c]]) {
          const made = NODE_INFLATE(new Uint8Array([...head, ...bytes]), 1000, packing);
          expect(made === null || (made.length > 0 && made.length <= 1000)).toBe(true);
        }
      }),
      tries(500),
    );
  });

  test('a gzip header with name, comment, extra field and checksum', () => {
    const plain = gzipSync('hello');
    const header = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3]),
      Buffer.from('name\0comment\0'),
      Buffer.from([0xaa, 0xbb]),
    ]);
    expect(
      text(NODE_INFLATE(new Uint8Array(Buffer.concat([header, plain.subarray(10)])), MOST, 'gzip')),
    ).toBe('hello');
  });
});
