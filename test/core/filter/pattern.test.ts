import { describe, expect, test } from 'vitest';
import { readDate } from '../../../src/core/filter/date.ts';
import { readLiteral } from '../../../src/core/filter/literal.ts';
import { compilePattern } from '../../../src/core/filter/pattern.ts';
import type { ValueType } from '../../../src/core/filter/types.ts';

describe('regular expressions as PCRE has them', () => {
  test.each([
    ['get', 'GET /', true],
    ['(?-i)get', 'GET /', false],
    ['(?i)get', 'GET /', true],
    ['a.b', 'a\nb', false],
    ['a.b', 'a\rb', true],
    ['(?s)a.b', 'a\nb', true],
    ['end$', 'the end\n', true],
    ['end$', 'end\nmore', false],
    ['(?m)^b$', 'a\nb\nc', true],
    ['^b', 'a\nb', false],
    ['\\Ab', 'a\nb', false],
    ['a\\z', 'a\n', false],
    ['a\\Z', 'a\n', true],
    ['a\\hb', 'a\tb', true],
    ['a\\Rb', 'a\r\nb', true],
    ['\\Qa.b\\E$', 'a.b', true],
    ['\\Qa.b\\E$', 'axb', false],
    ['\\Q$(', 'a$(', true],
    ['[[:digit:]]{3}x', '123x', true],
    ['[^[:space:]]+$', ' ', false],
    ['[]x]y', ']y', true],
    ['[^]x]y', ']y', false],
    ['[a[]b', '[b', true],
    ['[\\]]', ']', true],
    ['[.$]', '$', true],
    ['(?P<v>\\d)\\k<v>', '11', true],
    ['\\x{41}', 'A', true],
    ['\\x41', 'A', true],
    ['\xff', 'a\xffb', true],
  ])('%s on %j is %s', (source, text, found) => {
    expect(compilePattern(source).test(text)).toBe(found);
  });

  test('what JavaScript cannot do is refused', () => {
    for (const source of ['(', 'a++', '(?>a)', '[z-a]', '*']) {
      expect(() => compilePattern(source), source).toThrow(SyntaxError);
    }
  });
});

describe('literals', () => {
  const word = (text: string, type: ValueType): unknown => readLiteral(text, 'word', type, null);
  const value = (text: string, type: ValueType): unknown =>
    readLiteral(text, 'word', type, null)?.value ?? null;

  test('numbers in four bases', () => {
    const texts = ['10', '0x0a', '0XA', '0b1010', '012', '0', '00', '-10'];
    expect(texts.map((text) => value(text, 'number'))).toEqual([10, 10, 10, 10, 10, 0, 0, -10]);
    for (const text of ['08', '0x', '0b2', '1.5', 'ten', '', '9007199254740993']) {
      expect(word(text, 'number'), text).toBeNull();
    }
  });

  test('values by name, whatever the case', () => {
    const names = { 1: 'Request', 2: 'Reply' };
    expect(readLiteral('reply', 'word', 'number', names)?.value).toBe(2);
    expect(readLiteral('Request', 'string', 'number', names)?.value).toBe(1);
    expect(readLiteral('a', 'char', 'number', names)?.value).toBe(97);
    expect(readLiteral('other', 'word', 'number', names)).toBeNull();
  });

  test('flags', () => {
    const texts = ['True', 'TRUE', 'true', 'Set', '1', '7', 'False', '0', 'Not set'];
    expect(texts.map((text) => value(text, 'bool'))).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0]);
  });

  test('times are nanoseconds', () => {
    const texts = ['1', '1.5', '.000000001', '-0.1', '1700000000.123456789'];
    expect(texts.map((text) => value(text, 'time'))).toEqual([
      1_000_000_000n,
      1_500_000_000n,
      1n,
      -100_000_000n,
      1_700_000_000_123_456_789n,
    ]);
    for (const text of ['', '.', '-', '1.0000000001', '1s']) expect(word(text, 'time'), text).toBeNull();
  });

  test('MAC addresses in four spellings', () => {
    for (const text of ['02:42:0a:00:01:02', '02-42-0A-00-01-02', '02.42.0a.00.01.02', '0242.0a00.0102']) {
      expect(value(text, 'mac'), text).toBe(0x02420a000102);
    }
    for (const text of ['02:42:0a:00:01', '02:42-0a:00:01:02', '2:42:a:0:1:2'])
      expect(word(text, 'mac')).toBeNull();
  });

  test('addresses with and without a prefix length', () => {
    expect(word('10.0.0.0/8', 'ipv4')).toEqual({ value: 0x0a000000, bits: 8 });
    expect(word('10.0.0.1', 'ipv4')).toEqual({ value: 0x0a000001, bits: null });
    expect(word('fe80::/10', 'ipv6')).toEqual({ value: { a: 0xfe800000, b: 0, c: 0, d: 0 }, bits: 10 });
    for (const text of ['10.0.0.0/33', '10.0.0', '10.0.0.0/', 'fe80::1'])
      expect(word(text, 'ipv4')).toBeNull();
    for (const text of ['10.0.0.1', 'fe80::/129', 'fe80:::']) expect(word(text, 'ipv6')).toBeNull();
  });

  test('bytes', () => {
    const hex = (text: string): string | null => {
      const bytes = value(text, 'bytes') as Uint8Array | null;
      return bytes === null ? null : Buffer.from(bytes).toString('hex');
    };
    const texts = ['47:45:54', '47-45-54', '47.45.54', '474554', '0x47', '7', ':fc', '0.1.0.d', '4745.5400'];
    expect(texts.map(hex)).toEqual([
      ...['474554', '474554', '474554', '474554', '47', '07', 'fc', '0001000d', '47455400'],
    ]);
    expect(['0x4745', '474', '47:45-54', '192.0', 'get', ''].map(hex)).toEqual(Array(6).fill(null));
    expect(readLiteral('GET', 'string', 'bytes', null)?.value).toEqual(Uint8Array.of(0x47, 0x45, 0x54));
  });

  test('dates, UTC unless an offset is given', () => {
    const iso = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;
    for (const text of ['1970-01-01', '2000-02-29', '2026-12-31', '2100-03-01', '1969-07-20']) {
      expect(readDate(text), text).toBe(iso(`${text}T00:00:00Z`));
    }
    expect(readDate('2026-01-31 12:34:56.789')).toBe(iso('2026-01-31T12:34:56.789Z'));
    expect(readDate('2026-01-31T12:34:56+02:00')).toBe(iso('2026-01-31T12:34:56+02:00'));
    expect(readDate('2026-01-31 12:34:56.000000001 UTC')).toBe(iso('2026-01-31T12:34:56Z') + 1n);
    for (const text of ['2026-02-29', '2026-13-01', '2026-01-01 25:00:00', 'today', '2026-1-1']) {
      expect(readDate(text), text).toBeNull();
    }
  });
});
