// Protocols of which only log-ins are read: messages that tell their own length, some of which carry NTLM (SMB, DCE/RPC, TDS). What
// else they say is stepped over.

import type { Reader, Side, Speech, Talk } from '../../reader.ts';
import { latin1 } from '../../text.ts';
import { Notes } from './notes.ts';
import { Sasl } from './sasl.ts';

export interface LogInProtocol {
  readonly name: string;
  /** Bytes that must be there before `sizeOf` and `carriesToken` are asked. */
  readonly header: number;
  /** What is told of an answer: `session setup`. */
  readonly step: string;
  /** Bytes of the message at 0 with its header; -1 where there is none. */
  sizeOf(speech: Speech): number;
  /** Whether a message may carry a token of NTLM, bare or wrapped. */
  carriesToken(speech: Speech): boolean;
  /** Tells what else stands in the client's message [0, size), as much of it as is there. */
  tell?(notes: Notes, size: number): void;
}

/** Bytes of a message that are looked at. A token stands in front of them unless it is a ticket of Kerberos. */
const LOOKED_AT = 8192;

export class LogInReader implements Reader {
  readonly #kind: LogInProtocol;
  readonly #notes: Notes;
  readonly #sasl: Sasl;

  constructor(talk: Talk, kind: LogInProtocol) {
    this.#kind = kind;
    this.#notes = new Notes(talk, kind.name);
    this.#sasl = new Sasl(this.#notes, kind.step, 'NTLM');
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    const { header } = this.#kind;
    while (speech.length >= header) {
      const size = this.#kind.sizeOf(speech);
      if (size < header) return false;
      const looked = Math.min(size, LOOKED_AT);
      if (speech.length < looked && !speech.ended && !speech.full) return true;
      this.#message(side, speech, Math.min(looked, speech.length));
      speech.skip(size);
    }
    return true;
  }

  /** Where the next message begins is not known any more. */
  lost(): boolean {
    return false;
  }

  ended(): void {}

  #message(side: Side, speech: Speech, size: number): void {
    if (side === 0) this.#kind.tell?.(this.#notes, size);
    if (!this.#kind.carriesToken(speech)) return;
    const bytes = speech.bytes(0, size);
    const at = latin1(bytes).indexOf('NTLMSSP\0');
    if (at < 0) return;
    const token = bytes.subarray(at);
    if (side === 1) this.#sasl.challenge(token);
    else this.#sasl.answer(token, at, size);
  }
}
