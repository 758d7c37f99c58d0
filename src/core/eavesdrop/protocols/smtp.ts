// SMTP and LMTP (RFC 5321, RFC 2033): log-ins (RFC 4954), who writes to whom, the mails' headers and how they begin, also in
// chunks (RFC 3030) and with commands sent ahead (RFC 2920). STARTTLS (RFC 3207) hands over.

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Dialogue } from './grammar/dialogue.ts';
import { firstLine, isPlain, mayStart } from './grammar/lines.ts';
import { Mail } from './grammar/mail.ts';
import { Sasl } from './grammar/sasl.ts';

/** What the client's bytes are now. */
type State = 'command' | 'answer' | 'data' | 'chunk';
/** Commands whose replies are told apart. */
type Asked = 'auth' | 'data' | 'starttls' | 'other';

/** Commands ahead of their replies that are kept track of. */
const AHEAD_MAX = 64;
const DOT = 0x2e;

class SmtpReader extends Dialogue {
  #state: State = 'command';
  #sasl: Sasl | null = null;
  /** The server has asked for the answer that comes next. */
  #challenged = false;
  #mail: Mail | null = null;
  /** Bytes of a chunk that have not come yet. */
  #chunk = 0;
  #isLast = false;
  #greeted = false;
  /** Commands that wait for their reply. */
  #asked: Asked[] = [];

  constructor(talk: Talk) {
    super(talk, 'SMTP');
  }

  protected override get serversTurn(): boolean {
    if (!this.#greeted) return true;
    if (this.#state === 'answer') return !this.#challenged;
    return this.#asked.includes('data') || this.#asked.includes('starttls');
  }

  override lost(side: Side, bytes: number): boolean {
    this.#asked = [];
    if (side === 0 && this.#state === 'chunk') return this.#lostOfChunk(bytes);
    if (side === 0 && this.#state === 'answer') this.#state = 'command';
    return super.lost(side, bytes);
  }

  override ended(): void {
    this.#endMail();
  }

  protected override hearClient(): boolean {
    if (this.#state === 'chunk') return this.#hearChunk();
    if (this.#state === 'command' && this.isTls()) return false;
    const lines = this.commands;
    if (!lines.next()) return false;
    if (this.#state === 'data') this.#dataLine();
    else if (this.#state === 'answer') this.#answer();
    else this.#command();
    return true;
  }

  protected override hearServer(): boolean {
    const lines = this.replies;
    if (!lines.next()) return false;
    const reply = /^(\d{3})(?:([ -])(.*))?$/.exec(lines.text());
    if (reply !== null && reply[2] !== '-') this.#reply(Number(reply[1]), reply[3] ?? '', lines.end);
    lines.done();
    return true;
  }

  #answer(): void {
    const lines = this.commands;
    this.#sasl?.answer64(0, lines.end);
    this.#challenged = false;
    lines.done();
  }

  #command(): void {
    const lines = this.commands;
    const text = lines.text();
    const verb = /^[A-Za-z]+/.exec(text)?.[0].toUpperCase() ?? '';
    let asked: Asked = 'other';
    if (verb === 'AUTH') asked = this.#auth(text);
    else if (verb === 'MAIL' || verb === 'RCPT') this.#path(verb, text);
    else if (verb === 'EHLO' || verb === 'HELO' || verb === 'LHLO') this.#hello(text);
    else if (verb === 'VRFY' || verb === 'EXPN') this.notes.content(0, 0, lines.end, verb);
    else if (verb === 'STARTTLS') asked = 'starttls';
    else if (verb === 'DATA') asked = 'data';
    else if (verb === 'RSET') this.#endMail();
    lines.done();
    if (this.#asked.length < AHEAD_MAX) this.#asked.push(asked);
    if (asked === 'data') this.#beginMail('data');
    const chunk = /^BDAT[ \t]+(\d{1,10})(?:[ \t]+(LAST))?[ \t]*$/i.exec(text);
    if (chunk === null) return;
    this.#chunk = Number(chunk[1]);
    this.#isLast = chunk[2] !== undefined;
    if (this.#mail === null) this.#beginMail('chunk');
    this.#state = 'chunk';
  }

  #hello(text: string): void {
    const from = text.indexOf(' ') + 1;
    if (from > 0 && from < text.length) this.notes.identity(0, from, text.length, 'client');
  }

  #path(verb: 'MAIL' | 'RCPT', text: string): void {
    const path = /^(?:MAIL[ \t]+FROM|RCPT[ \t]+TO)[ \t]*:[ \t]*(?:<([^>]*)>|([^\s<]+))/i.exec(text);
    const address = path?.[1] ?? path?.[2] ?? '';
    if (path === null || address === '') return;
    const from = path[0].lastIndexOf(address);
    this.notes.identity(0, from, from + address.length, verb === 'MAIL' ? 'MAIL FROM' : 'RCPT TO');
  }

  #auth(text: string): Asked {
    const match = /^AUTH[ \t]+([A-Za-z0-9_-]{1,40})(?:[ \t]+(\S+))?[ \t]*$/i.exec(text);
    if (match === null) return 'other';
    this.#sasl = new Sasl(this.notes, 'AUTH', match[1] as string);
    this.#state = 'answer';
    this.#challenged = false;
    const first = match[2];
    if (first !== undefined) {
      const from = text.lastIndexOf(first);
      this.#sasl.answer64(from, from + first.length);
    }
    return 'auth';
  }

  #beginMail(state: State): void {
    this.#state = state;
    this.#mail = new Mail(this.notes, 0);
  }

  #endMail(): void {
    this.#mail?.end();
    this.#mail = null;
  }

  #dataLine(): void {
    const lines = this.commands;
    const isDotted = lines.end > 0 && this.talk.client.byte(0) === DOT;
    if (isDotted && lines.end === 1) {
      this.#endMail();
      this.#state = 'command';
    } else if (isDotted) {
      this.#mail?.hear(1, lines.size, 1);
    } else {
      this.#mail?.hear(0, lines.size);
    }
    lines.done();
  }

  #hearChunk(): boolean {
    const { client } = this.talk;
    const n = Math.min(this.#chunk, client.length);
    this.#mail?.hear(0, n);
    client.take(n);
    this.#chunk -= n;
    if (this.#chunk > 0) return false;
    this.#state = 'command';
    if (this.#isLast) this.#endMail();
    return true;
  }

  #lostOfChunk(bytes: number): boolean {
    this.#endMail();
    if (bytes > this.#chunk) {
      this.#state = 'command';
      this.commands.lost();
    } else {
      this.#chunk -= bytes;
    }
    return true;
  }

  /** The last line of a reply. */
  #reply(code: number, text: string, end: number): void {
    if (!this.#greeted) {
      this.#greeted = true;
      if (code === 220 && end > 4) this.notes.content(1, 4, end, 'greeting');
      return;
    }
    if (code === 334) {
      this.#sasl?.challenge64(text);
      this.#challenged = true;
      return;
    }
    if (code >= 400) this.notes.content(1, 0, end, 'refusal');
    const asked = this.#asked.shift();
    if (asked === 'auth' && this.#state === 'answer') this.#state = 'command';
    if (asked === 'data' && code >= 400 && this.#state === 'data') {
      this.#mail = null;
      this.#state = 'command';
    }
    this.over = asked === 'starttls' && code === 220;
  }
}

/** The first thing that only a client of SMTP says. */
const HELLOS: ReadonlySet<string> = new Set(['EHLO', 'HELO', 'LHLO']);

export const smtp: Protocol = {
  name: 'SMTP',
  ports: [25, 587, 2525, 24, 1025],
  claim(talk: Talk): Claim {
    const greeting = firstLine(talk.server);
    const command = firstLine(talk.client);
    if (!isPlain(greeting) || !isPlain(command)) return 'not mine';
    if (greeting !== '' && !'220'.startsWith(greeting.slice(0, 3))) return 'not mine';
    if (command !== '') {
      const hello = mayStart(command, HELLOS);
      return hello === 'yes' ? 'mine' : hello === 'more' || isCommand(command) ? 'perhaps' : 'not mine';
    }
    if (/^220[ -].*\bE?SMTP\b/i.test(greeting)) return 'mine';
    return /^220[ -].*\bFTP/i.test(greeting) ? 'not mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new SmtpReader(talk),
};

/** A conversation that was captured from its middle on. */
function isCommand(text: string): boolean {
  return /^(?:MAIL FROM:|RCPT TO:|AUTH (?:PLAIN|LOGIN|CRAM-MD5)\b)/i.test(text);
}
