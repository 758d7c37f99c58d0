// The parts of a multipart/form-data body (RFC 7578, RFC 2046 s.5.1) that are small fields; of files only the name.

import { bytesOf, textOf } from '../text.ts';
import type { Field } from './fields.ts';

const PARTS_MAX = 128;
/** A field's value that is longer is no password and no name. */
const VALUE_MAX = 4096;

/** From one character a byte. A file's value is its name, which stands in the part's head. */
export function parts(text: string, boundary: string): Field[] {
  const mark = `--${boundary}`;
  const fields: Field[] = [];
  let at = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (at === 0 && !text.startsWith(mark)) return fields;
  while (fields.length < PARTS_MAX) {
    const line = text.indexOf('\n', at + mark.length);
    if (line < 0 || text.startsWith('--', at + mark.length)) return fields;
    const next = text.indexOf(`\n${mark}`, line);
    const end = next < 0 ? text.length : next;
    const field = part(text, line + 1, end);
    if (field !== null) fields.push(field);
    if (next < 0) return fields;
    at = next + 1;
  }
  return fields;
}

function part(text: string, from: number, to: number): Field | null {
  const blank = /\r?\n\r?\n/g;
  blank.lastIndex = Math.max(0, from - 1);
  const found = blank.exec(text);
  if (found === null || found.index >= to) return null;
  const head = text.slice(from, found.index);
  const name = /;\s*name="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1];
  if (name === undefined) return null;
  const file = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(head);
  if (file !== null) {
    const value = file[1] as string;
    const start = from + file.index + file[0].length - 1 - value.length;
    return {
      name: textOf(bytesOf(name)),
      value: textOf(bytesOf(value)),
      from: start,
      to: start + value.length,
    };
  }
  const start = found.index + found[0].length;
  const end = text.charAt(to - 1) === '\r' ? to - 1 : to;
  if (end - start > VALUE_MAX || end < start) return null;
  return {
    name: textOf(bytesOf(name)),
    value: textOf(bytesOf(text.slice(start, end))),
    from: start,
    to: end,
  };
}
