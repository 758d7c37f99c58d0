// What a PostgreSQL server says to a query: columns, rows, errors, and a table as it is copied.

import type { Side } from '../../reader.ts';
import { textOf } from '../../text.ts';
import type { Cursor } from '../grammar/cursor.ts';
import type { Notes, Passage } from '../grammar/notes.ts';
import { CUT, TEXT_MAX, textOrHex } from '../grammar/notes.ts';
import type { Messages } from './messages.ts';

/** Rows of a result that are told. */
export const ROWS_MAX = 16;
const COLUMNS_MAX = 64;
const FIELDS_MAX = 32;

export class PostgresAnswers {
  readonly #notes: Notes;
  #rows = 0;
  /** Format of each column: 0 for text, 1 for binary. */
  #formats: number[] = [];
  #copy: Passage | null = null;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  hear(message: Messages): void {
    const { letter } = message;
    if (letter === 'd') {
      this.copied(1, message);
      return;
    }
    this.endCopy();
    if (letter === 'T') this.#columns(message);
    else if (letter === 'D') this.#row(message);
    else if (letter === 'E') this.#error(message);
    else if (letter === 'S') this.#status(message);
    else if (letter === 'A') this.#notification(message);
    else if (letter === 'C') {
      if (this.#rows > ROWS_MAX)
        this.#notes.content(1, 0, message.end, 'more rows', `${this.#rows - ROWS_MAX} more rows`);
      this.#rows = 0;
    }
  }

  /** CopyData of either side: its beginning is told. */
  copied(side: Side, message: Messages): void {
    const isNew = this.#copy === null;
    this.#copy ??= this.#notes.passage(side, message.from);
    if (this.#copy.side === side)
      this.#notes.add(this.#copy, message.from, message.end, isNew ? 0 : message.from);
  }

  endCopy(): void {
    const copy = this.#copy;
    this.#copy = null;
    // A replica is sent pages, not text.
    if (copy !== null && !copy.bytes.subarray(0, copy.kept).includes(0)) this.#notes.close(copy, 'copy');
  }

  #columns(message: Messages): void {
    const cursor = message.cursor();
    const count = cursor.big(2);
    const names: string[] = [];
    this.#formats = [];
    this.#rows = 0;
    for (let i = 0; i < Math.min(count, COLUMNS_MAX); i++) {
      const name = cursor.untilNul();
      cursor.skip(4 + 2 + 4 + 2 + 4);
      const format = cursor.big(2);
      if (!cursor.ok) break;
      names.push(textOf(cursor.bytes(name)));
      this.#formats.push(format);
    }
    const text = names.join(' | ');
    if (names.length > 0)
      this.#notes.content(1, message.from, cursor.at, 'columns', names.length < count ? text + CUT : text);
  }

  #row(message: Messages): void {
    this.#rows++;
    if (this.#rows > ROWS_MAX) return;
    const cursor = message.cursor();
    const count = cursor.big(2);
    const text = values(cursor, count, (i) => this.#formats[i] ?? 0);
    if (count > 0) this.#notes.content(1, message.from, message.end, 'row', text);
  }

  /** Severity, code and message among its fields. */
  #error(message: Messages): void {
    const cursor = message.cursor();
    const fields = new Map<string, string>();
    for (let i = 0; i < FIELDS_MAX && cursor.left > 1; i++) {
      const letter = String.fromCharCode(cursor.big(1));
      const value = cursor.untilNul();
      if (!cursor.ok) break;
      fields.set(letter, textOf(cursor.bytes(value)));
    }
    const text = ['S', 'C', 'M'].flatMap((letter) => fields.get(letter) ?? []).join(' ');
    this.#notes.content(
      1,
      message.from,
      Math.max(message.end, message.from + 1),
      'error',
      text.slice(0, TEXT_MAX),
    );
  }

  #status(message: Messages): void {
    const cursor = message.cursor();
    const name = cursor.latin1(cursor.untilNul());
    const value = cursor.untilNul();
    if (cursor.ok && name === 'server_version' && value.to > value.from)
      this.#notes.content(1, value.from, value.to, 'server version');
  }

  #notification(message: Messages): void {
    const cursor = message.cursor();
    cursor.skip(4);
    const channel = cursor.untilNul();
    const payload = cursor.untilNul();
    if (!cursor.ok) return;
    const text = [channel, payload].map((one) => textOf(cursor.bytes(one))).join(': ');
    this.#notes.content(1, channel.from, Math.max(payload.to, channel.from + 1), 'notification', text);
  }
}

/** `count` values, each after its length; -1 is NULL. What is binary and not known comes as hexadecimal digits. */
export function values(cursor: Cursor, count: number, formatOf: (i: number) => number): string {
  const cells: string[] = [];
  let length = 0;
  for (let i = 0; i < count && cursor.ok && length <= TEXT_MAX; i++) {
    const size = cursor.big(4);
    if (!cursor.ok) break;
    if (size === 0xffff_ffff) cells.push('NULL');
    else {
      const isThere = size <= cursor.left;
      const bytes = cursor.bytes(cursor.stretch(Math.min(size, cursor.left)));
      const shown = bytes.subarray(0, TEXT_MAX);
      cells.push(formatOf(i) === 1 ? textOrHex(shown) : textOf(shown));
      if (!isThere) break;
    }
    length += (cells.at(-1) as string).length + 3;
  }
  const text = cells.join(' | ');
  return cells.length < count || text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + CUT : text;
}
