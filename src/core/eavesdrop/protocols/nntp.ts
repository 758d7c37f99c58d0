// NNTP (RFC 3977): log-ins by AUTHINFO (RFC 4643), groups, and articles as they are read and posted. STARTTLS (RFC 4642) hands
// over.

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Dialogue } from './grammar/dialogue.ts';
import { firstLine, isPlain, mayStart } from './grammar/lines.ts';
import { Mail } from './grammar/mail.ts';
import { Sasl } from './grammar/sasl.ts';

type Asked = 'post' | 'list' | 'tls' | 'auth' | 'other';

const AHEAD_MAX = 64;
const DOT = 0x2e;
/** Replies with lines up to a dot (RFC 3977 appendix C), and of them those with an article's headers. */
const LISTS: ReadonlySet<number> = new Set([100, 101, 211, 215, 220, 221, 222, 224, 225, 230, 231]);
const ARTICLES: ReadonlySet<number> = new Set([220, 221]);

class NntpReader extends Dialogue {
  #greeted = false;
  #user = '';
  #asked: Asked[] = [];
  #sasl: Sasl | null = null;
  #challenged = false;
  #isListing = false;
  #isPosting = false;
  readonly #mails: [Mail | null, Mail | null] = [null, null];

  constructor(talk: Talk) {
    super(talk, 'NNTP');
  }

  protected override get serversTurn(): boolean {
    if (!this.#greeted) return true;
    return this.#sasl === null
      ? this.#asked.includes('post') || this.#asked.includes('tls')
      : !this.#challenged;
  }

  override lost(side: Side, bytes: number): boolean {
    this.#asked = [];
    this.#sasl = null;
    this.#end(side);
    return super.lost(side, bytes);
  }

  override ended(): void {
    this.#end(0);
    this.#end(1);
  }

  protected override hearClient(): boolean {
    if (this.isTls()) return false;
    const { commands } = this;
    if (!commands.next()) return false;
    if (this.#isPosting) this.#isPosting = this.#mailLine(0);
    else if (this.#sasl !== null) {
      this.#sasl.answer64(0, commands.end);
      this.#challenged = false;
    } else {
      const asked = this.#command(commands.text());
      if (this.#asked.length < AHEAD_MAX) this.#asked.push(asked);
    }
    commands.done();
    return true;
  }

  #command(text: string): Asked {
    const info = /^AUTHINFO +(USER|PASS|SASL) +(\S.*)$/i.exec(text);
    if (info !== null) {
      const [, sort, value] = info as unknown as readonly [string, string, string];
      const from = text.length - value.length;
      if (/^USER$/i.test(sort)) {
        this.#user = this.notes.text(0, from, text.length);
        this.notes.identity(0, from, text.length, 'AUTHINFO USER');
      } else if (/^PASS$/i.test(sort)) this.notes.secret(0, from, text.length, 'AUTHINFO PASS', this.#user);
      else {
        const [mechanism, first] = value.split(/ +/);
        this.#sasl = new Sasl(this.notes, 'AUTHINFO', mechanism as string);
        this.#challenged = false;
        if (first !== undefined && first !== '') this.#sasl.answer64(text.length - first.length, text.length);
        return 'auth';
      }
    }
    const group = /^(?:GROUP|LISTGROUP) +(\S+)/i.exec(text);
    if (group !== null) this.notes.content(0, 0, text.trimEnd().length, 'group', group[1] as string);
    if (/^(?:POST|IHAVE\b)/i.test(text)) return 'post';
    if (/^LISTGROUP\b/i.test(text)) return 'list';
    return /^STARTTLS\b/i.test(text) ? 'tls' : 'other';
  }

  protected override hearServer(): boolean {
    const { replies } = this;
    if (!replies.next()) return false;
    if (this.#isListing) this.#isListing = this.#mailLine(1);
    else this.#reply(replies.text());
    replies.done();
    return true;
  }

  #reply(text: string): void {
    const match = /^(\d{3})(?: (.*))?$/.exec(text);
    if (match === null) return;
    const code = Number(match[1]);
    if (!this.#greeted) {
      this.#greeted = true;
      if (text.length > 4) this.notes.content(1, 4, text.length, 'greeting');
      return;
    }
    if (code === 383) {
      this.#sasl?.challenge64(match[2] ?? '');
      this.#challenged = true;
      return;
    }
    const asked = this.#asked.shift();
    if (asked === 'auth') this.#sasl = null;
    if (code >= 400) this.notes.content(1, 0, text.length, 'refusal');
    this.over = asked === 'tls' && code === 382;
    if (asked === 'post' && (code === 340 || code === 335)) {
      // The article's own reply comes when it is there.
      this.#asked.unshift('other');
      this.#isPosting = true;
      this.#mails[0] = new Mail(this.notes, 0);
    }
    if (!LISTS.has(code) || (code === 211 && asked !== 'list')) return;
    this.#isListing = true;
    if (ARTICLES.has(code)) this.#mails[1] = new Mail(this.notes, 1);
  }

  /** A line of an article or a list; false when it was the last. */
  #mailLine(side: Side): boolean {
    const lines = side === 0 ? this.commands : this.replies;
    const isDotted = lines.end > 0 && this.notes.speech(side).byte(0) === DOT;
    if (isDotted && lines.end === 1) {
      this.#end(side);
      return false;
    }
    const skip = isDotted ? 1 : 0;
    this.#mails[side]?.hear(skip, lines.size, skip);
    return true;
  }

  #end(side: Side): void {
    this.#mails[side]?.end();
    this.#mails[side] = null;
  }
}

const FIRST: ReadonlySet<string> = new Set([
  ...[
    'AUTHINFO',
    'MODE',
    'CAPABILITIES',
    'GROUP',
    'LIST',
    'LISTGROUP',
    'STARTTLS',
    'ARTICLE',
    'NEWNEWS',
    'IHAVE',
  ],
]);

export const nntp: Protocol = {
  name: 'NNTP',
  ports: [119],
  claim(talk: Talk): Claim {
    const said = firstLine(talk.server);
    const asked = firstLine(talk.client);
    if (!isPlain(said) || !isPlain(asked)) return 'not mine';
    if (said !== '' && !/^20[01](?:[ \n]|$)/.test(said) && !'20'.startsWith(said)) return 'not mine';
    if (asked === '') return /^20[01] .*\b(?:NNTP|NNRP|InterNetNews)/i.test(said) ? 'mine' : 'perhaps';
    const first = mayStart(asked, FIRST);
    if (first !== 'yes') return first === 'more' ? 'perhaps' : 'not mine';
    return said.length >= 4 || /^AUTHINFO /i.test(asked) ? 'mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new NntpReader(talk),
};
