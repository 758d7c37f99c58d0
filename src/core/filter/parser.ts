// From tokens to the tree, by recursive descent. Strongest last:
//
//   or ||   xor ^^   and &&   not !   comparison, contains, matches, in   &   + -   * / %   unary -   [slice] #layer
//
// Round brackets group tests and sums, curly ones sums, as in Wireshark 4.0. A chain a < b < c means a < b and b < c.

import type { Arithmetic, Comparison, Member, Quantifier, TestNode, ValueNode, Word } from './ast.ts';
import type { Span } from './error.ts';
import { Complaint, quoted } from './error.ts';
import { lex } from './lexer.ts';
import { readRanges } from './ranges.ts';
import type { Token } from './token.ts';

/** How deep brackets, nots and sums may nest. */
const DEPTH_MAX = 100;

const COMPARISONS: Readonly<Record<string, readonly [Comparison, Quantifier]>> = {
  '==': ['==', 'any'],
  eq: ['==', 'any'],
  any_eq: ['==', 'any'],
  '===': ['==', 'all'],
  all_eq: ['==', 'all'],
  '!=': ['!=', 'all'],
  ne: ['!=', 'all'],
  all_ne: ['!=', 'all'],
  '!==': ['!=', 'any'],
  '~=': ['!=', 'any'],
  any_ne: ['!=', 'any'],
  '>': ['>', 'any'],
  gt: ['>', 'any'],
  '>=': ['>=', 'any'],
  ge: ['>=', 'any'],
  '<': ['<', 'any'],
  lt: ['<', 'any'],
  '<=': ['<=', 'any'],
  le: ['<=', 'any'],
};

/** Words that stand between or before others and so name nothing. */
const RESERVED = new Set([
  ...Object.keys(COMPARISONS),
  ...['and', 'or', 'xor', 'not', 'in', 'contains', 'matches', 'any', 'all', 'bitwise_and'],
]);

type Node = TestNode | ValueNode;

function isTest(node: Node): node is TestNode {
  switch (node.kind) {
    case 'and':
    case 'or':
    case 'xor':
    case 'not':
    case 'compare':
    case 'contains':
    case 'matches':
    case 'in':
    case 'present':
      return true;
    default:
      return false;
  }
}

/** A value that stands alone asks whether it is there. */
function asTest(node: Node): TestNode {
  return isTest(node) ? node : { kind: 'present', of: node, at: node.at, to: node.to };
}

function asValue(node: Node, beside: Token): ValueNode {
  if (!isTest(node)) return node;
  throw new Complaint(
    node,
    `a test has no value to put beside ${quoted(beside.text)}; join tests with and, or, not`,
  );
}

function around(first: Span, last: Span): Span {
  return { at: first.at, to: last.to };
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): TestNode {
    const node = asTest(this.#or());
    const rest = this.#peek();
    if (rest.kind !== 'end') {
      const small = rest.text.toLowerCase();
      const hint =
        small !== rest.text && RESERVED.has(small)
          ? `write ${small} in small letters`
          : 'join tests with and, or, not';
      throw new Complaint(rest, `${this.#name(rest)} does not belong here; ${hint}`);
    }
    return node;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #is(...texts: readonly string[]): boolean {
    const { kind, text } = this.#peek();
    return (kind === 'sign' || kind === 'word') && texts.includes(text);
  }

  #expect(sign: string, why: string): Token {
    if (this.#is(sign)) return this.#take();
    throw new Complaint(this.#peek(), `${this.#name(this.#peek())} where ${sign} is missing ${why}`);
  }

  #name(token: Token): string {
    if (token.kind === 'end') return 'the filter ends';
    if (token.kind === 'brackets') return 'a slice';
    return quoted(token.text);
  }

  #nest<T>(parse: () => T): T {
    if (++this.#depth > DEPTH_MAX) {
      throw new Complaint(this.#peek(), `the filter nests deeper than ${DEPTH_MAX}; take some brackets out`);
    }
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  #or(): Node {
    return this.#joined('or', ['or', '||'], () =>
      this.#joined('xor', ['xor', '^^'], () => this.#joined('and', ['and', '&&'], () => this.#not())),
    );
  }

  #joined(kind: 'and' | 'or' | 'xor', signs: readonly string[], part: () => Node): Node {
    const first = part();
    if (!this.#is(...signs)) return first;
    const tests = [asTest(first)];
    while (this.#is(...signs)) {
      this.#take();
      tests.push(asTest(part()));
    }
    return { kind, tests, ...around(first, tests[tests.length - 1] as TestNode) };
  }

  #not(): Node {
    if (!this.#is('not', '!')) return this.#comparison();
    const sign = this.#take();
    const test = asTest(this.#nest(() => this.#not()));
    return { kind: 'not', test, ...around(sign, test) };
  }

  #comparison(): Node {
    const said = this.#is('any', 'all') ? (this.#take().text as Quantifier) : null;
    let left = this.#bits();
    const tests: TestNode[] = [];
    for (;;) {
      const sign = this.#peek();
      const comparison = sign.kind === 'sign' || sign.kind === 'word' ? COMPARISONS[sign.text] : undefined;
      if (comparison === undefined) break;
      this.#take();
      const before = asValue(left, sign);
      const right = asValue(this.#bits(), sign);
      const [op, quantifier] = comparison;
      const span = around(before, right);
      tests.push({ kind: 'compare', op, quantifier: said ?? quantifier, left: before, right, ...span });
      left = right;
    }
    if (tests.length > 1) return { kind: 'and', tests, ...around(tests[0] as TestNode, left) };
    if (tests.length === 1) return tests[0] as TestNode;
    return this.#search(left, said);
  }

  #search(left: Node, said: Quantifier | null): Node {
    const sign = this.#peek();
    const quantifier = said ?? 'any';
    if (this.#is('contains', 'matches', '~')) {
      this.#take();
      const value = asValue(left, sign);
      const right = asValue(this.#bits(), sign);
      const kind = sign.text === 'contains' ? 'contains' : 'matches';
      return { kind, quantifier, left: value, right, ...around(value, right) };
    }
    const negated = this.#is('not') && this.#tokens[this.#next + 1]?.text === 'in';
    if (negated) this.#take();
    if (this.#is('in')) {
      const value = asValue(left, this.#take());
      const { members, end } = this.#set();
      const span = around(value, end);
      const test: TestNode = { kind: 'in', quantifier, left: value, members, ...span };
      return negated ? { kind: 'not', test, ...span } : test;
    }
    if (said !== null) {
      throw new Complaint(left, `${said} wants a comparison behind it, as in ${said} tcp.port > 1024`);
    }
    return left;
  }

  #set(): { members: Member[]; end: Token } {
    this.#expect('{', 'before the set, as in tcp.port in {80, 443, 8000..8100}');
    const members: Member[] = [];
    while (!this.#is('}')) {
      const low = this.#member();
      const high = this.#is('..') && this.#take() ? this.#member() : null;
      members.push({ low, high });
      if (this.#is(',')) {
        this.#take();
        if (this.#is('}')) throw new Complaint(this.#peek(), 'a value is missing behind the comma');
      }
    }
    const end = this.#take();
    if (members.length === 0) throw new Complaint(end, 'the set is empty; write values between { and }');
    return { members, end };
  }

  #member(): ValueNode {
    if (this.#peek().kind === 'end') this.#expect('}', 'behind the set');
    return asValue(this.#bits(), this.#peek());
  }

  #bits(): Node {
    return this.#chain(['&', 'bitwise_and'], () =>
      this.#chain(['+', '-'], () => this.#chain(['*', '/', '%'], () => this.#unary())),
    );
  }

  #chain(signs: readonly string[], part: () => Node): Node {
    let left = part();
    for (let length = 0; this.#is(...signs); length++) {
      if (length > DEPTH_MAX) throw new Complaint(this.#peek(), `a sum has ${DEPTH_MAX} parts at most`);
      const sign = this.#take();
      const before = asValue(left, sign);
      const right = asValue(part(), sign);
      const op = (sign.text === 'bitwise_and' ? '&' : sign.text) as Arithmetic;
      left = { kind: 'arithmetic', op, left: before, right, ...around(before, right) };
    }
    return left;
  }

  #unary(): Node {
    if (!this.#is('-', '+')) return this.#postfix();
    const sign = this.#take();
    const of = asValue(
      this.#nest(() => this.#unary()),
      sign,
    );
    return sign.text === '+' ? of : { kind: 'negate', of, ...around(sign, of) };
  }

  #postfix(): Node {
    let node = this.#primary();
    if (this.#is('#')) {
      const sign = this.#take();
      if (node.kind !== 'word') {
        throw new Complaint(sign, 'a layer number goes right behind a field or protocol, as in ip.src#2');
      }
      const token = this.#layers();
      node = { kind: 'layer', of: node, ranges: readRanges(token, 'layer'), ...around(node, token) };
    }
    if (this.#peek().kind !== 'brackets') return node;
    const token = this.#take();
    const of = asValue(node, token);
    return { kind: 'slice', of, ranges: readRanges(token, 'slice'), ...around(of, token) };
  }

  /** What stands behind #: a number, one with a minus sign, or a list in brackets. */
  #layers(): Token {
    const minus = this.#is('-') ? this.#take() : null;
    const token = this.#take();
    if (minus === null && token.kind === 'brackets') return token;
    if (token.kind === 'word' && /^\d+$/.test(token.text)) {
      const text = `${minus === null ? '' : '-'}${token.text}`;
      return { kind: 'brackets', text, at: (minus ?? token).at, to: token.to };
    }
    throw new Complaint(
      token,
      `${this.#name(token)} is no layer; write #1 for the outermost, #2, #-1 or #[1-2]`,
    );
  }

  #primary(): Node {
    const token = this.#take();
    if (token.kind === 'string' || token.kind === 'char') return { ...token, kind: token.kind };
    if (token.kind === 'word' && !RESERVED.has(token.text)) {
      const word: Word = { kind: 'word', text: token.text, at: token.at, to: token.to };
      return this.#is('(') ? this.#call(word) : word;
    }
    if (token.kind === 'sign' && (token.text === '(' || token.text === '{')) {
      const node = this.#nest(() => this.#or());
      const close = token.text === '(' ? ')' : '}';
      const end = this.#expect(close, `to close the ${token.text} at column ${token.at + 1}`);
      if (token.text === '{') asValue(node, token);
      return { ...node, ...around(token, end) };
    }
    if (token.kind === 'end') throw new Complaint(token, 'the filter ends where a field or value is missing');
    throw new Complaint(token, `${this.#name(token)} where a field or value is missing`);
  }

  #call(name: Word): ValueNode {
    this.#take();
    const args: ValueNode[] = [];
    while (!this.#is(')')) {
      args.push(
        asValue(
          this.#nest(() => this.#bits()),
          name as Token & Word,
        ),
      );
      if (!this.#is(')')) this.#expect(',', `or ) in the call of ${name.text}`);
    }
    return { kind: 'call', name, args, ...around(name, this.#take()) };
  }
}

/** Reads a filter's text; null when it is blank. Throws a Complaint. */
export function parse(text: string): TestNode | null {
  const tokens = lex(text);
  if (tokens.length === 1) return null;
  return new Parser(tokens).whole();
}
