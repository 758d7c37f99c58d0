// LDAP (RFC 4511): simple binds and SASL (s.4.2), what is searched and found, changes of passwords (RFC 3062). StartTLS (s.4.14)
// hands over.

import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import { textOf } from '../text.ts';
import type { Element } from '../tls/der.ts';
import { element, elements } from '../tls/der.ts';
import { Notes } from './grammar/notes.ts';
import { ntlmChallenge } from './grammar/ntlm.ts';
import { Sasl } from './grammar/sasl.ts';
import { tellAttributes } from './ldap/attributes.ts';
import { filterText } from './ldap/filter.ts';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** [APPLICATION n] of the protocol's operations. */
const OP = {
  bind: 0x60,
  bindAnswer: 0x61,
  unbind: 0x42,
  search: 0x63,
  entry: 0x64,
  done: 0x65,
  modify: 0x66,
  modifyAnswer: 0x67,
  add: 0x68,
  remove: 0x4a,
  rename: 0x6c,
  compare: 0x6e,
  abandon: 0x50,
  reference: 0x73,
  extended: 0x77,
  extendedAnswer: 0x78,
} as const;
const ASKED: ReadonlySet<number> = new Set([
  ...[
    OP.bind,
    OP.unbind,
    OP.search,
    OP.modify,
    OP.add,
    OP.remove,
    OP.rename,
    OP.compare,
    OP.abandon,
    OP.extended,
  ],
]);
const ANSWERED: ReadonlySet<number> = new Set([
  ...[
    OP.bindAnswer,
    OP.entry,
    OP.done,
    OP.modifyAnswer,
    0x69,
    0x6b,
    0x6d,
    0x6f,
    OP.reference,
    OP.extendedAnswer,
    0x79,
  ],
]);
/** Result codes (s.4.1.9) that are no refusal: success, compareFalse, compareTrue, referral, saslBindInProgress. */
const NO_REFUSAL: ReadonlySet<number> = new Set([0, 5, 6, 10, 14]);
const CODES: Readonly<Record<number, string>> = {
  2: 'protocolError',
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  13: 'confidentialityRequired',
  32: 'noSuchObject',
  48: 'inappropriateAuthentication',
  49: 'invalidCredentials',
  50: 'insufficientAccessRights',
  53: 'unwillingToPerform',
};
/** Active Directory's own way to bind ([MS-ADTS] s.5.1.1.1.3): NTLM's messages, the server's in the place of a matched name. */
const SICILY = { negotiate: 0x8a, response: 0x8b } as const;
const START_TLS = '1.3.6.1.4.1.1466.20037';
const CHANGE_PASSWORD = '1.3.6.1.4.1.4203.1.11.1';
/** A longer message is passed over. */
const MESSAGE_MAX = 49_152;
const TLS_HANDSHAKE = 0x16;

class LdapReader implements Reader {
  readonly #talk: Talk;
  readonly #notes: Notes;
  #sasl: Sasl | null = null;
  #who = '';
  /** The number of the request for TLS. */
  #tls = '';
  #phase: 'messages' | 'over' | 'wrong' = 'messages';
  readonly #isSearching: [boolean, boolean] = [false, false];

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#notes = new Notes(talk, 'LDAP');
  }

  said(_side: Side): boolean {
    while (this.#phase === 'messages') {
      // What a client says after StartTLS or a challenge depends on the answer.
      const first: Side = this.#tls !== '' || this.#sasl !== null ? 1 : 0;
      if (!this.#hear(first) && !this.#hear(first === 0 ? 1 : 0)) break;
    }
    if (this.#phase === 'over') this.#talk.handOver();
    return this.#phase !== 'wrong';
  }

  lost(side: Side, _bytes: number): boolean {
    const speech = this.#notes.speech(side);
    speech.take(speech.length);
    this.#isSearching[side] = true;
    return true;
  }

  ended(): void {}

  #hear(side: Side): boolean {
    const speech = this.#notes.speech(side);
    if (this.#phase !== 'messages' || speech.length === 0) return false;
    if (side === 0 && speech.byte(0) === TLS_HANDSHAKE) {
      this.#phase = 'over';
      return false;
    }
    const size = messageSize(speech);
    if (size === 0) return false;
    if (size < 0) {
      // SASL may put its own layer around what follows (RFC 4422 s.3.7); after lost bytes this may be any place.
      if (!this.#isSearching[side]) this.#phase = 'wrong';
      else speech.take(speech.length);
      return false;
    }
    this.#isSearching[side] = false;
    if (size > MESSAGE_MAX) {
      speech.skip(size);
      return true;
    }
    if (speech.length < size && !speech.full) return false;
    this.#message(side, speech.bytes(0, size));
    speech.skip(size);
    return true;
  }

  #message(side: Side, bytes: Uint8Array): void {
    const whole = element(bytes, 0, bytes.length);
    if (whole === null) return;
    const [number, op] = elements(bytes, whole.from, whole.to);
    if (number === undefined || op === undefined) return;
    const id = bytes.subarray(number.from, number.to).join('.');
    const parts = elements(bytes, op.from, op.to);
    if (side === 0) this.#request(bytes, id, op, parts);
    else this.#answer(bytes, id, op, parts);
  }

  #request(bytes: Uint8Array, id: string, op: Element, parts: readonly Element[]): void {
    const [first, second] = parts;
    if (op.tag === OP.bind) this.#bind(bytes, parts);
    else if (op.tag === OP.extended) this.#extended(bytes, id, parts);
    else if (op.tag === OP.remove) this.#notes.content(0, op.from, op.to, 'delete', text(bytes, op));
    else if (first === undefined || second === undefined) return;
    else if (op.tag === OP.search) this.#search(bytes, parts);
    else if (op.tag === OP.add) {
      this.#notes.content(0, first.from, first.to, 'add', text(bytes, first));
      tellAttributes(this.#notes, 0, bytes, text(bytes, first), elements(bytes, second.from, second.to));
    } else if (op.tag === OP.modify) {
      this.#notes.content(0, first.from, first.to, 'modify', text(bytes, first));
      const changes = elements(bytes, second.from, second.to).flatMap((change) => {
        const what = elements(bytes, change.from, change.to)[1];
        return what === undefined ? [] : [what];
      });
      tellAttributes(this.#notes, 0, bytes, text(bytes, first), changes);
    } else if (op.tag === OP.rename)
      this.#notes.content(
        0,
        first.from,
        second.to,
        'rename',
        `${text(bytes, first)} to ${text(bytes, second)}`,
      );
    else if (op.tag === OP.compare) this.#compare(bytes, first, second);
  }

  /** Version, name, and `[0]` a password or `[3]` a mechanism with its credentials. */
  #bind(bytes: Uint8Array, [, name, proof]: readonly Element[]): void {
    if (name === undefined || proof === undefined) return;
    this.#who = text(bytes, name);
    if (proof.tag === 0x80) {
      this.#sasl = null;
      // Without a password it is anonymous, or asks for nothing (RFC 4513 s.5.1).
      if (proof.to > proof.from)
        this.#notes.secret(0, proof.from, proof.to, 'simple bind', this.#who, text(bytes, proof));
      else if (this.#who !== '') this.#notes.identity(0, name.from, name.to, 'bind without a password');
      return;
    }
    if (proof.tag === SICILY.negotiate) this.#sasl = new Sasl(this.#notes, 'bind', 'NTLM');
    if (proof.tag === SICILY.negotiate || proof.tag === SICILY.response)
      this.#sasl?.answer(bytes.subarray(proof.from, proof.to), proof.from, proof.to);
    if (proof.tag !== 0xa3) return;
    const [mechanism, credentials] = elements(bytes, proof.from, proof.to);
    if (mechanism === undefined) return;
    const word = text(bytes, mechanism).toUpperCase();
    if (!/^[A-Z0-9_-]{1,40}$/.test(word)) return;
    if (this.#sasl?.mechanism !== word) {
      this.#sasl = new Sasl(this.#notes, 'bind', word);
      this.#notes.content(0, mechanism.from, mechanism.to, 'SASL mechanism');
    }
    if (credentials !== undefined)
      this.#sasl.answer(bytes.subarray(credentials.from, credentials.to), credentials.from, credentials.to);
  }

  /** Base, scope, how aliases are taken, limits, whether types only, filter, attributes. */
  #search(bytes: Uint8Array, parts: readonly Element[]): void {
    const [base, , , , , , filter] = parts;
    if (base === undefined || filter === undefined) return;
    const shown = filterText(bytes, filter);
    const whole = `${text(bytes, base)} ${shown}`.trim();
    this.#notes.content(0, base.from, filter.to, 'search', whole);
  }

  #compare(bytes: Uint8Array, name: Element, pair: Element): void {
    tellAttributes(this.#notes, 0, bytes, text(bytes, name), [pair]);
    this.#notes.content(0, name.from, name.to, 'compare', text(bytes, name));
  }

  #extended(bytes: Uint8Array, id: string, [name, value]: readonly Element[]): void {
    if (name === undefined) return;
    const oid = text(bytes, name);
    if (oid === START_TLS) this.#tls = id;
    if (oid !== CHANGE_PASSWORD || value === undefined) return;
    const inside = element(bytes, value.from, value.to);
    if (inside === null) return;
    const fields = elements(bytes, inside.from, inside.to);
    const whose = fields.find(({ tag }) => tag === 0x80);
    const who = whose === undefined ? this.#who : text(bytes, whose);
    for (const field of fields) {
      if (field.to === field.from) continue;
      if (field.tag === 0x81)
        this.#notes.secret(0, field.from, field.to, 'old password', who, text(bytes, field));
      if (field.tag === 0x82)
        this.#notes.secret(0, field.from, field.to, 'new password', who, text(bytes, field));
    }
  }

  #answer(bytes: Uint8Array, id: string, op: Element, parts: readonly Element[]): void {
    const [first, second, third] = parts;
    if (op.tag === OP.entry) {
      if (first === undefined || second === undefined) return;
      this.#notes.content(1, first.from, first.to, 'entry', text(bytes, first));
      tellAttributes(this.#notes, 1, bytes, text(bytes, first), elements(bytes, second.from, second.to));
      return;
    }
    if (first === undefined) return;
    const code = bytes[first.from] ?? 0;
    if (op.tag === OP.bindAnswer) {
      const credentials = parts.find(({ tag }) => tag === 0x87);
      // 14: saslBindInProgress.
      if (code === 14 && credentials !== undefined)
        this.#sasl?.challenge(bytes.subarray(credentials.from, credentials.to));
      else if (
        code === 0 &&
        second !== undefined &&
        ntlmChallenge(bytes.subarray(second.from, second.to)) !== null
      )
        this.#sasl?.challenge(bytes.subarray(second.from, second.to));
      else if (code !== 14) this.#sasl = null;
    }
    if (op.tag === OP.extendedAnswer && id === this.#tls) {
      this.#tls = '';
      if (code === 0) this.#phase = 'over';
    }
    if (NO_REFUSAL.has(code) || op.tag === OP.reference || third === undefined) return;
    this.#notes.content(
      1,
      op.from,
      Math.max(third.to, op.from + 1),
      'refusal',
      `${CODES[code] ?? `code ${code}`} ${text(bytes, third)}`.trim(),
    );
  }
}

function text(bytes: Uint8Array, { from, to }: Element): string {
  return textOf(bytes.subarray(from, to));
}

/** Bytes of the message that a speech begins with; 0 when its head is not all there, -1 when it is none. */
function messageSize(speech: Speech): number {
  if (speech.byte(0) !== SEQUENCE) return -1;
  if (speech.length < 2) return 0;
  const first = speech.byte(1);
  if (first < 0x80) return first < 5 ? -1 : 2 + first;
  const n = first & 0x7f;
  if (n === 0 || n > 4) return -1;
  if (speech.length < 2 + n) return 0;
  let size = 0;
  for (let i = 0; i < n; i++) size = size * 256 + speech.byte(2 + i);
  return size < 5 || size > 0x0fff_ffff ? -1 : 2 + n + size;
}

/** Whether a side begins with a message of one of these operations: number, then an operation whose length fits. */
function begins(speech: Speech, ops: ReadonlySet<number>): Claim {
  if (speech.length === 0) return 'perhaps';
  const size = messageSize(speech);
  if (size <= 0) return size < 0 ? 'not mine' : 'perhaps';
  const bytes = speech.bytes(0, 64);
  const head = (bytes[1] as number) < 0x80 ? 2 : 2 + ((bytes[1] as number) & 0x7f);
  if (bytes.length <= head + 1)
    return bytes.length > head && bytes[head] !== INTEGER ? 'not mine' : 'perhaps';
  const digits = bytes[head + 1] as number;
  if (bytes[head] !== INTEGER || digits < 1 || digits > 4) return 'not mine';
  const at = head + 2 + digits;
  const op = bytes[at];
  const first = bytes[at + 1];
  if (op === undefined || first === undefined) return 'perhaps';
  if (!ops.has(op)) return 'not mine';
  const n = first < 0x80 ? 0 : first & 0x7f;
  if (n > 4) return 'not mine';
  if (bytes.length < at + 2 + n) return 'perhaps';
  let length = first < 0x80 ? first : 0;
  for (let i = 0; i < n; i++) length = length * 256 + (bytes[at + 2 + i] as number);
  const left = size - (at + 2 + n);
  // Behind the operation there may be controls.
  if (
    length > left ||
    (length < left && bytes[at + 2 + n + length] !== undefined && bytes[at + 2 + n + length] !== 0xa0)
  )
    return 'not mine';
  if (op === OP.bind) return isBind(bytes, at + 2 + n);
  return (op === OP.unbind || op === OP.abandon) && length > 4 ? 'not mine' : 'mine';
}

/** BindRequest: version 1 to 3 as an INTEGER. */
function isBind(bytes: Uint8Array, at: number): Claim {
  if (bytes.length < at + 3) return 'perhaps';
  const version = bytes[at + 2] as number;
  return bytes[at] === INTEGER && bytes[at + 1] === 1 && version >= 1 && version <= 3 ? 'mine' : 'not mine';
}

export const ldap: Protocol = {
  name: 'LDAP',
  ports: [389, 3268, 1389, 10_389],
  claim({ client, server }: Talk): Claim {
    const asked = begins(client, ASKED);
    return asked === 'perhaps' && client.length === 0 ? begins(server, ANSWERED) : asked;
  },
  reader: (talk: Talk): Reader => new LdapReader(talk),
};
