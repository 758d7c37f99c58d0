// From value nodes to sources. A literal has no type of its own: it takes the type of what it stands beside.

import { Sum, sumType } from './arithmetic.ts';
import type { Range, ValueNode } from './ast.ts';
import type { Span } from './error.ts';
import { Complaint, quoted } from './error.ts';
import type { FunctionName } from './functions.ts';
import { call, FUNCTIONS, TAKES } from './functions.ts';
import { readLiteral } from './literal.ts';
import { find, nearestName, unknown } from './names.ts';
import { sliced } from './slices.ts';
import type { NamedSource, Source } from './source.ts';
import { Constant, Mapped } from './source.ts';
import { nearest } from './suggest.ts';
import type { Value, ValueType } from './types.ts';
import { EXAMPLES, isSliceable, TYPE_NAMES } from './types.ts';

/** What a literal is wanted for: the type, and the field beside it when there is one. */
export interface Wanted {
  readonly type: ValueType;
  readonly field: NamedSource | null;
}

export function isNamed(source: Source): source is NamedSource {
  return 'present' in source;
}

/** What a literal beside this source has to be. */
export function wantedBeside(source: Source): Wanted {
  return { type: source.type, field: isNamed(source) ? source : null };
}

/** The source of a node, or null when it is made of literals alone. */
export function sourceOf(node: ValueNode): Source | null {
  switch (node.kind) {
    case 'word':
      return find(node, null);
    case 'string':
    case 'char':
      return null;
    case 'layer': {
      const source = find(node.of, node.ranges);
      if (source === null) throw unknown(node.of);
      return source;
    }
    case 'slice':
      return sliceOf(node.of, node.ranges);
    case 'call':
      return callOf(node);
    case 'negate': {
      const source = sourceOf(node.of);
      return source === null ? null : negated(source, node);
    }
    case 'arithmetic':
      return sumOf(node);
  }
}

/** The source of a node in a place where a literal alone makes no sense. */
export function fieldOf(node: ValueNode): Source {
  const source = sourceOf(node);
  if (source !== null) return source;
  if (node.kind === 'word') throw unknown(node);
  throw new Complaint(node, 'a field is wanted here, not a literal');
}

function sliceOf(node: ValueNode, ranges: readonly Range[]): Source {
  const source = fieldOf(node);
  if (isSliceable(source.type)) return sliced(source, ranges);
  throw new Complaint(
    node,
    `${TYPE_NAMES[source.type]} has no slices; take one of bytes, text, an address or a protocol`,
  );
}

function callOf(node: Extract<ValueNode, { kind: 'call' }>): Source {
  const name = FUNCTIONS.find((f) => f === node.name.text);
  if (name === undefined) {
    const near = nearest(node.name.text, FUNCTIONS);
    const hint = near === null ? `there are ${FUNCTIONS.join(', ')}` : `did you mean ${near}()?`;
    throw new Complaint(node.name, `${quoted(node.name.text)} is no function; ${hint}`);
  }
  const source = call(name, argumentsOf(node, name));
  if (source === null) throw new Complaint(node, `${name}() takes ${TAKES[name]}`);
  return source;
}

/** The arguments; a literal among them takes the type of the first field. */
function argumentsOf(node: Extract<ValueNode, { kind: 'call' }>, name: FunctionName): Source[] {
  const sources = node.args.map(sourceOf);
  const typed = sources.find((source) => source !== null) ?? null;
  if (typed === null) {
    const word = node.args.find((arg) => arg.kind === 'word');
    if (word !== undefined && !/^[-\d]/.test(word.text)) throw unknown(word);
    throw new Complaint(node, `${name}() takes ${TAKES[name]}`);
  }
  if (name === 'count' && !isNamed(typed)) throw new Complaint(node, `${name}() takes ${TAKES[name]}`);
  return sources.map(
    (source, i) => source ?? literalOf(node.args[i] as ValueNode, { type: typed.type, field: null }),
  );
}

function negated(source: Source, span: Span): Source {
  if (source.type === 'number' || source.type === 'time') {
    return new Mapped(source.type, source, (value) => negative(value));
  }
  throw new Complaint(span, `${TYPE_NAMES[source.type]} has no negative; a number or a time has`);
}

function negative(value: Value): Value {
  return typeof value === 'bigint' ? -value : -(value as number);
}

function sumOf(node: Extract<ValueNode, { kind: 'arithmetic' }>): Source | null {
  let left = sourceOf(node.left);
  let right = sourceOf(node.right);
  if (left === null && right === null) return null;
  left ??= literalOf(node.left, { type: beside(right as Source), field: null });
  right ??= literalOf(node.right, { type: beside(left), field: null });
  const type = sumType(node.op, left.type, right.type);
  if (type !== null) return new Sum(type, node.op, left, right);
  throw new Complaint(
    node,
    `${node.op} does not go with ${TYPE_NAMES[left.type]} and ${TYPE_NAMES[right.type]}; ` +
      `${node.op === '&' ? 'it takes numbers, addresses or bytes' : 'it takes numbers or times'}`,
  );
}

/** The type of a literal in a sum: a duration beside a date, bytes beside a MAC. */
function beside(source: Source): ValueType {
  if (source.type === 'date') return 'time';
  return source.type === 'mac' ? 'bytes' : source.type;
}

/** A node of literals as a constant of the type that is wanted. */
export function literalOf(node: ValueNode, wanted: Wanted): Constant {
  if (node.kind === 'word' || node.kind === 'string' || node.kind === 'char') {
    const literal = readLiteral(node.text, node.kind, wanted.type, wanted.field?.names ?? null);
    if (literal === null) throw wrongLiteral(node, wanted);
    checkSize(node, literal.value, wanted);
    return new Constant(wanted.type, literal.value, literal.bits);
  }
  const value = computed(node, wanted);
  if (value === null)
    throw new Complaint(node, `this is not ${TYPE_NAMES[wanted.type]}; write ${EXAMPLES[wanted.type]}`);
  return new Constant(wanted.type, value, null);
}

/** A sum of literals, worked out once. */
function computed(node: ValueNode, wanted: Wanted): Value | null {
  const plain: Wanted = { type: wanted.type === 'bool' ? 'number' : wanted.type, field: null };
  if (node.kind === 'negate') {
    const { value } = literalOf(node.of, plain);
    return typeof value === 'number' || typeof value === 'bigint' ? negative(value) : null;
  }
  if (node.kind !== 'arithmetic') return null;
  const type = sumType(node.op, plain.type, plain.type);
  if (type !== plain.type) return null;
  return new Sum(type, node.op, literalOf(node.left, plain), literalOf(node.right, plain)).constant();
}

function wrongLiteral(
  node: Span & { readonly kind: string; readonly text: string },
  wanted: Wanted,
): Complaint {
  const what = TYPE_NAMES[wanted.type];
  const of = wanted.field === null ? '' : `, which ${wanted.field.name} is`;
  const name = node.kind === 'word' && /[a-z]/i.test(node.text) ? nearestName(node.text) : null;
  const hint = name === null ? '' : `, or did you mean the field ${name}?`;
  return new Complaint(
    node,
    `${quoted(node.text)} is not ${what}${of}; write ${EXAMPLES[wanted.type]}${hint}`,
  );
}

function checkSize(span: Span & { readonly text: string }, value: Value, wanted: Wanted): void {
  const max = wanted.field?.max ?? Number.POSITIVE_INFINITY;
  if (wanted.type !== 'number' || typeof value !== 'number' || value <= max) return;
  throw new Complaint(
    span,
    `${quoted(span.text)} is more than ${wanted.field?.name} can hold, which is ${max} at most`,
  );
}
