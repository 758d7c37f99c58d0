// From the tree to one function that is asked about each packet. What does not depend on the packet is done here: names are
// looked up, literals read, patterns compiled.

import { isNonZero, Sum } from './arithmetic.ts';
import type { CompareNode, Comparison, MemberNode, SearchNode, TestNode, ValueNode } from './ast.ts';
import { compare } from './compare.ts';
import { Complaint, quoted } from './error.ts';
import { compilePattern } from './pattern.ts';
import { ProtocolSource } from './protocol-source.ts';
import type { Test } from './quantify.ts';
import { quantified } from './quantify.ts';
import { finder } from './search.ts';
import { memberTest } from './set.ts';
import type { Source } from './source.ts';
import { textOf } from './string-literal.ts';
import type { ValueType } from './types.ts';
import { comparable, TYPE_NAMES, textOfValue } from './types.ts';
import { fieldOf, isNamed, literalOf, sourceOf, wantedBeside } from './values.ts';

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

export function compileTest(node: TestNode): Test {
  switch (node.kind) {
    case 'and':
      return both(node.tests.map(compileTest));
    case 'or':
      return either(node.tests.map(compileTest));
    case 'xor': {
      const tests = node.tests.map(compileTest);
      return (subject) => tests.reduce((odd, test) => test(subject) !== odd, false);
    }
    case 'not': {
      const test = compileTest(node.test);
      return (subject) => !test(subject);
    }
    case 'present':
      return presence(node.of);
    case 'compare':
      return comparison(node);
    case 'contains':
      return containing(node);
    case 'matches':
      return matching(node);
    case 'in':
      return membership(node);
  }
}

/** Two tests are the common case, so they are not gone through as a list. */
function both(tests: readonly Test[]): Test {
  const [first, second] = tests as [Test, Test];
  if (tests.length === 2) return (subject) => first(subject) && second(subject);
  return (subject) => tests.every((test) => test(subject));
}

function either(tests: readonly Test[]): Test {
  const [first, second] = tests as [Test, Test];
  if (tests.length === 2) return (subject) => first(subject) || second(subject);
  return (subject) => tests.some((test) => test(subject));
}

function presence(node: ValueNode): Test {
  const source = fieldOf(node);
  if (isNamed(source)) return (subject) => source.present(subject);
  if (node.kind === 'call') {
    throw new Complaint(node, `say what ${node.name.text}() is compared with, as in len(tcp.payload) > 0`);
  }
  if (source instanceof Sum || node.kind === 'negate') return (subject) => source.each(subject, isNonZero);
  return (subject) => source.each(subject, () => true);
}

function comparison(node: CompareNode): Test {
  const left = sourceOf(node.left);
  if (left !== null) {
    const right = sourceOf(node.right) ?? literalOf(node.right, wantedBeside(left));
    check(node.right, left, right);
    return compare(node.op, node.quantifier, left, right);
  }
  const right = sourceOf(node.right);
  if (right === null) fieldOf(node.left);
  const source = right as Source;
  return compare(MIRRORED[node.op], node.quantifier, source, literalOf(node.left, wantedBeside(source)));
}

function check(node: ValueNode, left: Source, right: Source): void {
  if (comparable(left.type, right.type)) return;
  throw new Complaint(
    node,
    `${TYPE_NAMES[left.type]} cannot be compared with ${TYPE_NAMES[right.type]}; string() and slices turn both into the same`,
  );
}

/** What `contains` and `matches` look at: text, or bytes; of a protocol all that it carries. */
function searched(node: ValueNode, operator: string): Source {
  const source = fieldOf(node);
  if (source instanceof ProtocolSource) return source.widened();
  if (source.type === 'text' || source.type === 'bytes') return source;
  if (source.type === 'mac' && operator === 'contains') return source;
  throw new Complaint(
    node,
    `${operator} looks into text and bytes, not into ${TYPE_NAMES[source.type]}; ` +
      'write string(...) around a number or an address',
  );
}

function containing(node: SearchNode): Test {
  const source = searched(node.left, 'contains');
  const type: ValueType = source.type === 'text' ? 'text' : 'bytes';
  const other = sourceOf(node.right);
  if (other === null) {
    return quantified(
      source,
      node.quantifier,
      finder(source.type, literalOf(node.right, { type, field: null }).value),
    );
  }
  check(node.right, source, other);
  return (subject) =>
    other.each(subject, (value) => quantified(source, node.quantifier, finder(source.type, value))(subject));
}

function matching(node: SearchNode): Test {
  const source = searched(node.left, 'matches');
  if (node.right.kind !== 'string') {
    throw new Complaint(node.right, 'matches wants a regular expression in double quotes');
  }
  const pattern = readPattern(node.right.text, source.type);
  if (pattern === null) {
    throw new Complaint(
      node.right,
      `${quoted(textOf(node.right.text))} is no regular expression that is understood here; mind brackets and backslashes`,
    );
  }
  return quantified(source, node.quantifier, (value) => pattern.test(textOfValue(value, source.type)));
}

function readPattern(text: string, type: ValueType): RegExp | null {
  try {
    return compilePattern(type === 'text' ? textOf(text) : text);
  } catch {
    return null;
  }
}

function membership(node: MemberNode): Test {
  const source = fieldOf(node.left);
  const wanted = wantedBeside(source);
  const members = node.members.map(({ low, high }) => {
    const bounds = [low, high ?? low].map((bound) => {
      const of = sourceOf(bound) ?? literalOf(bound, wanted);
      check(bound, source, of);
      return of;
    });
    return { low: bounds[0] as Source, high: high === null ? null : (bounds[1] as Source) };
  });
  return memberTest(source, node.quantifier, members);
}
