// Values in MySQL's binary form ("Binary Protocol Value"): of prepared statements, as parameters and in rows.

import { textOf } from '../../text.ts';
import type { Cursor } from '../grammar/cursor.ts';
import { TEXT_MAX } from '../grammar/notes.ts';
import { encodedString } from './packets.ts';

/** Types of fixed size ("enum_field_types"). */
const SIZES: Readonly<Record<number, number>> = { 1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 8: 8 };
const FLOAT = 4;
const DOUBLE = 5;
const NULL_TYPE = 6;
const TIME = 11;
const DATES: readonly number[] = [7, 10, 12];

/** A value's text. */
export function binaryValue(cursor: Cursor, type: number, isUnsigned: boolean): string {
  const size = SIZES[type];
  if (size !== undefined) return integer(cursor, size, isUnsigned);
  if (type === FLOAT || type === DOUBLE) return real(cursor, type === FLOAT ? 4 : 8);
  if (type === NULL_TYPE) return 'NULL';
  if (DATES.includes(type)) return date(cursor);
  return type === TIME ? time(cursor) : stringValue(cursor);
}

/** A string's text, or NULL. */
export function stringValue(cursor: Cursor): string {
  const { left } = cursor;
  const from = cursor.at;
  const stretch = encodedString(cursor);
  if (stretch === null) return 'NULL';
  if (cursor.ok)
    return textOf(cursor.bytes({ from: stretch.from, to: Math.min(stretch.to, stretch.from + TEXT_MAX) }));
  // Longer than what is there: its beginning.
  const head = [1, 3, 4, 9][
    [0xfc, 0xfd, 0xfe].indexOf(cursor.bytes({ from, to: from + 1 })[0] ?? 0) + 1
  ] as number;
  return textOf(cursor.bytes({ from: from + head, to: from + Math.min(left, TEXT_MAX) }));
}

function integer(cursor: Cursor, size: number, isUnsigned: boolean): string {
  const bytes = cursor.bytes(cursor.stretch(size));
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return String(isUnsigned ? value : BigInt.asIntN(size * 8, value));
}

function real(cursor: Cursor, size: 4 | 8): string {
  const bytes = cursor.bytes(cursor.stretch(size));
  if (bytes.length < size) return '';
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  return size === 8
    ? String(view.getFloat64(0, true))
    : String(Number(view.getFloat32(0, true).toPrecision(7)));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function date(cursor: Cursor): string {
  const length = cursor.little(1);
  if (length === 0) return '0000-00-00';
  const day = `${String(cursor.little(2)).padStart(4, '0')}-${two(cursor.little(1))}-${two(cursor.little(1))}`;
  if (length < 7) return day;
  const clock = `${two(cursor.little(1))}:${two(cursor.little(1))}:${two(cursor.little(1))}`;
  return `${day} ${clock}${length < 11 ? '' : fraction(cursor)}`;
}

function time(cursor: Cursor): string {
  const length = cursor.little(1);
  if (length === 0) return '00:00:00';
  const sign = cursor.little(1) === 1 ? '-' : '';
  const hours = cursor.little(4) * 24 + cursor.little(1);
  const clock = `${sign}${two(hours)}:${two(cursor.little(1))}:${two(cursor.little(1))}`;
  return clock + (length < 12 ? '' : fraction(cursor));
}

function fraction(cursor: Cursor): string {
  return `.${String(cursor.little(4)).padStart(6, '0')}`;
}
