// The words of a filter. What a word means (field, address, number) is for those who know the fields; a word is a run of
// letters, digits and `_ . : -`, with `/24` behind an address. So `a-b` is one word, as in Wireshark: a minus sign wants a
// space in front.

import { Complaint, quoted } from './error.ts';
import { readString } from './string-literal.ts';
import type { Token } from './token.ts';

/** More than anybody writes; a bound for what comes in. */
const TEXT_MAX = 65_536;

const SIGNS = [
  ...['===', '!==', '==', '!=', '~=', '>=', '<=', '&&', '||', '^^', '..'],
  ...['>', '<', '!', '~', '&', '+', '-', '*', '/', '%', '(', ')', '{', '}', ',', '#'],
];

const WORD_START = /[\p{L}\p{N}_]/u;
const WORD = /[\p{L}\p{N}_:]/u;
/** What may stand before the slash of a prefix length. */
const ADDRESS = /^(?:\d+(?:\.\d+){1,3}|[0-9a-f.]*:[0-9a-f.:]*)$/i;

/** Cuts a filter's text into tokens, the last of which is `end`. Throws a Complaint. */
export function lex(text: string): Token[] {
  if (text.length > TEXT_MAX) {
    throw new Complaint(
      { at: 0, to: 1 },
      `the filter has ${text.length} characters; ${TEXT_MAX} are the most`,
    );
  }
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text.charAt(at))) at++;
    if (at >= text.length) {
      tokens.push({ kind: 'end', text: '', at: text.length, to: text.length + 1 });
      return tokens;
    }
    const token = next(text, at);
    tokens.push(token);
    at = token.to;
  }
}

function next(text: string, at: number): Token {
  const c = text.charAt(at);
  if (c === '"' || c === "'") return readString(text, at, at);
  if ((c === 'r' || c === 'R') && text.charAt(at + 1) === '"') return readString(text, at, at + 1);
  if (c === '[') return brackets(text, at);
  if (WORD_START.test(c) || (c === ':' && /[0-9a-f:]/i.test(text.charAt(at + 1)))) return word(text, at);
  if (c === '$') {
    throw new Complaint(
      { at, to: at + 1 },
      'a field in braces is one of the packet that is selected in a window, and here is none; write its value',
    );
  }
  const sign = SIGNS.find((s) => text.startsWith(s, at));
  if (sign === undefined) {
    throw new Complaint({ at, to: at + 1 }, `${quoted(c)} has no meaning here; put text in double quotes`);
  }
  return { kind: 'sign', text: sign, at, to: at + sign.length };
}

function word(text: string, at: number): Token {
  let to = at + 1;
  for (; to < text.length; to++) {
    const c = text.charAt(to);
    const after = text.charAt(to + 1);
    if (WORD.test(c)) continue;
    if (c === '.' && after !== '.') continue;
    if (c === '-' && WORD_START.test(after)) continue;
    if (c === '/' && /\d/.test(after) && ADDRESS.test(text.slice(at, to))) continue;
    break;
  }
  return { kind: 'word', text: text.slice(at, to), at, to };
}

function brackets(text: string, at: number): Token {
  const end = text.indexOf(']', at);
  if (end < 0) throw new Complaint({ at, to: at + 1 }, 'the bracket is not closed; add ]');
  return { kind: 'brackets', text: text.slice(at + 1, end), at, to: end + 1 };
}
