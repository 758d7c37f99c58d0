// A DNS message, RFC 1035 s.4: header, question, and the three sections of records. Names are in dns-name.ts, the data of
// records in dns-record.ts.
//
//    0                16                             31
//   +----------------+-+----+-+-+-+-+-+-+-+----------+
//   |       id       |Q| op |A|T|R|R|0|A|C|   rcode  |
//   +----------------+-+----+-+-+-+-+-+-+-+----------+
//   |   questions    |            answers            |
//   +----------------+-------------------------------+
//   |  authorities   |           additionals         |
//   +----------------+-------------------------------+
//
// All of this is cold path. Over TCP two bytes of length stand before the message (s.4.2.2), which are the caller's.
// Bytes after the last record are passed over, as resolvers do.

import type { NameTable } from './dns-name.ts';
import { need, readName, writeName } from './dns-name.ts';
import type { RecordData } from './dns-record.ts';
import { readData, writeData } from './dns-record.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export type { EdnsOption, RecordData } from './dns-record.ts';
export { CLASS_IN, RR } from './dns-record.ts';

export const HEADER_LEN = 12;
/** The longest message over UDP without EDNS (RFC 1035 s.2.3.4). */
export const UDP_MAX = 512;
export const DNS_PORT = 53;

/** Bits of the flags word; AD and CD are RFC 4035's. */
export const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  reserved: 0x0040,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;

export const OPCODE = { query: 0, inverse: 1, status: 2, notify: 4, update: 5 } as const;

export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;

export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds; of an OPT record the extended code, version and flags (`ednsOf`). */
  readonly ttl: number;
  readonly data: RecordData;
}

export interface DnsMessage {
  readonly id: number;
  /** The 16 bits as they stand: FLAG, with opcode and rcode among them. */
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export interface Edns {
  /** The largest UDP payload that the sender can take, in bytes. */
  readonly udpSize: number;
  /** The upper eight bits of the twelve-bit response code. */
  readonly extendedCode: number;
  readonly version: number;
  readonly dnssecOk: boolean;
}

/** 0, or the fault of being shorter than the header. `read` finds the rest. Never throws. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.dns, KIND.short, HEADER_LEN) : NO_FAULT;
}

export function id(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function flags(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function isResponse(view: DataView, at: number): boolean {
  return (view.getUint16(at + 2) & FLAG.response) !== 0;
}

export function questionCount(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function answerCount(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function authorityCount(view: DataView, at: number): number {
  return view.getUint16(at + 8);
}

export function additionalCount(view: DataView, at: number): number {
  return view.getUint16(at + 10);
}

/** The opcode in a flags word. */
export function opcode(bits: number): number {
  return (bits >>> 11) & 0xf;
}

/** The response code in a flags word. */
export function rcode(bits: number): number {
  return bits & 0xf;
}

/** The word of these parts. */
export function flagsOf(bits: number, operation: number, response: number): number {
  return (bits & 0x87f0) | ((operation & 0xf) << 11) | (response & 0xf);
}

/** What an OPT record's class and TTL hold (RFC 6891 s.6.1.2 and 6.1.3). */
export function ednsOf(opt: DnsRecord): Edns {
  return {
    udpSize: opt.class,
    extendedCode: opt.ttl >>> 24,
    version: (opt.ttl >>> 16) & 0xff,
    dnssecOk: (opt.ttl & 0x8000) !== 0,
  };
}

/**
 * Reads the whole message at [at, end), or answers the first fault; its bytes count from `at`. Never throws.
 * Work is bounded by the bytes there are, whatever the counts say.
 */
export function read(view: DataView, at: number, end: number): DnsMessage | Fault {
  const short = check(view, at, end);
  if (short !== NO_FAULT) return short;
  const questions: DnsQuestion[] = [];
  let o = at + HEADER_LEN;
  for (let left = questionCount(view, at); left > 0; left--) {
    const name = readName(view, o, at, end);
    if (typeof name === 'number') return name;
    o = name.next;
    if (o + 4 > end) return fault(LAYER.dns, KIND.overrun, o + 4 - at);
    questions.push({ name: name.name, type: view.getUint16(o), class: view.getUint16(o + 2) });
    o += 4;
  }
  const answers: DnsRecord[] = [];
  const authorities: DnsRecord[] = [];
  const additionals: DnsRecord[] = [];
  let next = readRecords(view, at, end, o, answerCount(view, at), answers);
  if (next >= 0) next = readRecords(view, at, end, next, authorityCount(view, at), authorities);
  if (next >= 0) next = readRecords(view, at, end, next, additionalCount(view, at), additionals);
  if (next < 0) return -next;
  return { id: id(view, at), flags: flags(view, at), questions, answers, authorities, additionals };
}

/** Where the next section starts, or a fault with its sign turned. */
function readRecords(
  view: DataView,
  at: number,
  end: number,
  from: number,
  count: number,
  into: DnsRecord[],
): number {
  let o = from;
  for (let left = count; left > 0; left--) {
    const name = readName(view, o, at, end);
    if (typeof name === 'number') return -name;
    o = name.next;
    if (o + 10 > end) return -fault(LAYER.dns, KIND.overrun, o + 10 - at);
    const type = view.getUint16(o);
    const cls = view.getUint16(o + 2);
    const ttl = view.getUint32(o + 4);
    const dataAt = o + 10;
    o = dataAt + view.getUint16(o + 8);
    if (o > end) return -fault(LAYER.dns, KIND.overrun, o - at);
    const data = readData(view, type, cls, dataAt, at, o);
    if (typeof data === 'number') return -data;
    into.push({ name: name.name, type, class: cls, ttl, data });
  }
  return o;
}

/**
 * Writes a message at `at` and answers its length in bytes; sets the counts. Whether it is too long for UDP is the
 * caller's to judge.
 * @param compress false writes every name out, as Docker's embedded server does
 * @throws VxlabError BAD_NAME, BAD_TEXT, or NO_ROOM when the view ends first
 */
export function write(view: DataView, at: number, message: DnsMessage, compress = true): number {
  need(view, at, HEADER_LEN);
  view.setUint16(at, message.id);
  view.setUint16(at + 2, message.flags);
  view.setUint16(at + 4, message.questions.length);
  view.setUint16(at + 6, message.answers.length);
  view.setUint16(at + 8, message.authorities.length);
  view.setUint16(at + 10, message.additionals.length);
  const table: NameTable | null = compress ? { start: at, offsets: new Map() } : null;
  let o = at + HEADER_LEN;
  for (const question of message.questions) {
    o = writeName(view, o, question.name, table);
    need(view, o, 4);
    view.setUint16(o, question.type);
    view.setUint16(o + 2, question.class);
    o += 4;
  }
  for (const record of message.answers) o = writeRecord(view, o, record, table);
  for (const record of message.authorities) o = writeRecord(view, o, record, table);
  for (const record of message.additionals) o = writeRecord(view, o, record, table);
  return o - at;
}

function writeRecord(view: DataView, at: number, record: DnsRecord, table: NameTable | null): number {
  const o = writeName(view, at, record.name, table);
  need(view, o, 10);
  view.setUint16(o, record.type);
  view.setUint16(o + 2, record.class);
  view.setUint32(o + 4, record.ttl);
  const end = writeData(view, o + 10, record.data, table);
  view.setUint16(o + 8, end - o - 10);
  return end;
}

/** Writes the twelve bytes of the header as told, sense or nonsense. */
export function writeRaw(
  view: DataView,
  at: number,
  h: {
    readonly id: number;
    readonly flags: number;
    readonly questions: number;
    readonly answers: number;
    readonly authorities: number;
    readonly additionals: number;
  },
): void {
  view.setUint16(at, h.id);
  view.setUint16(at + 2, h.flags);
  view.setUint16(at + 4, h.questions);
  view.setUint16(at + 6, h.answers);
  view.setUint16(at + 8, h.authorities);
  view.setUint16(at + 10, h.additionals);
}
