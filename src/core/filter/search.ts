// `contains`: is a run of bytes in bytes, a text in a text?

import type { Value, ValueType } from './types.ts';
import { bytesOf } from './types.ts';

/** A test that looks for `needle` in values of a type. Nothing is found in everything. */
export function finder(type: ValueType, needle: Value): (value: Value) => boolean {
  if (type === 'text') {
    const text = String(needle);
    return (value) => (value as string).includes(text);
  }
  const bytes = bytesOf(needle, needle instanceof Uint8Array ? 'bytes' : 'mac');
  return (value) => holds(bytesOf(value, type), bytes);
}

function holds(bytes: Uint8Array, needle: Uint8Array): boolean {
  const first = needle[0];
  if (first === undefined) return true;
  const last = bytes.length - needle.length;
  for (let at = bytes.indexOf(first); at >= 0 && at <= last; at = bytes.indexOf(first, at + 1)) {
    let i = 1;
    while (i < needle.length && bytes[at + i] === needle[i]) i++;
    if (i === needle.length) return true;
  }
  return false;
}
