// `in {80, 443, 8000..8100}`: a value is in the set when it equals a member or lies in a range, both ends included.

import type { Quantifier } from './ast.ts';
import { ordered } from './compare.ts';
import type { Test } from './quantify.ts';
import { quantified } from './quantify.ts';
import type { Source } from './source.ts';
import { Constant } from './source.ts';
import type { Subject } from './subject.ts';
import type { Value } from './types.ts';

export interface Bounds {
  readonly low: Source;
  /** Null for a single member. */
  readonly high: Source | null;
}

export function memberTest(source: Source, quantifier: Quantifier, members: readonly Bounds[]): Test {
  const numbers = new Set<Value>();
  const others = members.filter((member) => !isNumber(member, numbers));
  const isIn = (value: Value, subject: Subject): boolean =>
    numbers.has(value) || others.some((member) => within(subject, value, source, member));
  return quantified(source, quantifier, isIn);
}

/** Puts a member that is a plain number among `numbers`, where it is found without going through the list. */
function isNumber({ low, high }: Bounds, numbers: Set<Value>): boolean {
  if (high !== null || !(low instanceof Constant) || typeof low.value !== 'number' || low.bits !== null) {
    return false;
  }
  numbers.add(low.value);
  return true;
}

function within(subject: Subject, value: Value, source: Source, { low, high }: Bounds): boolean {
  if (high === null) return low.each(subject, (member) => ordered(value, member, source, low) === 0);
  return (
    low.each(subject, (from) => ordered(value, from, source, low) >= 0) &&
    high.each(subject, (to) => ordered(value, to, source, high) <= 0)
  );
}
