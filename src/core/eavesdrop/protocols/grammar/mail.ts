// A mail as SMTP, POP3 and IMAP carry it (RFC 5322; RFC 2045 for how its text is packed, RFC 2047 for words in headers): who, to
// whom, about what, and how it begins. Attachments and parts of parts are not taken apart.

import type { Side } from '../../reader.ts';
import { base64, bytesOf, latin1, textOf } from '../../text.ts';
import type { Notes, Passage } from './notes.ts';
import { CUT } from './notes.ts';

const LF = 0x0a;
const CR = 0x0d;
/** Headers of which somebody's name or address is read, and those of which the text is. */
const PEOPLE: ReadonlySet<string> = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'sender',
  'reply-to',
  'delivered-to',
]);
const TEXTS: ReadonlySet<string> = new Set(['subject', 'date']);

export class Mail {
  readonly #notes: Notes;
  readonly #side: Side;
  #inHead = true;
  /** The header that is being read, or the body's beginning. */
  #open: Passage | null = null;
  /** Bytes of the line that is being read, and whether it is nothing but its end. */
  #column = 0;
  #isEmpty = false;
  #packing = '';
  #multipart = false;

  constructor(notes: Notes, side: Side) {
    this.#notes = notes;
    this.#side = side;
  }

  /**
   * Bytes [from, to) of what the side has said come next, cut anywhere. Takes nothing in.
   * @param between bytes of the wire before them that are not the mail's, such as a dot that was put before a dot
   */
  hear(from: number, to: number, between = 0): void {
    for (let at = from; at < to; ) {
      if (!this.#inHead) {
        this.#open ??= this.#notes.passage(this.#side, at);
        this.#notes.add(this.#open, at, to, this.#open.kept === 0 ? 0 : between);
        return;
      }
      at = this.#headPiece(at, to);
    }
  }

  /** There is no more of it, or no more that can be heard. */
  end(): void {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    if (this.#inHead) this.#header(open);
    else this.#notes.close(open, 'message', this.#body(open));
  }

  #headPiece(from: number, to: number): number {
    const speech = this.#notes.speech(this.#side);
    const first = speech.byte(from);
    if (this.#column === 0 && first !== 0x20 && first !== 0x09) {
      // No continuation (RFC 5322 s.2.2.3): the header before it is whole.
      if (this.#open !== null) this.#header(this.#open);
      this.#open = first === CR || first === LF ? null : this.#notes.passage(this.#side, from);
    }
    const end = speech.find(LF, from);
    const next = end < 0 || end >= to ? to : end + 1;
    if (this.#column === 0) this.#isEmpty = true;
    for (let i = from; i < next && this.#isEmpty; i++)
      this.#isEmpty = speech.byte(i) === LF || (speech.byte(i) === CR && this.#column + i - from === 0);
    if (this.#isEmpty && next === end + 1) {
      this.#inHead = false;
      this.#open = null;
      return next;
    }
    if (this.#open !== null) this.#notes.add(this.#open, from, next);
    this.#column = end >= 0 && end < to ? 0 : this.#column + next - from;
    return next;
  }

  #header(passage: Passage): void {
    const line = latin1(passage.bytes.subarray(0, passage.kept)).trimEnd();
    const colon = line.indexOf(':');
    if (colon <= 0) return;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line
      .slice(colon + 1)
      .replace(/\r?\n[ \t]/g, ' ')
      .trim();
    if (name === 'content-transfer-encoding') this.#packing = value.toLowerCase();
    if (name === 'content-type') this.#multipart = /^multipart\//i.test(value);
    const isPerson = PEOPLE.has(name);
    if ((!isPerson && !TEXTS.has(name)) || value === '') return;
    const what = name.charAt(0).toUpperCase() + name.slice(1);
    const text = textOf(bytesOf(unpackWords(value))) + (passage.more ? CUT : '');
    const length = line.length;
    this.#notes.close({ ...passage, length }, what, text, isPerson ? 'identity' : 'content');
  }

  /** The text of the body's beginning; null where it stands there as it is. */
  #body(passage: Passage): string | null {
    if (this.#multipart) return null;
    const packed = latin1(passage.bytes.subarray(0, passage.kept));
    const cut = passage.more ? CUT : '';
    if (this.#packing === 'base64') {
      const letters = packed.replace(/[\r\n]/g, '');
      const whole = passage.more ? letters.slice(0, letters.length & ~3) : letters;
      const bytes = base64(whole);
      return bytes === null ? null : textOf(bytes) + cut;
    }
    if (this.#packing !== 'quoted-printable') return null;
    return textOf(bytesOf(unquoted(packed.replace(/=[ \t]*\r?\n/g, '')))) + cut;
  }
}

/** `=41` to `A` (RFC 2045 s.6.7). */
function unquoted(text: string): string {
  return text.replace(/=([0-9A-F]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** `=?utf-8?Q?caf=C3=A9?=` to its bytes; other words, and those in charsets that are not of Unicode or Latin, stay. */
function unpackWords(value: string): string {
  const joined = value.replace(/(\?=)[ \t]+(=\?)/g, '$1$2');
  return joined.replace(
    /=\?([^?\s]{1,40})\?([bq])\?([^?\s]{0,512})\?=/gi,
    (word, charset: string, how: string, text: string) => {
      const bytes = how.toLowerCase() === 'b' ? base64(text) : bytesOf(unquoted(text.replaceAll('_', ' ')));
      if (bytes === null) return word;
      if (/^(?:utf-8|us-ascii)/i.test(charset)) return latin1(bytes);
      return /^iso-8859-1\b/i.test(charset) ? asUtf8(bytes) : word;
    },
  );
}

/** Latin-1 as UTF-8, one character a byte. */
function asUtf8(bytes: Uint8Array): string {
  return latin1(bytes).replace(/[\x80-\xff]/g, (letter) => {
    const code = letter.charCodeAt(0);
    return String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
  });
}
