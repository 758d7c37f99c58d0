// SOCKS 5 (RFC 1928) with its log-in (RFC 1929), and SOCKS 4 and 4A: whom somebody asks a proxy to connect him to, and the user
// and password that he shows it. Behind that the connection is another protocol's.
//
//   client  5 | n | methods      1 | n | user | n | password      5 | command | 0 | kind | address | port
//   server  5 | method           1 | status                       5 | reply   | 0 | kind | address | port

import { formatIp4 } from '../../wire/address.ts';
import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { Notes } from './grammar/notes.ts';

const FOUR = 4;
const FIVE = 5;
const LOGIN = 1;
const PASSWORD = 2;
const REFUSED = 0xff;
/** Of a request: CONNECT, BIND, UDP ASSOCIATE. */
const COMMANDS = ['', 'connect', 'bind', 'udp associate'];
/** Of an address. */
const KIND = { ip4: 1, name: 3, ip6: 4 } as const;
/** Of a user's name in SOCKS 4. */
const NAME_MAX = 255;

type Phase = 'greeting' | 'login' | 'request' | 'four' | 'over';

export const socks: Protocol = {
  name: 'SOCKS',
  ports: [1080, 9050],
  claim: ({ client, server, serverPort }: Talk): Claim => {
    if (client.length === 0) return server.length === 0 ? 'perhaps' : 'not mine';
    if (client.byte(0) !== FOUR && client.byte(0) !== FIVE) return 'not mine';
    if (client.length < 2) return 'perhaps';
    if (client.byte(0) === FOUR) {
      // Two bytes are not much to go by.
      const isOurs = socks.ports.includes(serverPort) && (COMMANDS[client.byte(1)] ?? '') !== '';
      return isOurs ? 'mine' : 'not mine';
    }
    const methods = client.byte(1);
    if (methods < 1 || methods > 16) return 'not mine';
    if (client.length < 2 + methods) return 'perhaps';
    if (server.length === 0) return client.length === 2 + methods ? 'perhaps' : 'not mine';
    if (server.byte(0) !== FIVE) return 'not mine';
    if (server.length < 2) return 'perhaps';
    return offers(client, methods, server.byte(1)) ? 'mine' : 'not mine';
  },
  reader: (talk) => new SocksReader(talk),
};

/** Whether what the server chose was offered, or nothing was good enough. */
function offers(client: Speech, methods: number, chosen: number): boolean {
  if (chosen === REFUSED) return true;
  for (let i = 0; i < methods; i++) if (client.byte(2 + i) === chosen) return true;
  return false;
}

class SocksReader implements Reader {
  readonly #talk: Talk;
  readonly #notes: Notes;
  #phase: Phase = 'greeting';
  /** What the server is expected to say next. */
  #awaits: 'method' | 'status' | 'reply' | 'reply of 4' = 'method';

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#notes = new Notes(talk, socks.name);
  }

  said(_side: Side): boolean {
    // Both sides wait for each other: what one says may be read only when the other's is.
    for (let went = true; went && this.#phase !== 'over'; ) {
      const before = this.#talk.client.length + this.#talk.server.length;
      if (!this.#client() || !this.#server()) return false;
      went = this.#talk.client.length + this.#talk.server.length < before;
    }
    return true;
  }

  lost(): boolean {
    return false;
  }

  ended(): void {}

  #client(): boolean {
    const { client } = this.#talk;
    if (client.length < 2) return true;
    switch (this.#phase) {
      case 'greeting':
        return this.#greeting(client);
      case 'login':
        return this.#awaits !== 'method' ? this.#login(client) : true;
      case 'request':
        return this.#awaits === 'reply' ? this.#request(client) : true;
      default:
        return true;
    }
  }

  #greeting(client: Speech): boolean {
    if (client.byte(0) === FOUR) return this.#four(client);
    const size = 2 + client.byte(1);
    if (client.length < size) return true;
    client.take(size);
    this.#phase = 'login';
    return true;
  }

  #login(client: Speech): boolean {
    if (client.byte(0) !== LOGIN) return false;
    const user = client.byte(1);
    if (client.length < 3 + user) return true;
    const password = client.byte(2 + user);
    const at = 3 + user;
    if (client.length < at + password) return true;
    const who = this.#notes.text(0, 2, 2 + user);
    if (user > 0) this.#notes.identity(0, 2, 2 + user, 'user');
    if (password > 0) this.#notes.secret(0, at, at + password, 'password', who);
    client.take(at + password);
    this.#phase = 'request';
    return true;
  }

  #request(client: Speech): boolean {
    const size = addressSize(client);
    if (size < 0 || client.byte(0) !== FIVE) return false;
    if (size === 0 || client.length < 6 + size) return true;
    const command = COMMANDS[client.byte(1)] ?? '';
    if (command === '') return false;
    const target = addressText(client, size);
    this.#notes.content(0, 0, 6 + size, command, `${target}:${client.uint16(4 + size)}`);
    client.take(6 + size);
    this.#phase = 'four';
    return true;
  }

  /** Version, command, port, address, user, 0; with an address of 0.0.0.x a name and 0 (4A). */
  #four(client: Speech): boolean {
    const end = client.length < 9 ? -1 : client.find(0, 8);
    if (end < 0) return client.length < 9 + NAME_MAX;
    const command = COMMANDS[client.byte(1)] ?? '';
    const isNamed = client.uint32(4) < 256 && client.uint32(4) > 0;
    const last = isNamed ? client.find(0, end + 1) : end;
    if (command === '') return false;
    if (last < 0) return client.length < 10 + 2 * NAME_MAX;
    const target = isNamed ? this.#notes.text(0, end + 1, last) : formatIp4(client.uint32(4));
    if (end > 8) this.#notes.identity(0, 8, end, 'user');
    this.#notes.content(0, 0, last + 1, command, `${target}:${client.uint16(2)}`);
    client.take(last + 1);
    this.#phase = 'four';
    this.#awaits = 'reply of 4';
    return true;
  }

  #server(): boolean {
    const { server } = this.#talk;
    if (server.length < 2) return true;
    switch (this.#awaits) {
      case 'method':
        return this.#phase === 'greeting' || this.#method(server);
      case 'status':
        server.take(2);
        this.#awaits = 'reply';
        return true;
      case 'reply':
        return this.#reply(server);
      default:
        if (server.length < 8) return true;
        server.take(8);
        this.#handOver();
        return true;
    }
  }

  #method(server: Speech): boolean {
    if (server.byte(0) !== FIVE) return false;
    const method = server.byte(1);
    server.take(2);
    this.#awaits = method === PASSWORD ? 'status' : 'reply';
    if (method === 0) this.#phase = 'request';
    // With GSS-API (RFC 1961) all that follows is wrapped.
    return method === 0 || method === PASSWORD;
  }

  #reply(server: Speech): boolean {
    const size = addressSize(server);
    if (size < 0 || server.byte(0) !== FIVE) return false;
    if (size === 0 || server.length < 6 + size) return true;
    if (this.#phase !== 'four') return true;
    server.take(6 + size);
    this.#handOver();
    return true;
  }

  #handOver(): void {
    this.#phase = 'over';
    this.#talk.handOver();
  }
}

/** Bytes of the address at 4, with the length in front of a name; 0 when that is not known yet, -1 where there is none. */
function addressSize(speech: Speech): number {
  if (speech.length < 5) return 0;
  const kind = speech.byte(3);
  if (kind === KIND.ip4) return 4;
  if (kind === KIND.ip6) return 16;
  return kind === KIND.name ? 1 + speech.byte(4) : -1;
}

function addressText(speech: Speech, size: number): string {
  if (speech.byte(3) === KIND.ip4) return formatIp4(speech.uint32(4));
  if (speech.byte(3) === KIND.name) return speech.latin1(5, 4 + size);
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => speech.uint16(4 + at).toString(16));
  return `[${groups.join(':')}]`;
}
