// One client's connection to the MySQL server: greeting, login, then command after command (dev.mysql.com, "Client/Server
// Protocol", Command Phase). Bytes come in by `push`; each answer leaves in one piece, as mysqld flushes its buffer once.

import { timingSafeEqual } from 'node:crypto';
import { TYPE } from './customer.ts';
import type { Column, Result, Session } from './execute.ts';
import { columnsOf, execute, made, useDatabase } from './execute.ts';
import type { FaultCode } from './fault.ts';
import { SqlFault } from './fault.ts';
import type { Login } from './handshake.ts';
import { asksForTls, greeting, PLUGIN, proofOf, readLogin, switchPlugin } from './handshake.ts';
import type { ParameterTypes } from './parameters.ts';
import { readExecution } from './parameters.ts';
import { binaryRow, columnDefinition, EOF, failure, OK, ok, textRow } from './replies.ts';
import type { Statement } from './statement.ts';
import { parse } from './statement.ts';
import { framed, lengthEncoded, PACKET_MAX, PacketReader, PacketSplitter, uint } from './wire.ts';

export interface Account {
  readonly user: string;
  readonly password: string;
}

/** Where a connection's bytes go. */
export interface Outlet {
  write(bytes: Buffer): void;
  /** After what was written. */
  end(): void;
  /** The client goes on in TLS, with the very next byte: what is inside comes by `push`. Absent where there is none. */
  secure?(): void;
}

interface Prepared {
  readonly statement: Statement;
  readonly parameters: number;
  types: ParameterTypes;
}

const COMMAND = {
  quit: 0x01,
  initDb: 0x02,
  query: 0x03,
  fieldList: 0x04,
  statistics: 0x09,
  ping: 0x0e,
  prepare: 0x16,
  execute: 0x17,
  closeStatement: 0x19,
  resetStatement: 0x1a,
  resetConnection: 0x1f,
} as const;

/** Statements that a connection may hold prepared (mysqld's max_prepared_stmt_count is for all; this is for one). */
const PREPARED_MAX = 1024;

type Stage = 'login' | 'proof' | 'commands' | 'closed';

export class Connection {
  readonly #session: Session;
  readonly #account: Account;
  readonly #salt: Buffer;
  readonly #outlet: Outlet;
  readonly #packets: PacketSplitter = new PacketSplitter();
  readonly #prepared: Map<number, Prepared> = new Map();
  #statements = 0;
  #stage: Stage = 'login';
  #login: Login | null = null;
  #secured = false;
  #sequence = 0;
  #answer: Buffer[] = [];
  /** Queries answered, errors not among them. */
  queries = 0;

  constructor(session: Session, account: Account, salt: Buffer, outlet: Outlet) {
    this.#session = session;
    this.#account = account;
    this.#salt = salt;
    this.#outlet = outlet;
    this.#put(greeting(session.id, salt, outlet.secure !== undefined));
    this.#flush();
  }

  get loggedIn(): boolean {
    return this.#stage === 'commands';
  }

  /** Bytes from the client. What they mean never throws. */
  push(bytes: Uint8Array): void {
    if (this.#stage === 'closed') return;
    this.#packets.push(bytes);
    for (;;) {
      const packet = this.#packets.next();
      if (packet === null) return;
      if (packet === 'too large') {
        return this.#refuse(1153, `Got a packet bigger than 'max_allowed_packet' bytes (${PACKET_MAX})`);
      }
      const expected = this.#stage === 'commands' ? 0 : this.#sequence;
      if (packet.sequence !== expected) return this.#refuse(1156, 'Got packets out of order');
      this.#sequence = (packet.sequence + 1) & 0xff;
      this.#take(packet.payload);
      this.#flush();
      if (this.#isOver()) return;
    }
  }

  #isOver(): boolean {
    return this.#stage === 'closed';
  }

  #take(payload: Buffer): void {
    try {
      if (this.#stage === 'login') this.#readLogin(payload);
      else if (this.#stage === 'proof') this.#check(this.#login as Login, payload);
      else this.#command(payload);
    } catch (error) {
      if (!(error instanceof SqlFault)) throw error;
      this.#put(failure(error));
    }
  }

  #readLogin(payload: Buffer): void {
    if (!this.#secured && this.#outlet.secure !== undefined && asksForTls(payload)) {
      this.#secured = true;
      return this.#outlet.secure();
    }
    const login = readLogin(payload, this.#secured);
    if (login === null) return this.#refuse(1043, 'Bad handshake');
    if (login.plugin === PLUGIN) return this.#check(login, login.proof);
    this.#login = login;
    this.#stage = 'proof';
    this.#put(switchPlugin(this.#salt));
  }

  #check({ user, database }: Login, proof: Buffer): void {
    const { user: known, password } = this.#account;
    const right = proofOf(password, this.#salt);
    const same = user === known && proof.length === right.length && timingSafeEqual(proof, right);
    if (!same) {
      const given = proof.length > 0 ? 'YES' : 'NO';
      const who = `'${user}'@'${this.#session.address}'`;
      return this.#refuse(1045, `Access denied for user ${who} (using password: ${given})`);
    }
    if (database !== '' && database !== this.#session.served) {
      return this.#refuse(1049, `Unknown database '${database}'`);
    }
    this.#session.database = database === '' ? null : database;
    this.#stage = 'commands';
    this.#put(OK);
  }

  #command(payload: Buffer): void {
    const body = payload.subarray(1);
    switch (payload[0]) {
      case COMMAND.quit:
        this.#stage = 'closed';
        return this.#outlet.end();
      case COMMAND.initDb:
        useDatabase(body.toString('utf8'), this.#session);
        return this.#put(OK);
      case COMMAND.query:
        return this.#query(body.toString('utf8'));
      case COMMAND.fieldList:
        return this.#fieldList(new PacketReader(body).terminated());
      case COMMAND.statistics:
        return this.#put(Buffer.from(`Threads: 1  Questions: ${this.queries}  Open tables: 1`));
      case COMMAND.ping:
        return this.#put(OK);
      case COMMAND.prepare:
        return this.#prepare(body.toString('utf8'));
      case COMMAND.execute:
        return this.#execute(body);
      case COMMAND.closeStatement: // has no answer
        this.#prepared.delete(new PacketReader(body).uint(4));
        return;
      case COMMAND.resetStatement:
        this.#statement(new PacketReader(body).uint(4), 'mysqld_stmt_reset');
        return this.#put(OK);
      case COMMAND.resetConnection:
        this.#prepared.clear();
        return this.#put(OK);
      default:
        throw new SqlFault(1047, 'Unknown command');
    }
  }

  #query(sql: string): void {
    const { statement } = parse(sql);
    this.#result(execute(statement, [], this.#session), false);
  }

  /** What the `mysql` client asks for to complete names. */
  #fieldList(table: string): void {
    const wanted = { database: null, table, alias: table };
    const select = { list: [{ kind: 'all' }], where: [], order: [], limit: null, offset: null } as const;
    for (const column of columnsOf({ kind: 'select', from: wanted, ...select }, this.#session)) {
      // A NULL default value stands behind the definition here.
      this.#put(Buffer.concat([columnDefinition(column), uint(1, 0xfb)]));
    }
    this.#put(EOF);
  }

  #prepare(sql: string): void {
    if (this.#prepared.size >= PREPARED_MAX) {
      const message = `Can't create more than max_prepared_stmt_count statements (current value: ${PREPARED_MAX})`;
      throw new SqlFault(1461, message);
    }
    const { statement, parameters } = parse(sql);
    const columns = columnsOf(statement, this.#session);
    const id = ++this.#statements;
    this.#prepared.set(id, { statement, parameters, types: [] });
    this.#put(
      Buffer.concat([
        uint(1, 0),
        uint(4, id),
        uint(2, columns.length),
        uint(2, parameters),
        uint(1, 0),
        uint(2, 0),
      ]),
    );
    const unknown = made('?', TYPE.varString);
    this.#definitions(Array.from({ length: parameters }, () => unknown));
    this.#definitions(columns);
  }

  #execute(body: Buffer): void {
    const reader = new PacketReader(body);
    const prepared = this.#statement(reader.uint(4), 'mysqld_stmt_execute');
    reader.bytes(1 + 4); // cursor type, iteration count
    const { values, types } = readExecution(reader.rest(), prepared.parameters, prepared.types);
    prepared.types = types;
    this.#result(execute(prepared.statement, values, this.#session), true);
  }

  #statement(id: number, where: string): Prepared {
    const prepared = this.#prepared.get(id);
    if (prepared !== undefined) return prepared;
    throw new SqlFault(1243, `Unknown prepared statement handler (${id}) given to ${where}`);
  }

  #result(result: Result, binary: boolean): void {
    this.queries++;
    if (result.kind === 'done') return this.#put(ok(result));
    const { columns, rows } = result;
    this.#put(lengthEncoded(columns.length));
    this.#definitions(columns);
    for (const row of rows) this.#put(binary ? binaryRow(row, columns) : textRow(row));
    this.#put(EOF);
  }

  #definitions(columns: readonly Column[]): void {
    if (columns.length === 0) return;
    for (const column of columns) this.#put(columnDefinition(column));
    this.#put(EOF);
  }

  /** Says why and hangs up. */
  #refuse(code: FaultCode, message: string): void {
    this.#put(failure(new SqlFault(code, message)));
    this.#flush();
    this.#stage = 'closed';
    this.#outlet.end();
  }

  #put(payload: Buffer): void {
    this.#answer.push(framed(this.#sequence, payload));
    this.#sequence = (this.#sequence + 1) & 0xff;
  }

  #flush(): void {
    if (this.#answer.length === 0) return;
    const bytes = Buffer.concat(this.#answer);
    this.#answer = [];
    this.#outlet.write(bytes);
  }
}
