// How a protocol's reader tells what it found: what a stretch of bytes says, cut to a length that a person reads, and where
// these bytes stand.

import type { Side, Speech, Talk } from '../../reader.ts';
import type { Place, Reading, ReadingKind } from '../../reading.ts';
import { textOf, utf8 } from '../../text.ts';

/** Bytes of the wire that one reading shows at most; what was longer ends in CUT. */
export const TEXT_MAX = 1024;
/** Bytes that are shown as digits at most. */
const HEX_MAX = 256;
export const CUT = '\u2026';

/** A stretch of a side's bytes that may go on, and may be taken in before it ends. */
export interface Passage {
  readonly side: Side;
  readonly place: Place;
  readonly bytes: Uint8Array;
  /** Bytes kept in `bytes`. */
  kept: number;
  /** Bytes on the wire between the first and the last that are kept. */
  length: number;
  /** There was more than is kept. */
  more: boolean;
}

export class Notes {
  readonly #talk: Talk;
  readonly #protocol: string;

  constructor(talk: Talk, protocol: string) {
    this.#talk = talk;
    this.#protocol = protocol;
  }

  speech(side: Side): Speech {
    return side === 0 ? this.#talk.client : this.#talk.server;
  }

  /** The text of bytes [from, to) of what a side has said and nobody has taken in. */
  text(side: Side, from: number, to: number): string {
    const end = cutAt(this.speech(side), from, to);
    return textOf(this.speech(side).bytes(from, end)) + (end < to ? CUT : '');
  }

  /** @param text what is shown of it, where that is not what stands there */
  content(side: Side, from: number, to: number, what: string, text: string | null = null): void {
    const end = text === null ? cutAt(this.speech(side), from, to) : to;
    this.#tell('content', side, from, end, what, text ?? this.text(side, from, to), '');
  }

  identity(side: Side, from: number, to: number, what: string, text: string | null = null): void {
    this.#tell('identity', side, from, to, what, text ?? this.text(side, from, to), '');
  }

  /** @param who whom the secret is of, '' where nobody said */
  secret(
    side: Side,
    from: number,
    to: number,
    what: string,
    who: string,
    secret: string | null = null,
  ): void {
    this.#tell('secret', side, from, to, what, who, secret ?? this.text(side, from, to));
  }

  /** An answer to a challenge, both in a form in which guesses can be tried: see `proof`. */
  challenge(side: Side, from: number, to: number, what: string, who: string, secret: string): void {
    this.#tell('challenge', side, from, to, what, who, secret);
  }

  /** What stands in `length` bytes from a place on, some of which were taken in already. */
  along(side: Side, place: Place, length: number, what: string, text: string): void {
    const fromClient = side === 0;
    const protocol = this.#protocol;
    this.#talk.tell({ protocol, kind: 'content', what, text, secret: '', place, length, fromClient });
  }

  /** Opens a passage at position `at`. */
  passage(side: Side, at: number): Passage {
    const place = this.speech(side).place(at);
    return { side, place, bytes: new Uint8Array(TEXT_MAX), kept: 0, length: 0, more: false };
  }

  /** Adds bytes [from, to), and counts `between` bytes of the wire that stand before them and do not belong to it. */
  add(passage: Passage, from: number, to: number, between = 0): void {
    const n = Math.min(to - from, TEXT_MAX - passage.kept);
    if (n < to - from) passage.more = true;
    if (n <= 0) return;
    passage.bytes.set(this.speech(passage.side).bytes(from, from + n), passage.kept);
    passage.kept += n;
    passage.length += between + n;
  }

  /**
   * Tells a passage, if there is something in it.
   * @param text what is shown of it, where that is not what stands there; whom a secret is of
   */
  close(
    passage: Passage,
    what: string,
    text: string | null = null,
    kind: ReadingKind = 'content',
    secret = '',
  ): void {
    if (passage.kept === 0) return;
    const { side, place, length, bytes, kept, more } = passage;
    this.#talk.tell({
      protocol: this.#protocol,
      kind,
      what,
      text: text ?? textOf(bytes.subarray(0, kept)) + (more ? CUT : ''),
      secret,
      place,
      length,
      fromClient: side === 0,
    });
  }

  #tell(
    kind: ReadingKind,
    side: Side,
    from: number,
    to: number,
    what: string,
    text: string,
    secret: string,
  ): void {
    const reading: Reading = {
      protocol: this.#protocol,
      kind,
      what,
      text,
      secret,
      place: this.speech(side).place(from),
      length: Math.max(1, to - from),
      fromClient: side === 0,
    };
    this.#talk.tell(reading);
  }
}

/** Where to end a text that starts at `from`: not inside a character. */
function cutAt(speech: Speech, from: number, to: number): number {
  let end = Math.min(to, from + TEXT_MAX);
  for (let back = 0; back < 3 && end < to && (speech.byte(end) & 0xc0) === 0x80; back++) end--;
  return end;
}

/** `challenge=... answer=...`: what a guess is checked with, in words and without the packets. */
export function proof(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** UTF-8 without control characters other than tabs and ends of lines; the last character may be cut. */
export function isText(bytes: Uint8Array): boolean {
  const hasControls = bytes.some((byte) => (byte < 0x20 && (byte < 9 || byte > 13)) || byte === 0x7f);
  return (
    !hasControls &&
    !utf8(bytes)
      .replace(/\ufffd{1,3}$/, '')
      .includes('\ufffd')
  );
}

/** Their text, or `\\x` and the first of them as hexadecimal digits. */
export function textOrHex(bytes: Uint8Array): string {
  return isText(bytes) ? textOf(bytes) : `\\x${hex(bytes.subarray(0, HEX_MAX))}`;
}

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
