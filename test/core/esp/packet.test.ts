import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  HEAD_LEN,
  NONCE_LEN,
  NOT_OPENED,
  nextHeaderAt,
  open,
  padding,
  roomIn,
  seal,
  sealedLength,
} from '../../../src/core/esp/packet.ts';
import { NODE_CIPHER } from '../../../src/live/node-cipher.ts';
import { viewOf } from '../../support/bytes.ts';
import { DOCKER_LIKE, sealed } from '../../support/esp.ts';
import { tries } from '../../support/properties.ts';

const { key, salt, spi } = DOCKER_LIKE;
const AEAD = NODE_CIPHER.aesGcm(key, 8);

function nonceWith(sequence: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_LEN);
  nonce.set(salt);
  viewOf(nonce).setUint32(8, sequence ^ 0x5a5a_5a5a);
  return nonce;
}

/** A payload sealed in place; the slab has other bytes around it. */
function ours(payload: Uint8Array, sequence: number): Uint8Array {
  const bytes = new Uint8Array(64 + payload.length + 64).fill(0xee);
  const at = 32;
  bytes.set(payload, at + HEAD_LEN);
  const end = seal(
    bytes,
    viewOf(bytes),
    at,
    at + HEAD_LEN + payload.length,
    spi,
    sequence,
    17,
    AEAD,
    nonceWith(sequence),
    8,
  );
  expect(bytes.subarray(0, at).every((byte) => byte === 0xee)).toBe(true);
  expect(bytes.subarray(end).every((byte) => byte === 0xee)).toBe(true);
  return bytes.slice(at, end);
}

const payloads = fc.uint8Array({ maxLength: 200 });
const sequences = fc.integer({ min: 1, max: 0xffff_ffff });

describe('a payload in ESP', () => {
  test('is what an independent sealing of RFC 4303 and RFC 4106 makes of it', () => {
    fc.assert(
      fc.property(payloads, sequences, (payload, sequence) => {
        expect(ours(payload, sequence)).toEqual(sealed(payload, DOCKER_LIKE, sequence));
      }),
      tries(300),
    );
  });

  test('comes out again whole, with its protocol', () => {
    fc.assert(
      fc.property(payloads, sequences, (payload, sequence) => {
        const bytes = ours(payload, sequence);
        const end = open(bytes, 0, bytes.length, AEAD, nonceWith(0), 8);
        expect(bytes.subarray(HEAD_LEN, end)).toEqual(payload);
        expect(bytes[nextHeaderAt(bytes.length, 8)]).toBe(17);
      }),
      tries(300),
    );
  });

  test('ends on four bytes, with the least padding, and is as long as was said', () => {
    for (let length = 0; length < 64; length++) {
      const packet = ours(new Uint8Array(length), 1);
      expect(packet.length).toBe(sealedLength(length, 8));
      expect((packet.length - HEAD_LEN - 8) % 4).toBe(0);
      expect(padding(length)).toBeLessThan(4);
    }
  });

  test('of the longest that fits, fits; of one byte more does not', () => {
    for (const icvLength of [8, 12, 16] as const) {
      for (let room = 40; room < 200; room++) {
        const most = roomIn(room, icvLength);
        expect(sealedLength(most, icvLength)).toBeLessThanOrEqual(room);
        expect(sealedLength(most + 1, icvLength)).toBeGreaterThan(room);
      }
    }
    // Docker's 1424: frame 1438, VXLAN 8, UDP 8, in 1500 less IPv4's 20.
    expect(roomIn(1480, 8)).toBe(1454);
  });

  test('is in no truncation of its packet, and in none with a bit changed', () => {
    const whole = ours(new Uint8Array(50).fill(7), 3);
    for (let length = 0; length < whole.length; length++) {
      expect(open(whole.slice(), 0, length, AEAD, nonceWith(0), 8)).toBeLessThan(0);
    }
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(open(bytes, 0, bytes.length, AEAD, nonceWith(0), 8)).toBe(NOT_OPENED.forged);
    }
  });

  test('is not taken with padding that lies, though its seal is right', () => {
    const payload = new Uint8Array(21);
    for (const [padLength, pattern] of [
      [5, [9, 9, 9, 9, 9]],
      [200, []],
    ] as const) {
      const bytes = new Uint8Array(HEAD_LEN + 28 + 8);
      bytes.set(payload, HEAD_LEN);
      bytes.set(pattern, HEAD_LEN + 21);
      bytes[HEAD_LEN + 26] = padLength;
      bytes[HEAD_LEN + 27] = 17;
      const nonce = nonceWith(1);
      bytes.set(nonce.subarray(4), 8);
      viewOf(bytes).setUint32(0, spi);
      viewOf(bytes).setUint32(4, 1);
      AEAD.seal(bytes, nonce, 0, 8, HEAD_LEN, HEAD_LEN + 28);
      expect(open(bytes, 0, bytes.length, AEAD, nonceWith(0), 8)).toBe(NOT_OPENED.padding);
    }
  });

  test('random bytes are none, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(open(bytes.slice(), 0, bytes.length, AEAD, nonceWith(0), 8)).toBeLessThan(0);
      }),
      tries(300),
    );
  });
});
