import type { Connection, QueryError } from 'mysql2';
import * as mysql from 'mysql2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Socket } from '../../src/apps/net/net.ts';
import type { Box } from './ground.ts';
import { Boxes, GROUNDS } from './ground.ts';

/** The server side of mysql2, which its types leave out. */
interface Served extends Connection {
  serverHandshake(options: object): void;
  writeColumns(columns: object[]): void;
  writeTextRow(row: unknown[]): void;
  writeEof(): void;
  writeError(error: { message: string; code: number }): void;
  writeOk(): void;
}
const server = mysql as unknown as {
  createServer(served: (connection: Served) => void): { _handleConnection(socket: Socket): void };
};
/** MySQL's number of the type (MYSQL_TYPE_VAR_STRING). */
const VAR_STRING = 253;

describe.each(GROUNDS)('over TCP of %s', (ground) => {
  let boxes: Boxes;
  let a: Box;
  let b: Box;

  beforeEach(() => {
    boxes = new Boxes(ground);
    a = boxes.box('a', '10.0.0.1');
    b = boxes.box('b', '10.0.0.2');
  });

  afterEach(() => boxes.end());

  function serve(): void {
    const database = server.createServer((connection) => {
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: '8.0.36',
        connectionId: 1,
        statusFlags: 2,
        characterSet: 8,
        capabilityFlags: 0xffffff ^ 0x800 ^ 0x20,
        authCallback: (_parameters: unknown, done: (error: null, refused?: object) => void) => {
          done(null);
          // Each command counts anew, which the server's side of mysql2 leaves to its user.
          Object.assign(connection, { sequenceId: 0 });
        },
      });
      connection.on('query', (sql: string) => {
        Object.assign(connection, { sequenceId: 1 });
        setImmediate(() => Object.assign(connection, { sequenceId: 0 }));
        if (sql === 'fail') return connection.writeError({ message: 'no such table', code: 1146 });
        connection.writeColumns(
          ['id', 'name'].map((name) => ({
            catalog: 'def',
            schema: 's',
            table: 't',
            orgTable: 't',
            name,
            orgName: name,
            characterSet: 33,
            columnLength: 384,
            columnType: VAR_STRING,
            flags: 0,
            decimals: 0,
          })),
        );
        for (let n = 0; n < 2000; n++) connection.writeTextRow([`${n}`, `customer ${n}`]);
        connection.writeEof();
      });
      connection.on('quit', () => connection.end());
      connection.on('error', () => {});
    });
    b.net.createServer((socket) => database._handleConnection(socket)).listen(3306);
  }

  test("mysql2 asks and answers through a container's connections, by its stream option and its server", async () => {
    serve();
    const connection = mysql.createConnection({
      user: 'root',
      stream: () => a.net.connect(3306, 'b') as never,
    });
    const query = (sql: string): Promise<unknown> =>
      new Promise((done, failed) =>
        connection.query(sql, (error: QueryError | null, rows) =>
          error === null ? done(rows) : failed(error),
        ),
      );
    const rows = (await boxes.pace.until(query('select'))) as { id: string; name: string }[];
    expect(rows.length).toBe(2000);
    expect(rows[1999]).toEqual({ id: '1999', name: 'customer 1999' });
    await expect(boxes.pace.until(query('fail'))).rejects.toMatchObject({ errno: 1146 });
    await boxes.pace.until(new Promise((done) => connection.end(done)));
  });

  test('a database that is not there: the error of the connection', async () => {
    const connection = mysql.createConnection({
      user: 'root',
      stream: () => a.net.connect(3306, 'b') as never,
    });
    const error = await boxes.pace.until(new Promise<QueryError>((done) => connection.on('error', done)));
    expect(error).toMatchObject({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.2:3306' });
  });
});
