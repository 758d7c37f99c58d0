import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as esp from '../../../src/core/wire/esp.ts';
import { faultKind, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';

/** The first words of an ESP packet between two swarm nodes: SPI 0x5639e44a, the third packet. */
const KNOWN = '5639e44a00000003';

describe('ESP (RFC 4303 s.2)', () => {
  test('known bytes apart', () => {
    const view = viewOf(hex(KNOWN));
    expect(esp.check(view, 0, 8)).toBe(NO_FAULT);
    expect(esp.read(view, 0)).toEqual({ spi: 0x5639e44a, sequence: 3 });
  });

  test('known bytes together', () => {
    const bytes = new Uint8Array(8);
    esp.write(viewOf(bytes), 0, 0x5639e44a, 3);
    expect(toHex(bytes)).toBe(KNOWN);
    esp.setSequence(viewOf(bytes), 0, esp.SEQUENCE_MAX);
    expect(toHex(bytes)).toBe('5639e44affffffff');
  });

  test('every truncation is too short', () => {
    for (let length = 0; length < 8; length++) {
      expect(faultKind(esp.check(viewOf(hex(KNOWN)), 0, length))).toBe(KIND.short);
    }
  });

  test('round trip of any values, anywhere', () => {
    const word = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(word, word, fc.nat(9), (spi, sequence, at) => {
        const view = viewOf(new Uint8Array(24));
        esp.writeRaw(view, at, { spi, sequence });
        expect(esp.read(view, at)).toEqual({ spi, sequence });
      }),
    );
  });
});
