// What stands in the brackets of a slice, frame[0:4,10-12,-2:], and behind # in ip.src#[1-2].
//
//   [i:n] n places from i   [i-j] from i to j, both included   [i] one   [:n] the first n   [i:] from i to the end

import type { Range } from './ast.ts';
import type { Span } from './error.ts';
import { Complaint, quoted } from './error.ts';

/** No packet is longer. */
const PLACE_MAX = 0x7fff_ffff;
const RANGES_MAX = 32;

/** Reads the text of a `brackets` token. Layers are `layer`: counted from 1, so that 0 stands for none. */
export function readRanges(token: Span & { readonly text: string }, of: 'slice' | 'layer'): Range[] {
  const parts = token.text.split(',');
  if (parts.length > RANGES_MAX) throw new Complaint(token, `${RANGES_MAX} ranges are the most`);
  return parts.map((part) => readRange(part.trim(), token, of));
}

function readRange(text: string, span: Span, of: 'slice' | 'layer'): Range {
  const match = /^(-?\w+)?\s*(?:(:)\s*(-?\w+)?|(-)\s*(-?\w+))?$/.exec(text);
  if (match === null || (match[1] === undefined && match[3] === undefined)) {
    throw new Complaint(
      span,
      `${quoted(text)} is no range; write [from:length], [from-to], [n], [:length] or [from:]`,
    );
  }
  const from = match[1] === undefined ? (of === 'layer' ? 1 : 0) : place(match[1], span);
  if (match[4] === '-') {
    const last = place(match[5] as string, span);
    if (from >= 0 && last >= 0 && last < from) {
      throw new Complaint(span, `${quoted(text)} ends before it begins; write the smaller place first`);
    }
    return { from, last, length: null };
  }
  if (match[2] === undefined) return { from, last: null, length: 1 };
  if (match[3] === undefined) return { from, last: null, length: null };
  const length = place(match[3], span);
  if (length <= 0)
    throw new Complaint(span, `${quoted(text)} has length ${length}; a slice has one place at least`);
  return { from, last: null, length };
}

function place(text: string, span: Span): number {
  const value = /^-?(?:0x[0-9a-f]+|\d+)$/i.test(text)
    ? text.startsWith('-')
      ? -Number(text.slice(1))
      : Number(text)
    : Number.NaN;
  if (Number.isNaN(value)) throw new Complaint(span, `${quoted(text)} is no whole number`);
  if (Math.abs(value) > PLACE_MAX)
    throw new Complaint(span, `${quoted(text)} is further than any packet is long`);
  return value;
}

/** The places of `range` among `count` of them, counted from 0, as [from, to); null where it reaches past either end. */
export function resolveRange(range: Range, count: number): { from: number; to: number } | null {
  const from = range.from < 0 ? count + range.from : range.from;
  let to = count;
  if (range.length !== null) to = from + range.length;
  else if (range.last !== null) to = (range.last < 0 ? count + range.last : range.last) + 1;
  return from < 0 || to > count || from >= to ? null : { from, to };
}

/** True when layer `number` (from 1) of `count` is in one of the ranges; what reaches past the last layer is passed over. */
export function hasLayer(ranges: readonly Range[], number: number, count: number): boolean {
  return ranges.some((range) => {
    const from = range.from < 0 ? count + 1 + range.from : range.from;
    let last = count;
    if (range.length !== null) last = from + range.length - 1;
    else if (range.last !== null) last = range.last < 0 ? count + 1 + range.last : range.last;
    return from <= number && number <= last;
  });
}
