// IMAP (RFC 9051, RFC 3501): LOGIN with its strings in quotes or as literals, AUTHENTICATE, mailboxes, searches, and the mails
// that are fetched or stored. STARTTLS hands over.
//
//   tag LOGIN fred "pass word"      tag LOGIN {4}<CRLF>fred {9+}<CRLF>pass word

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Dialogue } from './grammar/dialogue.ts';
import { endOfCommand, literalAt, tokens } from './grammar/imap-string.ts';
import { firstLine, isPlain, LINE_MAX } from './grammar/lines.ts';
import { Mail } from './grammar/mail.ts';
import type { Passage } from './grammar/notes.ts';
import { Sasl } from './grammar/sasl.ts';

const LF = 0x0a;
/** Commands ahead of their replies that are kept track of. */
const AHEAD_MAX = 64;
const MAILBOX: ReadonlySet<string> = new Set([
  ...['SELECT', 'EXAMINE', 'CREATE', 'DELETE', 'RENAME', 'SUBSCRIBE', 'UNSUBSCRIBE', 'STATUS', 'APPEND'],
]);

/** A literal that is not held but read as it comes: a mail, its text, or nothing that is wanted. */
interface Literal {
  left: number;
  readonly mail: Mail | null;
  readonly text: Passage | null;
}

class ImapReader extends Dialogue {
  #greeted = false;
  #sasl: Sasl | null = null;
  #challenged = false;
  #authTag = '';
  #tlsTag = '';
  readonly #literals: [Literal | null, Literal | null] = [null, null];
  /** The client's line goes on behind a literal that was not held. */
  #inRest = false;

  constructor(talk: Talk) {
    super(talk, 'IMAP');
  }

  protected override get serversTurn(): boolean {
    if (!this.#greeted) return true;
    return this.#sasl === null ? this.#tlsTag !== '' : !this.#challenged;
  }

  override lost(side: Side, bytes: number): boolean {
    const literal = this.#literals[side];
    if (literal !== null && bytes <= literal.left) {
      this.#endLiteral(literal);
      this.#literals[side] = { left: literal.left - bytes, mail: null, text: null };
      return true;
    }
    this.#finishLiteral(side);
    if (side === 0) {
      this.#inRest = false;
      this.#sasl = null;
    }
    return super.lost(side, bytes);
  }

  override ended(): void {
    this.#finishLiteral(0);
    this.#finishLiteral(1);
  }

  protected override hearClient(): boolean {
    if (this.#literals[0] !== null) return this.#hearLiteral(0);
    if (this.isTls()) return false;
    if (this.#sasl !== null) return this.#answer(this.#sasl);
    const { client } = this.talk;
    if (this.#inRest) return this.#rest();
    const end = endOfCommand(client, LINE_MAX);
    if (end.is === 'more') return false;
    this.#command(end.at);
    if (end.is === 'literal') {
      const isMail = /^\S+ APPEND /i.test(client.latin1(0, Math.min(128, end.at)));
      client.take(end.at);
      this.#literals[0] = { left: end.size, mail: isMail ? new Mail(this.notes, 0) : null, text: null };
      this.#inRest = true;
    } else if (end.is === 'long') {
      this.commands.lost();
      this.commands.next();
    } else client.take(end.at);
    return true;
  }

  /** Passes over what follows a literal in its command; it may be another literal. */
  #rest(): boolean {
    const { commands } = this;
    if (!commands.next()) return false;
    const more = literalAt(commands.text());
    commands.done();
    this.#inRest = more >= 0;
    if (more >= 0) this.#literals[0] = { left: more, mail: null, text: null };
    return true;
  }

  #answer(sasl: Sasl): boolean {
    const { commands } = this;
    if (!commands.next()) return false;
    sasl.answer64(0, commands.end);
    this.#challenged = false;
    commands.done();
    return true;
  }

  /** A command that stands at [0, end) with its literals. */
  #command(end: number): void {
    const [tag, verb, first, second] = tokens(this.talk.client, end, AHEAD_MAX);
    if (tag === undefined || verb === undefined) return;
    const word = verb.text.toUpperCase();
    if (word === 'STARTTLS') this.#tlsTag = tag.text;
    if (first === undefined) return;
    if (word === 'LOGIN' && second !== undefined) {
      this.notes.secret(
        0,
        second.from,
        Math.max(second.to, second.from + 1),
        'LOGIN',
        first.text,
        second.text,
      );
    } else if (word === 'AUTHENTICATE' && /^[A-Za-z0-9_-]{1,40}$/.test(first.text)) {
      this.#sasl = new Sasl(this.notes, 'AUTHENTICATE', first.text);
      this.#authTag = tag.text;
      this.#challenged = false;
      if (second !== undefined) this.#sasl.answer64(second.from, second.to);
    } else if (MAILBOX.has(word)) {
      this.notes.content(0, first.from, Math.max(first.to, first.from + 1), word, first.text);
      if (word === 'APPEND') this.#appended(end);
    } else if (word === 'SEARCH' || (word === 'UID' && first.text.toUpperCase() === 'SEARCH')) {
      this.notes.content(0, verb.from, lineEnd(this.talk, end), 'SEARCH');
    }
  }

  /** A mail that is short enough stands in its command. */
  #appended(end: number): void {
    const mail = tokens(this.talk.client, end, AHEAD_MAX).at(-1);
    if (mail === undefined || !mail.isLiteral) return;
    const reader = new Mail(this.notes, 0);
    reader.hear(mail.from, mail.to);
    reader.end();
  }

  protected override hearServer(): boolean {
    if (this.#literals[1] !== null) return this.#hearLiteral(1);
    const { replies } = this;
    if (!replies.next()) return false;
    const text = replies.text();
    this.#line(text);
    const size = literalAt(text);
    const hasHead = /(?:BODY\[(?:HEADER[^\]]*)?\]|RFC822(?:\.HEADER)?)(?:<\d+>)? \{\d+\+?\}$/i.test(text);
    const isText = /(?:BODY\[(?:TEXT|[\d.]+)\]|RFC822\.TEXT)(?:<\d+>)? \{\d+\+?\}$/i.test(text);
    replies.done();
    if (size < 0) return true;
    const mail = hasHead ? new Mail(this.notes, 1) : null;
    const passage = isText ? this.notes.passage(1, 0) : null;
    this.#literals[1] = { left: size, mail, text: passage };
    return true;
  }

  #line(text: string): void {
    const { notes } = this;
    if (text.startsWith('+')) {
      this.#sasl?.challenge64(text.slice(2));
      this.#challenged = true;
      return;
    }
    const reply = /^(\S{1,64}) (OK|NO|BAD|PREAUTH|BYE)\b ?/i.exec(text);
    const isGreeting = !this.#greeted;
    this.#greeted = true;
    if (reply === null) {
      const folder = /^\* L(?:IST|SUB) \([^)]*\) (?:"(?:[^"\\]|\\.)"|NIL) /i.exec(text)?.[0].length;
      if (folder !== undefined && text.slice(folder) !== '""')
        notes.content(1, folder, text.length, 'mailbox');
      const envelope = /^\* \d+ FETCH .*?ENVELOPE (?=\()/i.exec(text)?.[0].length;
      if (envelope !== undefined) notes.content(1, envelope, text.length, 'ENVELOPE');
      return;
    }
    const [head, tag, word] = reply as unknown as readonly [string, string, string];
    if (tag === '*') {
      // Before the text there may be a list of what the server can, in brackets.
      const code = /^\[[^\]]*\] ?/.exec(text.slice(head.length))?.[0].length ?? 0;
      const from = head.length + code;
      if (isGreeting && text.length > from) notes.content(1, from, text.length, 'greeting');
      return;
    }
    const isOk = word.toUpperCase() === 'OK';
    if (!isOk) notes.content(1, 0, text.length, 'refusal');
    if (tag === this.#authTag) this.#sasl = null;
    else if (!isOk) this.#refuseLiteral(tag);
    if (tag !== this.#tlsTag) return;
    this.#tlsTag = '';
    this.over = isOk;
  }

  /** A command whose literal the server does not want ends with its first line (RFC 9051 s.7.6). */
  #refuseLiteral(tag: string): void {
    const { client } = this.talk;
    if (client.length > tag.length && client.latin1(0, tag.length + 1) === `${tag} `) {
      const end = client.find(LF);
      if (end >= 0 && endOfCommand(client, LINE_MAX).is === 'more') client.take(end + 1);
    } else if (this.#literals[0] !== null && client.length === 0) {
      this.#finishLiteral(0);
      this.#inRest = false;
    }
  }

  #hearLiteral(side: Side): boolean {
    const literal = this.#literals[side];
    if (literal === null) return false;
    const speech = this.notes.speech(side);
    const n = Math.min(literal.left, speech.length);
    literal.mail?.hear(0, n);
    if (literal.text !== null && n > 0) {
      const passage = literal.text.kept === 0 ? this.notes.passage(side, 0) : literal.text;
      this.notes.add(passage, 0, n);
      this.#literals[side] = { ...literal, text: passage };
    }
    speech.take(n);
    const left = literal.left - n;
    (this.#literals[side] as Literal).left = left;
    if (left > 0) return false;
    this.#finishLiteral(side);
    return true;
  }

  #finishLiteral(side: Side): void {
    const literal = this.#literals[side];
    if (literal !== null) this.#endLiteral(literal);
    this.#literals[side] = null;
  }

  #endLiteral(literal: Literal): void {
    literal.mail?.end();
    if (literal.text !== null) this.notes.close(literal.text, 'message');
  }
}

/** Where the line ends whose end of line stands before `end`. */
function lineEnd(talk: Talk, end: number): number {
  const text = talk.client.latin1(Math.max(0, end - 2), end);
  return end - (text.endsWith('\r\n') ? 2 : text.endsWith('\n') ? 1 : 0);
}

const COMMANDS: readonly string[] = [
  ...['LOGIN', 'AUTHENTICATE', 'CAPABILITY', 'STARTTLS', 'NOOP', 'LOGOUT', 'ID', 'SELECT', 'EXAMINE'],
  ...['ENABLE', 'LIST', 'FETCH', 'UID'],
];

export const imap: Protocol = {
  name: 'IMAP',
  ports: [143],
  claim(talk: Talk): Claim {
    const greeting = firstLine(talk.server);
    const command = firstLine(talk.client);
    if (!isPlain(greeting) || !isPlain(command)) return 'not mine';
    if (greeting !== '') {
      if (/^\* (?:OK|PREAUTH|BYE)[ \n]/i.test(greeting)) return 'mine';
      if (!/^\*?(?: [A-Za-z]*)?$/.test(greeting)) return 'not mine';
    }
    if (command === '') return 'perhaps';
    const match = /^([A-Za-z0-9.]{1,20})(?: ([A-Za-z]*)([ \n])?)?/.exec(command);
    if (match === null) return 'not mine';
    const [whole, , word, after] = match;
    if (word === undefined) return whole.length < command.length ? 'not mine' : 'perhaps';
    const verb = word.toUpperCase();
    if (after === undefined)
      return whole.length === command.length && COMMANDS.some((one) => one.startsWith(verb))
        ? 'perhaps'
        : 'not mine';
    if (!COMMANDS.includes(verb)) return 'not mine';
    return /^(?:LOGIN|AUTHENTICATE|CAPABILITY|STARTTLS)$/.test(verb) ? 'mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new ImapReader(talk),
};
