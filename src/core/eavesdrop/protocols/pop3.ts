// POP3 (RFC 1939): log-ins by USER and PASS, APOP and AUTH (RFC 5034), and the mails that are fetched. STLS (RFC 2595) hands over.

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Dialogue } from './grammar/dialogue.ts';
import { firstLine, isPlain, mayStart } from './grammar/lines.ts';
import { Mail } from './grammar/mail.ts';
import { Sasl } from './grammar/sasl.ts';

/** What a reply brings: lines up to a dot or not, and what they are. */
type Asked = 'mail' | 'list' | 'auth' | 'stls' | 'other';

const AHEAD_MAX = 64;
const DOT = 0x2e;

class Pop3Reader extends Dialogue {
  #greeted = false;
  #timestamp = '';
  #user = '';
  #sasl: Sasl | null = null;
  #challenged = false;
  #asked: Asked[] = [];
  /** What the server's lines are until the one with a dot. */
  #listing: 'mail' | 'list' | null = null;
  #mail: Mail | null = null;

  constructor(talk: Talk) {
    super(talk, 'POP3');
  }

  protected override get serversTurn(): boolean {
    if (!this.#greeted) return true;
    return this.#sasl === null ? this.#asked.includes('stls') : !this.#challenged;
  }

  override lost(side: Side, bytes: number): boolean {
    this.#asked = [];
    this.#sasl = null;
    if (side === 1) this.ended();
    return super.lost(side, bytes);
  }

  override ended(): void {
    this.#mail?.end();
    this.#mail = null;
    if (this.#listing === 'mail') this.#listing = 'list';
  }

  protected override hearClient(): boolean {
    if (this.isTls()) return false;
    const { commands } = this;
    if (!commands.next()) return false;
    if (this.#sasl !== null) {
      this.#sasl.answer64(0, commands.end);
      this.#challenged = false;
      commands.done();
      return true;
    }
    const asked = this.#command(commands.text());
    commands.done();
    if (this.#asked.length < AHEAD_MAX) this.#asked.push(asked);
    return true;
  }

  #command(text: string): Asked {
    const verb = /^[A-Za-z]+/.exec(text)?.[0].toUpperCase() ?? '';
    const from = verb.length + 1;
    if (verb === 'USER' && text.length > from) {
      this.#user = this.notes.text(0, from, text.length);
      this.notes.identity(0, from, text.length, 'USER');
    } else if (verb === 'PASS' && text.length > from) {
      this.notes.secret(0, from, text.length, 'PASS', this.#user);
    } else if (verb === 'APOP') this.#apop(text);
    else if (verb === 'AUTH') return this.#auth(text);
    else if (verb === 'RETR' || verb === 'TOP') return 'mail';
    else if (verb === 'CAPA' || (text.length <= from && (verb === 'LIST' || verb === 'UIDL'))) return 'list';
    else if (verb === 'STLS') return 'stls';
    return 'other';
  }

  #apop(text: string): void {
    const match = /^APOP[ \t]+(\S+)[ \t]+([0-9a-f]{32})\s*$/i.exec(text);
    if (match === null) return;
    const [, user, digest] = match as unknown as readonly [string, string, string];
    const from = text.indexOf(user, 5);
    this.notes.challenge(0, from, text.trimEnd().length, 'APOP', user, this.#proof(digest));
  }

  #proof(digest: string): string {
    return `challenge=${this.#timestamp} answer=${digest}`;
  }

  #auth(text: string): Asked {
    const match = /^AUTH[ \t]+([A-Za-z0-9_-]{1,40})(?:[ \t]+(\S+))?[ \t]*$/i.exec(text);
    if (match === null) return 'list';
    this.#sasl = new Sasl(this.notes, 'AUTH', match[1] as string);
    this.#challenged = false;
    const first = match[2];
    if (first !== undefined) {
      const from = text.lastIndexOf(first);
      this.#sasl.answer64(from, from + first.length);
    }
    return 'auth';
  }

  protected override hearServer(): boolean {
    const { replies } = this;
    if (!replies.next()) return false;
    if (this.#listing !== null) this.#listed();
    else this.#reply(replies.text());
    replies.done();
    return true;
  }

  #listed(): void {
    const { replies } = this;
    const isDotted = replies.end > 0 && this.talk.server.byte(0) === DOT;
    if (isDotted && replies.end === 1) {
      this.ended();
      this.#listing = null;
    } else if (isDotted) {
      this.#mail?.hear(1, replies.size, 1);
    } else {
      this.#mail?.hear(0, replies.size);
    }
  }

  #reply(text: string): void {
    if (text.startsWith('+ ') || text === '+') {
      this.#sasl?.challenge64(text.slice(2));
      this.#challenged = true;
      return;
    }
    const isOk = text.startsWith('+OK');
    if (!isOk && !text.startsWith('-ERR')) return;
    if (!this.#greeted) {
      this.#greeted = true;
      this.#timestamp = /<[^<>\s]{1,256}>/.exec(text)?.[0] ?? '';
      if (isOk && text.length > 4) this.notes.content(1, 4, text.length, 'greeting');
      return;
    }
    const asked = this.#asked.shift();
    if (asked === 'auth') this.#sasl = null;
    if (!isOk) {
      this.notes.content(1, 0, text.length, 'refusal');
      return;
    }
    if (asked === 'mail' || asked === 'list') this.#listing = asked;
    if (asked === 'mail') this.#mail = new Mail(this.notes, 1);
    this.over = asked === 'stls';
  }
}

/** What a client may say first. Redis knows AUTH and QUIT too. */
const FIRST: ReadonlySet<string> = new Set(['USER', 'APOP', 'CAPA', 'AUTH', 'STLS', 'QUIT', 'UTF8', 'LANG']);
const AUTH =
  /^AUTH(?: *| +(?:PLAIN|LOGIN|[A-Z]+-MD5|NTLM|GSS[A-Z-]*|SCRAM-\S+|XOAUTH2|OAUTHBEARER|EXTERNAL|ANONYMOUS)\b.*)\n/i;

export const pop3: Protocol = {
  name: 'POP3',
  ports: [110],
  claim(talk: Talk): Claim {
    const greeting = firstLine(talk.server);
    const command = firstLine(talk.client);
    if (!isPlain(greeting) || !isPlain(command)) return 'not mine';
    if (!'+OK '.startsWith(greeting.slice(0, 4).replace('\n', ' '))) return 'not mine';
    if (command === '')
      return /^\+OK .*(?:\bPOP|<[^<>\s]+@[^<>\s]*>|Dovecot)/i.test(greeting) ? 'mine' : 'perhaps';
    const first = mayStart(command, FIRST);
    if (first !== 'yes') return first === 'more' ? 'perhaps' : 'not mine';
    if (/^(?:APOP|CAPA|STLS)/i.test(command)) return 'mine';
    if (/^QUIT/i.test(command) || (/^AUTH/i.test(command) && !AUTH.test(command))) return 'perhaps';
    return greeting.length >= 4 ? 'mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new Pop3Reader(talk),
};
