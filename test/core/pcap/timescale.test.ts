import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Timescale } from '../../../src/core/pcap/timescale.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/core/pcap/utf8.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';

const decode = (bytes: Uint8Array): string => decodeUtf8(viewOf(bytes), 0, bytes.length);

describe('pcapng time stamps', () => {
  test('every resolution agrees with arithmetic on whole numbers, forwards and backwards in time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<2 | 10>(2, 10),
        fc.nat(127),
        fc.oneof(
          fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        ),
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 6 }),
        (base, exponent, offset, stamps) => {
          const scale = new Timescale(base, exponent, offset);
          const unit = BigInt(base) ** BigInt(exponent);
          for (const ticks of stamps) {
            scale.set(Number(ticks >> 32n), Number(ticks & 0xffffffffn));
            const seconds = ticks / unit + offset;
            expect(scale.seconds).toBe(Number(seconds));
            expect(scale.nanos).toBe(Number(((ticks % unit) * 1_000_000_000n) / unit));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('the common resolutions to the last nanosecond', () => {
    const at = (base: 2 | 10, exponent: number, ticks: bigint): [number, number] => {
      const scale = new Timescale(base, exponent, 0n);
      scale.set(Number(ticks >> 32n), Number(ticks & 0xffffffffn));
      return [scale.seconds, scale.nanos];
    };
    expect(at(10, 9, 1_795_373_022_051_079_123n)).toEqual([1_795_373_022, 51_079_123]);
    expect(at(10, 6, 1_795_373_022_051_079n)).toEqual([1_795_373_022, 51_079_000]);
    expect(at(2, 8, 1_519_128_000n * 256n + 50n)).toEqual([1_519_128_000, 195_312_500]);
    expect(at(10, 0, 7n)).toEqual([7, 0]);
    expect(at(10, 12, 1_000_000_001_999n)).toEqual([1, 1]);
  });
});

describe('UTF-8, RFC 3629', () => {
  test('text goes to bytes and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decode(encodeUtf8(text))).toBe(text);
        expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
      }),
    );
  });

  test('valid bytes read as the platform reads them', () => {
    expect(decode(hex('41 c3a9 e282ac f09f9982'))).toBe('Aé€🙂');
    expect(toHex(encodeUtf8('Aé€🙂'))).toBe('41c3a9e282acf09f9982');
  });

  test.each([
    ['a lone continuation', '80', '\ufffd'],
    ['a cut sequence', '41 e282', 'A\ufffd\ufffd'],
    ['an overlong slash', 'c0af', '\ufffd\ufffd'],
    ['a surrogate', 'eda080', '\ufffd\ufffd\ufffd'],
    ['beyond Unicode', 'f4908080', '\ufffd\ufffd\ufffd\ufffd'],
    ['a byte UTF-8 never has', 'ff', '\ufffd'],
    ['a lead without its continuation', 'c341', '\ufffdA'],
  ])('%s becomes U+FFFD', (_what, bytes, text) => {
    expect(decode(hex(bytes))).toBe(text);
  });

  test('half a surrogate pair is written as U+FFFD', () => {
    expect(toHex(encodeUtf8('\ud800'))).toBe('efbfbd');
  });
});
