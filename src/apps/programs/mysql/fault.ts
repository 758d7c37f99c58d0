// Errors as a MySQL server tells them: number, SQLSTATE and sentence (MySQL 5.7 Error Reference, Server Error Messages).

const STATES = {
  1043: '08S01', // ER_HANDSHAKE_ERROR
  1045: '28000', // ER_ACCESS_DENIED_ERROR
  1046: '3D000', // ER_NO_DB_ERROR
  1047: '08S01', // ER_UNKNOWN_COM_ERROR
  1048: '23000', // ER_BAD_NULL_ERROR
  1049: '42000', // ER_BAD_DB_ERROR
  1054: '42S22', // ER_BAD_FIELD_ERROR
  1062: '23000', // ER_DUP_ENTRY
  1064: '42000', // ER_PARSE_ERROR
  1110: '42000', // ER_FIELD_SPECIFIED_TWICE
  1136: '21S01', // ER_WRONG_VALUE_COUNT_ON_ROW
  1146: '42S02', // ER_NO_SUCH_TABLE
  1153: '08S01', // ER_NET_PACKET_TOO_LARGE
  1156: '08S01', // ER_NET_PACKETS_OUT_OF_ORDER
  1193: 'HY000', // ER_UNKNOWN_SYSTEM_VARIABLE
  1210: 'HY000', // ER_WRONG_ARGUMENTS
  1243: 'HY000', // ER_UNKNOWN_STMT_HANDLER
  1366: 'HY000', // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
  1406: '22001', // ER_DATA_TOO_LONG
  1461: '42000', // ER_MAX_PREPARED_STMT_COUNT_REACHED
} as const;

export type FaultCode = keyof typeof STATES;

export class SqlFault extends Error {
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string) {
    super(message);
    this.code = code;
  }

  get state(): string {
    return STATES[this.code];
  }
}

/** What the parser says where it cannot go on; `near` is the statement's text from there. */
export function syntaxFault(near: string): SqlFault {
  return new SqlFault(
    1064,
    `You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '${near.slice(0, 80)}' at line 1`,
  );
}
