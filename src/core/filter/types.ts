// The types that a value in a filter has, and what can be done with each (Wireshark's ftypes, as far as our fields go).

import type { FieldSpec, FieldType } from '../inspect/field.ts';
import type { Ip6 } from '../wire/address.ts';
import { formatIp4, formatIp6, formatMac } from '../wire/address.ts';
import { utf8 } from './string-literal.ts';

/** `time` is whole nanoseconds, of a duration or since 1970; `date` is the same, written as a calendar date. */
export type ValueType = 'number' | 'bool' | 'time' | 'date' | 'mac' | 'ipv4' | 'ipv6' | 'text' | 'bytes';

/** number: number, bool (0 or 1), mac, ipv4. bigint: time, date. */
export type Value = number | bigint | string | Ip6 | Uint8Array;

/** A type as an error names it. */
export const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  number: 'a number',
  bool: 'a yes-or-no flag',
  time: 'a time in seconds',
  date: 'a date',
  mac: 'a MAC address',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  text: 'text',
  bytes: 'bytes',
};

/** How a literal of a type is written. */
export const EXAMPLES: Readonly<Record<ValueType, string>> = {
  number: '80, 0x50 or 0b1010000',
  bool: 'True, False, 1 or 0',
  time: '1.5',
  date: '"2026-01-31 12:00:00"',
  mac: '02:42:0a:00:01:02',
  ipv4: '10.0.1.2 or 10.0.0.0/8',
  ipv6: '2001:db8::2 or 2001:db8::/32',
  text: '"text"',
  bytes: '47:45:54 or "GET"',
};

const OF_FIELD: Readonly<Record<FieldType, ValueType>> = {
  uint: 'number',
  hex: 'number',
  bool: 'bool',
  mac: 'mac',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
  text: 'text',
  bytes: 'bytes',
};

export function typeOf(spec: FieldSpec): ValueType {
  return OF_FIELD[spec.type];
}

/** True when values of two types can be put in order: a flag is a number, and an address can be told as bytes. */
export function comparable(x: ValueType, y: ValueType): boolean {
  if (family(x) === family(y)) return true;
  return (x === 'bytes' && isAddress(y)) || (y === 'bytes' && isAddress(x));
}

function family(type: ValueType): string {
  if (type === 'bool') return 'number';
  return type === 'date' ? 'time' : type;
}

function isAddress(type: ValueType): boolean {
  return type === 'mac' || type === 'ipv4' || type === 'ipv6';
}

export function isSliceable(type: ValueType): boolean {
  return type === 'bytes' || type === 'text' || isAddress(type);
}

/** The bytes that an address stands for; bytes stay what they are. */
export function bytesOf(value: Value, type: ValueType): Uint8Array {
  if (typeof value === 'object') {
    if (value instanceof Uint8Array) return value;
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    [value.a, value.b, value.c, value.d].forEach((word, i) => {
      view.setUint32(4 * i, word);
    });
    return bytes;
  }
  if (typeof value === 'number' && (type === 'mac' || type === 'ipv4')) {
    const bytes = new Uint8Array(type === 'mac' ? 6 : 4);
    let rest = value;
    for (let i = bytes.length - 1; i >= 0; i--) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return bytes;
  }
  return utf8Of(String(value));
}

function utf8Of(text: string): Uint8Array {
  return Uint8Array.from(Array.from(text, (c) => utf8(c.codePointAt(0) as number)).join(''), (c) =>
    c.charCodeAt(0),
  );
}

/** Orders two values of comparable types: negative, 0 or positive. Bytes: the shorter first, as Wireshark has it. */
export function order(x: Value, y: Value, xType: ValueType, yType: ValueType): number {
  if (xType !== yType && (xType === 'bytes' || yType === 'bytes')) {
    return orderBytes(bytesOf(x, xType), bytesOf(y, yType));
  }
  if (typeof x === 'object' && typeof y === 'object') {
    if (x instanceof Uint8Array || y instanceof Uint8Array) {
      return orderBytes(bytesOf(x, xType), bytesOf(y, yType));
    }
    return x.a - y.a || x.b - y.b || x.c - y.c || x.d - y.d;
  }
  return x === y ? 0 : x < y ? -1 : 1;
}

function orderBytes(x: Uint8Array, y: Uint8Array): number {
  if (x.length !== y.length) return x.length - y.length;
  for (let i = 0; i < x.length; i++) {
    const difference = (x[i] as number) - (y[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A value as text, for string(), contains and matches: numbers in decimal, bytes a character each. */
export function textOfValue(value: Value, type: ValueType): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return characters(value);
  if (typeof value === 'object') return formatIp6(value);
  if (typeof value === 'number' && type === 'mac') return formatMac(value);
  if (typeof value === 'number' && type === 'ipv4') return formatIp4(value);
  return String(value);
}

const CHUNK = 8192;

/** Bytes as a string with one character for each, so that a regular expression can be asked. */
export function characters(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  }
  return text;
}
