// Redis, Valkey and their like (RESP, RESP3): commands as arrays of strings or as lines that somebody types, and the replies.
//
//   *3\r\n $4\r\n AUTH\r\n $4\r\n anna\r\n $6\r\n secret\r\n        AUTH anna secret\r\n

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { textOf } from '../text.ts';
import { firstLine, isPlain, Lines } from './grammar/lines.ts';
import { Notes, TEXT_MAX } from './grammar/notes.ts';
import type { Argument } from './redis/command.ts';
import { tellCommand } from './redis/command.ts';
import { RedisReplies } from './redis/reply.ts';

const LF = 0x0a;
const STAR = 0x2a;
/** Bytes of a command that are waited for; of longer ones the rest is passed over. */
const WINDOW = 16_384;
/** A line with a count or a size has no more than this. */
const HEAD_MAX = 32;
/** What Redis took before version 7.0; no client sends more. */
const ARGUMENTS_MAX = 1_048_576;
const TRIES_MAX = 64;

class RedisReader implements Reader {
  readonly #talk: Talk;
  readonly #notes: Notes;
  readonly #lines: Lines;
  readonly #replies: RedisReplies;
  /** Arguments of a long command that are still to be passed over. */
  #toPass = 0;
  #isDeaf = false;
  #isSearching = false;
  #tries = 0;

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#notes = new Notes(talk, 'Redis');
    this.#lines = new Lines(talk.client);
    this.#replies = new RedisReplies(this.#notes);
  }

  said(side: Side): boolean {
    return side === 0 ? this.#hearClient() : this.#hearServer();
  }

  lost(side: Side, _bytes: number): boolean {
    if (side === 0) {
      this.#toPass = 0;
      this.#isSearching = true;
    } else {
      this.#replies.lost();
      this.#isDeaf = true;
    }
    const speech = this.#notes.speech(side);
    speech.take(speech.length);
    return true;
  }

  ended(): void {
    this.#replies.lost();
  }

  #hearServer(): boolean {
    const { server } = this.#talk;
    if (this.#isDeaf && server.length > 0) {
      // What follows lost bytes starts with a reply, or is in the middle of one.
      this.#isDeaf = !/^(?:[*$~>%]\d{1,6}|[+:-][\x20-\x7e]{1,128})\r\n/.test(server.latin1(0, 160));
      if (this.#isDeaf) server.take(server.length);
    }
    for (;;) {
      const heard = this.#replies.hear();
      if (heard === false) return true;
      if (heard === true) continue;
      this.#replies.lost();
      server.take(server.length);
      this.#isDeaf = true;
      return ++this.#tries <= TRIES_MAX;
    }
  }

  #hearClient(): boolean {
    const { client } = this.#talk;
    if (this.#isSearching && client.length > 0) {
      this.#isSearching = !/^\*\d{1,6}\r\n\$\d/.test(client.latin1(0, 16));
      if (this.#isSearching) client.take(client.length);
      if (++this.#tries > TRIES_MAX) return false;
    }
    while (client.length > 0) {
      const isHeard =
        this.#toPass > 0 ? this.#pass() : client.byte(0) === STAR ? this.#array() : this.#line();
      if (isHeard === null) return false;
      if (!isHeard) return true;
    }
    return true;
  }

  /** A command as an array; false when it is not all there, null when it is none. */
  #array(): boolean | null {
    const { client } = this.#talk;
    const count = header(client, 0, STAR);
    if (count === null) return null;
    if (count === 'more') return false;
    if (count.value > ARGUMENTS_MAX) return null;
    const args: Argument[] = [];
    let at = count.next;
    for (let i = 0; i < count.value; i++) {
      if (at >= WINDOW) {
        this.#long(args, at, count.value - i);
        return true;
      }
      const size = header(client, at, 0x24);
      if (size === null) return null;
      if (size === 'more') return false;
      const shown = size.next + Math.min(size.value, TEXT_MAX);
      if (client.length < shown && !client.full) return false;
      const text = textOf(client.bytes(size.next, shown));
      args.push({ text, from: size.next, to: size.next + size.value });
      at = size.next + size.value + 2;
      if (at > WINDOW) {
        this.#long(args, at, count.value - i - 1);
        return true;
      }
      if (client.length < at) return client.full ? null : false;
    }
    tellCommand(this.#notes, args, true);
    client.take(at);
    return true;
  }

  /** Of a long command the beginning is told. */
  #long(args: readonly Argument[], at: number, left: number): void {
    const there = args.map((one) => ({ ...one, to: Math.min(one.to, one.from + TEXT_MAX) }));
    tellCommand(this.#notes, there, left === 0 && args.every(({ from, to }) => to - from <= TEXT_MAX));
    this.#talk.client.skip(at);
    this.#toPass = left;
  }

  #pass(): boolean | null {
    const { client } = this.#talk;
    const size = header(client, 0, 0x24);
    if (size === null) return null;
    if (size === 'more') return false;
    client.skip(size.next + size.value + 2);
    this.#toPass--;
    return true;
  }

  /** A command as somebody types it: words, quotes around those with blanks. */
  #line(): boolean | null {
    const lines = this.#lines;
    if (!lines.next()) return false;
    const text = lines.text();
    if (!isPlain(text)) return null;
    const args: Argument[] = [];
    for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|[^\s"']+/g)) {
      const inside = match[1] ?? match[2];
      const from = match.index + (inside === undefined ? 0 : 1);
      const word = inside ?? match[0];
      args.push({ text: this.#notes.text(0, from, from + word.length), from, to: from + word.length });
      if (args.length === 64) break;
    }
    tellCommand(this.#notes, args, true);
    lines.done();
    return true;
  }
}

interface Header {
  readonly value: number;
  readonly next: number;
}

/** `*3\r\n` or `$5\r\n`; null when it is none. */
function header(speech: Speech, at: number, mark: number): Header | 'more' | null {
  if (at >= speech.length) return 'more';
  if (speech.byte(at) !== mark) return null;
  const lf = speech.find(LF, at);
  if (lf < 0 || lf - at > HEAD_MAX) return lf >= 0 || speech.length - at > HEAD_MAX ? null : 'more';
  const match = /^(-?\d{1,10})\r$/.exec(speech.latin1(at + 1, lf));
  return match === null ? null : { value: Math.max(0, Number(match[1])), next: lf + 1 };
}

/** What clients begin with, and what somebody may type. */
const COMMANDS: ReadonlySet<string> = new Set([
  ...['AUTH', 'PING', 'INFO', 'GET', 'SET', 'KEYS', 'CONFIG', 'SELECT', 'MONITOR', 'QUIT', 'ECHO', 'HELLO'],
  ...[
    'DEL',
    'EXISTS',
    'INCR',
    'HGETALL',
    'HGET',
    'HSET',
    'LRANGE',
    'SUBSCRIBE',
    'CLIENT',
    'COMMAND',
    'DBSIZE',
  ],
]);

export const redis: Protocol = {
  name: 'Redis',
  ports: [6379, 6380, 16_379, 26_379],
  claim(talk: Talk): Claim {
    const { client, server, serverPort } = talk;
    const isPort = redis.ports.includes(serverPort);
    if (client.length > 0) {
      const text = client.latin1(0, 48);
      if (/^\*\d{1,7}\r\n\$\d{1,9}\r\n[A-Za-z]/.test(text)) return 'mine';
      if (/^\*(?:\d{0,7}|\d{1,7}\r|\d{1,7}\r\n(?:\$(?:\d{0,9}|\d{1,9}\r\n?)?)?)$/.test(text))
        return 'perhaps';
      // A connection that was captured from the middle of a long value on; or somebody types.
      const line = firstLine(client);
      const word = /^[A-Za-z]*/.exec(line)?.[0].toUpperCase() ?? '';
      const isTyped =
        isPlain(line) && [...COMMANDS].some((one) => one === word || (word === line && one.startsWith(word)));
      if (!isTyped || !isPort) return 'not mine';
      return word !== line && /^(?:\+|-ERR|-NOAUTH|-WRONGPASS|[:$*])/.test(firstLine(server))
        ? 'mine'
        : 'perhaps';
    }
    if (server.length === 0) return 'perhaps';
    const said = server.latin1(0, 64);
    if (/^-(?:ERR|NOAUTH|WRONGPASS|MOVED|ASK|LOADING|DENIED) /.test(said)) return 'mine';
    return isPort && '+-:$*%>~_,#('.includes(said.charAt(0)) ? 'perhaps' : 'not mine';
  },
  reader: (talk: Talk): Reader => new RedisReader(talk),
};
