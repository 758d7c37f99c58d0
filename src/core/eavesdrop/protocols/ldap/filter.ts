// A search's filter as people write it (RFC 4515) from its bytes (RFC 4511 s.4.5.1.7).

import { textOf } from '../../text.ts';
import type { Element } from '../../tls/der.ts';
import { elements } from '../../tls/der.ts';
import { CUT } from '../grammar/notes.ts';

const AND = 0xa0;
const OR = 0xa1;
const NOT = 0xa2;
const SUBSTRINGS = 0xa4;
const PRESENT = 0x87;
const EXTENSIBLE = 0xa9;
const COMPARISONS: Readonly<Record<number, string>> = { 163: '=', 165: '>=', 166: '<=', 168: '~=' };
const DEPTH_MAX = 12;
const TEXT_MAX = 1024;

/** The filter's text, cut where it is long or deep. */
export function filterText(bytes: Uint8Array, filter: Element): string {
  const text = part(bytes, filter, 0);
  return text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + CUT : text;
}

function part(bytes: Uint8Array, filter: Element, depth: number): string {
  const { tag, from, to } = filter;
  if (depth > DEPTH_MAX) return CUT;
  if (tag === PRESENT) return `(${text(bytes, filter)}=*)`;
  const parts = elements(bytes, from, to);
  if (tag === AND || tag === OR || tag === NOT) {
    const sign = tag === AND ? '&' : tag === OR ? '|' : '!';
    return `(${sign}${parts.map((one) => part(bytes, one, depth + 1)).join('')})`;
  }
  const [name, value] = parts;
  if (name === undefined || value === undefined) return '(?)';
  const sign = COMPARISONS[tag];
  if (sign !== undefined) return `(${text(bytes, name)}${sign}${text(bytes, value)})`;
  if (tag === SUBSTRINGS) return `(${text(bytes, name)}=${substrings(bytes, value)})`;
  return tag === EXTENSIBLE ? extensible(bytes, parts) : '(?)';
}

/** `[0]` at the start, `[1]` anywhere, `[2]` at the end. */
function substrings(bytes: Uint8Array, value: Element): string {
  const parts = elements(bytes, value.from, value.to);
  const last = parts.at(-1)?.tag === 0x82;
  const first = parts[0]?.tag === 0x80;
  return (first ? '' : '*') + parts.map((one) => text(bytes, one)).join('*') + (last ? '' : '*');
}

/** `[1]` rule, `[2]` attribute, `[3]` value, `[4]` names in the DN too. */
function extensible(bytes: Uint8Array, parts: readonly Element[]): string {
  const of = (tag: number): string => {
    const found = parts.find((one) => one.tag === tag);
    return found === undefined ? '' : text(bytes, found);
  };
  const rule = of(0x81);
  return `(${of(0x82)}${rule === '' ? '' : `:${rule}`}:=${of(0x83)})`;
}

function text(bytes: Uint8Array, { from, to }: Element): string {
  return textOf(bytes.subarray(from, to));
}
