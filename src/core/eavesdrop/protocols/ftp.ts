// FTP's control connection (RFC 959): log-ins, names of files, and where the data goes, in connections of its own. AUTH TLS
// (RFC 4217) hands over.

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { Dialogue } from './grammar/dialogue.ts';
import { firstLine, isPlain, mayStart } from './grammar/lines.ts';

/** Commands whose argument is a path, or what somebody wants to know. */
const PATHS: ReadonlySet<string> = new Set([
  ...['RETR', 'STOR', 'STOU', 'APPE', 'DELE', 'RNFR', 'RNTO', 'MKD', 'RMD', 'CWD'],
  ...['LIST', 'NLST', 'MLSD', 'MLST', 'SIZE', 'MDTM', 'SITE'],
]);

class FtpReader extends Dialogue {
  #user = '';
  #greeted = false;
  /** Commands until AUTH's reply comes; 0 when none is waited for. */
  #auth = 0;
  /** A reply of several lines, until its code comes with a blank (RFC 959 s.4.2). */
  #open = '';

  constructor(talk: Talk) {
    super(talk, 'FTP');
  }

  protected override get serversTurn(): boolean {
    return !this.#greeted || this.#auth > 0;
  }

  override lost(side: Side, bytes: number): boolean {
    this.#open = '';
    return super.lost(side, bytes);
  }

  protected override hearClient(): boolean {
    if (this.isTls()) return false;
    const { commands } = this;
    if (!commands.next()) return false;
    this.#command(commands.text());
    commands.done();
    return true;
  }

  #command(line: string): void {
    // Telnet's interrupt may go before a command (RFC 959 s.4.1.3, ABOR).
    const start = /^[\xf0-\xff]*/.exec(line)?.[0].length ?? 0;
    const verb = /^[A-Za-z]{3,4}(?![A-Za-z])/.exec(line.slice(start))?.[0].toUpperCase() ?? '';
    const from = start + verb.length + 1;
    const to = line.length;
    if (verb === 'AUTH') this.#auth++;
    if (verb === '' || to <= from) return;
    if (verb === 'USER') {
      this.#user = this.notes.text(0, from, to);
      this.notes.identity(0, from, to, 'USER');
    } else if (verb === 'PASS' || verb === 'ACCT') {
      this.notes.secret(0, from, to, verb, this.#user);
    } else if (PATHS.has(verb)) {
      this.notes.content(0, from, to, verb);
    } else if (verb === 'PORT') this.#port(0, line, from);
    else if (verb === 'EPRT') {
      const match = /\|[12]\|([0-9A-Fa-f.:]{2,45})\|(\d{1,5})\|/.exec(line);
      if (match !== null) this.notes.content(0, from, to, 'data connection', join(match[1], match[2]));
    }
  }

  protected override hearServer(): boolean {
    const { replies } = this;
    if (!replies.next()) return false;
    this.#line(replies.text());
    replies.done();
    return true;
  }

  #line(text: string): void {
    const match = /^(\d{3})([ -]|$)/.exec(text);
    if (this.#open !== '' && (match === null || match[1] !== this.#open || match[2] === '-')) return;
    if (match === null) return;
    const code = match[1] as string;
    this.#open = match[2] === '-' ? code : '';
    if (!this.#greeted && (code === '220' || code === '120')) {
      if (text.length > 4) this.notes.content(1, 4, text.length, 'greeting');
      this.#greeted = code === '220';
      return;
    }
    this.#greeted = true;
    if (match[2] === '-') return;
    if (code === '227') this.#port(1, text, 4);
    else if (code === '229') {
      const port = /\(\|\|\|(\d{1,5})\|\)/.exec(text)?.[1];
      if (port !== undefined) this.notes.content(1, 4, text.length, 'data connection', `port ${port}`);
    } else if (code >= '400') this.notes.content(1, 0, text.length, 'refusal');
    if (this.#auth === 0) return;
    this.over = code === '234';
    this.#auth = 0;
  }

  /** `h1,h2,h3,h4,p1,p2`: an address and a port in decimal bytes. */
  #port(side: Side, text: string, from: number): void {
    const bytes = /(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})/.exec(text.slice(from));
    if (bytes === null) return;
    const [a, b, c, d, high, low] = bytes.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const at = from + bytes.index;
    const to = at + bytes[0].length;
    this.notes.content(
      side,
      at,
      to,
      'data connection',
      join([a, b, c, d].join('.'), String(high * 256 + low)),
    );
  }
}

function join(address: string | undefined, port: string | undefined): string {
  return address?.includes(':') === true ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What a client may say first, where the greeting does not say whose it is. */
const FIRST: ReadonlySet<string> = new Set([
  ...['USER', 'AUTH', 'FEAT', 'OPTS', 'SYST', 'HOST', 'CLNT', 'PASV', 'EPSV'],
  ...['PBSZ', 'PROT', 'ACCT', 'QUIT', 'NOOP'],
]);

export const ftp: Protocol = {
  name: 'FTP',
  ports: [21, 2121],
  claim(talk: Talk): Claim {
    const greeting = firstLine(talk.server);
    const command = firstLine(talk.client);
    if (!isPlain(greeting) || !isPlain(command)) return 'not mine';
    const code = greeting.slice(0, 3);
    if (greeting !== '' && !'220'.startsWith(code) && !'120'.startsWith(code)) return 'not mine';
    if (command !== '') {
      const first = mayStart(command, FIRST);
      if (first !== 'yes') return first === 'more' ? 'perhaps' : 'not mine';
      return /^[12]20[ -]/.test(greeting) || /^AUTH (?:TLS|SSL)\n/i.test(command) ? 'mine' : 'perhaps';
    }
    if (/^220[ -].*\bE?SMTP\b/i.test(greeting)) return 'not mine';
    return /^220[ -].*FTP/i.test(greeting) ? 'mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new FtpReader(talk),
};
