// Strings of IMAP and where a command ends (RFC 9051 s.4.3, s.9): atoms, strings in quotes, and literals, which are told by their
// size and may hold anything.

import type { Speech } from '../../reader.ts';
import { textOf } from '../../text.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
/** A literal that is longer is no name and no password: it is not waited for. */
const LITERAL_MAX = 4096;

/** A string and where it stands, without quotes or size. */
export interface Token {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly isLiteral: boolean;
  /** Behind its quotes. */
  readonly end: number;
}

/**
 * `end`: a whole command ends at `at`. `literal`: at `at` a literal of `size` bytes begins that is too long to wait for. `long`:
 * a line without end. `more`: it is not all there.
 */
export type CommandEnd =
  | { readonly is: 'end' | 'long'; readonly at: number }
  | { readonly is: 'literal'; readonly at: number; readonly size: number }
  | { readonly is: 'more' };

/** The size of the literal that a line ends with, -1 for none. */
export function literalAt(line: string): number {
  const match = /\{(\d{1,10})\+?\}$/.exec(line);
  return match === null ? -1 : Number(match[1]);
}

/** Where the command ends that a client's speech begins with. */
export function endOfCommand(speech: Speech, lineMax: number): CommandEnd {
  let at = 0;
  for (;;) {
    const lf = speech.find(LF, at);
    if (lf < 0 || lf - at > lineMax) {
      const isLong = lf >= 0 || speech.length - at > lineMax || speech.full;
      return isLong ? { is: 'long', at } : { is: 'more' };
    }
    const end = lf > at && speech.byte(lf - 1) === CR ? lf - 1 : lf;
    const size = literalAt(speech.latin1(Math.max(at, end - 16), end));
    if (size < 0) return { is: 'end', at: lf + 1 };
    if (size > LITERAL_MAX || lf > 2 * LITERAL_MAX) return { is: 'literal', at: lf + 1, size };
    at = lf + 1 + size;
    if (speech.length < at) return { is: 'more' };
  }
}

/** The strings of a command at [0, end), at most `most`. */
export function tokens(speech: Speech, end: number, most: number): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < end && found.length < most) {
    const byte = speech.byte(at);
    if (byte === LF) break;
    if (byte === SPACE || byte === CR) {
      at++;
      continue;
    }
    const token = byte === QUOTE ? quoted(speech, at, end) : atomOrLiteral(speech, at, end);
    found.push(token);
    at = token.end;
  }
  return found;
}

function quoted(speech: Speech, start: number, limit: number): Token {
  const bytes: number[] = [];
  let at = start + 1;
  for (; at < limit && speech.byte(at) !== QUOTE && speech.byte(at) !== LF; at++) {
    if (speech.byte(at) === BACKSLASH && at + 1 < limit) at++;
    bytes.push(speech.byte(at));
  }
  const isClosed = at < limit && speech.byte(at) === QUOTE;
  const text = textOf(Uint8Array.from(bytes));
  return { text, from: start + 1, to: at, isLiteral: false, end: isClosed ? at + 1 : at };
}

function atomOrLiteral(speech: Speech, from: number, end: number): Token {
  let at = from;
  while (at < end && speech.byte(at) !== SPACE && speech.byte(at) !== CR && speech.byte(at) !== LF) at++;
  const text = speech.bytes(from, at);
  if (speech.byte(from) === OPEN_BRACE && at < end && speech.byte(at) !== SPACE) {
    const size = literalAt(textOf(text));
    const start = (speech.byte(at) === CR ? at + 1 : at) + 1;
    const to = start + size;
    if (size >= 0 && to <= end)
      return { text: textOf(speech.bytes(start, to)), from: start, to, isLiteral: true, end: to };
  }
  return { text: textOf(text), from, to: at, isLiteral: false, end: at };
}
