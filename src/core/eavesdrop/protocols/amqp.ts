// AMQP 0-9-1 (RabbitMQ's): the log-in, and what is published and delivered; of AMQP 1.0 the log-in by SASL (s.5.3).
//
//   type (1) | channel (2) | size (4) | payload | 0xce        payload of a method: class (2), method (2), arguments

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { textOf } from '../text.ts';
import { Cursor } from './grammar/cursor.ts';
import type { Passage } from './grammar/notes.ts';
import { Notes, textOrHex } from './grammar/notes.ts';
import { Sasl } from './grammar/sasl.ts';
import { tableTexts } from './grammar/table.ts';

const GREETING = 'AMQP';
const GREETING_SIZE = 8;
const HEAD = 7;
const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const HEARTBEAT = 8;
/** Method frames are waited for up to this; bodies only so far as they are shown. */
const WINDOW = 16_384;
/** Class and method in one number. */
const START_OK = 0x000a_000b;
const SECURE_OK = 0x000a_0015;
const OPEN = 0x000a_0028;
const CLOSE = 0x000a_0032;
const PUBLISH = 0x003c_0028;
const DELIVER = 0x003c_003c;
const GET_OK = 0x003c_0047;
/** SASL frames of 1.0: their type, and `sasl-init` as a described list. */
const SASL_FRAME = 1;
const SASL_INIT = 0x41;

class AmqpReader implements Reader {
  readonly #notes: Notes;
  readonly #greeted: [boolean, boolean] = [false, false];
  #isOne = false;
  #sasl: Sasl | null = null;
  /** Where a message goes, until its body is told. */
  readonly #route: [string, string] = ['', ''];
  readonly #body: [Passage | null, Passage | null] = [null, null];
  readonly #isSearching: [boolean, boolean] = [false, false];

  constructor(talk: Talk) {
    this.#notes = new Notes(talk, 'AMQP');
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    while (speech.length > 0) {
      const heard = this.#greeting(side) ?? (this.#isOne ? this.#frameOfOne(side) : this.#frame(side));
      if (heard === null) return false;
      if (!heard) break;
    }
    return true;
  }

  lost(side: Side, _bytes: number): boolean {
    this.#close(side);
    const speech = this.#notes.speech(side);
    speech.take(speech.length);
    this.#isSearching[side] = true;
    this.#greeted[side] = true;
    return !this.#isOne;
  }

  ended(): void {
    this.#close(0);
    this.#close(1);
  }

  /** The eight bytes that a side may begin with; null when these are none. */
  #greeting(side: Side): boolean | null {
    const speech = this.#notes.speech(side);
    const text = speech.latin1(0, 4);
    if ((this.#greeted[side] && !this.#isOne) || !GREETING.startsWith(text)) return null;
    if (speech.length < GREETING_SIZE) return false;
    // 1.0 names what follows in the fifth byte, and its version behind that: 0 the protocol, 2 TLS, 3 SASL.
    this.#isOne = speech.byte(4) !== 0 || speech.byte(5) === 1;
    this.#greeted[side] = true;
    speech.take(GREETING_SIZE);
    return true;
  }

  #frame(side: Side): boolean | null {
    const speech = this.#notes.speech(side);
    if (speech.length < HEAD) return false;
    const type = speech.byte(0);
    const size = speech.uint32(3);
    const isFrame = (type >= METHOD && type <= BODY) || type === HEARTBEAT || type === 4;
    if (!isFrame || size > 0x0800_0000) return this.#isSearching[side] ? this.#drop(speech) : null;
    const there = HEAD + Math.min(size, WINDOW);
    if (speech.length < there && !speech.full) return false;
    this.#isSearching[side] = false;
    const end = Math.min(there, speech.length);
    if (type === METHOD) this.#method(side, new Cursor(speech, HEAD, end));
    else if (type === BODY) this.#add(side, end);
    else if (type === HEADER) this.#close(side);
    speech.skip(HEAD + size + 1);
    return true;
  }

  #drop(speech: Speech): boolean {
    speech.take(speech.length);
    return false;
  }

  #method(side: Side, cursor: Cursor): void {
    const method = cursor.big(4);
    this.#close(side);
    if (method === START_OK && side === 0) this.#startOk(cursor);
    else if (method === SECURE_OK && side === 0) {
      const answer = cursor.stretch(cursor.big(4));
      this.#sasl?.answer(cursor.bytes(answer), answer.from, answer.to);
    } else if (method === OPEN && side === 0) {
      const host = cursor.stretch(cursor.big(1));
      if (cursor.ok && host.to > host.from) this.#notes.content(0, host.from, host.to, 'virtual host');
    } else if (method === CLOSE) {
      const { at } = cursor;
      const code = cursor.big(2);
      const text = cursor.stretch(cursor.big(1));
      if (cursor.ok && code >= 300)
        this.#notes.content(side, at, text.to, 'error', `${code} ${textOf(cursor.bytes(text))}`);
    } else if (method === PUBLISH || method === DELIVER || method === GET_OK)
      this.#routed(side, method, cursor);
  }

  /** Properties of the client, mechanism, its answer, language. */
  #startOk(cursor: Cursor): void {
    const texts = tableTexts(cursor);
    const mechanism = textOf(cursor.bytes(cursor.stretch(cursor.big(1))));
    const answer = cursor.stretch(cursor.big(4));
    if (!cursor.ok) return;
    const product = texts.get('product');
    if (product !== undefined)
      this.#notes.content(0, product.from, Math.max(product.to, product.from + 1), 'client');
    if (mechanism === 'AMQPLAIN') {
      this.#amqplain(answer.from, answer.to);
      return;
    }
    this.#sasl = new Sasl(this.#notes, 'SASL', mechanism);
    this.#sasl.answer(cursor.bytes(answer), answer.from, answer.to);
  }

  /** A table's inside with LOGIN and PASSWORD, without its size: that is the answer's own, before it. */
  #amqplain(from: number, to: number): void {
    const texts = tableTexts(new Cursor(this.#notes.speech(0), from - 4, to));
    const user = texts.get('LOGIN');
    const password = texts.get('PASSWORD');
    if (password === undefined || password.to === password.from) return;
    const who = user === undefined ? '' : this.#notes.text(0, user.from, user.to);
    this.#notes.secret(0, password.from, password.to, 'SASL AMQPLAIN', who);
  }

  /** Where from or to: basic.publish, basic.deliver, basic.get-ok. */
  #routed(side: Side, method: number, cursor: Cursor): void {
    if (method === PUBLISH) cursor.skip(2);
    else if (method === DELIVER) cursor.stretch(cursor.big(1));
    if (method !== PUBLISH) cursor.skip(8 + 1);
    const exchange = textOf(cursor.bytes(cursor.stretch(cursor.big(1))));
    const key = textOf(cursor.bytes(cursor.stretch(cursor.big(1))));
    if (cursor.ok) this.#route[side] = exchange === '' ? key : `${exchange} ${key}`.trim();
  }

  #add(side: Side, end: number): void {
    const isNew = this.#body[side] === null;
    this.#body[side] ??= this.#notes.passage(side, HEAD);
    this.#notes.add(this.#body[side] as Passage, HEAD, end, isNew ? 0 : HEAD + 1);
  }

  /** The message is over: another begins, or nothing comes. */
  #close(side: Side): void {
    const body = this.#body[side];
    this.#body[side] = null;
    if (body === null) return;
    const bytes = body.bytes.subarray(0, body.kept);
    this.#notes.close(body, 'message', `${this.#route[side]}: ${textOrHex(bytes)}`);
  }

  /** Size (4), data offset in words (1), type (1), channel (2); of SASL's frames the client's first is read. */
  #frameOfOne(side: Side): boolean | null {
    const speech = this.#notes.speech(side);
    if (speech.length < 8) return false;
    const size = speech.uint32(0);
    if (size < 8 || size > 0x0800_0000) return null;
    const there = Math.min(size, WINDOW);
    if (speech.length < there && !speech.full) return false;
    if (side === 0 && speech.byte(5) === SASL_FRAME)
      this.#init(4 * speech.byte(4), Math.min(there, speech.length));
    speech.skip(size);
    return true;
  }

  /** `0x00 0x53 0x41` a list of mechanism, initial response, host name. */
  #init(from: number, end: number): void {
    const cursor = new Cursor(this.#notes.speech(0), from, end);
    if (cursor.big(1) !== 0 || cursor.big(1) !== 0x53 || cursor.big(1) !== SASL_INIT) return;
    const isShort = cursor.big(1) === 0xc0;
    cursor.skip(isShort ? 2 : 8);
    const mechanism = sized(cursor);
    const answer = sized(cursor);
    if (!cursor.ok) return;
    new Sasl(this.#notes, 'SASL', textOf(cursor.bytes(mechanism))).answer(
      cursor.bytes(answer),
      answer.from,
      answer.to,
    );
  }
}

/** A symbol or a binary with a size of one byte (0xa.) or four (0xb.). */
function sized(cursor: Cursor): { from: number; to: number } {
  return cursor.stretch(cursor.big(cursor.big(1) >= 0xb0 ? 4 : 1));
}

export const amqp: Protocol = {
  name: 'AMQP',
  ports: [5672],
  claim({ client, server }: Talk): Claim {
    if (client.length === 0) return server.length === 0 || server.byte(0) === METHOD ? 'perhaps' : 'not mine';
    const text = client.latin1(0, 4);
    if (!GREETING.startsWith(text)) return 'not mine';
    if (client.length < GREETING_SIZE) return 'perhaps';
    const version = [4, 5, 6, 7].map((at) => client.byte(at)).join('.');
    return /^(?:0\.0\.9\.1|1\.1\.0\.9|1\.1\.8\.0|1\.1\.9\.1|[023]\.1\.0\.0)$/.test(version)
      ? 'mine'
      : 'not mine';
  },
  reader: (talk: Talk): Reader => new AmqpReader(talk),
};
