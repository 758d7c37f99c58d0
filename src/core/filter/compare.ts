// Comparisons. A field of numbers at fixed places against a constant, which is what most filters are made of, goes through
// one loop that allocates nothing; all else goes value by value.

import type { Ip6 } from '../wire/address.ts';
import type { Comparison, Quantifier } from './ast.ts';
import { FieldSource, TEST } from './field-source.ts';
import type { Source } from './source.ts';
import { Constant } from './source.ts';
import type { Subject } from './subject.ts';
import type { Value } from './types.ts';
import { order } from './types.ts';

const TESTS: Readonly<Record<Comparison, number>> = {
  '==': TEST.eq,
  '!=': TEST.ne,
  '<': TEST.lt,
  '<=': TEST.le,
  '>': TEST.gt,
  '>=': TEST.ge,
};

const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

export function compare(
  op: Comparison,
  quantifier: Quantifier,
  left: Source,
  right: Source,
): (subject: Subject) => boolean {
  if (right instanceof Constant) {
    const fast = plain(op, quantifier, left, right);
    if (fast !== null) return fast;
  }
  const passes = sign(op);
  const pairs = (subject: Subject, test: (o: number) => boolean): boolean =>
    left.each(subject, (x) => right.each(subject, (y) => test(ordered(x, y, left, right))));
  if (quantifier === 'any') return (subject) => pairs(subject, passes);
  return (subject) => {
    let some = false;
    const failed = pairs(subject, (o) => {
      some = true;
      return !passes(o);
    });
    return some && !failed;
  };
}

/** The test for a field that is a plain number, or null. All values pass when there is one and none fails. */
function plain(
  op: Comparison,
  quantifier: Quantifier,
  left: Source,
  right: Constant,
): ((subject: Subject) => boolean) | null {
  if (!(left instanceof FieldSource) || !left.isPlainNumber || typeof right.value !== 'number') return null;
  const mask = right.bits === null ? -1 : mask4(right.bits);
  const wanted = mask === -1 ? right.value : (right.value & mask) >>> 0;
  const test = TESTS[quantifier === 'any' ? op : OPPOSITE[op]];
  if (quantifier === 'any') return (subject) => left.some(subject, test, wanted, mask);
  return (subject) => !left.some(subject, test, wanted, mask) && left.present(subject);
}

function sign(op: Comparison): (o: number) => boolean {
  switch (op) {
    case '==':
      return (o) => o === 0;
    case '!=':
      return (o) => o !== 0;
    case '<':
      return (o) => o < 0;
    case '<=':
      return (o) => o <= 0;
    case '>':
      return (o) => o > 0;
    case '>=':
      return (o) => o >= 0;
  }
}

/** Orders values of two sources; with a prefix length only the bits in front count, on both sides. */
export function ordered(x: Value, y: Value, left: Source, right: Source): number {
  const bits = right instanceof Constant ? right.bits : null;
  if (bits === null) return order(x, y, left.type, right.type);
  return order(masked(x, bits), masked(y, bits), left.type, right.type);
}

function mask4(bits: number): number {
  return bits === 0 ? 0 : -1 << (32 - bits);
}

function masked(value: Value, bits: number): Value {
  if (typeof value === 'number') return (value & mask4(bits)) >>> 0;
  const { a, b, c, d } = value as Ip6;
  const word = (w: number, i: number): number => (w & mask4(Math.max(0, Math.min(32, bits - 32 * i)))) >>> 0;
  return { a: word(a, 0), b: word(b, 1), c: word(c, 2), d: word(d, 3) };
}
