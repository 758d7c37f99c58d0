// Bytes as text, beside Node's own decoders.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  base64,
  bytesOf,
  latin1,
  percentDecoded,
  shown,
  textOf,
  utf8,
} from '../../../src/core/eavesdrop/text.ts';
import { tries } from '../../support/properties.ts';

const bytes = fc.uint8Array({ maxLength: 200 });

describe('UTF-8', () => {
  test('what was encoded comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(utf8(new Uint8Array(Buffer.from(text)))).toBe(Buffer.from(text).toString());
      }),
      tries(1000),
    );
  });

  test('what is no UTF-8 is shown by its bytes, and every byte is there', () => {
    fc.assert(
      fc.property(
        bytes.filter((some) => !some.includes(0x5c)),
        (some) => {
          const parts = textOf(some).match(/\\x[0-9a-f]{2}|[^\\]/gu) ?? [];
          const back = parts.flatMap((part) =>
            part.startsWith('\\x') ? [Number.parseInt(part.slice(2), 16)] : [...Buffer.from(part)],
          );
          expect(back).toEqual([...some]);
          expect(utf8(some).includes('\ufffd')).toBe(Buffer.from(some).toString().includes('\ufffd'));
        },
      ),
      tries(1000),
    );
  });

  test('of a long text no more is made than is asked for, and one character', () => {
    fc.assert(
      fc.property(bytes, fc.nat(220), fc.boolean(), (some, most, isAscii) => {
        const from = isAscii ? some.map((byte) => byte & 0x7f) : some;
        const whole = textOf(from);
        const begun = textOf(from, most);
        expect(whole.startsWith(begun)).toBe(true);
        if (whole.length <= most) expect(begun).toBe(whole);
        else expect(begun.length).toBeGreaterThan(most);
      }),
      tries(1000),
    );
  });

  test.each([
    [[0xc0, 0x80], '\\xc0\\x80', 'too long'],
    [[0xe0, 0x9f, 0x80], '\\xe0\\x9f\\x80', 'too long'],
    [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80', 'half a pair'],
    [[0xf4, 0x90, 0x80, 0x80], '\\xf4\\x90\\x80\\x80', 'behind the last character'],
    [[0xf0, 0x8f, 0xbf, 0xbf], '\\xf0\\x8f\\xbf\\xbf', 'too long'],
    [[0xe2, 0x82], '\\xe2\\x82', 'cut'],
    [[0xe2, 0x82, 0xac], '€', 'a character'],
    [[0x1b, 0x5b, 0x0a, 0x09], '\\x1b[\n\t', 'what a terminal obeys'],
  ])('%j is %s: %s', (some, text) => {
    expect(textOf(Uint8Array.from(some))).toBe(text);
  });

  test('control characters are written out', () => {
    expect(shown('a\u0000\u001b\u0085\u009bz\r\n')).toBe('a\\x00\\x1b\\xc2\\x85\\xc2\\x9bz\r\n');
  });
});

describe('base64', () => {
  test('as Node has it, with and without padding, in both alphabets', () => {
    fc.assert(
      fc.property(bytes, (some) => {
        const text = Buffer.from(some).toString('base64');
        for (const form of [text, text.replace(/=/g, ''), Buffer.from(some).toString('base64url')])
          expect(base64(form)).toEqual(some);
      }),
      tries(500),
    );
  });

  test.each(['a', 'ab c', 'abc*', 'aaaaa', 'a=bc', 'ä'])('%s is none', (text) => {
    expect(base64(text)).toBeNull();
  });
});

test('percent-encoding', () => {
  expect(percentDecoded('a%20b+c%C3%A4%zz%')).toBe('a b+cä%zz%');
  expect(percentDecoded('a%2Bb+c', true)).toBe('a+b c');
});

test('bytes and letters', () => {
  const some = Uint8Array.from({ length: 10_000 }, (_, i) => i & 0xff);
  expect(bytesOf(latin1(some))).toEqual(some);
});
