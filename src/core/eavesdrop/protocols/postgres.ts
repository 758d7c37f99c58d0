// PostgreSQL, protocol 3 ("Frontend/Backend Protocol"): log-ins, queries and their parameters, rows. It goes on in TLS where the
// client asks and the server agrees.

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Notes } from './grammar/notes.ts';
import { isSql, tellStatement } from './grammar/sql.ts';
import { PostgresAnswers, values } from './postgres/answers.ts';
import { PostgresLogin } from './postgres/login.ts';
import { beginsMessage, CLIENT_LETTERS, Messages, SERVER_LETTERS } from './postgres/messages.ts';

/** What a first message without a letter may be. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const VERSION_3 = 3;
const STARTUP_MAX = 10_000;
const TLS_HANDSHAKE = 0x16;
/** After lost bytes so many stretches are looked at for the start of a message. */
const TRIES_MAX = 64;
const FORMATS_MAX = 4096;

/** `start`: the client's next message has no letter. `asked`: for encryption, and the server's byte is waited for. */
type Phase = 'start' | 'asked' | 'messages' | 'over';

class PostgresReader implements Reader {
  readonly #talk: Talk;
  readonly #notes: Notes;
  readonly #asks: Messages;
  readonly #tells: Messages;
  readonly #login: PostgresLogin;
  readonly #answers: PostgresAnswers;
  #phase: Phase;
  /** The client proves who it is: what that means the server has said before. */
  #proving = false;
  #isDeaf = false;
  #awaitsFirst = false;
  #tries = 0;
  #isWrong = false;

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#notes = new Notes(talk, 'PostgreSQL');
    this.#asks = new Messages(talk.client, CLIENT_LETTERS);
    this.#tells = new Messages(talk.server, SERVER_LETTERS);
    this.#login = new PostgresLogin(this.#notes);
    this.#answers = new PostgresAnswers(this.#notes);
    const { client } = talk;
    this.#phase = client.length > 0 && client.byte(0) === 0 ? 'start' : 'messages';
  }

  said(side: Side): boolean {
    if (side === 0 && this.#tries > 0) this.#findMessage();
    while (!this.#isWrong && this.#phase !== 'over') {
      const heard = this.#isServersTurn
        ? this.#hearServer() || this.#hearClient()
        : this.#hearClient() || this.#hearServer();
      if (!heard) break;
    }
    if (this.#phase === 'over') this.#talk.handOver();
    return !this.#isWrong;
  }

  lost(side: Side, _bytes: number): boolean {
    this.#answers.endCopy();
    if (side === 0) {
      this.#asks.restart();
      this.#tries = 1;
      this.#phase = 'messages';
      return true;
    }
    this.#tells.restart();
    this.#isDeaf = true;
    this.#awaitsFirst = false;
    if (this.#phase === 'asked') this.#phase = 'start';
    return true;
  }

  ended(): void {
    this.#answers.endCopy();
  }

  get #isServersTurn(): boolean {
    return this.#phase === 'asked' || this.#proving;
  }

  #hearClient(): boolean {
    const { client } = this.#talk;
    if (client.length === 0 || this.#tries > 0) return false;
    if (this.#phase === 'start') return this.#start();
    if (this.#phase === 'asked') {
      // The server's byte is not in the capture; what the client says next shows which it was.
      this.#phase = client.byte(0) === TLS_HANDSHAKE ? 'over' : 'start';
      return this.#phase === 'start';
    }
    const message = this.#asks;
    if (!message.next()) {
      this.#isWrong = message.isBroken;
      return false;
    }
    this.#ask(message);
    message.done();
    return true;
  }

  #start(): boolean {
    const { client } = this.#talk;
    if (client.byte(0) !== 0) {
      this.#phase = client.byte(0) === TLS_HANDSHAKE ? 'over' : 'messages';
      return this.#phase === 'messages';
    }
    if (client.length < 8) return false;
    const size = client.uint32(0);
    const code = client.uint32(4);
    if (size < 8 || size > STARTUP_MAX) {
      this.#isWrong = true;
      return false;
    }
    if (client.length < size && !client.full) return false;
    if (code === SSL_REQUEST || code === GSS_REQUEST) this.#phase = 'asked';
    else if (code === CANCEL_REQUEST && size > 12) {
      const key = Array.from(client.bytes(12, size), (byte) => byte.toString(16).padStart(2, '0')).join('');
      this.#notes.secret(0, 12, size, 'cancel key', `process ${client.uint32(8)}`, key);
    } else if (code >>> 16 === VERSION_3) {
      this.#login.startup(Math.min(size, client.length));
      this.#phase = 'messages';
      this.#proving = true;
    } else this.#isWrong = true;
    client.skip(size);
    return !this.#isWrong;
  }

  #ask(message: Messages): void {
    const { letter, from } = message;
    if (letter === 'd') {
      this.#answers.copied(0, message);
      return;
    }
    if (letter === 'c' || letter === 'f') this.#answers.endCopy();
    if (letter === 'p') {
      this.#login.answered(message);
      this.#proving = true;
      return;
    }
    this.#proving = false;
    if (letter === 'Q') this.#statement(from, message, 'query');
    else if (letter === 'P') {
      const cursor = message.cursor();
      cursor.untilNul();
      if (cursor.ok) this.#statement(cursor.at, message, 'prepare');
    } else if (letter === 'B') this.#bind(message);
    if (!this.#isDeaf || (letter !== 'Q' && letter !== 'S')) return;
    this.#talk.server.take(this.#talk.server.length);
    this.#awaitsFirst = true;
  }

  /** A statement up to its zero; of a long one that is not there. */
  #statement(from: number, message: Messages, what: string): void {
    const nul = this.#talk.client.find(0, from);
    const to =
      nul >= 0 && nul < message.end ? nul : message.end < message.size ? message.size - 1 : message.end;
    if (to > from) tellStatement(this.#notes, from, to, what);
  }

  /** Portal, statement, formats, values. */
  #bind(message: Messages): void {
    const cursor = message.cursor();
    cursor.untilNul();
    cursor.untilNul();
    const count = cursor.big(2);
    const formats: number[] = [];
    for (let i = 0; i < Math.min(count, FORMATS_MAX); i++) formats.push(cursor.big(2));
    const parameters = cursor.big(2);
    if (!cursor.ok || parameters === 0) return;
    const { at } = cursor;
    // One format may stand for all (Bind).
    const text = values(cursor, parameters, (i) => formats[formats.length === 1 ? 0 : i] ?? 0);
    this.#notes.content(0, at, Math.max(cursor.at, at + 1), 'parameters', text);
  }

  #hearServer(): boolean {
    const { server } = this.#talk;
    if (server.length === 0) return false;
    if (this.#phase === 'asked') return this.#agree();
    if (this.#isDeaf && !this.#find()) return false;
    const message = this.#tells;
    if (!message.next()) {
      if (message.isBroken) {
        this.#tells.restart();
        this.#isDeaf = true;
      }
      return false;
    }
    if (message.letter === 'R') {
      this.#login.asked(message);
      this.#proving = false;
    } else this.#answers.hear(message);
    if (message.letter === 'E') this.#proving = false;
    message.done();
    return true;
  }

  /** The server's one byte to a request for encryption: S or G for yes, N for no; E starts an error of an old one. */
  #agree(): boolean {
    const { server } = this.#talk;
    const byte = String.fromCharCode(server.byte(0));
    this.#phase = byte === 'S' || byte === 'G' ? 'over' : 'start';
    if (byte !== 'E') server.take(1);
    return this.#phase === 'start';
  }

  /** After lost bytes: whether the answer to a command begins here. */
  #find(): boolean {
    const { server } = this.#talk;
    const begins = this.#awaitsFirst ? beginsMessage(server, SERVER_LETTERS) : 'no';
    if (begins === 'more') return false;
    this.#awaitsFirst = false;
    if (begins === 'no') {
      server.take(server.length);
      return false;
    }
    this.#isDeaf = false;
    return true;
  }

  #findMessage(): void {
    const { client } = this.#talk;
    const begins = beginsMessage(client, CLIENT_LETTERS);
    if (begins === 'yes') this.#tries = 0;
    else if (begins === 'no') {
      client.take(client.length);
      this.#isWrong = ++this.#tries > TRIES_MAX;
    }
  }
}

export const postgres: Protocol = {
  name: 'PostgreSQL',
  ports: [5432, 5433, 6432],
  claim(talk: Talk): Claim {
    const client = clientSays(talk);
    if (client !== 'perhaps') return client;
    return serverSays(talk);
  },
  reader: (talk: Talk): Reader => new PostgresReader(talk),
};

function clientSays({ client }: Talk): Claim {
  if (client.length === 0) return 'perhaps';
  if (client.byte(0) === 0) {
    if (client.length < 8) return client.length >= 2 && client.uint16(0) !== 0 ? 'not mine' : 'perhaps';
    const size = client.uint32(0);
    const code = client.uint32(4);
    if ((code === SSL_REQUEST || code === GSS_REQUEST) && size === 8) return 'mine';
    if (code === CANCEL_REQUEST && size >= 16 && size <= 268) return 'mine';
    if (code >>> 16 !== VERSION_3 || size < 9 || size > STARTUP_MAX) return 'not mine';
    if (client.length < Math.min(size, 13)) return 'perhaps';
    return /^[a-z_.]{2,}/i.test(client.latin1(8, 13)) || size === 9 ? 'mine' : 'not mine';
  }
  const begins = beginsMessage(client, CLIENT_LETTERS);
  if (begins !== 'yes') return begins === 'no' ? 'not mine' : 'perhaps';
  const letter = String.fromCharCode(client.byte(0));
  const end = Math.min(client.uint32(1) + 1, 128);
  if (client.length < end) return 'perhaps';
  const text = client.latin1(5, end);
  if (letter === 'Q') return isSql(text) ? 'mine' : 'not mine';
  if (letter === 'P') return isSql(text.slice(text.indexOf('\0') + 1)) ? 'mine' : 'not mine';
  return 'perhaps';
}

/** Where the client's side does not decide: AuthenticationRequest is like nothing else, other messages are like noise. */
function serverSays({ server, client, serverPort }: Talk): Claim {
  if (server.length === 0) return 'perhaps';
  const begins = beginsMessage(server, SERVER_LETTERS);
  if (begins === 'no')
    return client.length > 0 && postgres.ports.includes(serverPort) ? 'perhaps' : 'not mine';
  if (begins === 'more' || server.byte(0) !== 0x52) return 'perhaps';
  if (server.length < 9) return 'perhaps';
  const size = server.uint32(1);
  const code = server.uint32(5);
  return size >= 8 && size <= 2048 && code <= 12 ? 'mine' : 'not mine';
}
