// MySQL's log-in ("Connection Phase"): the greeting with its nonce, the client's answer, a change of the method, and what goes to
// and fro until the server is content.

import { latin1, textOf } from '../../text.ts';
import type { Cursor, Stretch } from '../grammar/cursor.ts';
import type { Notes } from '../grammar/notes.ts';
import { hex, proof } from '../grammar/notes.ts';
import type { Packets } from './packets.ts';
import { encodedString, HEAD, lengthEncoded } from './packets.ts';

/** Capability flags. */
const CONNECT_WITH_DB = 1 << 3;
const COMPRESS = 1 << 5;
const PROTOCOL_41 = 1 << 9;
const SSL = 1 << 11;
const SECURE_CONNECTION = 1 << 15;
const PLUGIN_AUTH = 1 << 19;
const CONNECT_ATTRS = 1 << 20;
const PLUGIN_AUTH_LENENC = 1 << 21;
const ZSTD_COMPRESSION = 1 << 26;
const QUERY_ATTRIBUTES = 1 << 27;

const NATIVE = 'mysql_native_password';
/** Methods whose answer is the password as it is typed. */
const CLEAR: ReadonlySet<string> = new Set(['mysql_clear_password', 'dialog', 'authentication_ldap_simple']);
/** Methods whose answer to the nonce has so many bytes. */
const ANSWERS: Readonly<Record<string, number>> = {
  [NATIVE]: 20,
  caching_sha2_password: 32,
  mysql_old_password: 8,
  client_ed25519: 64,
};
/** An answer that is a hash of nothing, or asks for the server's key. */
const NONCE_MAX = 20;
const ATTRIBUTES_MAX = 32;

export class MysqlLogin {
  readonly #notes: Notes;
  /** Both sides understand parameters with a query; null where the log-in was not heard. */
  queryAttributes: boolean | null = null;
  /** `zlib` or `zstd` from the log-in's end on. */
  compression = '';
  #nonce: Uint8Array = new Uint8Array(0);
  #plugin = '';
  #user = '';
  #serverCan = 0;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** The server's first packet. False when it is none. */
  greeting(packet: Packets): boolean {
    const cursor = packet.cursor();
    if (packet.first === 0xff) {
      this.#notes.content(1, HEAD + 3, packet.end, 'error');
      return true;
    }
    cursor.skip(1);
    const version = cursor.untilNul();
    cursor.skip(4);
    const first = cursor.bytes(cursor.stretch(8));
    cursor.skip(1);
    this.#serverCan = cursor.little(2);
    if (!cursor.ok) return false;
    this.#notes.content(1, version.from, version.to, 'server version');
    this.#nonce = first;
    if (cursor.left < 16) return true;
    cursor.skip(3);
    this.#serverCan = (this.#serverCan | (cursor.little(2) << 16)) >>> 0;
    const length = Math.max(13, cursor.little(1) - 8);
    cursor.skip(10);
    const second = cursor.bytes(cursor.stretch(Math.min(length, Math.max(0, cursor.left))));
    this.#nonce = join(first, second).subarray(0, NONCE_MAX);
    if (this.#has(this.#serverCan, PLUGIN_AUTH)) this.#plugin = cursor.latin1(cursor.untilNul());
    return true;
  }

  /** The client's answer to the greeting: `tls` when it goes on in TLS, null when it is none. */
  response(packet: Packets): 'tls' | 'login' | null {
    const cursor = packet.cursor();
    const can = cursor.little(4);
    if (!this.#has(can, PROTOCOL_41)) return this.#oldResponse(packet);
    if (this.#has(can, SSL) && packet.size === 32) return 'tls';
    cursor.skip(4 + 1 + 23);
    const user = cursor.untilNul();
    if (!cursor.ok) return null;
    const answer = this.#has(can, PLUGIN_AUTH_LENENC)
      ? (encodedString(cursor) ?? cursor.stretch(0))
      : this.#has(can, SECURE_CONNECTION)
        ? cursor.stretch(cursor.little(1))
        : cursor.untilNul();
    const database = this.#has(can, CONNECT_WITH_DB) ? cursor.untilNul() : null;
    const plugin = this.#has(can, PLUGIN_AUTH) && cursor.ok ? cursor.latin1(cursor.untilNul()) : NATIVE;
    this.#plugin = cursor.ok ? plugin : NATIVE;
    this.#tellUser(cursor, user, answer, database);
    if (this.#has(can, CONNECT_ATTRS)) this.#attributes(cursor);
    const both = this.#serverCan === 0 ? can : (can & this.#serverCan) >>> 0;
    this.queryAttributes = this.#has(both, QUERY_ATTRIBUTES);
    this.compression = this.#has(both, COMPRESS) ? 'zlib' : this.#has(both, ZSTD_COMPRESSION) ? 'zstd' : '';
    return 'login';
  }

  /** COM_CHANGE_USER's fields, behind its number. */
  changeUser(packet: Packets): void {
    const cursor = packet.cursor();
    cursor.skip(1);
    const user = cursor.untilNul();
    const answer = cursor.stretch(cursor.little(1));
    const database = cursor.untilNul();
    if (!cursor.ok) return;
    cursor.skip(2);
    const plugin = cursor.latin1(cursor.untilNul());
    this.#plugin = cursor.ok ? plugin : NATIVE;
    this.#tellUser(cursor, user, answer, database);
  }

  /** The server wants another method: its name and a new nonce. */
  change(packet: Packets): void {
    const cursor = packet.cursor();
    cursor.skip(1);
    if (cursor.left === 0) {
      this.#plugin = 'mysql_old_password';
      return;
    }
    const name = cursor.latin1(cursor.untilNul());
    if (!cursor.ok) return;
    this.#plugin = name;
    const data = cursor.bytes(cursor.stretch(cursor.left));
    if (data.length > 0) this.#nonce = data.slice(0, data.at(-1) === 0 ? -1 : undefined);
  }

  /** What the client sends when it was asked again. */
  answer(packet: Packets): void {
    const { end } = packet;
    if (end > HEAD) this.#tellAnswer(packet.cursor(), { from: HEAD, to: end });
  }

  #has(flags: number, flag: number): boolean {
    return (flags & flag) !== 0;
  }

  /** HandshakeResponse320: flags (2), packet size (3), user, answer. */
  #oldResponse(packet: Packets): 'login' | null {
    const cursor = packet.cursor();
    cursor.skip(5);
    const user = cursor.untilNul();
    if (!cursor.ok || packet.size > 256) return null;
    this.#plugin = 'mysql_old_password';
    this.#tellUser(cursor, user, cursor.stretch(Math.min(8, cursor.left)), null);
    return 'login';
  }

  #tellUser(cursor: Cursor, user: Stretch, answer: Stretch, database: Stretch | null): void {
    this.#user = textOf(cursor.bytes(user));
    if (user.to > user.from) this.#notes.identity(0, user.from, user.to, 'user');
    if (database !== null && database.to > database.from)
      this.#notes.content(0, database.from, database.to, 'database');
    if (answer.to > answer.from) this.#tellAnswer(cursor, answer);
  }

  #tellAnswer(cursor: Cursor, answer: Stretch): void {
    const bytes = cursor.bytes(answer);
    const size = answer.to - answer.from;
    if (CLEAR.has(this.#plugin)) {
      const end = bytes.at(-1) === 0 ? size - 1 : size;
      if (end > 0) {
        const password = textOf(bytes.subarray(0, end));
        this.#notes.secret(0, answer.from, answer.from + end, this.#plugin, this.#user, password);
      }
      return;
    }
    if (ANSWERS[this.#plugin] === size || (this.#plugin === 'mysql_old_password' && size === 9)) {
      const parts = { nonce: hex(this.#nonce), answer: hex(bytes) };
      this.#notes.challenge(0, answer.from, answer.to, this.#plugin, this.#user, proof(parts));
      return;
    }
    // Clients that hold the connection for safe send it as it is, with a zero (caching_sha2_password, sha256_password).
    const text = latin1(bytes.subarray(0, -1));
    if (
      /_?sha(?:2|256)_password$/.test(this.#plugin) &&
      bytes.at(-1) === 0 &&
      /^[\x20-\x7e]{1,127}$/.test(text)
    )
      this.#notes.secret(0, answer.from, answer.to - 1, this.#plugin, this.#user, text);
  }

  #attributes(cursor: Cursor): void {
    const total = lengthEncoded(cursor);
    const from = cursor.at;
    const to = Math.min(from + total, cursor.end);
    const parts: string[] = [];
    while (cursor.ok && cursor.at < to && parts.length < ATTRIBUTES_MAX) {
      const key = encodedString(cursor);
      const value = encodedString(cursor);
      if (!cursor.ok || key === null || value === null) break;
      parts.push(`${textOf(cursor.bytes(key))}=${textOf(cursor.bytes(value))}`);
    }
    if (parts.length > 0) this.#notes.content(0, from, cursor.at, 'client', parts.join(', '));
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
