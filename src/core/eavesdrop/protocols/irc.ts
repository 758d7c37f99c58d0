// IRC (RFC 1459, RFC 2812): the password of the server, of an operator, of a nickname (NickServ), SASL (IRCv3), and what is said.

import { HIDDEN } from '../http/fields.ts';
import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Dialogue } from './grammar/dialogue.ts';
import { firstLine, isPlain, mayStart } from './grammar/lines.ts';
import { Sasl } from './grammar/sasl.ts';

/** A line's parts with their places: [tags] [prefix] command parameters, of which the last may have blanks. */
interface Part {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

const SPOKEN: ReadonlySet<string> = new Set(['PRIVMSG', 'NOTICE']);
/** Replies that a name or a password was not taken: 433, 464, 491 and SASL's. */
const REFUSALS: ReadonlySet<string> = new Set(['433', '464', '465', '491', '904', '905', 'ERROR']);

class IrcReader extends Dialogue {
  #nick = '';
  #sasl: Sasl | null = null;

  constructor(talk: Talk) {
    super(talk, 'IRC');
  }

  protected override get serversTurn(): boolean {
    return false;
  }

  override lost(side: Side, bytes: number): boolean {
    this.#sasl = null;
    return super.lost(side, bytes);
  }

  protected override hearClient(): boolean {
    if (this.isTls()) return false;
    const { commands } = this;
    if (!commands.next()) return false;
    this.#command(parts(commands.text()));
    commands.done();
    return true;
  }

  protected override hearServer(): boolean {
    const { replies } = this;
    if (!replies.next()) return false;
    const text = replies.text();
    const [command, first, second] = parts(text);
    const word = command?.text.toUpperCase() ?? '';
    if (SPOKEN.has(word) && first !== undefined && second !== undefined) {
      const from = /^(?:@\S+ )?:([^\s!]+)/.exec(text)?.[1] ?? '';
      this.notes.content(
        1,
        second.from,
        Math.max(second.to, second.from + 1),
        word,
        `${from} to ${first.text}: ${this.#shown(1, second)}`,
      );
    } else if (REFUSALS.has(word)) this.notes.content(1, 0, replies.end, 'refusal');
    replies.done();
    return true;
  }

  #command([command, first, second, third, fourth]: readonly Part[]): void {
    const word = command?.text.toUpperCase() ?? '';
    if (first === undefined) return;
    if (word === 'NICK') {
      this.#nick = first.text;
      this.notes.identity(0, first.from, first.to, 'NICK');
    } else if (word === 'USER') {
      const name = fourth ?? first;
      this.notes.identity(
        0,
        first.from,
        Math.max(name.to, first.from + 1),
        'USER',
        fourth === undefined ? first.text : `${first.text} (${fourth.text})`,
      );
    } else if (word === 'PASS') this.#secret(first, 'PASS', this.#nick);
    else if (word === 'OPER' && second !== undefined) this.#secret(second, 'OPER', first.text);
    else if (word === 'JOIN') {
      this.notes.content(0, first.from, first.to, 'JOIN');
      // Some clients write - for none.
      if (second !== undefined && second.text !== '-') this.#secret(second, 'JOIN key', first.text);
    } else if (word === 'AUTHENTICATE') this.#authenticate(first);
    else if (/^(?:NICKSERV|NS)$/.test(word)) this.#service(first, second, third);
    else if (SPOKEN.has(word) && second !== undefined) this.#spoken(word, first, second);
  }

  #secret(part: Part, what: string, who: string): void {
    if (part.to > part.from) this.notes.secret(0, part.from, part.to, what, who);
  }

  #authenticate(first: Part): void {
    if (this.#sasl === null) this.#sasl = new Sasl(this.notes, 'AUTHENTICATE', first.text);
    else if (first.text === '*') this.#sasl = null;
    else if (first.text !== '+') this.#sasl.answer64(first.from, first.to);
  }

  #spoken(word: string, target: Part, said: Part): void {
    if (/^nickserv(?:@|$)/i.test(target.text)) {
      const words = said.text.split(' ');
      const at = (i: number): Part | undefined => {
        const text = words[i];
        if (text === undefined) return undefined;
        const from = said.from + words.slice(0, i).join(' ').length + (i > 0 ? 1 : 0);
        return { text, from, to: from + text.length };
      };
      if (this.#service(at(0), at(1), at(2))) return;
    }
    this.notes.content(
      0,
      said.from,
      Math.max(said.to, said.from + 1),
      word,
      `to ${target.text}: ${this.#shown(0, said)}`,
    );
  }

  /** `IDENTIFY [account] password`, `REGISTER password mail`. */
  #service(verb: Part | undefined, first: Part | undefined, second: Part | undefined): boolean {
    const word = verb?.text.toUpperCase() ?? '';
    if (first === undefined || verb === undefined) return false;
    if (word !== 'IDENTIFY' && word !== 'ID' && word !== 'REGISTER') return false;
    const hasAccount = word !== 'REGISTER' && second !== undefined;
    const password = hasAccount ? second : first;
    this.#secret(password, 'NickServ', hasAccount ? first.text : this.#nick);
    this.notes.content(
      0,
      verb.from,
      password.to,
      'NickServ',
      `${verb.text} ${hasAccount ? `${first.text} ` : ''}${HIDDEN}`,
    );
    return true;
  }

  #shown(side: Side, { from, to }: Part): string {
    return this.notes.text(side, from, to);
  }
}

function parts(line: string): Part[] {
  const found: Part[] = [];
  const lead = /^(?:@\S+ +)?(?::\S+ +)?/.exec(line)?.[0].length ?? 0;
  for (let at = lead; at < line.length && found.length < 16; ) {
    if (line.charAt(at) === ' ') {
      at++;
      continue;
    }
    const isLast = line.charAt(at) === ':' && found.length > 0;
    const from = isLast ? at + 1 : at;
    const blank = isLast ? -1 : line.indexOf(' ', from);
    const to = blank < 0 ? line.length : blank;
    found.push({ text: line.slice(from, to), from, to });
    at = to;
    if (isLast) break;
  }
  return found;
}

const FIRST: ReadonlySet<string> = new Set(['NICK', 'PASS', 'CAP', 'USER']);

export const irc: Protocol = {
  name: 'IRC',
  ports: [6667, 6666, 6668, 6669],
  claim(talk: Talk): Claim {
    const said = firstLine(talk.server);
    const asked = firstLine(talk.client);
    if (!isPlain(said) || !isPlain(asked)) return 'not mine';
    if (/^:\S+ (?:NOTICE|\d{3}) \S+ /.test(said)) return 'mine';
    if (said !== '' && !/^(?::|N?O?T?I?C?E? ?|P?I?N?G? ?|ERROR )/.test(said)) return 'not mine';
    if (said !== '' && !/^[:NPE]/.test(said)) return 'not mine';
    if (asked === '') return 'perhaps';
    const first = mayStart(asked, FIRST);
    if (first !== 'yes') return first === 'more' ? 'perhaps' : 'not mine';
    // FTP and POP3 have USER and PASS too: theirs have one word, and no NICK.
    if (/^(?:NICK [^\s@]{1,32}\n|CAP (?:LS|REQ|END)|USER \S+ \S+ \S+ :)/i.test(asked)) return 'mine';
    return 'perhaps';
  },
  reader: (talk: Talk): Reader => new IrcReader(talk),
};
