// The functions: len, count, upper, lower, string, max, min, abs. Each makes values from those of its arguments; a field
// that is not there gives it nothing to work on, and then it has no value.

import type { Source, Visit } from './source.ts';
import { Mapped } from './source.ts';
import type { Subject } from './subject.ts';
import type { Value, ValueType } from './types.ts';
import { order, textOfValue } from './types.ts';

export const FUNCTIONS = ['len', 'count', 'upper', 'lower', 'string', 'max', 'min', 'abs'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** What a function takes, as an error says it. */
export const TAKES: Readonly<Record<FunctionName, string>> = {
  len: 'a text or bytes field, an address or a protocol',
  count: 'a field or protocol',
  upper: 'a text field',
  lower: 'a text field',
  string: 'a number or an address',
  max: 'one or more values of one type',
  min: 'one or more values of one type',
  abs: 'a number or a time',
};

/** The call as a source, or null when the function does not take such arguments. */
export function call(name: FunctionName, args: readonly Source[]): Source | null {
  const first = args[0];
  if (first === undefined) return null;
  if (name === 'max' || name === 'min') {
    if (args.some((arg) => arg.type !== first.type)) return null;
    return new Extreme(name === 'max' ? 1 : -1, args, first.type);
  }
  if (args.length !== 1) return null;
  switch (name) {
    case 'count':
      return new Count(first);
    case 'len':
      return hasLength(first.type) ? new Mapped('number', first, (v) => lengthOf(v, first.type)) : null;
    case 'upper':
      return first.type === 'text' ? new Mapped('text', first, (v) => String(v).toUpperCase()) : null;
    case 'lower':
      return first.type === 'text' ? new Mapped('text', first, (v) => String(v).toLowerCase()) : null;
    case 'string':
      return hasText(first.type) ? new Mapped('text', first, (v) => textOfValue(v, first.type)) : null;
    case 'abs':
      return first.type === 'number' || first.type === 'time'
        ? new Mapped(first.type, first, absolute)
        : null;
  }
}

function hasLength(type: ValueType): boolean {
  return type === 'text' || type === 'bytes' || type === 'mac' || type === 'ipv4' || type === 'ipv6';
}

function lengthOf(value: Value, type: ValueType): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  return type === 'mac' ? 6 : type === 'ipv4' ? 4 : 16;
}

function hasText(type: ValueType): boolean {
  return type === 'number' || type === 'mac' || type === 'ipv4' || type === 'ipv6';
}

function absolute(value: Value): Value {
  if (typeof value === 'bigint') return value < 0n ? -value : value;
  return Math.abs(value as number);
}

/** How often a field or protocol is in the packet; no value when it is not. */
class Count implements Source {
  readonly type = 'number';
  readonly #of: Source;

  constructor(of: Source) {
    this.#of = of;
  }

  each(subject: Subject, visit: Visit): boolean {
    let count = 0;
    this.#of.each(subject, () => {
      count++;
      return false;
    });
    return count > 0 && visit(count);
  }
}

/** The largest or smallest of all values of all arguments. */
class Extreme implements Source {
  readonly type: ValueType;
  readonly #sign: 1 | -1;
  readonly #args: readonly Source[];

  constructor(sign: 1 | -1, args: readonly Source[], type: ValueType) {
    this.#sign = sign;
    this.#args = args;
    this.type = type;
  }

  each(subject: Subject, visit: Visit): boolean {
    let best: Value | null = null;
    for (const arg of this.#args) {
      arg.each(subject, (value) => {
        if (best === null || order(value, best, this.type, this.type) * this.#sign > 0) best = value;
        return false;
      });
    }
    return best !== null && visit(best);
  }
}
