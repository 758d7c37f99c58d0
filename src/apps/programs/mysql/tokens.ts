// Cuts an SQL statement into words, numbers, texts and signs (MySQL 5.7 Reference Manual, "Language Structure").

import { syntaxFault } from './fault.ts';

export type Value = number | string | null;

export interface Token {
  /** A `name` stands in backquotes; a `word` may also be a keyword; `parameter` is a question mark. */
  readonly kind: 'word' | 'name' | 'number' | 'text' | 'variable' | 'sign' | 'parameter' | 'end';
  /** Words as written; signs; the value of a text without its quotes. */
  readonly text: string;
  /** Offset in the statement. */
  readonly at: number;
}

const BLANK = /\s+|--(?=\s|$)[^\n]*|#[^\n]*|\/\*(?!!)[\s\S]*?\*\/|\/\*!\d*|\*\//y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y;
const WORD = /[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y;
const VARIABLE = /@@(?:(?:session|global|local)\.)?\w+|@[\w.$]+/iy;
const SIGN = /<=>|<>|!=|<=|>=|:=|[-+*/%=<>(),.;]/y;
const ESCAPES: Readonly<Record<string, string>> = { 0: '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\x1a' };

/** @throws SqlFault 1064 */
export function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(sql)?.[0] ?? null;
    return found;
  };
  while (at < sql.length) {
    const blank = take(BLANK);
    if (blank !== null) {
      at += blank.length;
      continue;
    }
    const token = quoted(sql, at) ?? simple(sql, at, take);
    tokens.push(token.token);
    at = token.end;
  }
  tokens.push({ kind: 'end', text: '', at: sql.length });
  return tokens;
}

interface Cut {
  readonly token: Token;
  readonly end: number;
}

function simple(sql: string, at: number, take: (pattern: RegExp) => string | null): Cut {
  const kinds = [
    ['number', NUMBER],
    ['variable', VARIABLE],
    ['word', WORD],
    ['sign', SIGN],
  ] as const;
  if (sql[at] === '?') return { token: { kind: 'parameter', text: '?', at }, end: at + 1 };
  for (const [kind, pattern] of kinds) {
    const text = take(pattern);
    if (text !== null) return { token: { kind, text, at }, end: at + text.length };
  }
  throw syntaxFault(sql.slice(at));
}

/** A text or a name in quotes; a doubled quote is one, and in texts a backslash takes the next character. */
function quoted(sql: string, at: number): Cut | null {
  const quote = sql[at];
  if (quote !== "'" && quote !== '"' && quote !== '`') return null;
  let text = '';
  for (let i = at + 1; i < sql.length; i++) {
    const char = sql[i] as string;
    if (char === '\\' && quote !== '`' && i + 1 < sql.length) {
      const next = sql[++i] as string;
      text += ESCAPES[next] ?? next;
    } else if (char !== quote) {
      text += char;
    } else if (sql[i + 1] === quote) {
      text += quote;
      i++;
    } else {
      return { token: { kind: quote === '`' ? 'name' : 'text', text, at }, end: i + 1 };
    }
  }
  throw syntaxFault(sql.slice(at));
}

/** Walks over the tokens of one statement. */
export class Tokens {
  readonly #sql: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Question marks met so far. */
  parameters = 0;

  constructor(sql: string) {
    this.#sql = sql;
    this.#tokens = tokensOf(sql);
  }

  get here(): Token {
    return this.#tokens[this.#at] as Token;
  }

  advance(): Token {
    const token = this.here;
    if (token.kind !== 'end') this.#at++;
    if (token.kind === 'parameter') this.parameters++;
    return token;
  }

  /** Takes a keyword, in any case, if it is the next. */
  accept(word: string): boolean {
    const { kind, text } = this.here;
    if (kind !== 'word' || text.toUpperCase() !== word) return false;
    this.#at++;
    return true;
  }

  acceptSign(sign: string): boolean {
    const { kind, text } = this.here;
    if (kind !== 'sign' || text !== sign) return false;
    this.#at++;
    return true;
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) throw this.fault();
  }

  expectSign(sign: string): void {
    if (!this.acceptSign(sign)) throw this.fault();
  }

  /** A name of a column or table. */
  name(): string {
    const { kind, text } = this.here;
    if (kind !== 'word' && kind !== 'name') throw this.fault();
    this.#at++;
    return text;
  }

  /** Only a semicolon may follow. */
  finish(): void {
    this.acceptSign(';');
    if (this.here.kind !== 'end') throw this.fault();
  }

  /** The rest of the statement, from here. */
  rest(): string {
    const text = this.#sql.slice(this.here.at);
    this.#at = this.#tokens.length - 1;
    return text;
  }

  /** Of the text between two tokens: what an expression is called as a column. */
  textFrom(from: Token): string {
    return this.#sql.slice(from.at, this.here.at).trim();
  }

  fault(): Error {
    return syntaxFault(this.#sql.slice(this.here.at));
  }
}
