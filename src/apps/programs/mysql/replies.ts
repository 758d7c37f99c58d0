// The server's answers as payloads of packets: OK, ERR, EOF, column definitions, rows (dev.mysql.com, "Client/Server Protocol",
// Generic Response Packets, Text Resultset, Binary Protocol Resultset).

import { TYPE } from './customer.ts';
import type { Column, DoneResult } from './execute.ts';
import type { SqlFault } from './fault.ts';
import type { Value } from './tokens.ts';
import { lengthEncoded, lengthEncodedText, uint } from './wire.ts';

/** SERVER_STATUS_AUTOCOMMIT. */
export const STATUS = 0x0002;
/** utf8_general_ci, which every client knows. */
export const CHARSET_UTF8 = 33;
const CHARSET_BINARY = 63;
const NULL_MARK = 0xfb;

export function ok({ affected, insertId, info }: Pick<DoneResult, 'affected' | 'insertId' | 'info'>): Buffer {
  return Buffer.concat([
    uint(1, 0),
    lengthEncoded(affected),
    lengthEncoded(insertId),
    uint(2, STATUS),
    uint(2, 0),
    // The document says "to the end"; mysqld writes its length in front all the same (net_send_ok).
    info === '' ? Buffer.alloc(0) : lengthEncodedText(info),
  ]);
}

export const OK: Buffer = ok({ affected: 0, insertId: 0, info: '' });

export function failure(fault: Pick<SqlFault, 'code' | 'state' | 'message'>): Buffer {
  return Buffer.concat([uint(1, 0xff), uint(2, fault.code), Buffer.from(`#${fault.state}${fault.message}`)]);
}

export const EOF: Buffer = Buffer.concat([uint(1, 0xfe), uint(2, 0), uint(2, STATUS)]);

/** Protocol::ColumnDefinition41. */
export function columnDefinition(column: Column): Buffer {
  const { name, origin, table, database, type, length, flags } = column;
  const text = type === TYPE.varString;
  const texts = ['def', database, table, origin === '' ? '' : 'customer', name, origin];
  return Buffer.concat([
    ...texts.map(lengthEncodedText),
    lengthEncoded(0x0c),
    uint(2, text ? CHARSET_UTF8 : CHARSET_BINARY),
    uint(4, text ? length * 3 : length), // in bytes: up to three for a character
    uint(1, type),
    uint(2, flags | (text ? 0 : 0x80)), // BINARY_FLAG on numbers, as mysqld sets it
    uint(1, 0),
    uint(2, 0),
  ]);
}

export function textRow(values: readonly Value[]): Buffer {
  return Buffer.concat(
    values.map((value) => (value === null ? uint(1, NULL_MARK) : lengthEncodedText(String(value)))),
  );
}

/** A row of a prepared statement's answer; its bitmap of NULLs begins at the third bit. */
export function binaryRow(values: readonly Value[], columns: readonly Column[]): Buffer {
  const nulls = Buffer.alloc((values.length + 9) >> 3);
  const parts = values.map((value, i) => {
    if (value !== null) return binaryValue(value, (columns[i] as Column).type);
    nulls[(i + 2) >> 3] = (nulls[(i + 2) >> 3] as number) | (1 << ((i + 2) & 7));
    return Buffer.alloc(0);
  });
  return Buffer.concat([uint(1, 0), nulls, ...parts]);
}

function binaryValue(value: number | string, type: number): Buffer {
  if (type === TYPE.varString) return lengthEncodedText(String(value));
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes.subarray(0, type === TYPE.long ? 4 : 8);
}
