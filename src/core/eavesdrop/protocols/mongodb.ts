// MongoDB ("MongoDB Wire Protocol"): log-ins by SASL, commands and what they are answered with. Compressed messages are named.
//
//   length (4) | number (4) | answers number (4) | operation (4) | fields; the low byte first
//   OP_MSG: flags (4) | 0 | document | 1 | size | name, 0 | document ...

import { HIDDEN } from '../http/fields.ts';
import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import type { BsonDocument, BsonField } from './grammar/bson.ts';
import { bsonDocument } from './grammar/bson.ts';
import { Cursor } from './grammar/cursor.ts';
import { CUT, Notes, TEXT_MAX } from './grammar/notes.ts';
import { Sasl } from './grammar/sasl.ts';

const HEAD = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_COMPRESSED = 2012;
const OP_MSG = 2013;
const OPERATIONS: ReadonlySet<number> = new Set([OP_REPLY, OP_QUERY, OP_COMPRESSED, OP_MSG]);
/** maxMessageSizeBytes. */
const SIZE_MAX = 48_000_000;
const WINDOW = 16_384;
/** Commands by which drivers greet and keep watch; they are not told. */
const GREETINGS = /^\{(?:hello|isMaster|ismaster|ping|endSessions|saslStart|saslContinue|buildInfo):/;
const COMPRESSORS: Readonly<Record<number, string>> = { 0: 'not', 1: 'snappy', 2: 'zlib', 3: 'zstd' };

class MongoReader implements Reader {
  readonly #notes: Notes;
  #sasl: Sasl | null = null;
  #isNamed = false;
  readonly #isSearching: [boolean, boolean] = [false, false];

  constructor(talk: Talk) {
    this.#notes = new Notes(talk, 'MongoDB');
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    while (speech.length > 0) {
      const size = messageSize(speech);
      if (size === 0) return true;
      if (size < 0) {
        if (!this.#isSearching[side]) return false;
        speech.take(speech.length);
        return true;
      }
      const end = Math.min(size, WINDOW);
      if (speech.length < end && !speech.full) return true;
      this.#isSearching[side] = false;
      this.#message(side, size, Math.min(end, speech.length));
      speech.skip(size);
    }
    return true;
  }

  lost(side: Side, _bytes: number): boolean {
    const speech = this.#notes.speech(side);
    speech.take(speech.length);
    this.#isSearching[side] = true;
    return true;
  }

  ended(): void {}

  #message(side: Side, size: number, end: number): void {
    const speech = this.#notes.speech(side);
    const cursor = new Cursor(speech, HEAD - 4, end);
    const operation = cursor.little(4);
    if (operation === OP_COMPRESSED) this.#compressed(side, cursor);
    else if (operation === OP_QUERY) {
      cursor.skip(4);
      const name = cursor.untilNul();
      cursor.skip(8);
      if (cursor.ok) this.#document(side, cursor.at, end, size, cursor.latin1(name));
    } else if (operation === OP_REPLY) this.#document(side, HEAD + 20, end, size, '');
    else if (operation === OP_MSG) this.#sections(side, end, size);
  }

  /** The command's document, and those that belong to it: what is inserted, changed. */
  #sections(side: Side, end: number, size: number): void {
    const cursor = new Cursor(this.#notes.speech(side), HEAD + 4, end);
    for (let i = 0; i < 8 && cursor.ok && cursor.left > 4; i++) {
      const kind = cursor.little(1);
      const { at } = cursor;
      const length = cursor.little(4);
      if (!cursor.ok || length < 5) return;
      if (kind === 0) this.#document(side, at, end, size, '');
      else if (kind === 1) this.#sequence(side, cursor, Math.min(at + length, end), size);
      else return;
      if (at + length > end) return;
      cursor.at = at + length;
    }
  }

  #sequence(side: Side, cursor: Cursor, end: number, size: number): void {
    cursor.untilNul();
    const from = cursor.at;
    const shown: string[] = [];
    let at = from;
    for (let i = 0; i < 8 && cursor.ok && at < end; i++) {
      const document = bsonDocument(this.#notes.speech(side), at, end);
      if (document === null) break;
      shown.push(document.text);
      at += new Cursor(this.#notes.speech(side), at, end).little(4);
    }
    if (shown.length > 0) this.#tell(side, from, Math.min(at, end, size), 'documents', shown.join(', '));
  }

  #document(side: Side, at: number, end: number, size: number, name: string): void {
    const document = bsonDocument(this.#notes.speech(side), at, end);
    if (document === null) return;
    if (side === 0) this.#log(document);
    else this.#answer(document);
    const isGreeting = GREETINGS.test(document.text) || name.endsWith('.$cmd');
    const isError = field(document, 'errmsg');
    if (side === 1 && isError !== undefined)
      this.#notes.content(1, isError.value.from, Math.max(isError.value.to, isError.value.from + 1), 'error');
    else if (!isGreeting && (side === 0 || document.fields.some(({ path }) => path.startsWith('cursor.'))))
      this.#tell(side, at, Math.min(end, size), side === 0 ? 'command' : 'reply', open(document));
  }

  #tell(side: Side, from: number, to: number, what: string, text: string): void {
    const shown = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + CUT : text;
    this.#notes.content(side, from, Math.max(to, from + 1), what, shown);
  }

  /** saslStart and saslContinue, also as part of the greeting ("speculative authentication"); users that are made. */
  #log(document: BsonDocument): void {
    for (const path of ['', 'speculativeAuthenticate.']) {
      const payload = field(document, `${path}payload`);
      const mechanism = field(document, `${path}mechanism`);
      if (mechanism !== undefined && field(document, `${path}saslStart`) !== undefined)
        this.#sasl = new Sasl(this.#notes, 'SASL', mechanism.text);
      if (payload === undefined || payload.value.to === payload.value.from) continue;
      const { from, to } = payload.value;
      this.#sasl?.answer(this.#notes.speech(0).bytes(from, to), from, to);
    }
    const made = madeUser(document);
    const password = field(document, 'pwd');
    if (made !== undefined && password !== undefined && password.value.to > password.value.from)
      this.#notes.secret(0, password.value.from, password.value.to, 'pwd', made.text);
  }

  #answer(document: BsonDocument): void {
    const payload = field(document, 'payload') ?? field(document, 'speculativeAuthenticate.payload');
    if (payload === undefined) return;
    this.#sasl?.challenge(this.#notes.speech(1).bytes(payload.value.from, payload.value.to));
  }

  #compressed(side: Side, cursor: Cursor): void {
    cursor.skip(8);
    const how = cursor.little(1);
    if (this.#isNamed || !cursor.ok) return;
    this.#isNamed = true;
    this.#notes.content(side, cursor.at - 1, cursor.at, 'compressed', COMPRESSORS[how] ?? String(how));
  }
}

function field(document: BsonDocument, path: string): BsonField | undefined {
  return document.fields.find((one) => one.path === path);
}

function madeUser(document: BsonDocument): BsonField | undefined {
  return field(document, 'createUser') ?? field(document, 'updateUser');
}

/** The document's text without the password of a user that is made. */
function open(document: BsonDocument): string {
  const password = madeUser(document) === undefined ? undefined : field(document, 'pwd');
  return password === undefined
    ? document.text
    : document.text.replace(`pwd: "${password.text}"`, `pwd: "${HIDDEN}"`);
}

/** Bytes of the message that a speech begins with; 0 when its head is not all there, -1 when it is none. */
function messageSize(speech: Speech): number {
  if (speech.length < HEAD) return 0;
  const cursor = new Cursor(speech, 0, HEAD);
  const size = cursor.little(4);
  cursor.skip(8);
  return size < HEAD + 5 || size > SIZE_MAX || !OPERATIONS.has(cursor.little(4)) ? -1 : size;
}

export const mongodb: Protocol = {
  name: 'MongoDB',
  ports: [27_017, 27_018, 27_019],
  claim({ client, server }: Talk): Claim {
    const speech = client.length > 0 ? client : server;
    if (speech.length < HEAD) return 'perhaps';
    const size = messageSize(speech);
    if (size <= 0) return 'not mine';
    // OP_MSG's flags (three are in use) or a query's, and then a section of kind 0, a name or a document.
    if (speech.length < HEAD + 10) return 'perhaps';
    const cursor = new Cursor(speech, HEAD - 4, HEAD + 10);
    const operation = cursor.little(4);
    const flags = cursor.little(4);
    if (operation === OP_MSG) return (flags & ~0x1_0003) === 0 && cursor.little(1) <= 1 ? 'mine' : 'not mine';
    if (operation === OP_COMPRESSED) return OPERATIONS.has(flags) ? 'mine' : 'not mine';
    return flags <= 0xff ? 'mine' : 'not mine';
  },
  reader: (talk: Talk): Reader => new MongoReader(talk),
};
