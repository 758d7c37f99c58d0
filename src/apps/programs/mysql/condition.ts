// How values compare in SQL (MySQL 5.7 Reference Manual, "Type Conversion in Expression Evaluation", "LIKE").

import type { Comparison } from './statement.ts';
import type { Value } from './tokens.ts';

export function holds(left: Value, comparison: Comparison, right: Value): boolean {
  if (comparison === 'IS') return left === right;
  if (left === null || right === null) return false;
  if (comparison === 'LIKE') return isLike(String(left), String(right));
  const order = compare(left, right);
  switch (comparison) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
  }
}

/** NULL first; a number and a text as numbers; texts without regard to case, as utf8_general_ci. */
export function compare(a: Value, b: Value): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  if (typeof a === 'number' || typeof b === 'number') return numeric(a) - numeric(b);
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The number that a text begins with, 0 if none. */
function numeric(value: number | string): number {
  return typeof value === 'number' ? value : Number.parseFloat(value) || 0;
}

/** `%` is any text, `_` any character. Takes time in the product of the lengths, whatever the pattern. */
export function isLike(text: string, pattern: string): boolean {
  const [from, wanted] = [text.toLowerCase(), pattern.toLowerCase()];
  let at = 0;
  let next = 0;
  let resumeText = -1;
  let resumePattern = -1;
  while (at < from.length) {
    if (wanted[next] === '%') {
      resumePattern = ++next;
      resumeText = at;
    } else if (next < wanted.length && (wanted[next] === '_' || wanted[next] === from[at])) {
      next++;
      at++;
    } else if (resumePattern >= 0) {
      next = resumePattern;
      at = ++resumeText;
    } else {
      return false;
    }
  }
  while (wanted[next] === '%') next++;
  return next === wanted.length;
}
