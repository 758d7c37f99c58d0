// What a literal means where a value of some type is wanted: `10.0.0.0/8` beside an IPv4 field, `47:45:54` beside bytes,
// `True` beside a flag. Answers null when the text is no such value.

import type { Ip6 } from '../wire/address.ts';
import { parseIp4, parseIp6 } from '../wire/parse-ip.ts';
import { readDate } from './date.ts';
import { textOf } from './string-literal.ts';
import type { Value, ValueType } from './types.ts';

/** A constant. With `bits` only that many leading bits of an address count. */
export interface Literal {
  readonly value: Value;
  readonly bits: number | null;
}

/** What the numbers of a field are called, when they have names. */
export type ValueNames = Readonly<Record<number, string>>;

/** @param kind `word` is a bare word; `string` and `char` stood in quotes */
export function readLiteral(
  text: string,
  kind: 'word' | 'string' | 'char',
  type: ValueType,
  names: ValueNames | null,
): Literal | null {
  const value = kind === 'word' ? wordValue(text, type, names) : quotedValue(text, kind, type, names);
  if (value === null) return null;
  return typeof value === 'object' && 'bits' in value ? value : { value, bits: null };
}

function wordValue(text: string, type: ValueType, names: ValueNames | null): Value | Literal | null {
  switch (type) {
    case 'number':
      return readNumber(text) ?? named(text, names);
    case 'bool':
      return readFlag(text, names);
    case 'time':
      return readSeconds(text);
    case 'date':
      return readDate(text);
    case 'mac':
      return readMacText(text);
    case 'ipv4':
      return readAddress(text, 32, parseIp4);
    case 'ipv6':
      return readAddress(text, 128, parseIp6);
    case 'text':
      return text;
    case 'bytes':
      return readHex(text);
  }
}

function quotedValue(
  text: string,
  kind: 'string' | 'char',
  type: ValueType,
  names: ValueNames | null,
): Value | null {
  switch (type) {
    case 'number':
      return kind === 'char' ? text.charCodeAt(0) : named(text, names);
    case 'bool':
      return readFlag(text, names);
    case 'date':
      return readDate(text);
    case 'text':
      return textOf(text);
    case 'bytes':
      return Uint8Array.from(text, (c) => c.charCodeAt(0));
    default:
      return null;
  }
}

/** A whole number: decimal, 0x hexadecimal, 0b binary, or octal behind a 0; null for anything else. */
export function readNumber(text: string): number | null {
  const match = /^(-?)(?:(0x[0-9a-f]+|0b[01]+)|(0[0-7]*)|([1-9]\d*))$/i.exec(text);
  if (match === null) return null;
  const value =
    match[3] === undefined
      ? Number(match[2] ?? match[4])
      : Number.parseInt(match[3], match[3] === '0' ? 10 : 8);
  if (!Number.isSafeInteger(value)) return null;
  return match[1] === '-' ? -value : value;
}

function named(text: string, names: ValueNames | null): number | null {
  const wanted = text.toLowerCase();
  const found = Object.entries(names ?? {}).find(([, name]) => name.toLowerCase() === wanted);
  return found === undefined ? null : Number(found[0]);
}

function readFlag(text: string, names: ValueNames | null): number | null {
  switch (text.toLowerCase()) {
    case 'true':
    case 'set':
      return 1;
    case 'false':
    case 'not set':
      return 0;
    default: {
      const value = readNumber(text) ?? named(text, names);
      return value === null ? null : value === 0 ? 0 : 1;
    }
  }
}

const NANOS = 1_000_000_000n;

function readSeconds(text: string): bigint | null {
  const match = /^(-?)(\d{1,12})?(?:\.(\d{0,9}))?$/.exec(text);
  if (match === null || (match[2] === undefined && !match[3])) return null;
  const nanos = BigInt(match[2] ?? 0) * NANOS + BigInt((match[3] ?? '').padEnd(9, '0'));
  return match[1] === '-' ? -nanos : nanos;
}

function readMacText(text: string): number | null {
  const six = /^[0-9a-f]{2}([:.-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text);
  const three = /^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/i.test(text);
  return six || three ? Number.parseInt(text.replace(/[:.-]/g, ''), 16) : null;
}

function readAddress(text: string, most: number, parse: (text: string) => number | Ip6): Literal | null {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const bits = match[2] === undefined ? null : Number(match[2]);
  if (bits !== null && bits > most) return null;
  try {
    return { value: parse(match[1] as string), bits };
  } catch {
    return null;
  }
}

/** Bytes in hex: pairs, or digits with : . or - between; one byte may be 0xff. A colon in front says that no field is meant. */
function readHex(word: string): Uint8Array | null {
  const text = word.replace(/^:(?!:)/, '');
  const one = /^0x([0-9a-f]{1,2})$/i.exec(text);
  if (one !== null) return Uint8Array.of(Number.parseInt(one[1] as string, 16));
  const pairs = /^(?:[0-9a-f]{2})+$/i.test(text) ? (text.match(/../g) as string[]) : null;
  const parts = /^[0-9a-f]{1,2}(?:([:.-])[0-9a-f]{1,2}(?:\1[0-9a-f]{1,2})*)?$/i.test(text)
    ? text.split(/[:.-]/)
    : null;
  const groups = /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i.test(text)
    ? (text.replaceAll('.', '').match(/../g) as string[])
    : null;
  const found = pairs ?? parts ?? groups;
  return found === null ? null : Uint8Array.from(found, (byte) => Number.parseInt(byte, 16));
}
