// What the laboratory's MySQL server understands of SQL: one table, conditions joined by AND, no joins, no expressions. What is
// beyond that is answered with error 1064, as any syntax that a server does not know.

import type { Token } from './tokens.ts';
import { Tokens } from './tokens.ts';

/** A value, the n-th parameter (from 0), or something that only the session knows. */
export type Operand =
  | { readonly kind: 'value'; readonly value: number | string | null }
  | { readonly kind: 'parameter'; readonly index: number }
  /** Upper case: DATABASE, VERSION ... */
  | { readonly kind: 'function'; readonly name: string }
  /** Lower case, without `@@` and scope. */
  | { readonly kind: 'variable'; readonly name: string };

export type Comparison = '=' | '<>' | '<' | '>' | '<=' | '>=' | 'LIKE' | 'IS';

export interface Condition {
  readonly column: string;
  readonly comparison: Comparison;
  readonly operand: Operand;
}

export type Selected =
  | { readonly kind: 'all' }
  | { readonly kind: 'count'; readonly label: string }
  | { readonly kind: 'column'; readonly column: string; readonly label: string }
  | { readonly kind: 'operand'; readonly operand: Operand; readonly label: string };

export interface Table {
  /** Null for the session's database. */
  readonly database: string | null;
  readonly table: string;
  /** What columns are qualified with. */
  readonly alias: string;
}

export interface Select {
  readonly kind: 'select';
  readonly list: readonly Selected[];
  readonly from: Table | null;
  readonly where: readonly Condition[];
  readonly order: readonly { readonly column: string; readonly descending: boolean }[];
  readonly limit: Operand | null;
  readonly offset: Operand | null;
}

export type Statement =
  | Select
  | {
      readonly kind: 'insert';
      readonly into: Table;
      /** Empty for all columns in their order. */
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Operand[])[];
    }
  | {
      readonly kind: 'update';
      readonly table: Table;
      readonly set: readonly { readonly column: string; readonly operand: Operand }[];
      readonly where: readonly Condition[];
    }
  | { readonly kind: 'delete'; readonly from: Table; readonly where: readonly Condition[] }
  | {
      readonly kind: 'show';
      readonly what: 'tables' | 'databases' | 'variables' | 'warnings';
      readonly like: Operand | null;
    }
  | { readonly kind: 'describe'; readonly table: Table }
  | { readonly kind: 'use'; readonly database: string }
  /** Taken and without effect: SET, transactions. */
  | { readonly kind: 'nothing' };

export interface Parsed {
  readonly statement: Statement;
  readonly parameters: number;
}

/** @throws SqlFault 1064 */
export function parse(sql: string): Parsed {
  const tokens = new Tokens(sql);
  const statement = parseStatement(tokens);
  tokens.finish();
  return { statement, parameters: tokens.parameters };
}

function parseStatement(tokens: Tokens): Statement {
  if (tokens.accept('SELECT')) return parseSelect(tokens);
  if (tokens.accept('INSERT')) return parseInsert(tokens);
  if (tokens.accept('UPDATE')) return parseUpdate(tokens);
  if (tokens.accept('DELETE')) {
    tokens.expect('FROM');
    return { kind: 'delete', from: parseTable(tokens), where: parseWhere(tokens) };
  }
  if (tokens.accept('SHOW')) return parseShow(tokens);
  if (tokens.accept('DESCRIBE') || tokens.accept('DESC'))
    return { kind: 'describe', table: parseTable(tokens) };
  if (tokens.accept('USE')) return { kind: 'use', database: tokens.name() };
  return parseNothing(tokens);
}

/** Statements that set what this server has only one of. */
function parseNothing(tokens: Tokens): Statement {
  if (tokens.accept('SET')) {
    if (tokens.here.kind === 'end') throw tokens.fault();
    tokens.rest();
  } else if (tokens.accept('START')) {
    tokens.expect('TRANSACTION');
    tokens.rest();
  } else if (tokens.accept('BEGIN') || tokens.accept('COMMIT') || tokens.accept('ROLLBACK')) {
    tokens.accept('WORK');
  } else {
    throw tokens.fault();
  }
  return { kind: 'nothing' };
}

function parseSelect(tokens: Tokens): Select {
  const list = [parseSelected(tokens)];
  while (tokens.acceptSign(',')) list.push(parseSelected(tokens));
  const from = tokens.accept('FROM') ? parseTable(tokens) : null;
  if (from?.table.toUpperCase() === 'DUAL') return finishSelect(tokens, list, null);
  return finishSelect(tokens, list, from);
}

function finishSelect(tokens: Tokens, list: readonly Selected[], from: Table | null): Select {
  const where = parseWhere(tokens);
  const order: { column: string; descending: boolean }[] = [];
  if (tokens.accept('ORDER')) {
    tokens.expect('BY');
    do {
      const column = parseColumn(tokens);
      const descending = tokens.accept('DESC');
      if (!descending) tokens.accept('ASC');
      order.push({ column, descending });
    } while (tokens.acceptSign(','));
  }
  let limit: Operand | null = null;
  let offset: Operand | null = null;
  if (tokens.accept('LIMIT')) {
    limit = parseOperand(tokens);
    if (tokens.acceptSign(',')) [offset, limit] = [limit, parseOperand(tokens)];
    else if (tokens.accept('OFFSET')) offset = parseOperand(tokens);
  }
  return { kind: 'select', list, from, where, order, limit, offset };
}

function parseSelected(tokens: Tokens): Selected {
  const first = tokens.here;
  if (tokens.acceptSign('*')) return { kind: 'all' };
  if (first.kind === 'word' && first.text.toUpperCase() === 'COUNT') {
    tokens.advance();
    tokens.expectSign('(');
    if (!tokens.acceptSign('*')) parseOperandOrColumn(tokens);
    tokens.expectSign(')');
    return { kind: 'count', label: parseLabel(tokens, first) };
  }
  const what = parseOperandOrColumn(tokens);
  if (what === '*') return { kind: 'all' };
  if (typeof what === 'string')
    return { kind: 'column', column: what, label: parseLabel(tokens, null) ?? what };
  const fallback = what.kind === 'value' && first.kind === 'text' ? first.text : null;
  return { kind: 'operand', operand: what, label: fallback ?? parseLabel(tokens, first) };
}

/** An alias; else the expression's own text, or null if that is not wanted. */
function parseLabel(tokens: Tokens, from: Token): string;
function parseLabel(tokens: Tokens, from: null): string | null;
function parseLabel(tokens: Tokens, from: Token | null): string | null {
  const text = from === null ? null : tokens.textFrom(from);
  if (tokens.accept('AS')) {
    const { kind } = tokens.here;
    return kind === 'text' ? tokens.advance().text : tokens.name();
  }
  const { kind, text: next } = tokens.here;
  if (kind === 'name' || (kind === 'word' && !CLAUSES.has(next.toUpperCase()))) return tokens.name();
  return text;
}

const CLAUSES: ReadonlySet<string> = new Set([
  'FROM',
  'WHERE',
  'ORDER',
  'LIMIT',
  'SET',
  'AND',
  'GROUP',
  'HAVING',
  'UNION',
  'FOR',
  'JOIN',
  'INNER',
  'LEFT',
]);

/** A column's name (or `*` of a table), or an operand. */
function parseOperandOrColumn(tokens: Tokens): Operand | string {
  const { kind, text } = tokens.here;
  if (kind === 'name') return parseColumn(tokens);
  if (kind !== 'word') return parseOperand(tokens);
  const upper = text.toUpperCase();
  if (upper === 'NULL' || upper === 'TRUE' || upper === 'FALSE') return parseOperand(tokens);
  tokens.advance();
  if (tokens.acceptSign('(')) {
    tokens.expectSign(')');
    return { kind: 'function', name: upper };
  }
  if (!tokens.acceptSign('.')) return text;
  return tokens.acceptSign('*') ? '*' : tokens.name();
}

/** A column, its table's name left out. */
function parseColumn(tokens: Tokens): string {
  const first = tokens.name();
  return tokens.acceptSign('.') ? tokens.name() : first;
}

function parseOperand(tokens: Tokens): Operand {
  const token = tokens.advance();
  switch (token.kind) {
    case 'number':
      return { kind: 'value', value: Number(token.text) };
    case 'text':
      return { kind: 'value', value: token.text };
    case 'parameter':
      return { kind: 'parameter', index: tokens.parameters - 1 };
    case 'variable':
      return {
        kind: 'variable',
        name: token.text.toLowerCase().replace(/^@@(session\.|global\.|local\.)?/, ''),
      };
    case 'sign':
      if (token.text === '-' && tokens.here.kind === 'number') {
        return { kind: 'value', value: -Number(tokens.advance().text) };
      }
      break;
    case 'word': {
      const word = token.text.toUpperCase();
      if (word === 'NULL') return { kind: 'value', value: null };
      if (word === 'TRUE') return { kind: 'value', value: 1 };
      if (word === 'FALSE') return { kind: 'value', value: 0 };
      break;
    }
  }
  throw tokens.fault();
}

function parseTable(tokens: Tokens): Table {
  const first = tokens.name();
  const qualified = tokens.acceptSign('.');
  const table = qualified ? tokens.name() : first;
  return { database: qualified ? first : null, table, alias: parseLabel(tokens, null) ?? table };
}

function parseWhere(tokens: Tokens): readonly Condition[] {
  if (!tokens.accept('WHERE')) return [];
  const conditions: Condition[] = [];
  do {
    const bracket = tokens.acceptSign('(');
    const column = parseColumn(tokens);
    const comparison = parseComparison(tokens);
    conditions.push({ column, comparison, operand: parseOperand(tokens) });
    if (bracket) tokens.expectSign(')');
  } while (tokens.accept('AND'));
  return conditions;
}

function parseComparison(tokens: Tokens): Comparison {
  if (tokens.accept('LIKE')) return 'LIKE';
  if (tokens.accept('IS')) return 'IS';
  const { kind, text } = tokens.here;
  if (kind !== 'sign' || !['=', '<>', '!=', '<', '>', '<=', '>='].includes(text)) throw tokens.fault();
  tokens.advance();
  return text === '!=' ? '<>' : (text as Comparison);
}

function parseInsert(tokens: Tokens): Statement {
  tokens.accept('INTO');
  const first = tokens.name();
  const qualified = tokens.acceptSign('.');
  const table = qualified ? tokens.name() : first;
  const into = { database: qualified ? first : null, table, alias: table };
  const columns: string[] = [];
  if (tokens.acceptSign('(')) {
    do columns.push(parseColumn(tokens));
    while (tokens.acceptSign(','));
    tokens.expectSign(')');
  }
  if (!tokens.accept('VALUES')) tokens.expect('VALUE');
  const rows: Operand[][] = [];
  do {
    tokens.expectSign('(');
    const row: Operand[] = [];
    do row.push(tokens.accept('DEFAULT') ? { kind: 'value', value: null } : parseOperand(tokens));
    while (tokens.acceptSign(','));
    tokens.expectSign(')');
    rows.push(row);
  } while (tokens.acceptSign(','));
  return { kind: 'insert', into, columns, rows };
}

function parseUpdate(tokens: Tokens): Statement {
  const table = parseTable(tokens);
  tokens.expect('SET');
  const set: { column: string; operand: Operand }[] = [];
  do {
    const column = parseColumn(tokens);
    tokens.expectSign('=');
    set.push({ column, operand: parseOperand(tokens) });
  } while (tokens.acceptSign(','));
  return { kind: 'update', table, set, where: parseWhere(tokens) };
}

function parseShow(tokens: Tokens): Statement {
  tokens.accept('FULL');
  tokens.accept('SESSION');
  tokens.accept('GLOBAL');
  if (tokens.accept('COLUMNS') || tokens.accept('FIELDS')) {
    if (!tokens.accept('FROM')) tokens.expect('IN');
    return { kind: 'describe', table: parseTable(tokens) };
  }
  const what = ['TABLES', 'DATABASES', 'SCHEMAS', 'VARIABLES', 'WARNINGS'].find((word) =>
    tokens.accept(word),
  );
  if (what === undefined) throw tokens.fault();
  if (tokens.accept('FROM') || tokens.accept('IN')) tokens.name();
  const like = tokens.accept('LIKE') ? parseOperand(tokens) : null;
  const kind = what === 'SCHEMAS' ? 'databases' : what.toLowerCase();
  return { kind: 'show', what: kind as 'tables', like };
}
