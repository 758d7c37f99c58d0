// MQTT 3.1, 3.1.1 and 5 (OASIS): the user and password of CONNECT, what is published and to what is subscribed.
//
//   type and flags (1) | remaining length (1 to 4, 7 bits each, low ones first) | fields | payload

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { textOf } from '../text.ts';
import { Cursor } from './grammar/cursor.ts';
import { hex, isText, Notes, textOrHex } from './grammar/notes.ts';

const CONNECT = 1;
const CONNACK = 2;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const WINDOW = 16_384;
const VERSION_5 = 5;
const PROPERTIES_MAX = 64;
const TOPICS_MAX = 32;
/** CONNECT's flags (3.1.2.3). */
const HAS_USER = 0x80;
const HAS_PASSWORD = 0x40;
const HAS_WILL = 0x04;
/** Sizes of properties (5.0 s.2.2.2): their own, `-1` a string or bytes, `-2` two strings, `-3` a number of 7-bit bytes. */
const PROPERTIES: Readonly<Record<number, number>> = {
  ...{ 1: 1, 2: 4, 3: -1, 8: -1, 9: -1, 11: -3, 17: 4, 18: -1, 19: 2, 21: -1, 22: -1, 23: 1, 24: 4, 25: 1 },
  ...{ 26: -1, 28: -1, 31: -1, 33: 2, 34: 2, 35: 2, 36: 1, 37: 1, 38: -2, 39: 4, 40: 1, 41: 1, 42: 1 },
};
const AUTHENTICATION_METHOD = 21;
const AUTHENTICATION_DATA = 22;

class MqttReader implements Reader {
  readonly #notes: Notes;
  #version = 4;
  readonly #isSearching: [boolean, boolean] = [false, false];

  constructor(talk: Talk) {
    this.#notes = new Notes(talk, 'MQTT');
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    while (speech.length > 0) {
      const head = headAt(speech);
      if (head === 'more') return true;
      const isWrong = head === null || !isPlausible(head);
      if (isWrong && !this.#isSearching[side]) return false;
      if (isWrong) {
        speech.take(speech.length);
        return true;
      }
      const end = Math.min(head.end, WINDOW);
      if (speech.length < end && !speech.full) return true;
      this.#isSearching[side] = false;
      this.#packet(side, head, Math.min(end, speech.length));
      speech.skip(head.end);
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

  #packet(side: Side, { first, from, end }: Head, there: number): void {
    const cursor = new Cursor(this.#notes.speech(side), from, there);
    const type = first >> 4;
    if (type === CONNECT && side === 0) this.#connect(cursor);
    else if (type === CONNACK && side === 1) this.#connected(cursor);
    else if (type === PUBLISH) this.#publish(side, cursor, first, end);
    else if (type === SUBSCRIBE && side === 0) this.#subscribe(cursor);
  }

  /** Protocol's name, version, flags, keep-alive, [properties], client, [will], [user], [password]. */
  #connect(cursor: Cursor): void {
    cursor.stretch(cursor.big(2));
    this.#version = cursor.big(1);
    const flags = cursor.big(1);
    cursor.skip(2);
    this.#properties(cursor, true);
    const client = cursor.stretch(cursor.big(2));
    if (!cursor.ok) return;
    if (client.to > client.from) this.#notes.identity(0, client.from, client.to, 'client');
    if ((flags & HAS_WILL) !== 0) {
      this.#properties(cursor, false);
      const topic = cursor.stretch(cursor.big(2));
      const will = cursor.stretch(cursor.big(2));
      if (cursor.ok) this.#told(0, cursor, topic.from, will.from, will.to, 'will', topic.to);
    }
    const user = (flags & HAS_USER) === 0 ? null : cursor.stretch(cursor.big(2));
    if (!cursor.ok) return;
    const who = user === null ? '' : textOf(cursor.bytes(user));
    const password = (flags & HAS_PASSWORD) === 0 ? null : cursor.stretch(cursor.big(2));
    if (password !== null && cursor.ok && password.to > password.from) {
      this.#notes.secret(0, password.from, password.to, 'CONNECT', who);
    } else if (user !== null && user.to > user.from) this.#notes.identity(0, user.from, user.to, 'user');
  }

  /** Refusals of MQTT 3 are numbers up to 5, those of MQTT 5 are 128 and more. */
  #connected(cursor: Cursor): void {
    const { at } = cursor;
    cursor.skip(1);
    const code = cursor.big(1);
    if (cursor.ok && code > 0) this.#notes.content(1, at, at + 2, 'refusal', `code ${code}`);
  }

  #publish(side: Side, cursor: Cursor, first: number, end: number): void {
    const topic = cursor.stretch(cursor.big(2));
    if ((first & 0x06) !== 0) cursor.skip(2);
    this.#properties(cursor, false);
    if (cursor.ok) this.#told(side, cursor, topic.from, cursor.at, end, 'PUBLISH', topic.to);
  }

  /** `topic: payload`; a payload that is no text as hexadecimal digits. */
  #told(
    side: Side,
    cursor: Cursor,
    from: number,
    at: number,
    to: number,
    what: string,
    topicEnd: number,
  ): void {
    const bytes = cursor.bytes({ from: at, to: Math.min(to, cursor.end) });
    const payload = isText(bytes) ? this.#notes.text(side, at, to) : textOrHex(bytes);
    const topic = textOf(cursor.bytes({ from, to: topicEnd }));
    this.#notes.content(
      side,
      from,
      Math.max(Math.min(to, cursor.end), from + 1),
      what,
      `${topic}: ${payload}`,
    );
  }

  #subscribe(cursor: Cursor): void {
    cursor.skip(2);
    this.#properties(cursor, false);
    for (let i = 0; i < TOPICS_MAX && cursor.left > 0; i++) {
      const topic = cursor.stretch(cursor.big(2));
      cursor.skip(1);
      if (!cursor.ok) return;
      if (topic.to > topic.from) this.#notes.content(0, topic.from, topic.to, 'SUBSCRIBE');
    }
  }

  /** MQTT 5's properties; of CONNECT's the data of another way to log in. */
  #properties(cursor: Cursor, isConnect: boolean): void {
    if (this.#version !== VERSION_5) return;
    const end = sevenBits(cursor) + cursor.at;
    let method = '';
    for (let i = 0; i < PROPERTIES_MAX && cursor.ok && cursor.at < end; i++) {
      const id = cursor.big(1);
      const size = PROPERTIES[id];
      if (size === undefined) break;
      if (size === -3) sevenBits(cursor);
      else if (size > 0) cursor.skip(size);
      else {
        const value = cursor.stretch(cursor.big(2));
        if (size === -2) cursor.stretch(cursor.big(2));
        if (id === AUTHENTICATION_METHOD) method = textOf(cursor.bytes(value));
        if (isConnect && id === AUTHENTICATION_DATA && cursor.ok && value.to > value.from)
          this.#notes.challenge(
            0,
            value.from,
            value.to,
            'CONNECT',
            method,
            hex(cursor.bytes(value).subarray(0, 512)),
          );
      }
    }
    if (cursor.ok) cursor.at = Math.min(end, cursor.end);
  }
}

interface Head {
  readonly first: number;
  /** Where its fields start, and its end. */
  readonly from: number;
  readonly end: number;
}

function headAt(speech: Speech): Head | 'more' | null {
  let size = 0;
  for (let i = 0; i < 4; i++) {
    if (speech.length < i + 2) return 'more';
    const byte = speech.byte(i + 1);
    size += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return { first: speech.byte(0), from: i + 2, end: i + 2 + size };
  }
  return null;
}

/** The type is one of MQTT's, and its flags are those that it must have (2.2.2). */
function isPlausible({ first, from, end }: Head): boolean {
  const type = first >> 4;
  const flags = first & 0x0f;
  if (type === 0) return false;
  if (type === PUBLISH) return (flags & 6) !== 6;
  if (type >= 12 && type <= 13 && end !== from) return false;
  return flags === (type === 6 || type === SUBSCRIBE || type === 10 ? 2 : 0);
}

function sevenBits(cursor: Cursor): number {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = cursor.big(1);
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) break;
  }
  return value;
}

/** A string's length, the protocol's name and, with the short one, its version. */
const NAMES: readonly string[] = ['\0\u0004MQTT\u0004', '\0\u0004MQTT\u0005', '\0\u0006MQIsd'];

export const mqtt: Protocol = {
  name: 'MQTT',
  ports: [1883],
  claim({ client, server }: Talk): Claim {
    if (client.length === 0) return server.length === 0 || server.byte(0) === 0x20 ? 'perhaps' : 'not mine';
    if (client.byte(0) !== 0x10) return 'not mine';
    const head = headAt(client);
    if (head === 'more') return 'perhaps';
    if (head === null || head.end - head.from < 12) return 'not mine';
    const name = client.latin1(head.from, head.from + 7);
    const isMqtt = NAMES.some((one) => (name.length < 7 ? one.startsWith(name) : name === one));
    return !isMqtt ? 'not mine' : name.length < 7 ? 'perhaps' : 'mine';
  },
  reader: (talk: Talk): Reader => new MqttReader(talk),
};
