// memcached's text protocol (protocol.txt of its source): keys and the values that are stored and fetched. Those that use SASL
// speak the binary one; of that the log-in is read.

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { textOf } from '../text.ts';
import { Cursor } from './grammar/cursor.ts';
import { firstLine, isPlain, Lines } from './grammar/lines.ts';
import type { Passage } from './grammar/notes.ts';
import { Notes } from './grammar/notes.ts';

/** `set key flags exptime bytes [noreply]`, `cas ... unique`, `ms key bytes flags`, `VALUE key flags bytes [unique]`, `VA bytes`. */
const STORE =
  /^(?:(?:set|add|replace|append|prepend|cas) \S{1,250} \d{1,10} -?\d{1,12} (\d{1,10})(?: \d{1,20})?(?: noreply)?|ms \S{1,250} (\d{1,10})(?: .*)?) *$/;
const VALUE = /^(?:VALUE \S{1,250} \d{1,10} (\d{1,10})(?: \d{1,20})?|VA (\d{1,10})(?: .*)?)$/;
const COMMAND =
  /^(?:get|gets|gat|gats|delete|incr|decr|touch|stats|version|flush_all|verbosity|quit|mg|md|ma|mn|me|lru|slabs|watch|cache_memlimit)(?: [\x21-\x7e ]*)?$/;
const REPLY =
  /^(?:STORED|NOT_STORED|EXISTS|NOT_FOUND|END|DELETED|TOUCHED|OK|ERROR|CLIENT_ERROR .*|SERVER_ERROR .*|VERSION .*|STAT .*|HD(?: .*)?|EN|NS|EX|NF|MN|\d{1,20})$/;

const BINARY_ASK = 0x80;
const BINARY_ANSWER = 0x81;
const BINARY_HEAD = 24;
const SASL_AUTH = 0x21;
const WINDOW = 4096;

class MemcachedReader implements Reader {
  readonly #notes: Notes;
  readonly #lines: [Lines, Lines];
  /** Bytes of a value that have not come, with its line's end. */
  readonly #left: [number, number] = [0, 0];
  readonly #value: [Passage | null, Passage | null] = [null, null];
  readonly #isBinary: boolean;

  constructor(talk: Talk) {
    this.#notes = new Notes(talk, 'memcached');
    this.#lines = [new Lines(talk.client), new Lines(talk.server)];
    this.#isBinary = isBinary(talk.client) || isBinary(talk.server);
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    while (speech.length > 0) {
      const heard = this.#isBinary
        ? this.#message(side)
        : this.#left[side] > 0
          ? this.#data(side)
          : this.#line(side);
      if (heard === null) return false;
      if (!heard) break;
    }
    return true;
  }

  lost(side: Side, bytes: number): boolean {
    this.#close(side);
    if (this.#isBinary) return false;
    if (bytes < this.#left[side]) this.#left[side] -= bytes;
    else {
      this.#left[side] = 0;
      this.#lines[side].lost();
    }
    return true;
  }

  ended(): void {
    this.#close(0);
    this.#close(1);
  }

  #line(side: Side): boolean | null {
    const lines = this.#lines[side];
    if (!lines.next()) return false;
    const text = lines.text();
    const stored = (side === 0 ? STORE : VALUE).exec(text);
    if (stored === null && !isPlain(text)) return null;
    if (side === 0) this.#notes.content(0, 0, Math.max(1, lines.end), 'command');
    else if (/^(?:CLIENT_|SERVER_)?ERROR/.test(text)) this.#notes.content(1, 0, lines.end, 'error');
    lines.done();
    if (stored !== null) this.#left[side] = Number(stored[1] ?? stored[2]) + 2;
    return true;
  }

  #data(side: Side): boolean {
    const speech = this.#notes.speech(side);
    const n = Math.min(speech.length, this.#left[side]);
    // The last two bytes are CR LF.
    const value = Math.min(n, Math.max(0, this.#left[side] - 2));
    this.#value[side] ??= this.#notes.passage(side, 0);
    this.#notes.add(this.#value[side] as Passage, 0, value);
    speech.take(n);
    this.#left[side] -= n;
    if (this.#left[side] === 0) this.#close(side);
    return true;
  }

  #close(side: Side): void {
    const value = this.#value[side];
    this.#value[side] = null;
    if (value !== null) this.#notes.close(value, 'value');
  }

  /** Magic, operation, key's length, extras' length, type, status, body's length, number, unique; extras, key, value. */
  #message(side: Side): boolean | null {
    const speech = this.#notes.speech(side);
    if (speech.byte(0) !== (side === 0 ? BINARY_ASK : BINARY_ANSWER)) return null;
    if (speech.length < BINARY_HEAD) return false;
    const cursor = new Cursor(speech, 1, speech.length);
    const operation = cursor.big(1);
    const key = cursor.big(2);
    const extras = cursor.big(1);
    cursor.skip(3);
    const body = cursor.big(4);
    const end = BINARY_HEAD + Math.min(body, WINDOW);
    if (speech.length < end && !speech.full) return false;
    const from = BINARY_HEAD + extras;
    if (operation === SASL_AUTH && side === 0 && speech.latin1(from, from + key) === 'PLAIN') {
      const bytes = speech.bytes(from + key, end);
      const first = bytes.indexOf(0);
      const second = bytes.indexOf(0, first + 1);
      if (first >= 0 && second > first) {
        const who = textOf(bytes.subarray(first + 1, second));
        this.#notes.secret(0, from + key + second + 1, end, 'SASL PLAIN', who);
      }
    } else if (side === 0 && key > 0) this.#notes.content(0, from, Math.min(from + key, end), 'key');
    speech.skip(BINARY_HEAD + body);
    return true;
  }
}

/** A header of the binary protocol: lengths fit, and what must be 0 is. */
function isBinary(speech: Speech): boolean {
  if (speech.length < BINARY_HEAD) return false;
  const [magic, operation] = [speech.byte(0), speech.byte(1)];
  if ((magic !== BINARY_ASK && magic !== BINARY_ANSWER) || operation > 0x3f) return false;
  const body = speech.uint32(8);
  return (
    speech.byte(5) === 0 &&
    speech.uint16(2) <= 250 &&
    speech.uint16(2) + speech.byte(4) <= body &&
    body <= 0x800_0000
  );
}

export const memcached: Protocol = {
  name: 'memcached',
  ports: [11_211],
  claim({ client, server, serverPort }: Talk): Claim {
    const isPort = memcached.ports.includes(serverPort);
    if (isBinary(client)) return isPort ? 'mine' : 'not mine';
    if (client.length > 0 && client.byte(0) === BINARY_ASK && client.length < BINARY_HEAD)
      return isPort ? 'perhaps' : 'not mine';
    const asked = firstLine(client);
    const said = firstLine(server);
    if (!isPlain(asked) || !isPlain(said)) return 'not mine';
    const isAskedWhole = asked.endsWith('\n');
    const isSaidWhole = said.endsWith('\n');
    if (isAskedWhole && STORE.test(asked.trimEnd())) return 'mine';
    if (isSaidWhole && VALUE.test(said.trimEnd())) return 'mine';
    if (isAskedWhole) {
      if (!COMMAND.test(asked.trimEnd())) return 'not mine';
      return isSaidWhole && REPLY.test(said.trimEnd()) ? 'mine' : 'perhaps';
    }
    if (asked !== '' && !/^[a-z_]{1,14}(?: [\x21-\x7e ]*)?$/.test(asked)) return 'not mine';
    return isSaidWhole && !REPLY.test(said.trimEnd()) ? 'not mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new MemcachedReader(talk),
};
