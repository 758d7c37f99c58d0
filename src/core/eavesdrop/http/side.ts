// One side of an HTTP/1 connection (RFC 9112): messages one behind the other, each a line, headers and a body whose end is
// told by a length, by chunks, or by the end of the connection.
//
//   line -> headers -> body | chunks -> line ...      lost: until a line is one that opens a message
//
// A body that is read stays in the speech until it is whole or BODY_MAX bytes of it are there, so that the place of each
// byte is known; of the rest nothing is wanted.

import type { Inflate } from '../inflate.ts';
import { Pieces } from '../pieces.ts';
import type { Speech } from '../reader.ts';
import { BODY_MAX, isReadable, tellBody } from './body.ts';
import { Cursor, LINE_MAX } from './cursor.ts';
import { Head } from './head.ts';
import type { Pen } from './pen.ts';
import { startIn } from './start-line.ts';

/** What is looked through for the next message before it is clear that there is none. */
const LOST_MAX = 262_144;
/** All that comes. */
const FOREVER = Number.MAX_SAFE_INTEGER;
const CHUNK_SIZE = /^\s*([\da-f]{1,12})\s*(?:;.*)?$/i;

type Phase = 'line' | 'headers' | 'length' | 'close' | 'size' | 'chunk' | 'trailers' | 'lost' | 'over';
/** After a step: there may be more to do, more bytes are needed, this is no HTTP. */
type Step = 'more' | 'wait' | 'no';

/** What an answer is to: the reader of the connection knows. */
export interface Exchange {
  /** A request's head is complete; `upgrades` when it asks for another protocol. */
  asked(method: string, upgrades: boolean): void;
  /** An answer's head is complete. The method that it answers, '' where that was not heard. */
  answered(code: number): string;
  /** A request asked for another protocol, and what it got was not heard. */
  readonly mayBeAnother: boolean;
  /** The connection is another protocol's from here. */
  switched(): void;
}

export class HttpSide {
  readonly #pen: Pen;
  readonly #speech: Speech;
  readonly #cursor: Cursor;
  readonly #isClient: boolean;
  readonly #head: Head;
  readonly #exchange: Exchange;
  readonly #inflate: Inflate | null;
  #phase: Phase = 'line';
  #messages = 0;
  #lostBytes = 0;
  /** Bytes of the body or of the chunk that are still to come, behind the cursor. */
  #left = 0;
  /** The body's pieces: position in the speech, length, position, length ... */
  #pieces: number[] = [];
  #pieceBytes = 0;

  constructor(pen: Pen, isClient: boolean, exchange: Exchange, inflate: Inflate | null) {
    this.#pen = pen;
    this.#speech = pen.speech;
    this.#cursor = new Cursor(pen.speech);
    this.#isClient = isClient;
    this.#head = new Head(pen, isClient);
    this.#exchange = exchange;
    this.#inflate = inflate;
  }

  /** A message was heard. */
  get isSure(): boolean {
    return this.#messages > 0;
  }

  /** What comes begins in the middle of something. */
  startLost(): void {
    this.#phase = 'lost';
    this.#lostBytes = 0;
    this.#cursor.restart();
  }

  /** False when this is no HTTP. */
  said(): boolean {
    let step: Step = 'more';
    while (step === 'more') step = this.#step();
    if (step === 'no') return false;
    if (this.#speech.ended) this.end();
    return true;
  }

  /** Nothing more comes: a body that is not whole is told as far as it goes. */
  end(): void {
    if (this.#cursor.isKept) this.#tellKept();
  }

  lost(bytes: number): void {
    const { length } = this.#speech;
    const phase = this.#phase;
    const left = this.#left - (length - this.#cursor.at) - bytes;
    this.end();
    this.#cursor.restart();
    if (phase === 'close') this.#over();
    else if ((phase === 'length' || phase === 'chunk') && left >= 0) {
      this.#speech.take(length);
      this.#speech.skip(left);
      this.#left = 0;
      this.#phase = phase === 'length' ? 'line' : 'size';
    } else if (phase !== 'over') this.startLost();
  }

  #step(): Step {
    switch (this.#phase) {
      case 'line':
        return this.#line();
      case 'headers':
        return this.#header();
      case 'length':
        return this.#lengthBody();
      case 'close':
        return this.#closeBody();
      case 'size':
        return this.#size();
      case 'chunk':
        return this.#chunk();
      case 'trailers':
        return this.#trailer();
      case 'lost':
        return this.#search();
      default:
        return 'wait';
    }
  }

  #line(): Step {
    if (this.#cursor.isOverlong) return this.#cursor.passRest() ? 'more' : 'wait';
    const end = this.#cursor.lineEnd();
    if (end < 0) return 'wait';
    const text = this.#cursor.text(end);
    if (text === '') {
      this.#cursor.pass(end);
      return 'more';
    }
    if (this.#opens(text, this.#cursor.at)) {
      this.#cursor.pass(end);
      return 'more';
    }
    this.#cursor.isOverlong = false;
    if (this.#messages === 0) return 'no';
    if (this.#exchange.mayBeAnother) {
      this.#phase = 'over';
      this.#exchange.switched();
      return 'wait';
    }
    this.startLost();
    return 'more';
  }

  #opens(text: string, at: number): boolean {
    if (!this.#head.opens(text, at)) return false;
    this.#messages++;
    this.#phase = 'headers';
    return true;
  }

  #header(): Step {
    if (this.#cursor.isOverlong) return this.#cursor.passRest() ? 'more' : 'wait';
    const end = this.#cursor.lineEnd();
    if (end < 0) return 'wait';
    const text = this.#cursor.text(end);
    if (text !== '') this.#head.field(text, this.#cursor.at);
    this.#cursor.pass(end);
    return text === '' ? this.#headed() : 'more';
  }

  /** The head is complete: how long is the body (RFC 9112 s.6.3)? */
  #headed(): Step {
    const head = this.#head;
    if (this.#isClient) this.#exchange.asked(head.method, head.upgrades);
    else {
      const { code } = head;
      const method = this.#exchange.answered(code);
      if (code === 101 || (method === 'CONNECT' && code >= 200 && code < 300)) {
        this.#phase = 'over';
        this.#exchange.switched();
        return 'wait';
      }
      const isBare = method === 'HEAD' || code < 200 || code === 204 || code === 304;
      if (isBare) return this.#next();
    }
    this.#cursor.isKept = isReadable(head.body);
    this.#cursor.at = 0;
    this.#pieces = [];
    this.#pieceBytes = 0;
    if (head.isChunked) this.#phase = 'size';
    else if (head.length > 0) {
      this.#left = head.length;
      this.#phase = 'length';
    } else if (head.length === 0 || this.#isClient) return this.#next();
    else this.#phase = 'close';
    return 'more';
  }

  #next(): Step {
    this.#cursor.restart();
    this.#left = 0;
    this.#phase = 'line';
    return 'more';
  }

  #over(): void {
    this.#cursor.isKept = false;
    this.#phase = 'over';
    this.#speech.skip(FOREVER);
  }

  #lengthBody(): Step {
    const wanted = Math.min(this.#left, BODY_MAX);
    if (this.#cursor.isKept && this.#speech.length < wanted && !this.#speech.full) return 'wait';
    if (this.#cursor.isKept) this.#tellKept();
    this.#speech.skip(this.#left);
    return this.#next();
  }

  #closeBody(): Step {
    const { length, full, ended } = this.#speech;
    if (this.#cursor.isKept && length < BODY_MAX && !full && !ended) return 'wait';
    if (this.#cursor.isKept) this.#tellKept();
    this.#over();
    return 'wait';
  }

  #size(): Step {
    const end = this.#cursor.lineEnd();
    if (end < 0) return 'wait';
    const match = this.#cursor.isOverlong ? null : CHUNK_SIZE.exec(this.#cursor.text(end));
    if (match === null) {
      this.#cursor.isOverlong = false;
      this.#dropKept();
      this.startLost();
      return 'more';
    }
    this.#cursor.pass(end);
    const size = Number.parseInt(match[1] as string, 16);
    this.#phase = size === 0 ? 'trailers' : 'chunk';
    this.#left = size + 2;
    return 'more';
  }

  /** A chunk and the CR LF behind it. */
  #chunk(): Step {
    if (!this.#cursor.isKept) {
      this.#speech.skip(this.#left);
      this.#phase = 'size';
      return 'more';
    }
    const size = this.#left - 2;
    const here = this.#speech.length - this.#cursor.at;
    if (here < this.#left && this.#pieceBytes + here < BODY_MAX && !this.#speech.full) return 'wait';
    if (here < this.#left || this.#pieceBytes + size >= BODY_MAX) {
      this.#dropKept();
      return 'more';
    }
    this.#pieces.push(this.#cursor.at, size);
    this.#pieceBytes += size;
    this.#cursor.at += this.#left;
    this.#phase = 'size';
    if (this.#speech.full) this.#dropKept();
    return 'more';
  }

  #trailer(): Step {
    const end = this.#cursor.lineEnd();
    if (end < 0) return 'wait';
    const isLast = this.#cursor.text(end) === '' || this.#cursor.isOverlong;
    this.#cursor.isOverlong = false;
    this.#cursor.pass(end);
    if (!isLast) return 'more';
    if (this.#cursor.isKept) {
      this.#tellKept();
      this.#cursor.drop();
    }
    return this.#next();
  }

  /** Tells what is kept of a body that goes on, and keeps no more of it. */
  #dropKept(): void {
    if (!this.#cursor.isKept) return;
    this.#tellKept();
    this.#cursor.drop();
  }

  /** Tells the body as far as it stands in the speech. */
  #tellKept(): void {
    this.#cursor.isKept = false;
    const { length } = this.#speech;
    const pieces = this.#pieces;
    if (this.#phase === 'length') pieces.push(0, Math.min(this.#left, length, BODY_MAX));
    else if (this.#phase === 'close') pieces.push(0, Math.min(length, BODY_MAX));
    else if (this.#phase === 'chunk') {
      pieces.push(
        this.#cursor.at,
        Math.min(this.#left - 2, length - this.#cursor.at, BODY_MAX - this.#pieceBytes),
      );
    }
    this.#pieces = [];
    tellBody(this.#pen, this.#head.body, new Pieces(this.#speech, pieces), this.#inflate);
  }

  /** Looks for the line that opens the next message. */
  #search(): Step {
    if (this.#cursor.isOverlong) {
      this.#lostBytes += this.#speech.length;
      if (this.#lostBytes > LOST_MAX) return 'no';
      return this.#cursor.passRest() ? 'more' : 'wait';
    }
    const end = this.#cursor.lineEnd();
    if (end < 0) return 'wait';
    const at = this.#cursor.at;
    const opened = end - at <= LINE_MAX && this.#opensIn(this.#cursor.text(end));
    this.#lostBytes += end - this.#cursor.at + 1;
    this.#cursor.pass(end);
    return !opened && this.#lostBytes > LOST_MAX ? 'no' : 'more';
  }

  /** A message begins with a line, or with a packet: what is lost need not have ended with a line. */
  #opensIn(line: string): boolean {
    const start = startIn(line, this.#isClient);
    if (start < 0) return false;
    const { at } = this.#cursor;
    const speech = this.#speech;
    if (start > 0 && speech.place(at + start).packet === speech.place(at + start - 1).packet) return false;
    return this.#opens(line.slice(start), at + start);
  }
}
