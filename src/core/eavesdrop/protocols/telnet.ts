// Telnet (RFC 854) and what people type over it: a log-in where the server asks for one, lines of input, and what comes back.
// Commands are taken out of the text; of the options only the user's name in NEW-ENVIRON (RFC 1572) is read.
//
//   IAC WILL|WONT|DO|DONT option      IAC SB option ... IAC SE      IAC IAC: the byte 255

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { latin1 } from '../text.ts';
import type { Passage } from './grammar/notes.ts';
import { Notes, TEXT_MAX } from './grammar/notes.ts';

const IAC = 255;
const DONT = 254;
const WILL = 251;
const SB = 250;
const SE = 240;
const NEW_ENVIRON = 39;
/** VAR 0, VALUE 1, ESC 2, USERVAR 3: they stand between names and values. */
const USERVAR = 3;
const CR = 0x0d;
const LF = 0x0a;
/** The highest option of IANA's list that is in use, before those above 127. */
const OPTION_MAX = 49;
/** Of the server's last line this much is looked at for a prompt. */
const PROMPT_MAX = 128;
const OPTIONS_MAX = 512;

const USER_PROMPT = /(?:login|user(?: ?name)?|account)\s*:\s*$/i;
const PASSWORD_PROMPT = /(?:pass(?:word|code|phrase)|pin)\b[^\n]{0,48}:\s*$/i;

class TelnetReader implements Reader {
  readonly #talk: Talk;
  readonly #notes: Notes;
  /** The server's line that has not ended: a prompt. */
  #prompt = '';
  /** What the client types until it ends the line, and what it was asked for. */
  #input: Passage | null = null;
  #asked: 'user' | 'password' | null = null;
  #user = '';
  /** What the server shows between two lines of input. */
  #screen: Passage | null = null;
  /** Commands between the text's bytes since the last one. */
  readonly #between: [number, number] = [0, 0];
  #wasCr = false;

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#notes = new Notes(talk, 'Telnet');
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    while (speech.length > 0) {
      const iac = speech.find(IAC);
      if (iac !== 0) {
        const n = iac < 0 ? speech.length : iac;
        if (side === 0) this.#typed(n);
        else this.#shown(n);
        speech.take(n);
        this.#between[side] = 0;
        continue;
      }
      const size = commandSize(speech);
      if (size === 0) return true;
      if (size < 0) return false;
      if (speech.byte(1) === SB && speech.byte(2) === NEW_ENVIRON) this.#environ(side, size);
      speech.take(size);
      this.#between[side] += size;
    }
    return true;
  }

  lost(side: Side, _bytes: number): boolean {
    const speech = this.#notes.speech(side);
    speech.take(speech.length);
    if (side === 0) this.#input = null;
    else {
      this.#closeScreen();
      this.#prompt = '';
    }
    return true;
  }

  ended(): void {
    this.#closeScreen();
  }

  #typed(n: number): void {
    const { client } = this.#talk;
    for (let at = 0; at < n; at++) {
      const byte = client.byte(at);
      const isEnd = byte === CR || byte === LF;
      // A line ends with CR LF or CR NUL (RFC 854); what follows a CR is passed over.
      if (this.#wasCr && (byte === LF || byte === 0)) {
        this.#wasCr = false;
        continue;
      }
      this.#wasCr = byte === CR;
      if (isEnd) {
        this.#entered();
        continue;
      }
      if (this.#input === null) {
        this.#closeScreen();
        this.#input = this.#notes.passage(0, at);
        this.#asked = USER_PROMPT.test(this.#prompt)
          ? 'user'
          : PASSWORD_PROMPT.test(this.#prompt)
            ? 'password'
            : null;
      }
      this.#notes.add(this.#input, at, at + 1, at === 0 && this.#input.kept > 0 ? this.#between[0] : 0);
    }
  }

  /** The client has ended a line. */
  #entered(): void {
    const input = this.#input;
    this.#input = null;
    this.#prompt = '';
    if (input === null) return;
    const typed = edited(latin1(input.bytes.subarray(0, input.kept)));
    if (typed === '') return;
    if (this.#asked === 'user') {
      this.#user = typed;
      this.#notes.close(input, 'login', typed, 'identity');
    } else if (this.#asked === 'password') this.#notes.close(input, 'password', this.#user, 'secret', typed);
    else this.#notes.close(input, 'input', typed);
  }

  #shown(n: number): void {
    const { server } = this.#talk;
    this.#screen ??= this.#notes.passage(1, 0);
    this.#notes.add(this.#screen, 0, n, this.#screen.kept === 0 ? 0 : this.#between[1]);
    const text = this.#prompt + server.latin1(Math.max(0, n - TEXT_MAX), n);
    this.#prompt = text.slice(Math.max(text.lastIndexOf('\n') + 1, text.length - PROMPT_MAX));
  }

  #closeScreen(): void {
    const screen = this.#screen;
    this.#screen = null;
    if (screen === null) return;
    const text = latin1(screen.bytes.subarray(0, screen.kept));
    if (text.trim() !== '') this.#notes.close(screen, 'output');
  }

  /** IAC SB NEW-ENVIRON IS VAR "USER" VALUE name IAC SE. */
  #environ(side: Side, size: number): void {
    const text = this.#notes.speech(side).latin1(0, size);
    const found = text.indexOf('USER\u0001');
    if (found < 4 || text.charCodeAt(found - 1) > USERVAR) return;
    const from = found + 5;
    let to = from;
    while (to < size && text.charCodeAt(to) > USERVAR && text.charCodeAt(to) !== IAC) to++;
    if (to === from) return;
    this.#user = text.slice(from, to);
    this.#notes.identity(side, from, to, 'USER');
  }
}

/** What is left after the user has mended it. */
function edited(typed: string): string {
  let text = '';
  for (const letter of typed) {
    if (letter === '\b' || letter === '\x7f') text = text.slice(0, -1);
    else if (letter === '\x15') text = '';
    else text += letter;
  }
  return text;
}

/** Bytes of the command that a speech begins with: 0 when it is not all there, -1 when it is none. */
function commandSize(speech: Speech): number {
  if (speech.length < 2) return 0;
  const verb = speech.byte(1);
  if (verb < SE) return -1;
  if (verb !== SB) return verb >= WILL && verb <= DONT ? (speech.length < 3 ? 0 : 3) : 2;
  for (let at = 3; at + 1 < speech.length; at++)
    if (speech.byte(at) === IAC && speech.byte(at + 1) === SE) return at + 2;
    else if (speech.byte(at) === IAC) at++;
  return speech.length > OPTIONS_MAX ? -1 : 0;
}

/** Whether a side begins with an option's negotiation; `more` where it is not long enough to tell. */
function negotiates(speech: Speech): 'yes' | 'more' | 'no' {
  for (let at = 0; at < Math.min(speech.length, 3); at++) {
    const byte = speech.byte(at);
    if (at === 0 && byte !== IAC) return 'no';
    if (at === 1 && (byte < SB || byte > DONT)) return 'no';
    if (at === 2 && byte > OPTION_MAX) return 'no';
  }
  return speech.length >= 3 ? 'yes' : 'more';
}

/** Whether it is text, as a terminal shows it. */
function isScreen(speech: Speech): boolean {
  const end = Math.min(speech.length, 256);
  for (let at = 0; at < end; at++) {
    const byte = speech.byte(at);
    if (byte < 0x20 && !(byte >= 0x07 && byte <= 0x0d) && byte !== 0x1b && byte !== 0) return false;
  }
  return true;
}

export const telnet: Protocol = {
  name: 'Telnet',
  ports: [23, 2323],
  claim(talk: Talk): Claim {
    const sides = [negotiates(talk.client), negotiates(talk.server)];
    if (sides.includes('yes')) return sides.includes('no') && !hasText(talk) ? 'not mine' : 'mine';
    // A server that negotiates nothing: by its port only, and as soon as it asks who is there.
    if (!telnet.ports.includes(talk.serverPort)) return sides.includes('no') ? 'not mine' : 'perhaps';
    if (!isScreen(talk.client) || !isScreen(talk.server))
      return sides.includes('more') ? 'perhaps' : 'not mine';
    return USER_PROMPT.test(talk.server.latin1(0, 512)) ? 'mine' : 'perhaps';
  },
  reader: (talk: Talk): Reader => new TelnetReader(talk),
};

/** One side negotiates: the other may have begun with text, which is text then. */
function hasText(talk: Talk): boolean {
  return (
    (negotiates(talk.client) !== 'no' || isScreen(talk.client)) &&
    (negotiates(talk.server) !== 'no' || isScreen(talk.server))
  );
}
