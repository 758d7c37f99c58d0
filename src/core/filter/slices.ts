// Slices of values, frame[0:4] or http.host[:3]: bytes, of text too. Several ranges are put one behind the other. A range that
// reaches past either end leaves no value at all.

import type { Range } from './ast.ts';
import { resolveRange } from './ranges.ts';
import type { Source } from './source.ts';
import { Mapped } from './source.ts';
import type { Value, ValueType } from './types.ts';
import { bytesOf } from './types.ts';

export function sliced(of: Source, ranges: readonly Range[]): Source {
  return new Mapped('bytes', of, (value) => sliceBytes(value, of.type, ranges));
}

function sliceBytes(value: Value, type: ValueType, ranges: readonly Range[]): Uint8Array | null {
  const bytes = bytesOf(value, type);
  const pieces: Uint8Array[] = [];
  for (const range of ranges) {
    const place = resolveRange(range, bytes.length);
    if (place === null) return null;
    pieces.push(bytes.subarray(place.from, place.to));
  }
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
