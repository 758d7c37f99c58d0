// Domain names on the wire: labels and compression pointers (RFC 1035 s.3.1, s.4.1.4), and their text (s.5.1).
//
//   label:    | length 1 to 63 | bytes |        end:  | 0 |        pointer:  | 1 1 | offset from the message, 14 bits |
//
// A label may hold any byte. In text a dot or backslash within a label stands behind a backslash, and a byte that is not
// a visible ASCII character is written \DDD in decimal (RFC 4343 s.2.1); so text and bytes map one to one. Text carries
// no final dot; the root is ".". A pointer must point to before the labels that lead to it, so that every jump goes
// backwards and none can loop.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER } from './fault.ts';
import { VxlabError } from './numbers.ts';

export const LABEL_MAX = 63;
/** Bytes of a whole name, length bytes and the end included (RFC 1035 s.2.3.4). */
export const NAME_MAX = 255;
/** Pointers followed for one name: as many as it can have labels. More would let a message make reading it costly. */
export const JUMPS_MAX = 127;
/** The last offset that fourteen bits can point at. */
const POINTER_MAX = 0x3fff;

export interface DnsName {
  readonly name: string;
  /** Where the bytes after the name start: behind the first pointer, if there is one. */
  readonly next: number;
}

/** What has been written of a message: where it starts, and which names stand at which offset from there. */
export interface NameTable {
  readonly start: number;
  readonly offsets: Map<string, number>;
}

/**
 * Reads the name at `at`. Never throws; a fault's bytes count from `start`.
 * @param start where the message starts: what pointers count from
 * @param end where the message ends
 */
export function readName(view: DataView, at: number, start: number, end: number): DnsName | Fault {
  let text = '';
  let next = -1;
  let o = at;
  let runStart = at;
  let bytes = 1;
  let jumps = 0;
  for (;;) {
    if (o >= end) return fault(LAYER.dns, KIND.overrun, o + 1 - start);
    const length = view.getUint8(o);
    if (length === 0) return { name: text === '' ? '.' : text, next: next < 0 ? o + 1 : next };
    if (length >= 0xc0) {
      if (o + 2 > end) return fault(LAYER.dns, KIND.overrun, o + 2 - start);
      const to = start + (view.getUint16(o) & POINTER_MAX);
      if (to >= runStart || ++jumps > JUMPS_MAX) return fault(LAYER.dns, KIND.endless, to - start);
      if (next < 0) next = o + 2;
      o = to;
      runStart = to;
      continue;
    }
    // 01 and 10 in the top bits: no label type that is still in use (RFC 6891 s.5).
    if (length > LABEL_MAX) return fault(LAYER.dns, KIND.value, length);
    if (o + 1 + length > end) return fault(LAYER.dns, KIND.overrun, o + 1 + length - start);
    bytes += 1 + length;
    if (bytes > NAME_MAX) return fault(LAYER.dns, KIND.endless, bytes);
    text += (text === '' ? '' : '.') + escapeText(view, o + 1, length, true);
    o += 1 + length;
  }
}

/** Text of raw bytes, with \DDD for what is not visible ASCII; `label` escapes dots and spaces too. */
export function escapeText(view: DataView, at: number, length: number, label: boolean): string {
  let text = '';
  for (let i = at; i < at + length; i++) {
    const byte = view.getUint8(i);
    if (byte === 0x5c || (label && byte === 0x2e)) text += `\\${String.fromCharCode(byte)}`;
    else if (byte < (label ? 0x21 : 0x20) || byte > 0x7e) text += `\\${String(byte).padStart(3, '0')}`;
    else text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * The bytes of escaped text. A character outside ASCII is an error: such names travel in their ASCII form (RFC 5891).
 * @throws VxlabError BAD_NAME
 */
export function unescapeText(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const digits = /^\\(\d{3})/.exec(text.slice(i, i + 4))?.[1];
    const escaped = digits === undefined && text.charAt(i) === '\\';
    if (escaped) i++;
    const byte = digits === undefined ? text.charCodeAt(i) : Number(digits);
    if (!(byte <= (digits === undefined ? 0x7f : 0xff))) throw badName(text);
    if (digits !== undefined) i += 3;
    bytes.push(byte);
  }
  return bytes;
}

/**
 * The labels of a name's text, each as bytes; a final dot changes nothing.
 * @throws VxlabError BAD_NAME for an empty label, one over 63 bytes, a name over 255 bytes or a bad escape
 */
export function labelsOf(name: string): number[][] {
  if (name === '.' || name === '') return [];
  const labels: number[][] = [];
  let total = 1;
  for (const part of splitLabels(name)) {
    const bytes = unescapeText(part);
    total += bytes.length + 1;
    if (bytes.length === 0 || bytes.length > LABEL_MAX || total > NAME_MAX) throw badName(name);
    labels.push(bytes);
  }
  return labels;
}

function splitLabels(name: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < name.length; i++) {
    const c = name.charAt(i);
    if (c === '\\') i++;
    else if (c === '.') {
      parts.push(name.slice(from, i));
      from = i + 1;
    }
  }
  if (from < name.length) parts.push(name.slice(from));
  return parts;
}

/**
 * Writes a name and answers where the next byte goes. With a table, the longest suffix that already stands in the message
 * becomes a pointer, and new suffixes are entered. Suffixes must agree in case, so that case survives (RFC 4343 s.4).
 * @throws VxlabError BAD_NAME, or NO_ROOM when the view ends first
 */
export function writeName(view: DataView, at: number, name: string, table: NameTable | null): number {
  const labels = labelsOf(name);
  let o = at;
  for (let i = 0; i < labels.length; i++) {
    if (table !== null) {
      const suffix = labels.slice(i).join('.');
      const known = table.offsets.get(suffix);
      if (known !== undefined) {
        need(view, o, 2);
        view.setUint16(o, 0xc000 | known);
        return o + 2;
      }
      if (o - table.start <= POINTER_MAX) table.offsets.set(suffix, o - table.start);
    }
    const label = labels[i] as number[];
    need(view, o, 1 + label.length);
    view.setUint8(o++, label.length);
    for (const byte of label) view.setUint8(o++, byte);
  }
  need(view, o, 1);
  view.setUint8(o, 0);
  return o + 1;
}

/** @throws VxlabError NO_ROOM unless `bytes` more fit into the view at `o` */
export function need(view: DataView, o: number, bytes: number): void {
  if (o + bytes > view.byteLength) {
    throw new VxlabError(
      'NO_ROOM',
      `the DNS message needs at least ${o + bytes} bytes, but the view ends at ${view.byteLength}`,
    );
  }
}

function badName(text: string): VxlabError {
  return new VxlabError(
    'BAD_NAME',
    `"${text}" is not a domain name; labels have 1 to 63 ASCII bytes, the whole name at most 255`,
  );
}
