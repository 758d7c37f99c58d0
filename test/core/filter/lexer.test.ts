import { describe, expect, test } from 'vitest';
import { Complaint } from '../../../src/core/filter/error.ts';
import { lex } from '../../../src/core/filter/lexer.ts';
import { textOf } from '../../../src/core/filter/string-literal.ts';

const words = (text: string): string[] => lex(text).map(({ kind, text: t }) => `${kind} ${t}`.trim());

function complaint(text: string): string {
  try {
    lex(text);
  } catch (error) {
    if (error instanceof Complaint) return `${error.span.at}-${error.span.to} ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('lexer', () => {
  test('words, signs and places', () => {
    expect(lex('ip.src==10.0.0.1')).toEqual([
      { kind: 'word', text: 'ip.src', at: 0, to: 6 },
      { kind: 'sign', text: '==', at: 6, to: 8 },
      { kind: 'word', text: '10.0.0.1', at: 8, to: 16 },
      { kind: 'end', text: '', at: 16, to: 17 },
    ]);
    expect(words('a!==b')).toEqual(['word a', 'sign !==', 'word b', 'end']);
    expect(words('a ~= b ^^ !c')).toEqual([
      'word a',
      'sign ~=',
      'word b',
      'sign ^^',
      'sign !',
      'word c',
      'end',
    ]);
  });

  test('addresses of all kinds are one word, with a prefix length behind some', () => {
    const all = '10.0.0.0/8 2001:db8::/32 ::1 fe80:: 02-42-0a-00-01-02 0242.0a00.0102 47:45 :fc 10.0/16';
    expect(words(all)).toEqual([...all.split(' ').map((word) => `word ${word}`), 'end']);
  });

  test('a slash behind a field is a division', () => {
    expect(words('udp.length/2')).toEqual(['word udp.length', 'sign /', 'word 2', 'end']);
  });

  test('a range needs no spaces around it', () => {
    expect(words('{10.0.0.1..10.0.0.9,1..2}')).toEqual([
      ...['sign {', 'word 10.0.0.1', 'sign ..', 'word 10.0.0.9', 'sign ,'],
      ...['word 1', 'sign ..', 'word 2', 'sign }', 'end'],
    ]);
  });

  test('a minus sign inside a word belongs to it, in front of one it does not', () => {
    expect(words('a-b')).toEqual(['word a-b', 'end']);
    expect(words('a -b')).toEqual(['word a', 'sign -', 'word b', 'end']);
    expect(words('a- b')).toEqual(['word a', 'sign -', 'word b', 'end']);
  });

  test('brackets are kept whole', () => {
    expect(words('frame[0:4,-2:][1]')).toEqual(['word frame', 'brackets 0:4,-2:', 'brackets 1', 'end']);
  });

  test('escapes become bytes, raw text does not', () => {
    const one = (text: string): string => lex(text)[0]?.text ?? '';
    expect(one(String.raw`"\x48\110\u0048\U00000048\n\"\\\0"`)).toBe('HHHH\n"\\\0');
    expect(one(String.raw`"\xff"`)).toBe('\xff');
    expect(one('"é€😀"')).toBe('\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80');
    expect(textOf(one('"é€😀\\xff"'))).toBe('é€😀\xff');
    expect(one(String.raw`r"\d\"x"`)).toBe(String.raw`\d\"x`);
    expect(lex(String.raw`'\n'`)[0]).toMatchObject({ kind: 'char', text: '\n' });
  });

  test('what is not closed or has no meaning is named with its place', () => {
    expect(complaint('a == "b')).toBe('5-7 the quote is not closed; add " at the end of the text');
    expect(complaint('a[1')).toBe('1-2 the bracket is not closed; add ]');
    expect(complaint('a == "\\q"')).toMatch(/^6-8 "\\q" is no escape/);
    expect(complaint('a == "\\ud800"')).toMatch(/is no escape/);
    expect(complaint("a == 'bc'")).toMatch(/^5-9 a character constant is one character/);
    expect(complaint('a ; b')).toMatch(/^2-3 ";" has no meaning here/);
    expect(complaint(`\${ip.src}`)).toMatch(/selected in a window/);
    expect(complaint('a'.repeat(70_000))).toMatch(/65536 are the most/);
  });
});
