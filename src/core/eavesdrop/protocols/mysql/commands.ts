// What a MySQL client asks for ("Command Phase"): the text of queries, the parameters of prepared statements, databases, and the
// password that a replica registers with.

import { textOf } from '../../text.ts';
import type { Cursor } from '../grammar/cursor.ts';
import type { Notes } from '../grammar/notes.ts';
import { CUT, TEXT_MAX } from '../grammar/notes.ts';
import { tellStatement } from '../grammar/sql.ts';
import type { Packets } from './packets.ts';
import { encodedString, HEAD, lengthEncoded } from './packets.ts';
import type { Answer, Prepared } from './result.ts';
import { binaryValue } from './values.ts';

/** "enum_server_command". */
export const COM = {
  quit: 1,
  initDb: 2,
  query: 3,
  fieldList: 4,
  createDb: 5,
  dropDb: 6,
  processInfo: 10,
  changeUser: 17,
  binlogDump: 18,
  registerReplica: 21,
  prepare: 22,
  execute: 23,
  longData: 24,
  close: 25,
  fetch: 28,
  binlogDumpGtid: 30,
  last: 32,
} as const;

/** Commands that are answered with nothing. */
const SILENT: ReadonlySet<number> = new Set([COM.quit, COM.longData, COM.close]);
const ANSWERS: Readonly<Record<number, Answer>> = {
  [COM.query]: 'result',
  [COM.processInfo]: 'result',
  [COM.execute]: 'binary',
  [COM.prepare]: 'prepare',
  [COM.fieldList]: 'fields',
  [COM.fetch]: 'fields',
  [COM.binlogDump]: 'stream',
  [COM.binlogDumpGtid]: 'stream',
};
/** A query without parameters begins with no letter lower than this; one with parameters begins with their number. */
const LOWEST_LETTER = 9;
const PARAMETER_COUNT_AVAILABLE = 8;
const STATEMENTS_MAX = 256;
const PARAMETERS_MAX = 256;

interface Statement {
  readonly parameters: number;
  /** Types as they were bound last, two bytes each. */
  types: number[];
}

export class MysqlCommands {
  readonly #notes: Notes;
  readonly #statements: Map<number, Statement> = new Map();

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** The server has prepared a statement. */
  prepared({ statement, parameters }: Prepared): void {
    if (this.#statements.size >= STATEMENTS_MAX) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    this.#statements.set(statement, { parameters, types: [] });
  }

  /**
   * Hears a command and says how it is answered, null for not at all.
   * @param attributes whether queries come with parameters; null where the log-in was not heard
   */
  hear(packet: Packets, attributes: boolean | null): Answer | null {
    const { first } = packet;
    if (first === COM.query) this.#query(packet, attributes);
    else if (first === COM.prepare) this.#statement(packet, HEAD + 1, 'prepare');
    else if (first === COM.initDb || first === COM.createDb || first === COM.dropDb)
      this.#text(packet, HEAD + 1, 'database');
    else if (first === COM.execute) this.#execute(packet, attributes);
    else if (first === COM.longData) this.#text(packet, HEAD + 7, 'parameter');
    else if (first === COM.close) this.#close(packet);
    else if (first === COM.registerReplica) this.#register(packet);
    return SILENT.has(first) ? null : (ANSWERS[first] ?? 'one');
  }

  #text(packet: Packets, from: number, what: string): void {
    if (packet.end <= from) return;
    this.#notes.content(0, from, HEAD + packet.size, what);
  }

  #statement(packet: Packets, from: number, what: string): void {
    if (packet.end > from) tellStatement(this.#notes, from, HEAD + packet.size, what);
  }

  #query(packet: Packets, attributes: boolean | null): void {
    const cursor = packet.cursor();
    cursor.skip(1);
    const hasAttributes = attributes ?? (cursor.peek() >= 0 && cursor.peek() < LOWEST_LETTER);
    if (!hasAttributes) {
      this.#statement(packet, HEAD + 1, 'query');
      return;
    }
    const count = lengthEncoded(cursor);
    lengthEncoded(cursor);
    if (count > 0) this.#values(cursor, { parameters: count, types: [] }, true, 'attributes');
    if (cursor.ok) this.#statement(packet, cursor.at, 'query');
  }

  #execute(packet: Packets, attributes: boolean | null): void {
    const cursor = packet.cursor();
    cursor.skip(1);
    const statement = this.#statements.get(cursor.little(4));
    const flags = cursor.little(1);
    cursor.skip(4);
    if (statement === undefined) return;
    const isNamed = attributes === true;
    const isCounted = isNamed && (flags & PARAMETER_COUNT_AVAILABLE) !== 0;
    const parameters = isCounted ? lengthEncoded(cursor) : statement.parameters;
    if (parameters <= 0 || parameters > PARAMETERS_MAX) return;
    const now = parameters === statement.parameters ? statement : { parameters, types: [] };
    this.#values(cursor, now, isNamed, 'parameters');
  }

  /** Values after a map of those that are NULL, and their types unless they are bound already. */
  #values(cursor: Cursor, statement: Statement, isNamed: boolean, what: string): void {
    const count = statement.parameters;
    if (count > PARAMETERS_MAX) {
      cursor.ok = false;
      return;
    }
    const { at } = cursor;
    const nulls = cursor.bytes(cursor.stretch((count + 7) >> 3));
    const names: string[] = [];
    if (cursor.little(1) === 1) {
      statement.types = [];
      for (let i = 0; i < count && cursor.ok; i++) {
        statement.types.push(cursor.little(2));
        const name = isNamed ? encodedString(cursor) : null;
        names.push(name === null ? '' : textOf(cursor.bytes(name)));
      }
    }
    const values: string[] = [];
    let from = -1;
    for (let i = 0; i < count && cursor.ok; i++) {
      const type = statement.types[i];
      if (type === undefined) return;
      const isNull = (((nulls[i >> 3] ?? 0) >> (i & 7)) & 1) === 1;
      if (from < 0) from = cursor.at;
      const value = isNull ? 'NULL' : binaryValue(cursor, type & 0xff, (type & 0x8000) !== 0);
      const name = names[i] ?? '';
      values.push(name === '' ? value : `${name}=${value}`);
    }
    const text = values.join(' | ');
    const to = cursor.ok ? cursor.at : cursor.end;
    // Where all are NULL they stand in the map.
    const start = to > from ? from : at;
    this.#notes.content(
      0,
      start,
      Math.max(to, start + 1),
      what,
      text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + CUT : text,
    );
  }

  #close(packet: Packets): void {
    const cursor = packet.cursor();
    cursor.skip(1);
    this.#statements.delete(cursor.little(4));
  }

  /** Server's number (4), then name, user and password, each after its length. */
  #register(packet: Packets): void {
    const cursor = packet.cursor();
    cursor.skip(5);
    const name = cursor.stretch(cursor.little(1));
    const user = cursor.stretch(cursor.little(1));
    const password = cursor.stretch(cursor.little(1));
    if (!cursor.ok) return;
    if (name.to > name.from) this.#notes.identity(0, name.from, name.to, 'replica');
    const who = textOf(cursor.bytes(user));
    if (password.to > password.from)
      this.#notes.secret(0, password.from, password.to, 'replica password', who);
    else if (who !== '') this.#notes.identity(0, user.from, user.to, 'user');
  }
}
