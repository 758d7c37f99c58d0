// AES-GCM by both suites against the vectors that came with GCM (McGrew and Viega, "The Galois/Counter Mode of Operation",
// appendix B, test cases 4, 10 and 16), and against each other.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CipherSuite, IcvLength } from '../../../src/core/esp/cipher.ts';
import { PLAIN_CIPHER } from '../../../src/lab/plain-cipher.ts';
import { NODE_CIPHER } from '../../../src/live/node-cipher.ts';
import { hex, toHex } from '../../support/bytes.ts';
import { tries } from '../../support/properties.ts';

const TEXT =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39';
const AAD = 'feedfacedeadbeeffeedfacedeadbeefabaddad2';
const NONCE = 'cafebabefacedbaddecaf888';
const KEY = 'feffe9928665731c6d6a8f9467308308';

const VECTORS = [
  {
    bits: 128,
    key: KEY,
    text:
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e' +
      '21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091',
    tag: '5bc94fbc3221a5db94fae95ae7121a47',
  },
  {
    bits: 192,
    key: `${KEY}feffe9928665731c`,
    text:
      '3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c' +
      '7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710',
    tag: '2519498e80f1478f37ba55bd6d27618c',
  },
  {
    bits: 256,
    key: KEY + KEY,
    text:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
      '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662',
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
] as const;

const SUITES: readonly CipherSuite[] = [NODE_CIPHER, PLAIN_CIPHER];

/** AAD, text and room for the ICV on one slab. */
function slab(aad: Uint8Array, text: Uint8Array): { bytes: Uint8Array; at: number; end: number } {
  const bytes = new Uint8Array(aad.length + text.length + 16);
  bytes.set(aad);
  bytes.set(text, aad.length);
  return { bytes, at: aad.length, end: aad.length + text.length };
}

describe.each(SUITES)('$name', (suite) => {
  for (const { bits, key, text, tag } of VECTORS) {
    for (const icvLength of [8, 12, 16] as const) {
      test(`AES-${bits} with an ICV of ${icvLength} bytes gives the published bytes, and takes them back`, () => {
        const aead = suite.aesGcm(hex(key), icvLength);
        const { bytes, at, end } = slab(hex(AAD), hex(TEXT));
        aead.seal(bytes, hex(NONCE), 0, at, at, end);
        expect(toHex(bytes.subarray(at, end + icvLength))).toBe(text + tag.slice(0, icvLength * 2));
        expect(bytes.subarray(end + icvLength).every((byte) => byte === 0)).toBe(true);
        expect(aead.open(bytes, hex(NONCE), 0, at, at, end)).toBe(true);
        expect(toHex(bytes.subarray(at, end))).toBe(TEXT);
      });
    }
  }

  test('takes no changed bit: of the text, the ICV, what is authenticated, the nonce', () => {
    const aead = suite.aesGcm(hex(KEY), 8);
    const nonce = hex(NONCE);
    const { bytes, at, end } = slab(hex(AAD), hex(TEXT));
    aead.seal(bytes, nonce, 0, at, at, end);
    for (let bit = 0; bit < (end + 8) * 8; bit++) {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(aead.open(copy, nonce, 0, at, at, end)).toBe(false);
    }
    nonce[0] = 0;
    expect(aead.open(bytes.slice(), nonce, 0, at, at, end)).toBe(false);
  });

  test('has no key of another length', () => {
    for (const length of [0, 15, 17, 33]) {
      expect(() => suite.aesGcm(new Uint8Array(length), 8)).toThrow(
        `a key of ${length} bytes is none of AES's`,
      );
    }
  });
});

test('both suites give the same bytes', () => {
  const bytesOf = (min: number, max: number): fc.Arbitrary<Uint8Array> =>
    fc.uint8Array({ minLength: min, maxLength: max });
  const icv: fc.Arbitrary<IcvLength> = fc.constantFrom(8, 12, 16);
  fc.assert(
    fc.property(
      bytesOf(16, 16),
      bytesOf(12, 12),
      bytesOf(0, 20),
      bytesOf(0, 300),
      icv,
      (key, nonce, aad, text, icvLength) => {
        const [one, two] = SUITES.map((suite) => {
          const { bytes, at, end } = slab(aad, text);
          suite.aesGcm(key, icvLength).seal(bytes, nonce, 0, at, at, end);
          return bytes;
        });
        expect(one).toEqual(two);
      },
    ),
    tries(200),
  );
});
