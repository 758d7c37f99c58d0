import { describe, expect, test } from 'vitest';
import type { Range, TestNode, ValueNode } from '../../../src/core/filter/ast.ts';
import { Complaint } from '../../../src/core/filter/error.ts';
import { parse } from '../../../src/core/filter/parser.ts';
import { hasLayer, readRanges, resolveRange } from '../../../src/core/filter/ranges.ts';

/** A tree as text with a bracket around everything that belongs together. */
function show(node: TestNode | ValueNode): string {
  switch (node.kind) {
    case 'word':
    case 'string':
    case 'char':
      return node.text;
    case 'layer':
      return `${node.of.text}#${node.ranges.map(showRange)}`;
    case 'slice':
      return `${show(node.of)}[${node.ranges.map(showRange)}]`;
    case 'call':
      return `${node.name.text}(${node.args.map(show).join(', ')})`;
    case 'negate':
      return `(-${show(node.of)})`;
    case 'arithmetic':
      return `(${show(node.left)} ${node.op} ${show(node.right)})`;
    case 'and':
    case 'or':
    case 'xor':
      return `(${node.tests.map(show).join(` ${node.kind} `)})`;
    case 'not':
      return `!${show(node.test)}`;
    case 'compare':
      return `(${show(node.left)} ${node.quantifier}${node.op} ${show(node.right)})`;
    case 'contains':
    case 'matches':
      return `(${show(node.left)} ${node.kind} ${show(node.right)})`;
    case 'in': {
      const members = node.members.map((m) => show(m.low) + (m.high === null ? '' : `..${show(m.high)}`));
      return `(${show(node.left)} ${node.quantifier} in ${members.join(' ')})`;
    }
    case 'present':
      return `?${show(node.of)}`;
  }
}

function showRange(range: Range): string {
  return `${range.from}/${range.last ?? '_'}/${range.length ?? '_'}`;
}

function tree(text: string): string {
  const node = parse(text);
  return node === null ? 'blank' : show(node);
}

function complaint(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof Complaint) return `${error.span.at} ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('parser', () => {
  test.each([
    ['a and b or not c or d and not e or f', '((?a and ?b) or !?c or (?d and !?e) or ?f)'],
    ['a || b && c ^^ d', '(?a or ((?b and ?c) xor ?d))'],
    ['!a == 1', '!(a any== 1)'],
    ['not (a or b)', '!(?a or ?b)'],
    ['a & 1 == 1', '((a & 1) any== 1)'],
    ['a + 2 * b - c', '?((a + (2 * b)) - c)'],
    ['4 * {a + 3} > 1', '((4 * (a + 3)) any> 1)'],
    ['4 * (a + 3) > 1', '((4 * (a + 3)) any> 1)'],
    ['a == -1', '(a any== (-1))'],
    ['a == +1', '(a any== 1)'],
    ['- a < 0', '((-a) any< 0)'],
    ['a != 1', '(a all!= 1)'],
    ['a ne 1', '(a all!= 1)'],
    ['a !== 1', '(a any!= 1)'],
    ['a ~= 1', '(a any!= 1)'],
    ['a === 1', '(a all== 1)'],
    ['all a == 1', '(a all== 1)'],
    ['any a != 1', '(a any!= 1)'],
    ['a < b < c', '((a any< b) and (b any< c))'],
    ['a in {1, 2..3 4}', '(a any in 1 2..3 4)'],
    ['a not in {1}', '!(a any in 1)'],
    ['all a in {-1..1}', '(a all in (-1)..1)'],
    ['a contains b', '(a contains b)'],
    ['a ~ "b"', '(a matches b)'],
    ['len(a) == max(b, 1)', '(len(a) any== max(b, 1))'],
    ['a#2[0:1] == 0', '(a#2/_/1[0/_/1] any== 0)'],
    ['a#-1', '?a#-1/_/1'],
    ['a#[1-2]', '?a#1/2/_'],
    ['(a) == 1', '(a any== 1)'],
    ['  ', 'blank'],
  ])('%s', (text, wanted) => {
    expect(tree(text)).toBe(wanted);
  });

  test.each([
    ['a ==', '4 the filter ends where a field or value is missing'],
    ['(a', '2 the filter ends where ) is missing to close the ( at column 1'],
    ['a)', '1 ")" does not belong here; join tests with and, or, not'],
    ['a AND b', '2 "AND" does not belong here; write and in small letters'],
    ['(a and b) == 1', '0 a test has no value to put beside "=="; join tests with and, or, not'],
    ['a in 1', '5 "1" where { is missing before the set, as in tcp.port in {80, 443, 8000..8100}'],
    ['a in {}', '6 the set is empty; write values between { and }'],
    ['a in {1,}', '8 a value is missing behind the comma'],
    ['a in {1', '7 the filter ends where } is missing behind the set'],
    ['all a', '4 all wants a comparison behind it, as in all tcp.port > 1024'],
    ['a#b', '2 "b" is no layer; write #1 for the outermost, #2, #-1 or #[1-2]'],
    ['"a"#1', '3 a layer number goes right behind a field or protocol, as in ip.src#2'],
    ['f(a b)', '4 "b" where , is missing or ) in the call of f'],
    ['{a == b} == 1', '1 a test has no value to put beside "{"; join tests with and, or, not'],
    ['and', '0 "and" where a field or value is missing'],
    ['a[]', '1 "" is no range; write [from:length], [from-to], [n], [:length] or [from:]'],
    ['a[1:0]', '1 "1:0" has length 0; a slice has one place at least'],
    ['a[3-1]', '1 "3-1" ends before it begins; write the smaller place first'],
    ['a[x]', '1 "x" is no whole number'],
    ['a[99999999999]', '1 "99999999999" is further than any packet is long'],
  ])('%s is refused', (text, words) => {
    expect(complaint(text)).toBe(words);
  });

  test('what nests without end is refused, what is only long is not', () => {
    expect(complaint(`${'('.repeat(5000)}a`)).toMatch(/nests deeper than 100/);
    expect(complaint(`${'not '.repeat(5000)}a`)).toMatch(/nests deeper than 100/);
    expect(complaint(`${'-'.repeat(5000)}a`)).toMatch(/nests deeper than 100/);
    expect(complaint(`a${' + a'.repeat(5000)}`)).toMatch(/100 parts at most/);
    expect(complaint(`a[${'0,'.repeat(5000)}0]`)).toMatch(/32 ranges are the most/);
    expect(complaint(`a${' or a'.repeat(5000)}`)).toBe('none');
  });
});

describe('ranges', () => {
  const range = (text: string): Range => readRanges({ text, at: 0, to: 1 }, 'slice')[0] as Range;

  test.each([
    ['0:4', 10, [0, 4]],
    ['1-3', 10, [1, 4]],
    [':2', 10, [0, 2]],
    ['8:', 10, [8, 10]],
    ['3', 10, [3, 4]],
    ['-4:2', 10, [6, 8]],
    ['-4:', 10, [6, 10]],
    ['-3--2', 10, [7, 9]],
    ['-1', 10, [9, 10]],
    ['0x2:1', 10, [2, 3]],
  ])('[%s] of %i', (text, count, [from, to]) => {
    expect(resolveRange(range(text), count)).toEqual({ from, to });
  });

  test.each(['8:3', '10', '10:', '-11', '3-10', '-2--3', ':11'])('[%s] reaches past an end of 10', (text) => {
    expect(resolveRange(range(text), 10)).toBeNull();
  });

  test('layers count from 1, and what is past the last is passed over', () => {
    const has = (text: string, number: number): boolean =>
      hasLayer(readRanges({ text, at: 0, to: 1 }, 'layer'), number, 3);
    const those = (text: string): number[] => [1, 2, 3].filter((number) => has(text, number));
    expect(those('2')).toEqual([2]);
    expect(those('-1')).toEqual([3]);
    expect(those('1-2')).toEqual([1, 2]);
    expect(those('2:')).toEqual([2, 3]);
    expect(those(':1')).toEqual([1]);
    expect(those('2:9')).toEqual([2, 3]);
    expect(those('1,3')).toEqual([1, 3]);
    expect(those('-2--1')).toEqual([2, 3]);
    expect(those('0')).toEqual([]);
    expect(those('4')).toEqual([]);
  });
});
