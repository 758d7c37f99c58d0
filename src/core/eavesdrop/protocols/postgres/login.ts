// PostgreSQL's log-in ("Message Flow", Start-up and SASL Authentication): who, to which database, and how the server wants it
// proved: with the password as it is, with MD5 over a salt, or with SCRAM.

import { textOf } from '../../text.ts';
import { Cursor } from '../grammar/cursor.ts';
import type { Notes } from '../grammar/notes.ts';
import { hex, proof } from '../grammar/notes.ts';
import { Sasl } from '../grammar/sasl.ts';
import type { Messages } from './messages.ts';

/** Authentication requests. */
const CLEAR = 3;
const MD5 = 5;
const SASL = 10;
const SASL_CONTINUE = 11;
const PARAMETERS_MAX = 32;

export class PostgresLogin {
  readonly #notes: Notes;
  #user = '';
  /** What the server has asked for; null while it was not heard. */
  #asked: number | null = null;
  #salt = '';
  #sasl: Sasl | null = null;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** The start-up message's parameters, in [8, end). */
  startup(end: number): void {
    const cursor = new Cursor(this.#notes.speech(0), 8, end);
    const others: string[] = [];
    for (let i = 0; i < PARAMETERS_MAX && cursor.left > 1; i++) {
      const name = cursor.latin1(cursor.untilNul());
      const value = cursor.untilNul();
      if (!cursor.ok) return;
      const text = textOf(cursor.bytes(value));
      if (name === 'user') {
        this.#user = text;
        this.#notes.identity(0, value.from, Math.max(value.to, value.from + 1), 'user');
      } else if (name === 'database')
        this.#notes.content(0, value.from, Math.max(value.to, value.from + 1), 'database');
      else if (name !== '') others.push(`${name}=${text}`);
    }
    if (others.length > 0) this.#notes.content(0, 8, end, 'client', others.join(', '));
  }

  /** AuthenticationRequest. */
  asked(message: Messages): void {
    const cursor = message.cursor();
    const code = cursor.big(4);
    if (!cursor.ok) return;
    this.#asked = code;
    if (code === MD5) this.#salt = hex(cursor.bytes(cursor.stretch(4)));
    else if (code === SASL_CONTINUE) this.#sasl?.challenge(cursor.bytes(cursor.stretch(cursor.left)));
  }

  /** The client's message `p`: PasswordMessage, SASLInitialResponse or SASLResponse, as the server has asked. */
  answered(message: Messages): void {
    const { from, end } = message;
    const speech = this.#notes.speech(0);
    const isText = end > from + 1 && end === message.size && speech.find(0, from) === end - 1;
    const text = isText ? textOf(speech.bytes(from, end - 1)) : '';
    if (this.#asked === SASL || (this.#asked === null && /^SCRAM-/.test(speech.latin1(from, end)))) {
      this.#saslInitial(message);
    } else if (this.#asked === SASL_CONTINUE || (this.#asked === null && this.#sasl !== null)) {
      this.#sasl?.answer(speech.bytes(from, end), from, end);
    } else if (/^md5[0-9a-f]{32}$/.test(text) && this.#asked !== CLEAR) {
      const parts = { salt: this.#salt, answer: text };
      this.#notes.challenge(0, from, end - 1, 'MD5 password', this.#user, proof(parts));
    } else if (text !== '' && (this.#asked === CLEAR || this.#asked === null)) {
      this.#notes.secret(0, from, end - 1, 'password', this.#user, text);
    }
  }

  /** Mechanism, length, client's first message; -1 for none. */
  #saslInitial(message: Messages): void {
    const cursor = message.cursor();
    const mechanism = cursor.latin1(cursor.untilNul());
    const length = cursor.big(4);
    if (!cursor.ok || !/^[A-Z0-9_-]{1,40}$/.test(mechanism)) return;
    this.#sasl = new Sasl(this.#notes, 'SASL', mechanism, this.#user);
    if (length > cursor.left) return;
    const first = cursor.stretch(length);
    this.#sasl.answer(cursor.bytes(first), first.from, first.to);
  }
}
