// BSON (bsonspec.org, version 1.1) as a person reads it, and where in it a field stands.
//
//   size (4) | element ... | 0        element: type (1) | name, 0 | value; all numbers with the low byte first

import type { Speech } from '../../reader.ts';
import { textOf } from '../../text.ts';
import type { Stretch } from './cursor.ts';
import { Cursor } from './cursor.ts';
import { hex } from './notes.ts';

const DEPTH_MAX = 8;
const FIELDS_MAX = 64;
const TEXT_MAX = 256;
const STRING_TYPES: ReadonlySet<number> = new Set([0x02, 0x0d, 0x0e]);

export interface BsonField {
  /** Names from the outermost document on, with points between: `speculativeAuthenticate.payload`. */
  readonly path: string;
  readonly type: number;
  /** A string's letters, a binary's bytes, or the value as it is. */
  readonly value: Stretch;
  readonly text: string;
}

/** A document's fields, those of inner ones behind their own, and its text; as far as it is there. */
export interface BsonDocument {
  readonly fields: readonly BsonField[];
  readonly text: string;
}

/** The document that starts at `at` and ends before `end`; null where there is none. */
export function bsonDocument(speech: Speech, at: number, end: number): BsonDocument | null {
  const cursor = new Cursor(speech, at, end);
  const size = cursor.little(4);
  if (!cursor.ok || size < 5 || size > 0x0300_0000) return null;
  const fields: BsonField[] = [];
  const text = inside(cursor, Math.min(at + size, cursor.end), '', false, fields, 0);
  return { fields, text };
}

function inside(
  cursor: Cursor,
  end: number,
  path: string,
  isList: boolean,
  fields: BsonField[],
  depth: number,
): string {
  const shown: string[] = [];
  for (let i = 0; cursor.ok && cursor.at < end - 1; i++) {
    if (i === FIELDS_MAX) {
      shown.push('\u2026');
      break;
    }
    const type = cursor.little(1);
    const name = textOf(cursor.bytes(cursor.untilNul()));
    if (!cursor.ok) break;
    const full = path === '' ? name : `${path}.${name}`;
    const text = value(cursor, type, full, fields, depth);
    if (text === null) break;
    shown.push(isList ? text : `${name}: ${text}`);
  }
  return isList ? `[${shown.join(', ')}]` : `{${shown.join(', ')}}`;
}

function value(
  cursor: Cursor,
  type: number,
  path: string,
  fields: BsonField[],
  depth: number,
): string | null {
  const { at } = cursor;
  if (type === 0x03 || type === 0x04) {
    const size = cursor.little(4);
    if (!cursor.ok || size < 5 || depth >= DEPTH_MAX) return null;
    const end = Math.min(at + size, cursor.end);
    const text = inside(cursor, end, path, type === 0x04, fields, depth + 1);
    if (cursor.ok) cursor.at = end;
    return text;
  }
  const stretch = valueStretch(cursor, type);
  if (stretch === null || !cursor.ok) return null;
  const text = valueText(cursor, type, stretch);
  if (fields.length < 4 * FIELDS_MAX) fields.push({ path, type, value: stretch, text });
  return STRING_TYPES.has(type) ? `"${text}"` : text;
}

function valueStretch(cursor: Cursor, type: number): Stretch | null {
  if (STRING_TYPES.has(type)) {
    const stretch = cursor.stretch(Math.max(0, cursor.little(4) - 1));
    cursor.skip(1);
    return stretch;
  }
  if (type === 0x05) {
    const size = cursor.little(4);
    cursor.skip(1);
    return cursor.stretch(size);
  }
  if (type === 0x0b) {
    const first = cursor.untilNul();
    return { from: first.from, to: cursor.untilNul().to };
  }
  const size = SIZES[type];
  return size === undefined ? null : cursor.stretch(size);
}

/** Double, undefined, ObjectId, boolean, date, null, int32, timestamp, int64, decimal, smallest and largest key. */
const SIZES: Readonly<Record<number, number>> = {
  ...{ 1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0 },
};

function valueText(cursor: Cursor, type: number, { from, to }: Stretch): string {
  const bytes = cursor.bytes({ from, to: Math.min(to, from + TEXT_MAX) });
  const more = to - from > TEXT_MAX ? '\u2026' : '';
  if (STRING_TYPES.has(type) || type === 0x0b) return textOf(bytes) + more;
  if (type === 0x05 || type === 0x07 || type === 0x13) return hex(bytes.subarray(0, 64));
  if (type === 0x08) return bytes[0] === 1 ? 'true' : 'false';
  if (type === 0x0a || type === 0x06) return 'null';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (type === 0x01) return String(view.getFloat64(0, true));
  if (type === 0x10) return String(view.getInt32(0, true));
  return bytes.length === 8 ? String(view.getBigInt64(0, true)) : '';
}
