// Sums on values: + - * / % on numbers, + and - on times, & on numbers, addresses and bytes.
//
// Numbers keep their sign and do not wrap. A division by 0, and & of bytes of different lengths, give no value.

import type { Ip6 } from '../wire/address.ts';
import type { Arithmetic } from './ast.ts';
import type { Source, Visit } from './source.ts';
import { Constant } from './source.ts';
import type { Subject } from './subject.ts';
import type { Value, ValueType } from './types.ts';
import { bytesOf } from './types.ts';

/** The type of a sum of two values of these types, or null when there is no such sum. */
export function sumType(op: Arithmetic, left: ValueType, right: ValueType): ValueType | null {
  if (left === 'number' && right === 'number') return 'number';
  if (op === '&') {
    if (left === right && (left === 'ipv4' || left === 'ipv6')) return left;
    const bytes = (type: ValueType): boolean => type === 'bytes' || type === 'mac';
    return bytes(left) && bytes(right) ? 'bytes' : null;
  }
  if (op !== '+' && op !== '-') return null;
  if (left === 'time' && right === 'time') return 'time';
  if (left === 'date' && right === 'time') return 'date';
  return op === '-' && left === 'date' && right === 'date' ? 'time' : null;
}

export class Sum implements Source {
  readonly type: ValueType;
  readonly #op: Arithmetic;
  readonly #left: Source;
  readonly #right: Source;

  constructor(type: ValueType, op: Arithmetic, left: Source, right: Source) {
    this.type = type;
    this.#op = op;
    this.#left = left;
    this.#right = right;
  }

  each(subject: Subject, visit: Visit): boolean {
    return this.#left.each(subject, (x) =>
      this.#right.each(subject, (y) => {
        const value = this.#of(x, y);
        return value !== null && visit(value);
      }),
    );
  }

  /** The value of a sum of two constants. */
  constant(): Value | null {
    const { left, right } = { left: this.#left, right: this.#right };
    return left instanceof Constant && right instanceof Constant ? this.#of(left.value, right.value) : null;
  }

  #of(x: Value, y: Value): Value | null {
    if (this.type === 'bytes') {
      return andBytes(bytesOf(x, this.#left.type), bytesOf(y, this.#right.type));
    }
    if (typeof x === 'number' && typeof y === 'number') return ofNumbers(this.#op, x, y);
    if (typeof x === 'bigint' && typeof y === 'bigint') return this.#op === '+' ? x + y : x - y;
    return andIp6(x as Ip6, y as Ip6);
  }
}

function ofNumbers(op: Arithmetic, x: number, y: number): number | null {
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return y === 0 ? null : Math.trunc(x / y);
    case '%':
      return y === 0 ? null : x % y;
    case '&':
      return (x & y) >>> 0;
  }
}

function andBytes(x: Uint8Array, y: Uint8Array): Uint8Array | null {
  return x.length === y.length ? x.map((byte, i) => byte & (y[i] as number)) : null;
}

function andIp6(x: Ip6, y: Ip6): Ip6 {
  return { a: (x.a & y.a) >>> 0, b: (x.b & y.b) >>> 0, c: (x.c & y.c) >>> 0, d: (x.d & y.d) >>> 0 };
}

/** True unless the value is 0, in every byte. */
export function isNonZero(value: Value): boolean {
  if (value instanceof Uint8Array) return value.some((byte) => byte !== 0);
  if (typeof value === 'object') return (value.a | value.b | value.c | value.d) !== 0;
  return typeof value === 'string' || (typeof value === 'bigint' ? value !== 0n : value !== 0);
}
