// SNMP over UDP: the community of versions 1 and 2c (RFC 1157 s.4, RFC 3416), which is the password, and version 3's user (RFC
// 3414 s.2.4); what is asked and answered where it is not encrypted.

import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';
import { textOf } from '../text.ts';
import type { Element } from '../tls/der.ts';
import { element, elements } from '../tls/der.ts';
import { hex, Notes, proof as proofOf, textOrHex } from './grammar/notes.ts';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;
const PDUS: Readonly<Record<number, string>> = {
  160: 'get',
  161: 'get-next',
  162: 'response',
  163: 'set',
  164: 'trap',
  165: 'get-bulk',
  166: 'inform',
  167: 'trap',
  168: 'report',
};
const TRAP_V1 = 0xa4;
const VARIABLES_MAX = 8;
/** A guess is tried on the whole message; of a longer one this much is told. */
const MESSAGE_MAX = 512;

class SnmpReader implements Reader {
  readonly #notes: Notes;
  /** What was told once already. */
  readonly #told: Set<string> = new Set();

  constructor(talk: Talk) {
    this.#notes = new Notes(talk, 'SNMP');
  }

  said(side: Side): boolean {
    const speech = this.#notes.speech(side);
    const bytes = speech.bytes(0, speech.length);
    if (shape(bytes) === 'not mine') return false;
    const whole = element(bytes, 0, bytes.length);
    const parts = whole === null ? [] : elements(bytes, whole.from, whole.to);
    const version = parts[0] === undefined ? -1 : (bytes[parts[0].from] ?? -1);
    if (version === 3) this.#user(side, bytes, parts);
    else this.#community(side, bytes, parts);
    speech.take(bytes.length);
    return true;
  }

  lost(_side: Side, _bytes: number): boolean {
    return true;
  }

  ended(): void {}

  #community(side: Side, bytes: Uint8Array, [, community, pdu]: readonly Element[]): void {
    if (community === undefined || pdu === undefined) return;
    const { from, to } = community;
    const text = textOf(bytes.subarray(from, to));
    if (to > from && this.#isNew(`community ${text}`))
      this.#notes.secret(side, from, to, 'community', '', text);
    this.#pdu(side, bytes, pdu);
  }

  /** Version, global data, security parameters in an octet string, and a PDU that may be encrypted. */
  #user(side: Side, bytes: Uint8Array, [, , security, scoped]: readonly Element[]): void {
    const inside = security === undefined ? null : element(bytes, security.from, security.to);
    if (inside === null) return;
    const [engine, , , user, proof] = elements(bytes, inside.from, inside.to);
    if (user !== undefined && user.to > user.from) {
      const name = textOf(bytes.subarray(user.from, user.to));
      if (this.#isNew(`user ${name}`)) this.#notes.identity(side, user.from, user.to, 'user', name);
      // A code over the message made with the password's key: each guess can be tried on it.
      if (
        side === 0 &&
        engine !== undefined &&
        proof !== undefined &&
        proof.to > proof.from &&
        this.#isNew(`proof ${name}`)
      ) {
        const message = hex(bytes.subarray(0, MESSAGE_MAX));
        const answer = hex(bytes.subarray(proof.from, proof.to));
        const parts = { engine: hex(bytes.subarray(engine.from, engine.to)), answer, message };
        this.#notes.challenge(0, proof.from, proof.to, 'authentication code', name, proofOf(parts));
      }
    }
    if (scoped?.tag !== SEQUENCE) return;
    const pdu = elements(bytes, scoped.from, scoped.to)[2];
    if (pdu !== undefined) this.#pdu(side, bytes, pdu);
  }

  #pdu(side: Side, bytes: Uint8Array, pdu: Element): void {
    const name = PDUS[pdu.tag];
    if (name === undefined) return;
    const parts = elements(bytes, pdu.from, pdu.to);
    const list = parts[pdu.tag === TRAP_V1 ? 5 : 3];
    if (list === undefined) return;
    const shown = elements(bytes, list.from, list.to)
      .slice(0, VARIABLES_MAX)
      .map((pair) => variable(bytes, pair));
    if (shown.length > 0) this.#notes.content(side, pdu.from, pdu.to, name, shown.join(', '));
  }

  #isNew(what: string): boolean {
    if (this.#told.has(what)) return false;
    if (this.#told.size < 64) this.#told.add(what);
    return true;
  }
}

/** `1.3.6.1.2.1.1.5.0` or `1.3.6.1.2.1.1.5.0=router`. */
function variable(bytes: Uint8Array, pair: Element): string {
  const [name, value] = elements(bytes, pair.from, pair.to);
  if (name?.tag !== OID) return '?';
  const oid = oidText(bytes.subarray(name.from, name.to));
  if (value === undefined || value.to === value.from) return oid;
  const raw = bytes.subarray(value.from, value.to);
  if (value.tag === OCTETS) return `${oid}=${textOrHex(raw)}`;
  if (value.tag === OID) return `${oid}=${oidText(raw)}`;
  if (value.tag === 0x40 && raw.length === 4) return `${oid}=${raw.join('.')}`;
  return raw.length <= 6 ? `${oid}=${raw.reduce((sum, byte) => sum * 256 + byte, 0)}` : oid;
}

/** X.690 s.8.19. */
function oidText(bytes: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of bytes) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0)
      arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}

/** Whether a datagram is one message: version, then a community and a PDU, or version 3's global data. */
function shape(bytes: Uint8Array): Claim {
  const whole = element(bytes, 0, bytes.length);
  if (whole?.tag !== SEQUENCE || whole.to !== bytes.length) return 'not mine';
  const [version, second, third] = elements(bytes, whole.from, whole.to);
  if (
    version?.tag !== INTEGER ||
    version.to - version.from !== 1 ||
    second === undefined ||
    third === undefined
  )
    return 'not mine';
  const number = bytes[version.from] as number;
  if (number === 3) return second.tag === SEQUENCE && third.tag === OCTETS ? 'mine' : 'not mine';
  return number <= 1 && second.tag === OCTETS && PDUS[third.tag] !== undefined ? 'mine' : 'not mine';
}

export const snmp: Protocol = {
  name: 'SNMP',
  ports: [161, 162],
  transports: ['UDP'],
  claim({ client, server }: Talk): Claim {
    const speech = client.length > 0 ? client : server;
    return speech.length === 0 ? 'perhaps' : shape(speech.bytes(0, speech.length));
  },
  reader: (talk: Talk): Reader => new SnmpReader(talk),
};
