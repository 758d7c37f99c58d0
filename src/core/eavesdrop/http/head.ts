// The head of an HTTP/1 message: its first line and its headers (RFC 9112 s.3 to s.5), told as they are read; and what they
// say of the body (s.6).

import { bytesOf, textOf } from '../text.ts';
import type { BodyKind } from './body.ts';
import { tellHeader } from './credentials.ts';
import type { Pen } from './pen.ts';
import { requestLine, statusCode, tellRequest } from './start-line.ts';

const DIGITS = /^\d{1,15}$/;

export class Head {
  readonly #pen: Pen;
  readonly #isClient: boolean;
  /** Of a request. */
  method = '';
  upgrades = false;
  /** Of an answer. */
  code = 0;
  /** Content-Length in bytes, -1 where none is told. */
  length = -1;
  isChunked = false;
  #type = '';
  #boundary = '';
  #packing = '';

  constructor(pen: Pen, isClient: boolean) {
    this.#pen = pen;
    this.#isClient = isClient;
  }

  /** Begins a message when the line is the first of one. @param at where in the speech it stands */
  opens(line: string, at: number): boolean {
    if (this.#isClient) {
      const request = requestLine(line);
      if (request === null) return false;
      this.method = request.method;
      tellRequest(this.#pen, request, at, line.length);
    } else {
      const code = statusCode(line);
      if (code === 0) return false;
      this.code = code;
      const status = textOf(bytesOf(line.slice(line.indexOf(' ') + 1)));
      this.#pen.write('content', 'response', status, '', at, at + line.length);
    }
    this.upgrades = false;
    this.length = -1;
    this.isChunked = false;
    this.#type = '';
    this.#boundary = '';
    this.#packing = '';
    return true;
  }

  /** Takes in a header's line; one that is none is passed over. */
  field(line: string, at: number): void {
    const colon = line.indexOf(':');
    if (colon <= 0) return;
    const name = line.slice(0, colon).trimEnd().toLowerCase();
    const lead = line.length - line.slice(colon + 1).trimStart().length;
    const value = line.slice(lead).trimEnd();
    switch (name) {
      case 'content-length':
        this.length = DIGITS.test(value) ? Number(value) : -1;
        return;
      case 'transfer-encoding':
        this.isChunked = /(?:^|[,\s])chunked$/i.test(value);
        return;
      case 'content-type':
        this.#type = (value.split(';')[0] as string).trim().toLowerCase();
        this.#boundary = /;\s*boundary="?([^";\s]{1,70})/i.exec(value)?.[1] ?? '';
        return;
      case 'content-encoding':
        this.#packing = value.toLowerCase();
        return;
      case 'upgrade':
        this.upgrades = true;
        return;
      case 'host':
        this.#host(value, at + lead);
        return;
      default:
        tellHeader(this.#pen, name, { text: value, at: at + lead });
    }
  }

  get body(): BodyKind {
    const whose = this.#isClient ? 'request' : 'response';
    return { type: this.#type, boundary: this.#boundary, packing: this.#packing, whose };
  }

  #host(value: string, at: number): void {
    if (!this.#isClient || value === '') return;
    this.#pen.write('name', 'Host', textOf(bytesOf(value)), '', at, at + value.length);
    this.#pen.talk.named(null, value.replace(/:\d*$/, ''));
  }
}
