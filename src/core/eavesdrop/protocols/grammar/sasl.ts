// What the mechanisms of SASL (RFC 4422) say, whatever protocol carries them: PLAIN (RFC 4616), LOGIN (never standardised),
// CRAM-MD5 (RFC 2195), DIGEST-MD5 (RFC 2831), SCRAM (RFC 5802), OAUTHBEARER (RFC 7628) and XOAUTH2, NTLM, EXTERNAL, ANONYMOUS.

import { base64, latin1, textOf } from '../../text.ts';
import type { Notes } from './notes.ts';
import { proof } from './notes.ts';
import { ntlmAnswer, ntlmChallenge } from './ntlm.ts';

/** Bytes that one side says at most and that are kept: a ticket is longer, and not read. */
const KEPT_MAX = 4096;

export class Sasl {
  readonly mechanism: string;
  readonly #notes: Notes;
  readonly #what: string;
  /** What the server has said last, and what the client said before that. */
  #challenge = '';
  #first = '';
  #user = '';
  #answers = 0;

  /**
   * @param command the word that began it: `AUTH`, `AUTHENTICATE`, `bind`; it goes before the mechanism
   * @param user where the protocol has told it before
   */
  constructor(notes: Notes, command: string, mechanism: string, user = '') {
    this.#notes = notes;
    this.#user = user;
    this.mechanism = mechanism.toUpperCase();
    this.#what = `${command} ${this.mechanism}`;
  }

  /** The server's challenge, decoded. */
  challenge(bytes: Uint8Array): void {
    const nonce = this.mechanism === 'NTLM' || isSpnego(this.mechanism) ? ntlmChallenge(inner(bytes)) : null;
    this.#challenge = nonce ?? latin1(bytes.subarray(0, KEPT_MAX));
  }

  /** The server's challenge as base64. */
  challenge64(text: string): void {
    const bytes = base64(text.trim());
    if (bytes !== null) this.challenge(bytes);
  }

  /** The client's answer as base64, at [from, to) of what it says; `=` is an empty one, `*` gives up. */
  answer64(from: number, to: number): void {
    const text = this.#notes.speech(0).latin1(from, to);
    const bytes = text === '=' ? new Uint8Array(0) : text === '*' ? null : base64(text);
    if (bytes !== null) this.answer(bytes, from, to);
  }

  /** The client's answer, decoded; it stands at [from, to) of what the client says. */
  answer(bytes: Uint8Array, from: number, to: number): void {
    if (bytes.length === 0 || to <= from) return;
    const turn = this.#answers++;
    const { mechanism } = this;
    if (mechanism === 'PLAIN') this.#plain(bytes, from, to);
    else if (mechanism === 'LOGIN') this.#login(bytes, from, to);
    else if (mechanism.startsWith('CRAM-')) this.#cram(bytes, from, to);
    else if (mechanism === 'DIGEST-MD5') this.#digest(bytes, from, to);
    else if (mechanism.startsWith('SCRAM-')) this.#scram(turn, bytes, from, to);
    else if (mechanism === 'XOAUTH2' || mechanism === 'OAUTHBEARER') this.#oauth(bytes, from, to);
    else if (mechanism === 'NTLM' || isSpnego(mechanism)) this.#ntlm(bytes, from, to);
    else if (mechanism === 'EXTERNAL' || mechanism === 'ANONYMOUS') this.#named(bytes, from, to);
  }

  #named(bytes: Uint8Array, from: number, to: number): void {
    this.#notes.identity(0, from, to, this.#what, textOf(bytes));
  }

  #plain(bytes: Uint8Array, from: number, to: number): void {
    const first = bytes.indexOf(0);
    const second = bytes.indexOf(0, first + 1);
    if (first < 0 || second < 0) return;
    const as = textOf(bytes.subarray(0, first));
    const user = textOf(bytes.subarray(first + 1, second));
    const who = as === '' || as === user ? user : `${user} as ${as}`;
    this.#notes.secret(0, from, to, this.#what, who, textOf(bytes.subarray(second + 1)));
  }

  #login(bytes: Uint8Array, from: number, to: number): void {
    // The first answer is the name, whatever the server's prompt says.
    if (this.#user === '') {
      this.#user = textOf(bytes);
      this.#notes.identity(0, from, to, `${this.#what} user`, this.#user);
      return;
    }
    this.#notes.secret(0, from, to, this.#what, this.#user, textOf(bytes));
    this.#user = '';
  }

  #cram(bytes: Uint8Array, from: number, to: number): void {
    const text = textOf(bytes);
    const space = text.lastIndexOf(' ');
    if (space <= 0) return;
    const parts = { challenge: this.#challenge, answer: text.slice(space + 1) };
    this.#notes.challenge(0, from, to, this.#what, text.slice(0, space), proof(parts));
  }

  #digest(bytes: Uint8Array, from: number, to: number): void {
    const text = textOf(bytes);
    const user = /(?:^|,)\s*username="((?:[^"\\]|\\.){0,256})"/.exec(text)?.[1];
    if (user !== undefined) this.#notes.challenge(0, from, to, this.#what, user, text);
  }

  #scram(turn: number, bytes: Uint8Array, from: number, to: number): void {
    const text = textOf(bytes);
    if (turn === 0) {
      this.#first = text;
      const user = /(?:^|,)n=([^,]*)/.exec(text)?.[1] ?? '';
      if (user === '') return;
      this.#user = user.replaceAll('=2C', ',').replaceAll('=3D', '=');
      this.#notes.identity(0, from, to, `${this.#what} user`, this.#user);
      return;
    }
    if (!/(?:^|,)p=/.test(text)) return;
    const parts = { first: this.#first, challenge: this.#challenge, answer: text };
    this.#notes.challenge(0, from, to, this.#what, this.#user, proof(parts));
  }

  #oauth(bytes: Uint8Array, from: number, to: number): void {
    // Fields between bytes of value 1; the first is GS2's header or XOAUTH2's user.
    const fields = latin1(bytes).split('\u0001');
    const token = fields
      .map((one) => /^auth=[A-Za-z]+ (.+)$/.exec(one)?.[1])
      .find((one) => one !== undefined);
    const user = /^(?:user=|n,a=)([^,]*)/.exec(fields[0] ?? '')?.[1] ?? '';
    if (token !== undefined) this.#notes.secret(0, from, to, this.#what, user, token);
  }

  #ntlm(bytes: Uint8Array, from: number, to: number): void {
    const answer = ntlmAnswer(inner(bytes));
    if (answer === null) return;
    const parts = { challenge: this.#challenge, lm: answer.lm, nt: answer.nt };
    this.#notes.challenge(0, from, to, this.#what, answer.user, proof(parts));
  }
}

/** Mechanisms that wrap NTLM's messages or Kerberos' tickets (RFC 4178). */
function isSpnego(mechanism: string): boolean {
  return mechanism === 'GSS-SPNEGO';
}

/** From NTLM's mark on, wherever it is wrapped. */
function inner(bytes: Uint8Array): Uint8Array {
  const at = latin1(bytes.subarray(0, KEPT_MAX)).indexOf('NTLMSSP\0');
  return at < 0 ? bytes : bytes.subarray(at);
}
