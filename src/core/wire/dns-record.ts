// What a DNS resource record says: its data by type (RFC 1035 s.3.3; AAAA RFC 3596; SRV RFC 2782; EDNS RFC 6891).
//
// Types this file does not know, empty data (as dynamic update has it, RFC 2136 s.2.4) and addresses of another class or
// length are kept as bytes: a capture may hold anything, and RFC 3597 s.3 tells how to carry the unknown. Reading never
// throws and never leaves [at, end); a name that leaves its own data is a fault.

import type { Ip4, Ip6 } from './address.ts';
import { readIp6, writeIp6 } from './address.ts';
import type { NameTable } from './dns-name.ts';
import { escapeText, need, readName, unescapeText, writeName } from './dns-name.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER } from './fault.ts';
import { VxlabError } from './numbers.ts';

/** Record types (IANA dns-parameters). */
export const RR = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  mx: 15,
  txt: 16,
  aaaa: 28,
  srv: 33,
  opt: 41,
  any: 255,
} as const;

/** The Internet's class. */
export const CLASS_IN = 1;

export interface EdnsOption {
  readonly code: number;
  readonly bytes: Uint8Array;
}

/** Names as in dns-name.ts; times in seconds. */
export type RecordData =
  | { readonly kind: 'a'; readonly address: Ip4 }
  | { readonly kind: 'aaaa'; readonly address: Ip6 }
  /** NS, CNAME and PTR. */
  | { readonly kind: 'name'; readonly name: string }
  | {
      readonly kind: 'soa';
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | { readonly kind: 'mx'; readonly preference: number; readonly exchange: string }
  /** Strings of up to 255 bytes, with \DDD for a byte that is not printable ASCII and \\ for a backslash. */
  | { readonly kind: 'txt'; readonly strings: readonly string[] }
  | {
      readonly kind: 'srv';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** The record's class holds the sender's UDP size, its TTL the upper bits of the code, the version and DO. */
  | { readonly kind: 'opt'; readonly options: readonly EdnsOption[] }
  /** Anything else. `bytes` is a window on the message, which it shares; `at` is where it starts in the view. */
  | { readonly kind: 'raw'; readonly at: number; readonly bytes: Uint8Array };

/**
 * Reads the data of a record at [at, end), where `end` is the record's own. Never throws.
 * @param start where the message starts: what pointers and a fault's bytes count from
 */
export function readData(
  view: DataView,
  type: number,
  cls: number,
  at: number,
  start: number,
  end: number,
): RecordData | Fault {
  if (type === RR.opt) return readOpt(view, at, start, end);
  if (at === end) return raw(view, at, end);
  switch (type) {
    case RR.a:
      if (cls !== CLASS_IN || end - at !== 4) return raw(view, at, end);
      return { kind: 'a', address: view.getUint32(at) };
    case RR.aaaa:
      if (cls !== CLASS_IN || end - at !== 16) return raw(view, at, end);
      return { kind: 'aaaa', address: readIp6(view, at) };
    case RR.ns:
    case RR.cname:
    case RR.ptr: {
      const name = readName(view, at, start, end);
      return typeof name === 'number' ? name : { kind: 'name', name: name.name };
    }
    case RR.mx: {
      const name = readName(view, at + 2, start, end);
      if (typeof name === 'number') return name;
      return { kind: 'mx', preference: view.getUint16(at), exchange: name.name };
    }
    case RR.srv: {
      const name = readName(view, at + 6, start, end);
      if (typeof name === 'number') return name;
      return {
        kind: 'srv',
        priority: view.getUint16(at),
        weight: view.getUint16(at + 2),
        port: view.getUint16(at + 4),
        target: name.name,
      };
    }
    case RR.soa:
      return readSoa(view, at, start, end);
    case RR.txt:
      return readTxt(view, at, start, end);
    default:
      return raw(view, at, end);
  }
}

function raw(view: DataView, at: number, end: number): RecordData {
  return { kind: 'raw', at, bytes: new Uint8Array(view.buffer, view.byteOffset + at, end - at) };
}

function readSoa(view: DataView, at: number, start: number, end: number): RecordData | Fault {
  const primary = readName(view, at, start, end);
  if (typeof primary === 'number') return primary;
  const mailbox = readName(view, primary.next, start, end);
  if (typeof mailbox === 'number') return mailbox;
  const o = mailbox.next;
  if (o + 20 > end) return fault(LAYER.dns, KIND.overrun, o + 20 - start);
  return {
    kind: 'soa',
    primary: primary.name,
    mailbox: mailbox.name,
    serial: view.getUint32(o),
    refresh: view.getUint32(o + 4),
    retry: view.getUint32(o + 8),
    expire: view.getUint32(o + 12),
    minimum: view.getUint32(o + 16),
  };
}

function readTxt(view: DataView, at: number, start: number, end: number): RecordData | Fault {
  const strings: string[] = [];
  for (let o = at; o < end; ) {
    const length = view.getUint8(o);
    if (o + 1 + length > end) return fault(LAYER.dns, KIND.overrun, o + 1 + length - start);
    strings.push(escapeText(view, o + 1, length, false));
    o += 1 + length;
  }
  return { kind: 'txt', strings };
}

function readOpt(view: DataView, at: number, start: number, end: number): RecordData | Fault {
  const options: EdnsOption[] = [];
  for (let o = at; o < end; ) {
    if (o + 4 > end) return fault(LAYER.dns, KIND.overrun, o + 4 - start);
    const length = view.getUint16(o + 2);
    if (o + 4 + length > end) return fault(LAYER.dns, KIND.overrun, o + 4 + length - start);
    options.push({
      code: view.getUint16(o),
      bytes: new Uint8Array(view.buffer, view.byteOffset + o + 4, length),
    });
    o += 4 + length;
  }
  return { kind: 'opt', options };
}

/**
 * Writes a record's data and answers where the next byte goes. With a table, names are compressed where RFC 1035 defines
 * them; SRV's must not be (RFC 2782).
 * @throws VxlabError BAD_NAME, BAD_TEXT or NO_ROOM
 */
export function writeData(view: DataView, at: number, data: RecordData, table: NameTable | null): number {
  switch (data.kind) {
    case 'a':
      need(view, at, 4);
      view.setUint32(at, data.address);
      return at + 4;
    case 'aaaa':
      need(view, at, 16);
      writeIp6(view, at, data.address);
      return at + 16;
    case 'name':
      return writeName(view, at, data.name, table);
    case 'mx':
      need(view, at, 2);
      view.setUint16(at, data.preference);
      return writeName(view, at + 2, data.exchange, table);
    case 'srv':
      need(view, at, 6);
      view.setUint16(at, data.priority);
      view.setUint16(at + 2, data.weight);
      view.setUint16(at + 4, data.port);
      return writeName(view, at + 6, data.target, null);
    case 'soa': {
      const o = writeName(view, writeName(view, at, data.primary, table), data.mailbox, table);
      need(view, o, 20);
      view.setUint32(o, data.serial);
      view.setUint32(o + 4, data.refresh);
      view.setUint32(o + 8, data.retry);
      view.setUint32(o + 12, data.expire);
      view.setUint32(o + 16, data.minimum);
      return o + 20;
    }
    case 'txt': {
      let o = at;
      for (const text of data.strings) o = writeString(view, o, text);
      return o;
    }
    case 'opt': {
      let o = at;
      for (const option of data.options) {
        need(view, o, 4);
        view.setUint16(o, option.code);
        view.setUint16(o + 2, option.bytes.length);
        o = writeBytes(view, o + 4, option.bytes);
      }
      return o;
    }
    case 'raw':
      return writeBytes(view, at, data.bytes);
  }
}

function writeString(view: DataView, at: number, text: string): number {
  const bytes = unescapeText(text);
  if (bytes.length > 255) {
    throw new VxlabError(
      'BAD_TEXT',
      `a TXT string has ${bytes.length} bytes; the most is 255 (RFC 1035 s.3.3)`,
    );
  }
  need(view, at, 1);
  view.setUint8(at, bytes.length);
  return writeBytes(view, at + 1, bytes);
}

function writeBytes(view: DataView, at: number, bytes: Uint8Array | readonly number[]): number {
  need(view, at, bytes.length);
  let o = at;
  for (const byte of bytes) view.setUint8(o++, byte);
  return o;
}
