// A side that speaks in lines: FTP, SMTP, POP3, IMAP and their like (RFC 5321 s.2.3.8). Lines end in CR LF; LF alone is taken
// for one, as servers do.

import type { Speech } from '../../reader.ts';

/** A longer line is read as far as this and passed over from there. The longest that counts is AUTH's (RFC 4954 s.4). */
export const LINE_MAX = 12_288;
const LF = 0x0a;
const CR = 0x0d;

export class Lines {
  readonly #speech: Speech;
  #passing = false;
  /** The line's text is at [0, end). */
  end = 0;
  /** How many bytes it takes with its end. */
  size = 0;
  /** It was too long, and is not all here. */
  cut = false;

  constructor(speech: Speech) {
    this.#speech = speech;
  }

  /** Whether there is a line at the start of what was said. `done` takes it in. */
  next(): boolean {
    const speech = this.#speech;
    if (this.#passing) this.#pass();
    if (this.#passing || speech.length === 0) return false;
    const at = speech.find(LF);
    this.cut = at < 0 ? speech.length > LINE_MAX : at > LINE_MAX;
    if (at < 0 && !this.cut) return this.#pressed();
    this.end = this.cut ? LINE_MAX : at > 0 && speech.byte(at - 1) === CR ? at - 1 : at;
    this.size = this.cut ? LINE_MAX : at + 1;
    return true;
  }

  /** The line, one character a byte. */
  text(): string {
    return this.#speech.latin1(0, this.end);
  }

  done(): void {
    this.#speech.take(this.size);
    this.#passing = this.cut;
  }

  /** What comes next is the middle of a line: it is passed over. */
  lost(): void {
    this.#speech.take(this.#speech.length);
    this.#passing = true;
  }

  /** No line yet, and no room for more of it: the side says a byte a packet. */
  #pressed(): boolean {
    if (!this.#speech.full) return false;
    this.cut = true;
    this.end = this.#speech.length;
    this.size = this.end;
    return true;
  }

  #pass(): void {
    const at = this.#speech.find(LF);
    this.#speech.take(at < 0 ? this.#speech.length : at + 1);
    this.#passing = at < 0;
  }
}

/** A side's first line as far as it is there, at most 512 characters; it ends in `\n`, without `\r`, if it is whole. */
export function firstLine(speech: Speech): string {
  const text = speech.latin1(0, Math.min(speech.length, 512));
  const end = text.indexOf('\n');
  return end < 0 ? text.replace(/\r$/, '') : text.slice(0, end + 1).replace('\r\n', '\n');
}

/** A text that commands and replies are made of: no control characters, though letters of any script. */
export function isPlain(text: string): boolean {
  const end = text.endsWith('\n') ? text.length - 1 : text.length;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false;
  }
  return true;
}

/**
 * Whether a first line begins with one of these words, in letters of either case: `more` where it is not long enough to tell.
 * @param words in upper case
 */
export function mayStart(text: string, words: ReadonlySet<string>): 'yes' | 'more' | 'no' {
  const word = (/^[A-Za-z]*/.exec(text)?.[0] ?? '').toUpperCase();
  if (word.length < text.length) return words.has(word) && /^[A-Za-z]+[ \t\n]/.test(text) ? 'yes' : 'no';
  for (const one of words) if (one.startsWith(word)) return 'more';
  return 'no';
}
