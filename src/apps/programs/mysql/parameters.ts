// The values that come with COM_STMT_EXECUTE (dev.mysql.com, "Binary Protocol Value").

import { SqlFault } from './fault.ts';
import type { Value } from './tokens.ts';
import { PacketReader } from './wire.ts';

/** Types of parameters (enum_field_types), two bytes each; bit 15 says unsigned. */
export type ParameterTypes = readonly number[];

export interface Execution {
  readonly values: readonly Value[];
  /** To be kept: a client sends them only the first time. */
  readonly types: ParameterTypes;
}

const UNSIGNED = 0x8000;
const NULL_TYPE = 6;
/** Bytes of fixed-size whole numbers: TINY, SHORT, LONG, LONGLONG, INT24, YEAR. */
const WHOLE: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 4, 8: 8, 9: 4, 13: 2 };
const FLOAT = 4;
const DOUBLE = 5;
/** Types that travel as text behind a length: DECIMAL, VARCHAR, BIT, JSON, NEWDECIMAL, ENUM, SET, BLOBs and strings. */
const TEXTS: ReadonlySet<number> = new Set([0, 15, 16, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254]);

/**
 * @param count how many question marks the statement has
 * @param known the types of an earlier execution
 * @throws SqlFault 1210 for what cannot be read
 */
export function readExecution(payload: Buffer, count: number, known: ParameterTypes): Execution {
  if (count === 0) return { values: [], types: [] };
  const reader = new PacketReader(payload);
  const nulls = reader.bytes((count + 7) >> 3);
  const bound = reader.uint(1) === 1;
  const types = bound ? Array.from({ length: count }, () => reader.uint(2)) : known;
  if (reader.bad || types.length !== count) throw wrongArguments();
  const values = types.map((type, i): Value => {
    const isNull = (((nulls[i >> 3] as number) >> (i & 7)) & 1) === 1;
    return isNull ? null : readValue(reader, type);
  });
  if (reader.bad) throw wrongArguments();
  return { values, types };
}

function readValue(reader: PacketReader, typed: number): Value {
  const type = typed & 0xff;
  const size = WHOLE[type];
  if (size !== undefined) return readWhole(reader.bytes(size), size, (typed & UNSIGNED) !== 0);
  if (type === DOUBLE) return numberOf(reader.bytes(8), 8);
  if (type === FLOAT) return numberOf(reader.bytes(4), 4);
  if (TEXTS.has(type)) return reader.lengthEncodedBytes().toString('utf8');
  if (type === NULL_TYPE) return null;
  throw new SqlFault(1210, 'Incorrect arguments to EXECUTE: no column here is a date or a time');
}

function readWhole(bytes: Buffer, size: number, unsigned: boolean): Value {
  if (bytes.length < size) return 0;
  if (size === 8) return Number(unsigned ? bytes.readBigUInt64LE() : bytes.readBigInt64LE());
  return unsigned ? bytes.readUIntLE(0, size) : bytes.readIntLE(0, size);
}

function numberOf(bytes: Buffer, size: number): Value {
  if (bytes.length < size) return 0;
  return size === 8 ? bytes.readDoubleLE() : bytes.readFloatLE();
}

function wrongArguments(): SqlFault {
  return new SqlFault(1210, 'Incorrect arguments to mysqld_stmt_execute');
}
