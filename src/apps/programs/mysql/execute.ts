// Carries a statement out on the one database there is.

import { compare, holds, isLike } from './condition.ts';
import type { CustomerTable, Row } from './customer.ts';
import { COLUMN_NAMES, COLUMNS, TABLE_NAME, TYPE } from './customer.ts';
import { SqlFault, syntaxFault } from './fault.ts';
import type { Condition, Operand, Select, Selected, Statement, Table } from './statement.ts';
import type { Value } from './tokens.ts';
import { SYSTEM_VARIABLES, VERSION } from './variables.ts';

/** A column of an answer. */
export interface Column {
  readonly name: string;
  /** The column and table that it comes from; empty for what comes from none. */
  readonly origin: string;
  readonly table: string;
  readonly database: string;
  readonly type: number;
  readonly length: number;
  readonly flags: number;
}

export interface RowsResult {
  readonly kind: 'rows';
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Value[])[];
}

export interface DoneResult {
  readonly kind: 'done';
  readonly affected: number;
  readonly insertId: number;
  readonly info: string;
}

export type Result = RowsResult | DoneResult;

/** Who asks. */
export interface Session {
  readonly table: CustomerTable;
  /** The name of the database that the server has. */
  readonly served: string;
  /** The one in use; null before USE. */
  database: string | null;
  readonly user: string;
  readonly address: string;
  readonly id: number;
}

const DONE: DoneResult = { kind: 'done', affected: 0, insertId: 0, info: '' };

/** @throws SqlFault */
export function execute(statement: Statement, values: readonly Value[], session: Session): Result {
  switch (statement.kind) {
    case 'select':
      return select(statement, values, session);
    case 'insert':
      return insert(statement, values, session);
    case 'update':
      return update(statement, values, session);
    case 'delete': {
      checkTable(statement.from, session);
      const rows = matching(statement.where, values, session);
      for (const row of rows) session.table.delete(row['id'] as number);
      return { ...DONE, affected: rows.length };
    }
    case 'show':
      return show(statement.what, like(statement.like, values, session), session);
    case 'describe':
      return describe(statement.table, session);
    case 'use':
      useDatabase(statement.database, session);
      return DONE;
    case 'nothing':
      return DONE;
  }
}

/** The columns of a statement's answer; empty where it gives no rows. */
export function columnsOf(statement: Statement, session: Session): readonly Column[] {
  switch (statement.kind) {
    case 'select':
      if (statement.from !== null) checkTable(statement.from, session);
      return statement.list.flatMap((one) => selectedColumns(one, statement.from, session));
    case 'show':
      return show(statement.what, () => false, session).columns;
    case 'describe':
      return describe(statement.table, session).columns;
    default:
      return [];
  }
}

/** @throws SqlFault 1049 */
export function useDatabase(name: string, session: Session): void {
  if (name !== session.served) throw new SqlFault(1049, `Unknown database '${name}'`);
  session.database = name;
}

function checkTable({ database, table }: Table, session: Session): void {
  const within = database ?? session.database;
  if (within === null) throw new SqlFault(1046, 'No database selected');
  if (within === session.served && table === TABLE_NAME) return;
  throw new SqlFault(1146, `Table '${within}.${table}' doesn't exist`);
}

function checkColumn(name: string, clause: string): string {
  const known = COLUMN_NAMES.find((column) => column === name.toLowerCase());
  if (known === undefined) throw new SqlFault(1054, `Unknown column '${name}' in '${clause}'`);
  return known;
}

function evaluate(operand: Operand, values: readonly Value[], session: Session): Value {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'parameter': {
      const value = values[operand.index];
      // A question mark outside of a prepared statement is no SQL.
      if (value === undefined) throw syntaxFault('?');
      return value;
    }
    case 'variable':
      return variable(operand.name, session);
    case 'function':
      return call(operand.name, session);
  }
}

function variable(name: string, { id }: Session): Value {
  if (name === 'pseudo_thread_id') return id;
  if (name.startsWith('@')) return null;
  if (!Object.hasOwn(SYSTEM_VARIABLES, name)) throw new SqlFault(1193, `Unknown system variable '${name}'`);
  return SYSTEM_VARIABLES[name] as Value;
}

function call(name: string, { database, user, address, id }: Session): Value {
  switch (name) {
    case 'DATABASE':
    case 'SCHEMA':
      return database;
    case 'VERSION':
      return VERSION;
    case 'USER':
    case 'CURRENT_USER':
    case 'SESSION_USER':
      return `${user}@${address}`;
    case 'CONNECTION_ID':
      return id;
    default:
      throw syntaxFault(`${name}()`);
  }
}

function select(statement: Select, values: readonly Value[], session: Session): RowsResult {
  const { list, from, where, order } = statement;
  const columns = columnsOf(statement, session);
  if (from === null) {
    const row = list.map((one) => {
      if (one.kind === 'operand') return evaluate(one.operand, values, session);
      if (one.kind === 'column') throw new SqlFault(1054, `Unknown column '${one.column}' in 'field list'`);
      throw new SqlFault(1064, 'No tables used');
    });
    return { kind: 'rows', columns, rows: [row] };
  }
  const found = [...matching(where, values, session)];
  if (list.some((one) => one.kind === 'count')) {
    const row = list.flatMap((one) => pick(one, found[0] ?? {}, found.length, values, session));
    return { kind: 'rows', columns, rows: [row] };
  }
  for (const { column, descending } of [...order].reverse()) {
    const name = checkColumn(column, 'order clause');
    found.sort((a, b) => compare(a[name] ?? null, b[name] ?? null) * (descending ? -1 : 1));
  }
  const bound = (operand: Operand | null, fallback: number): number =>
    operand === null ? fallback : Math.max(0, Number(evaluate(operand, values, session)));
  const offset = bound(statement.offset, 0);
  const rows = found.slice(offset, offset + bound(statement.limit, found.length));
  return {
    kind: 'rows',
    columns,
    rows: rows.map((row) => list.flatMap((one) => pick(one, row, found.length, values, session))),
  };
}

function pick(
  one: Selected,
  row: Row,
  count: number,
  values: readonly Value[],
  session: Session,
): readonly Value[] {
  switch (one.kind) {
    case 'all':
      return COLUMN_NAMES.map((name) => row[name] ?? null);
    case 'count':
      return [count];
    case 'column':
      return [row[checkColumn(one.column, 'field list')] ?? null];
    case 'operand':
      return [evaluate(one.operand, values, session)];
  }
}

function selectedColumns(one: Selected, from: Table | null, session: Session): readonly Column[] {
  const stored = (column: string, name: string): Column => {
    const { type, length, flags } = COLUMNS[column] as (typeof COLUMNS)[string];
    const table = from?.alias ?? '';
    return { name, origin: column, table, database: session.served, type, length, flags };
  };
  switch (one.kind) {
    case 'all':
      return from === null ? [] : COLUMN_NAMES.map((name) => stored(name, name));
    case 'count':
      return [made(one.label, TYPE.longlong)];
    case 'column':
      return from === null ? [] : [stored(checkColumn(one.column, 'field list'), one.label)];
    case 'operand': {
      const { operand } = one;
      if (operand.kind === 'parameter') return [made(one.label, TYPE.varString)];
      const value = evaluate(operand, [], session);
      return [made(one.label, Number.isInteger(value) ? TYPE.longlong : TYPE.varString)];
    }
  }
}

/** A column that comes from no table. */
export function made(name: string, type: number): Column {
  const length = type === TYPE.longlong ? 21 : 255;
  return { name, origin: '', table: '', database: '', type, length, flags: 0 };
}

function matching(where: readonly Condition[], values: readonly Value[], session: Session): readonly Row[] {
  const conditions = where.map((one) => ({
    column: checkColumn(one.column, 'where clause'),
    comparison: one.comparison,
    value: evaluate(one.operand, values, session),
  }));
  const byId = conditions.find((one) => one.column === 'id' && one.comparison === '=');
  const one = byId === undefined ? undefined : session.table.get(Number(byId.value));
  const rows = byId === undefined ? session.table.all() : one === undefined ? [] : [one];
  return rows.filter((row) =>
    conditions.every(({ column, comparison, value }) => holds(row[column] ?? null, comparison, value)),
  );
}

function like(
  operand: Operand | null,
  values: readonly Value[],
  session: Session,
): (text: string) => boolean {
  const pattern = operand === null ? null : String(evaluate(operand, values, session));
  return (text) => pattern === null || isLike(text, pattern);
}

function insert(
  { into, columns, rows }: Extract<Statement, { kind: 'insert' }>,
  values: readonly Value[],
  session: Session,
): DoneResult {
  checkTable(into, session);
  const names = columns.length === 0 ? COLUMN_NAMES : columns.map((name) => checkColumn(name, 'field list'));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new SqlFault(1110, `Column '${twice}' specified twice`);
  let insertId = 0;
  for (const [index, row] of rows.entries()) {
    if (row.length !== names.length) {
      throw new SqlFault(1136, `Column count doesn't match value count at row ${index + 1}`);
    }
    const made = Object.fromEntries(
      names.map((name, i) => [name, evaluate(row[i] as Operand, values, session)]),
    );
    const id = session.table.insert(made);
    if (insertId === 0) insertId = id;
  }
  const info = rows.length > 1 ? `Records: ${rows.length}  Duplicates: 0  Warnings: 0` : '';
  return { kind: 'done', affected: rows.length, insertId, info };
}

function update(
  { table, set, where }: Extract<Statement, { kind: 'update' }>,
  values: readonly Value[],
  session: Session,
): DoneResult {
  checkTable(table, session);
  const to = Object.fromEntries(
    set.map(({ column, operand }) => [checkColumn(column, 'field list'), evaluate(operand, values, session)]),
  );
  const rows = matching(where, values, session);
  const changed = rows.filter((row) => session.table.update(row['id'] as number, to)).length;
  return {
    ...DONE,
    affected: changed,
    info: `Rows matched: ${rows.length}  Changed: ${changed}  Warnings: 0`,
  };
}

function show(
  what: 'tables' | 'databases' | 'variables' | 'warnings',
  matches: (text: string) => boolean,
  session: Session,
): RowsResult {
  const text = (...names: readonly string[]): Column[] => names.map((name) => made(name, TYPE.varString));
  switch (what) {
    case 'tables': {
      if (session.database === null) throw new SqlFault(1046, 'No database selected');
      const columns = text(`Tables_in_${session.database}`);
      return { kind: 'rows', columns, rows: [TABLE_NAME].filter(matches).map((name) => [name]) };
    }
    case 'databases':
      return {
        kind: 'rows',
        columns: text('Database'),
        rows: [session.served].filter(matches).map((name) => [name]),
      };
    case 'variables': {
      const all = Object.entries(SYSTEM_VARIABLES).filter(([name]) => matches(name));
      const rows = all.map(([name, value]) => [name, String(value)]);
      return { kind: 'rows', columns: text('Variable_name', 'Value'), rows };
    }
    case 'warnings':
      return { kind: 'rows', columns: text('Level', 'Code', 'Message'), rows: [] };
  }
}

function describe(table: Table, session: Session): RowsResult {
  checkTable(table, session);
  const columns = ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'].map((name) =>
    made(name, TYPE.varString),
  );
  const rows = Object.entries(COLUMNS).map(([name, { words, flags }]) => [
    name,
    words,
    flags & 1 ? 'NO' : 'YES',
    flags & 2 ? 'PRI' : '',
    null,
    flags & 512 ? 'auto_increment' : '',
  ]);
  return { kind: 'rows', columns, rows };
}
