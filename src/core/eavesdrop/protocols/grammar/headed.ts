// Messages in the manner of HTTP that are not HTTP's: a first line, headers, a body whose length is told (SIP: RFC 3261 s.7, RTSP:
// RFC 7826 s.20.2). Between them RTSP has packets of media, behind a `$`.

import { tellHeader } from '../../http/credentials.ts';
import { Pen } from '../../http/pen.ts';
import type { Reader, Side, Speech, Talk } from '../../reader.ts';
import { Lines } from './lines.ts';
import { Notes } from './notes.ts';

/** What tells one protocol of this kind from another. */
export interface Headed {
  readonly name: string;
  /** A first line, of a request or an answer. */
  readonly start: RegExp;
  /** Headers whose value tells who somebody is, in lower case. */
  readonly people: ReadonlySet<string>;
}

const DOLLAR = 0x24;
/** Lines that are no message, one behind the other, before it is given up. */
const ODD_MAX = 32;
const BODY_SHOWN = 1024;

class HeadedSide {
  readonly #kind: Headed;
  readonly #notes: Notes;
  readonly #pen: Pen;
  readonly #speech: Speech;
  readonly #lines: Lines;
  readonly #side: Side;
  #isHead = false;
  #body = 0;
  #type = '';
  #odd = 0;

  constructor(kind: Headed, talk: Talk, side: Side) {
    this.#kind = kind;
    this.#side = side;
    this.#notes = new Notes(talk, kind.name);
    this.#pen = new Pen(talk, side, kind.name);
    this.#speech = this.#notes.speech(side);
    this.#lines = new Lines(this.#speech);
  }

  hear(): boolean {
    while (this.#speech.length > 0) {
      if (!this.#isHead && this.#body > 0) {
        if (!this.#hearBody()) return true;
        continue;
      }
      if (!this.#isHead && this.#speech.byte(0) === DOLLAR) {
        if (this.#speech.length < 4) return true;
        this.#speech.skip(4 + this.#speech.uint16(2));
        continue;
      }
      if (!this.#lines.next()) return true;
      this.#line();
      this.#lines.done();
      if (this.#odd > ODD_MAX) return false;
    }
    return true;
  }

  lost(): void {
    this.#isHead = false;
    this.#body = 0;
    this.#lines.lost();
  }

  #line(): void {
    const text = this.#lines.text();
    if (!this.#isHead) {
      if (text === '') return;
      this.#isHead = this.#kind.start.test(text);
      this.#odd = this.#isHead ? 0 : this.#odd + 1;
      if (!this.#isHead) return;
      this.#body = 0;
      this.#type = '';
      const isRequest = this.#side === 0 ? !/^[A-Z]+\/\d/.test(text) : /^[A-Z]+ /.test(text);
      if (isRequest || /^\S+ [4-6]\d\d/.test(text))
        this.#notes.content(this.#side, 0, this.#lines.end, isRequest ? 'request' : 'refusal');
      return;
    }
    if (text === '') {
      this.#isHead = false;
      return;
    }
    const header = /^([A-Za-z-]{1,40})[ \t]*:[ \t]*/.exec(text);
    if (header === null) return;
    const name = (header[1] as string).toLowerCase();
    const at = header[0].length;
    const value = text.slice(at).trimEnd();
    if (name === 'content-length' || name === 'l') this.#body = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    else if (name === 'content-type' || name === 'c') this.#type = value.toLowerCase();
    else if (this.#kind.people.has(name) && value !== '')
      this.#notes.identity(this.#side, at, at + value.length, header[1] as string);
    else if (name.endsWith('authorization')) tellHeader(this.#pen, name, { text: value, at });
  }

  /** What is said in a message (SIP's MESSAGE) is told; descriptions of media are not. */
  #hearBody(): boolean {
    const speech = this.#speech;
    const isText = this.#type.startsWith('text/');
    const wanted = isText ? Math.min(this.#body, BODY_SHOWN) : 0;
    if (speech.length < wanted && !speech.full) return false;
    if (isText) this.#notes.content(this.#side, 0, this.#body, 'message');
    speech.skip(this.#body);
    this.#body = 0;
    return true;
  }
}

export class HeadedReader implements Reader {
  readonly #sides: readonly [HeadedSide, HeadedSide];

  constructor(kind: Headed, talk: Talk) {
    this.#sides = [new HeadedSide(kind, talk, 0), new HeadedSide(kind, talk, 1)];
  }

  said(side: Side): boolean {
    return this.#sides[side].hear();
  }

  lost(side: Side, _bytes: number): boolean {
    this.#sides[side].lost();
    return true;
  }

  ended(): void {}
}
