// MySQL and MariaDB ("MySQL Client/Server Protocol"): log-ins, queries, what they are answered with. It goes on in TLS where the
// client asks for it, and is named and left where both sides compress.

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import type { Passage } from './grammar/notes.ts';
import { Notes } from './grammar/notes.ts';
import { COM, MysqlCommands } from './mysql/commands.ts';
import { MysqlLogin } from './mysql/login.ts';
import { HEAD, Packets } from './mysql/packets.ts';
import type { Answer } from './mysql/result.ts';
import { MysqlResult } from './mysql/result.ts';
import { isGreeting, isQuery, isResponse } from './mysql/shape.ts';

type Phase = 'greeting' | 'response' | 'auth' | 'commands' | 'tls';

/** Commands ahead of their answers that are kept track of. */
const AHEAD_MAX = 64;
/** After lost bytes so many stretches are looked at for the start of a command. */
const TRIES_MAX = 64;

class MysqlReader implements Reader {
  readonly #talk: Talk;
  readonly #notes: Notes;
  readonly #asks: Packets;
  readonly #answers: Packets;
  readonly #login: MysqlLogin;
  readonly #commands: MysqlCommands;
  readonly #result: MysqlResult;
  #phase: Phase;
  /** Answers that are waited for; of the first, `#result` has heard the start if `#begun`. */
  #pending: Answer[] = [];
  #begun = false;
  /** Where the server's packets start is not known, until it answers a command. */
  #isDeaf: boolean;
  #awaitsFirst = false;
  /** Where the client's packets start is not known. */
  #tries = 0;
  #file: Passage | null = null;
  #isWrong = false;

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#notes = new Notes(talk, 'MySQL');
    this.#asks = new Packets(talk.client);
    this.#answers = new Packets(talk.server);
    this.#login = new MysqlLogin(this.#notes);
    this.#commands = new MysqlCommands(this.#notes);
    this.#result = new MysqlResult(this.#notes);
    const isStart = isGreeting(talk.server) !== 'not mine';
    const isLogin = talk.client.length > 0 && isResponse(talk.client) !== 'not mine';
    const heardServer = talk.server.length > 0;
    this.#phase = heardServer && isStart ? 'greeting' : isLogin ? 'response' : 'commands';
    this.#isDeaf = this.#phase === 'commands';
  }

  said(side: Side): boolean {
    if (side === 0 && this.#tries > 0) this.#findCommand();
    while (!this.#isWrong && this.#phase !== 'tls') {
      if (
        this.#isServersTurn()
          ? this.#hearServer() || this.#hearClient()
          : this.#hearClient() || this.#hearServer()
      )
        continue;
      break;
    }
    if (this.#phase === 'tls') this.#talk.handOver();
    return !this.#isWrong;
  }

  lost(side: Side, _bytes: number): boolean {
    if (side === 0) {
      this.#asks.lost();
      this.#tries = 1;
      this.#pending = [];
      this.#closeFile();
    } else this.#answers.lost();
    this.#begun = false;
    this.#isDeaf = true;
    this.#awaitsFirst = false;
    if (this.#phase === 'greeting') this.#phase = 'response';
    return true;
  }

  ended(): void {
    this.#closeFile();
  }

  #isServersTurn(): boolean {
    const { client, server } = this.#talk;
    if (this.#phase === 'greeting') return true;
    if (this.#phase !== 'auth' || server.length < HEAD || client.length < HEAD) return false;
    // Packets of both sides are numbered on, until a command starts from 0.
    return client.byte(3) === 0 || server.byte(3) < client.byte(3);
  }

  #hearClient(): boolean {
    const packet = this.#asks;
    if (this.#phase === 'greeting' || this.#tries > 0 || !packet.next()) return false;
    if (this.#phase === 'response') this.#hearResponse();
    else if (this.#phase === 'auth' && packet.seq > 0) this.#login.answer(packet);
    else if (this.#file !== null || packet.seq > 0) this.#hearFile();
    else this.#hearCommand();
    if (this.#isWrong) return false;
    packet.done();
    return true;
  }

  #hearResponse(): void {
    const answer = this.#asks.seq === 1 ? this.#login.response(this.#asks) : null;
    if (answer === null) {
      // The log-in is over already, or was never there.
      if (isQuery(this.#talk.client) === 'mine') this.#hearCommand();
      else this.#isWrong = true;
    } else this.#phase = answer === 'tls' ? 'tls' : 'auth';
  }

  #hearCommand(): void {
    const packet = this.#asks;
    if (packet.first < 0 || packet.first > COM.last) {
      this.#isWrong = true;
      return;
    }
    this.#phase = 'commands';
    if (packet.first === COM.changeUser) {
      this.#login.changeUser(packet);
      this.#phase = 'auth';
      return;
    }
    const answer = this.#commands.hear(packet, this.#login.queryAttributes);
    if (answer === null) return;
    if (this.#pending.length >= AHEAD_MAX) this.#pending.shift();
    if (this.#pending[0] === 'stream') this.#pending = [];
    this.#pending.push(answer);
    if (!this.#isDeaf) return;
    this.#pending = [answer];
    this.#talk.server.take(this.#talk.server.length);
    this.#awaitsFirst = true;
  }

  /** Packets of a file that the server has asked for (LOAD DATA LOCAL); an empty one ends it. */
  #hearFile(): void {
    const packet = this.#asks;
    if (packet.size === 0) {
      this.#closeFile();
      return;
    }
    if (!this.#result.wantsFile) return;
    const isNew = this.#file === null;
    this.#file ??= this.#notes.passage(0, HEAD);
    this.#notes.add(this.#file, HEAD, packet.end, isNew ? 0 : HEAD);
  }

  #closeFile(): void {
    if (this.#file !== null) this.#notes.close(this.#file, 'file');
    this.#file = null;
  }

  #hearServer(): boolean {
    const { server } = this.#talk;
    if (this.#isDeaf && this.#phase !== 'greeting') {
      if (server.length === 0) return false;
      if (this.#awaitsFirst && server.length < HEAD) return false;
      this.#isDeaf = !this.#awaitsFirst || server.byte(3) !== 1;
      this.#awaitsFirst = false;
      if (this.#isDeaf) {
        server.take(server.length);
        return false;
      }
    }
    const packet = this.#answers;
    if (!packet.next()) return false;
    if (this.#phase === 'greeting') this.#hearGreeting();
    else if (this.#phase === 'auth') this.#hearVerdict();
    else this.#hearAnswer();
    if (this.#isWrong) return false;
    packet.done();
    return true;
  }

  #hearGreeting(): void {
    this.#isWrong = !this.#login.greeting(this.#answers);
    this.#phase = 'response';
  }

  /** What the server says until the log-in is over. */
  #hearVerdict(): void {
    const packet = this.#answers;
    if (packet.first === 0xfe) this.#login.change(packet);
    else if (packet.first === 0xff) this.#notes.content(1, HEAD + 3, Math.max(packet.end, HEAD + 4), 'error');
    else if (packet.first === 0x00) {
      this.#phase = 'commands';
      const { compression } = this.#login;
      if (compression === '') return;
      this.#notes.content(1, HEAD, packet.end, 'compressed', compression);
      this.#isWrong = true;
    }
  }

  #hearAnswer(): void {
    const packet = this.#answers;
    const answer = this.#pending[0];
    if (answer === undefined) return;
    if (!this.#begun) {
      // Of the one before, an end that not every server sends.
      if (packet.seq !== 1 && packet.first === 0xfe) return;
      this.#result.begin(answer);
      this.#begun = true;
    }
    const isLast = this.#result.hear(packet);
    if (this.#result.prepared !== null) this.#commands.prepared(this.#result.prepared);
    if (!isLast) return;
    this.#begun = false;
    this.#pending.shift();
  }

  /** After lost bytes: whether what comes next is the start of a command. */
  #findCommand(): void {
    const { client } = this.#talk;
    if (client.length < HEAD + 1) return;
    const size = client.byte(0) | (client.byte(1) << 8) | (client.byte(2) << 16);
    if (client.byte(3) === 0 && size > 0 && client.byte(4) > 0 && client.byte(4) <= COM.last) this.#tries = 0;
    else {
      client.take(client.length);
      this.#isWrong = ++this.#tries > TRIES_MAX;
    }
  }
}

export const mysql: Protocol = {
  name: 'MySQL',
  ports: [3306, 3307, 4000, 6033],
  claim(talk: Talk): Claim {
    const { client, server, serverPort } = talk;
    const greeting = server.length === 0 ? 'perhaps' : isGreeting(server);
    if (greeting === 'mine') return 'mine';
    const asked = client.length === 0 ? 'perhaps' : clientSays(client);
    if (asked === 'mine') return 'mine';
    // The capture may begin with an answer.
    const isLater = greeting === 'not mine' && client.length === 0 && mysql.ports.includes(serverPort);
    return asked === 'perhaps' && (greeting === 'perhaps' || isLater) ? 'perhaps' : 'not mine';
  },
  reader: (talk: Talk): Reader => new MysqlReader(talk),
};

function clientSays(client: Speech): Claim {
  const query = isQuery(client);
  return query === 'not mine' ? isResponse(client) : query;
}
