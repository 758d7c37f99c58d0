// What a MySQL server answers to a command ("Text Protocol Resultset", "Binary Protocol Resultset", "COM_STMT_PREPARE Response").
// How it ends depends on what both sides agreed on; the sizes of the packets tell it apart, so that it is read from the
// middle of a connection too.
//
//   columns' number | definition ... | [EOF, 5 bytes] | row ... | EOF, 5 bytes, or OK with 0xfe, 7 and more

import type { Place } from '../../reading.ts';
import { textOf } from '../../text.ts';
import type { Notes } from '../grammar/notes.ts';
import { CUT, TEXT_MAX } from '../grammar/notes.ts';
import type { Packets } from './packets.ts';
import { encodedString, HEAD, lengthEncoded } from './packets.ts';
import { binaryValue, stringValue } from './values.ts';

/** What a command is answered with. */
export type Answer = 'result' | 'binary' | 'prepare' | 'fields' | 'one' | 'stream';

/** Rows of a result that are told, and columns that are named. */
export const ROWS_MAX = 16;
const COLUMNS_MAX = 64;
const MORE_RESULTS = 0x0008;
const CURSOR_EXISTS = 0x0040;
const UNSIGNED = 0x20;
const EOF_SIZE = 5;
/** Character set (2), length (4), type (1), flags (2), decimals (1), 2 of filler, and before them their size. */
const FIXED_FIELDS = 13;
/** An error with this number tells how far a long command has come (MariaDB). */
const PROGRESS = 0xffff;

interface Column {
  readonly name: string;
  readonly type: number;
  readonly isUnsigned: boolean;
}

/** What the server said to COM_STMT_PREPARE. */
export interface Prepared {
  readonly statement: number;
  readonly parameters: number;
}

export class MysqlResult {
  readonly #notes: Notes;
  #answer: Answer = 'one';
  #state: 'start' | 'columns' | 'rows' | 'definitions' = 'start';
  /** Definitions that are still to come. */
  #left = 0;
  #columns: Column[] = [];
  #count = 0;
  #place: Place | null = null;
  #length = 0;
  #rows = 0;
  #hasEof = false;
  /** What it prepared, until somebody has taken it. */
  prepared: Prepared | null = null;
  /** The server asks for a file of the client's. */
  wantsFile = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  begin(answer: Answer): void {
    this.#answer = answer;
    this.prepared = null;
    this.wantsFile = false;
    this.#restart();
  }

  /** Hears one packet of the answer. True when it was the last. */
  hear(packet: Packets): boolean {
    if (packet.first === 0xff && this.#state !== 'columns') {
      if (isProgress(packet)) return false;
      this.#notes.content(1, HEAD + Math.min(3, packet.end - HEAD), Math.max(HEAD + 1, packet.end), 'error');
      return true;
    }
    if (this.#answer === 'one') return true;
    if (this.#answer === 'stream') return false;
    if (this.#answer === 'fields') return isEnd(packet);
    if (this.#state === 'start') return this.#start(packet);
    if (this.#state === 'definitions') return this.#definition(packet);
    return this.#state === 'columns' ? this.#column(packet) : this.#row(packet);
  }

  #restart(): void {
    this.#state = 'start';
    this.#columns = [];
    this.#place = null;
    this.#length = 0;
    this.#rows = 0;
    this.#hasEof = false;
  }

  #start(packet: Packets): boolean {
    const cursor = packet.cursor();
    if (packet.first === 0x00 || packet.size === 0) {
      if (this.#answer !== 'prepare') return !this.#more(okStatus(packet));
      cursor.skip(1);
      const statement = cursor.little(4);
      const columns = cursor.little(2);
      const parameters = cursor.little(2);
      if (!cursor.ok) return true;
      this.prepared = { statement, parameters };
      this.#left = columns + parameters;
      this.#state = 'definitions';
      return this.#left === 0;
    }
    if (packet.first === 0xfb) {
      this.wantsFile = true;
      this.#notes.content(1, HEAD + 1, packet.end, 'LOCAL INFILE');
      return false;
    }
    this.#count = lengthEncoded(cursor);
    // MariaDB may say that the definitions are those of last time.
    const isCached = cursor.left === 1 && cursor.little(1) === 0;
    this.#left = this.#count;
    this.#state = isCached ? 'rows' : 'columns';
    return this.#count <= 0 || packet.size > 10;
  }

  #definition(packet: Packets): boolean {
    if (isEof(packet)) return false;
    this.#left--;
    return this.#left === 0;
  }

  #column(packet: Packets): boolean {
    this.#place ??= this.#notes.speech(1).place(0);
    this.#length += HEAD + packet.size;
    if (this.#columns.length < COLUMNS_MAX) {
      const cursor = packet.cursor();
      for (let i = 0; i < 4; i++) encodedString(cursor);
      const name = encodedString(cursor);
      // Before the fields of fixed size MariaDB may have further ones ("extended metadata").
      cursor.at = Math.max(cursor.at, HEAD + packet.size - FIXED_FIELDS);
      cursor.skip(1 + 2 + 4);
      const type = cursor.little(1);
      const isUnsigned = (cursor.little(2) & UNSIGNED) !== 0;
      if (!cursor.ok || name === null) return true;
      this.#columns.push({ name: textOf(cursor.bytes(name)), type, isUnsigned });
    }
    this.#left--;
    if (this.#left > 0) return false;
    this.#state = 'rows';
    const names = this.#columns.map(({ name }) => name).join(' | ');
    this.#notes.along(1, this.#place, this.#length, 'columns', cut(names, this.#count > COLUMNS_MAX));
    return false;
  }

  #row(packet: Packets): boolean {
    if (isEof(packet) && !this.#hasEof && this.#rows === 0) {
      // Between columns and rows; with a cursor the rows are fetched by further commands.
      this.#hasEof = true;
      return (eofStatus(packet) & CURSOR_EXISTS) !== 0;
    }
    if (isEnd(packet)) {
      if (this.#rows > ROWS_MAX)
        this.#notes.content(1, 0, HEAD + 1, 'more rows', `${this.#rows - ROWS_MAX} more rows`);
      return !this.#more(isEof(packet) ? eofStatus(packet) : okStatus(packet));
    }
    this.#rows++;
    if (this.#rows > ROWS_MAX) return false;
    const text = this.#answer === 'binary' ? this.#binaryRow(packet) : this.#textRow(packet);
    if (packet.end > HEAD)
      this.#notes.content(1, HEAD, packet.end, 'row', cut(text, packet.size > packet.end - HEAD));
    return false;
  }

  #textRow(packet: Packets): string {
    const cursor = packet.cursor();
    const cells: string[] = [];
    let length = 0;
    while (cursor.ok && cursor.left > 0 && length <= TEXT_MAX) {
      const cell = stringValue(cursor);
      length += cell.length + 3;
      cells.push(cell);
    }
    return cells.join(' | ');
  }

  #binaryRow(packet: Packets): string {
    const cursor = packet.cursor();
    cursor.skip(1);
    const nulls = cursor.bytes(cursor.stretch((this.#count + 9) >> 3));
    const cells: string[] = [];
    let length = 0;
    for (let i = 0; i < this.#columns.length && cursor.ok && length <= TEXT_MAX; i++) {
      const { type, isUnsigned } = this.#columns[i] as Column;
      const isNull = ((nulls[(i + 2) >> 3] ?? 0) >> ((i + 2) & 7)) & 1;
      const cell = isNull === 1 ? 'NULL' : binaryValue(cursor, type, isUnsigned);
      length += cell.length + 3;
      cells.push(cell);
    }
    return cells.join(' | ');
  }

  /** Another result follows this one. */
  #more(status: number): boolean {
    if ((status & MORE_RESULTS) === 0) return false;
    this.#restart();
    return true;
  }
}

function isProgress(packet: Packets): boolean {
  const cursor = packet.cursor();
  cursor.skip(1);
  return cursor.little(2) === PROGRESS;
}

function cut(text: string, isMore: boolean): string {
  return text.length > TEXT_MAX || isMore ? text.slice(0, TEXT_MAX) + CUT : text;
}

function isEof(packet: Packets): boolean {
  return packet.first === 0xfe && packet.size === EOF_SIZE;
}

/** A row that starts so has a value of 16 MB and more, and a packet that is full. */
function isEnd(packet: Packets): boolean {
  return packet.first === 0xfe && packet.size < 0xff_ffff;
}

function eofStatus(packet: Packets): number {
  const cursor = packet.cursor();
  cursor.skip(3);
  return cursor.little(2);
}

function okStatus(packet: Packets): number {
  const cursor = packet.cursor();
  cursor.skip(1);
  lengthEncoded(cursor);
  lengthEncoded(cursor);
  return cursor.little(2);
}
