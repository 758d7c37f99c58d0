// "Text", r"raw text" and 'c' in a filter, with C's escapes.
//
// What comes out has one character for a byte: what is typed becomes its UTF-8 bytes, `\xff` one byte. So the same text can
// be compared with bytes; `textOf` gives back what a text field holds.

import { Complaint, quoted } from './error.ts';
import type { Token } from './token.ts';

const SIMPLE: Readonly<Record<string, number>> = {
  "'": 0x27,
  '"': 0x22,
  '\\': 0x5c,
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};

/** Reads the literal at `at` whose quote stands at `open`, one further where an r says that backslashes are letters. */
export function readString(text: string, at: number, open: number): Token {
  const quote = text.charAt(open);
  const isRaw = open > at;
  let bytes = '';
  let i = open + 1;
  while (i < text.length && text.charAt(i) !== quote) {
    const c = text.codePointAt(i) as number;
    if (c !== 0x5c) {
      bytes += utf8(c);
      i += c > 0xffff ? 2 : 1;
    } else if (isRaw) {
      bytes += text.charAt(i + 1) === quote ? `\\${quote}` : '\\';
      i += text.charAt(i + 1) === quote ? 2 : 1;
    } else {
      const [value, length] = readEscape(text, i);
      bytes += value;
      i += length;
    }
  }
  if (i >= text.length) {
    throw new Complaint(
      { at, to: text.length },
      `the quote is not closed; add ${quote} at the end of the text`,
    );
  }
  const span = { at, to: i + 1 };
  if (quote === '"') return { kind: 'string', text: bytes, ...span };
  if (bytes.length !== 1) {
    throw new Complaint(
      span,
      "a character constant is one character; write text in double quotes, not in '...'",
    );
  }
  return { kind: 'char', text: bytes, ...span };
}

/** What the backslash at `at` and what follows mean, and how long that is. */
function readEscape(text: string, at: number): [string, number] {
  const rest = text.slice(at + 1, at + 10);
  const simple = SIMPLE[rest.charAt(0)];
  if (simple !== undefined) return [String.fromCharCode(simple), 2];
  const octal = /^[0-7]{1,3}/.exec(rest);
  if (octal !== null) return [String.fromCharCode(Number.parseInt(octal[0], 8) & 0xff), 1 + octal[0].length];
  const hex = /^x[0-9a-f]{1,2}/i.exec(rest);
  if (hex !== null) return [String.fromCharCode(Number.parseInt(hex[0].slice(1), 16)), 1 + hex[0].length];
  const point = /^(?:u[0-9a-f]{4}|U[0-9a-f]{8})/.exec(rest.replace(/[A-F]/g, (c) => c.toLowerCase()));
  const code = point === null ? -1 : Number.parseInt(point[0].slice(1), 16);
  if (point !== null && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) {
    return [utf8(code), 1 + point[0].length];
  }
  throw new Complaint(
    { at, to: Math.min(text.length, at + 2) },
    `${quoted(text.slice(at, at + 2))} is no escape; write \\\\ for a backslash, or r"..." for text as it stands`,
  );
}

/** The UTF-8 bytes of a code point, a character each. */
export function utf8(c: number): string {
  if (c < 0x80) return String.fromCharCode(c);
  const tail = (shift: number): number => 0x80 | ((c >> shift) & 0x3f);
  if (c < 0x800) return String.fromCharCode(0xc0 | (c >> 6), tail(0));
  if (c < 0x10000) return String.fromCharCode(0xe0 | (c >> 12), tail(6), tail(0));
  return String.fromCharCode(0xf0 | (c >> 18), tail(12), tail(6), tail(0));
}

/** The characters of a string of bytes, read as UTF-8; a byte that is no UTF-8 stands for itself. */
export function textOf(bytes: string): string {
  return bytes.replace(
    /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g,
    (run) => {
      let code = run.charCodeAt(0) & (0x7f >> run.length);
      for (let i = 1; i < run.length; i++) code = (code << 6) | (run.charCodeAt(i) & 0x3f);
      return code <= 0x10ffff ? String.fromCodePoint(code) : run;
    },
  );
}
