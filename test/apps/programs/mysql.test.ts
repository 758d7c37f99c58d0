// The MySQL server of the laboratory, judged by mysql2's client: login, statements, errors by their numbers, prepared
// statements; and by random bytes, which it must survive.

import fc from 'fast-check';
import mysql from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLike } from '../../../src/apps/programs/mysql/condition.ts';
import { Connection } from '../../../src/apps/programs/mysql/connection.ts';
import { CustomerTable } from '../../../src/apps/programs/mysql/customer.ts';
import { proofOf } from '../../../src/apps/programs/mysql/handshake.ts';
import { mysqlServer } from '../../../src/apps/programs/mysql-server.ts';
import '../../support/properties.ts';
import { specOf } from './specs.ts';
import type { Running } from './street.ts';
import { Street } from './street.ts';

let street: Street;
let server: Running;

beforeEach(() => {
  street = new Street();
  street.house('mysql', '10.0.0.2');
  street.house('app', '10.0.0.3');
  server = street.start('mysql', mysqlServer(specOf('mysql-server', { password: 'secret', rows: 20 })));
});
afterEach(() => street.end());

type Options = Parameters<typeof mysql.createConnection>[0] & object;

/** Does something with one connection, on virtual time, and closes it. */
async function withClient<T>(
  work: (client: mysql.Connection) => Promise<T>,
  options: Options = {},
): Promise<T> {
  let result: { readonly value: T } | undefined;
  let failed: unknown;
  const running = street.start('app', async ({ net }) => {
    const client = await mysql
      .createConnection({
        user: 'app',
        password: 'secret',
        database: 'web_customer_tracker',
        connectTimeout: 0,
        stream: () => net.connect({ host: 'mysql', port: 3306, noDelay: true }),
        ...options,
      })
      .catch((error) => {
        failed = error;
        throw error;
      });
    result = { value: await work(client) };
    await client.end();
  });
  const code = await street.code(running, 60);
  if (code !== 0) throw failed;
  return (result as unknown as { readonly value: T }).value;
}

/** The rows of a statement. */
function rows(sql: string, values?: (string | number | null)[]): Promise<unknown> {
  return withClient(async (client) => (await client.query(sql, values))[0]);
}

function failure(sql: string): Promise<{ errno: number; sqlState: string; sqlMessage: string }> {
  return withClient((client) =>
    client.query(sql).then(
      () => Promise.reject('no error'),
      (error) => error,
    ),
  );
}

describe('logging in', () => {
  test.each([
    [{ password: 'wrong' }, 1045, "Access denied for user 'app'@'10.0.0.3' (using password: YES)"],
    [{ password: '' }, 1045, "Access denied for user 'app'@'10.0.0.3' (using password: NO)"],
    [{ user: 'root' }, 1045, "Access denied for user 'root'@'10.0.0.3' (using password: YES)"],
    [{ database: 'nothing' }, 1049, "Unknown database 'nothing'"],
  ])('%o is refused with %i', async (options, errno, message) => {
    const error = await withClient(() => Promise.resolve(), options).catch((caught) => caught);
    expect(error).toMatchObject({ errno, message });
  });

  test('a server without a password takes none and no other', async () => {
    server.stop();
    await street.pass(1);
    street.start('mysql', mysqlServer(specOf('mysql-server', { user: 'root', password: '' })));
    const options = { user: 'root', password: '' };
    expect(await withClient(async (client) => (await client.query('SELECT 1'))[0], options)).toEqual([
      { 1: 1 },
    ]);
    const error = await withClient(() => Promise.resolve(), { user: 'root', password: 'x' }).catch(
      (one) => one,
    );
    expect(error).toMatchObject({ errno: 1045 });
  });

  test('the proof of a password is the one that MySQL documents', () => {
    // mysql2 3.24 (auth_41.js): calculateToken('secret', 'abcdefgh', 'ijklmnopqrst').
    const salt = Buffer.from('abcdefghijklmnopqrst');
    expect(proofOf('secret', salt).toString('hex')).toBe('8817c50fa779daef010ee7577825b0847df9842e');
    expect(proofOf('', salt)).toHaveLength(0);
  });

  test('who says nothing is sent away after ten seconds', async () => {
    const times: number[] = [];
    const silent = street.start('app', ({ net, time }) => {
      return new Promise<void>((done) => {
        const socket = net.connect(3306, 'mysql', () => times.push(time.now));
        socket.resume();
        socket.on('close', () => {
          times.push(time.now);
          done();
        });
      });
    });
    await street.code(silent, 20);
    expect(((times[1] as number) - (times[0] as number)) / 1e9).toBeCloseTo(10, 2);
  });

  test('the salt is the seed’s', async () => {
    const greeting = async (seed: number): Promise<string> => {
      const other = new Street(seed);
      other.house('mysql', '10.0.0.2');
      other.house('app', '10.0.0.3');
      other.start('mysql', mysqlServer(specOf('mysql-server')));
      let bytes = '';
      const asking = other.start('app', ({ net }) => {
        return new Promise<void>((done) => {
          net.connect(3306, 'mysql').once('data', (part: Buffer) => {
            bytes = part.toString('hex');
            done();
          });
        });
      });
      await other.code(asking, 5);
      await other.end();
      return bytes;
    };
    expect(await greeting(1)).toBe(await greeting(1));
    expect(await greeting(1)).not.toBe(await greeting(2));
  });
});

describe('statements', () => {
  test('one customer, by number or text', async () => {
    const customer = {
      id: 7,
      first_name: 'Greta',
      last_name: 'Gruber',
      email: 'greta.gruber.7@example.com',
    };
    expect(await rows('SELECT * FROM customer WHERE id = ?', [7])).toEqual([customer]);
    expect(await rows("select c.* from web_customer_tracker.customer as c where c.`id` = '7';")).toEqual([
      customer,
    ]);
    expect(await rows('SELECT * FROM customer WHERE id = 999')).toEqual([]);
  });

  test('columns, order, limits, conditions', async () => {
    const names = (sql: string): Promise<unknown> =>
      rows(sql).then((found) => (found as { n: unknown }[]).map(({ n }) => n));
    expect(await names('SELECT id AS n FROM customer ORDER BY id DESC LIMIT 3')).toEqual([20, 19, 18]);
    expect(await names('SELECT id n FROM customer LIMIT 2, 2')).toEqual([3, 4]);
    expect(await names('SELECT id n FROM customer LIMIT 2 OFFSET 5')).toEqual([6, 7]);
    expect(await names("SELECT id n FROM customer WHERE first_name = 'ADA' AND id > 1")).toEqual([13]);
    expect(await names("SELECT id n FROM customer WHERE (last_name LIKE 'k%') AND id <= 11")).toEqual([11]);
    expect(await names('SELECT COUNT(*) n FROM customer WHERE id <> 4')).toEqual([19]);
    expect(await names('SELECT id n FROM customer ORDER BY first_name, last_name DESC LIMIT 2')).toEqual([
      13, 1,
    ]);
  });

  test('what is added is there, changed and gone', async () => {
    const found = await withClient(async (client) => {
      const added = await client.query(
        'INSERT INTO customer (first_name, email) VALUES (?, ?), ("Z", NULL)',
        ["O'Neil", 'o@x'],
      );
      const changed = await client.query("UPDATE customer SET last_name = 'Neu' WHERE id >= 20");
      const [all] = await client.query('SELECT * FROM customer WHERE id >= 20');
      const gone = await client.query('DELETE FROM customer WHERE id = 22');
      const [count] = await client.query('SELECT COUNT(*) FROM customer');
      return { added: added[0], changed: changed[0], all, gone: gone[0], count };
    });
    expect(found.added).toMatchObject({ affectedRows: 2, insertId: 21 });
    expect(found.changed).toMatchObject({ affectedRows: 3, changedRows: 3 });
    expect(found.all).toMatchObject([
      { id: 20, last_name: 'Neu' },
      { id: 21, first_name: "O'Neil", last_name: 'Neu', email: 'o@x' },
      { id: 22, first_name: 'Z', last_name: 'Neu', email: null },
    ]);
    expect(found.gone).toMatchObject({ affectedRows: 1 });
    expect(found.count).toEqual([{ 'COUNT(*)': 21 }]);
  });

  test('what clients say when they connect is understood', async () => {
    const said = [
      'SET NAMES utf8mb4',
      "SET SESSION sql_mode = 'STRICT_TRANS_TABLES', autocommit=1",
      '/* mysql-connector-java-8.0.33 */SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@max_allowed_packet AS max_allowed_packet, @@session.transaction_isolation AS transaction_isolation',
      'select @@version_comment limit 1',
      'SHOW VARIABLES LIKE "max_allowed%"',
      'START TRANSACTION',
      'COMMIT',
      'SELECT DATABASE(), VERSION(), USER(), CONNECTION_ID()',
      'SHOW WARNINGS',
    ];
    const answers = await withClient(async (client) => {
      const all: unknown[] = [];
      for (const sql of said) all.push((await client.query(sql))[0]);
      await client.ping();
      return all;
    });
    expect(answers[2]).toEqual([
      {
        auto_increment_increment: 1,
        character_set_client: 'utf8mb4',
        max_allowed_packet: 1048576,
        transaction_isolation: 'REPEATABLE-READ',
      },
    ]);
    expect(answers[4]).toEqual([{ Variable_name: 'max_allowed_packet', Value: '1048576' }]);
    expect(answers[7]).toMatchObject([
      { 'DATABASE()': 'web_customer_tracker', 'USER()': 'app@10.0.0.3', 'VERSION()': '5.7.44-vxlab' },
    ]);
  });

  test('databases, tables and columns are listed', async () => {
    expect(await rows('SHOW DATABASES')).toEqual([{ Database: 'web_customer_tracker' }]);
    expect(await rows('SHOW TABLES')).toEqual([{ Tables_in_web_customer_tracker: 'customer' }]);
    expect(await rows('DESCRIBE customer')).toMatchObject([
      { Field: 'id', Type: 'int(11)', Null: 'NO', Key: 'PRI', Extra: 'auto_increment' },
      { Field: 'first_name', Type: 'varchar(45)', Null: 'YES', Key: '', Default: null },
      { Field: 'last_name' },
      { Field: 'email' },
    ]);
  });

  test.each([
    ['SELEKT 1', 1064, '42000', "near 'SELEKT 1'"],
    ["SELECT 'open", 1064, '42000', "near ''open'"],
    ['SELECT * FROM customer WHERE id = ?', 1064, '42000', "near '?'"],
    ['SELECT * FROM orders', 1146, '42S02', "Table 'web_customer_tracker.orders' doesn't exist"],
    ['SELECT * FROM shop.customer', 1146, '42S02', "Table 'shop.customer' doesn't exist"],
    ['SELECT age FROM customer', 1054, '42S22', "Unknown column 'age' in 'field list'"],
    ['SELECT * FROM customer WHERE age = 1', 1054, '42S22', "Unknown column 'age' in 'where clause'"],
    ['SELECT @@no_such_thing', 1193, 'HY000', "Unknown system variable 'no_such_thing'"],
    ['USE shop', 1049, '42000', "Unknown database 'shop'"],
    ['INSERT INTO customer (id) VALUES (7)', 1062, '23000', "Duplicate entry '7' for key 'PRIMARY'"],
    ["INSERT INTO customer (id) VALUES ('x')", 1366, 'HY000', "Incorrect integer value: 'x'"],
    ['INSERT INTO customer (id, email) VALUES (1)', 1136, '21S01', 'at row 1'],
    ['INSERT INTO customer (email, email) VALUES (1, 2)', 1110, '42000', "Column 'email' specified twice"],
    [`INSERT INTO customer (email) VALUES ('${'x'.repeat(46)}')`, 1406, '22001', "column 'email'"],
    ['UPDATE customer SET id = NULL WHERE id = 3', 1048, '23000', "Column 'id' cannot be null"],
  ])('%s fails with %i', async (sql, errno, sqlState, words) => {
    const error = await failure(sql);
    expect(error).toMatchObject({ errno, sqlState });
    expect(error.sqlMessage).toContain(words);
  });

  test('without a database in use a table needs its own name', async () => {
    const answer = await withClient(
      async (client) => {
        const error = await client.query('SELECT * FROM customer').catch((caught) => caught);
        await client.changeUser({}).catch((caught) => expect(caught.errno).toBe(1047));
        return error;
      },
      { database: '' },
    );
    expect(answer).toMatchObject({ errno: 1046, sqlMessage: 'No database selected' });
  });
});

describe('prepared statements', () => {
  test('give the same as plain ones, again and again', async () => {
    const found = await withClient(async (client) => {
      const all: unknown[] = [];
      for (const id of [3, 4, 99])
        all.push((await client.execute('SELECT * FROM customer WHERE id = ?', [id]))[0]);
      all.push((await client.execute('SELECT COUNT(*) AS n FROM customer WHERE last_name = ?', ['Koch']))[0]);
      const insert = 'INSERT INTO customer (first_name, last_name, email) VALUES (?, ?, ?)';
      const [added] = await client.execute(insert, ['Ä', null, 'x'.repeat(45)]);
      const id = (added as { insertId: number }).insertId;
      all.push((await client.execute('SELECT * FROM customer WHERE id = ?', [String(id)]))[0]);
      client.unprepare('SELECT * FROM customer WHERE id = ?');
      return all;
    });
    expect(found).toEqual([
      await rows('SELECT * FROM customer WHERE id = 3'),
      await rows('SELECT * FROM customer WHERE id = 4'),
      [],
      [{ n: 1 }],
      [{ id: 21, first_name: 'Ä', last_name: null, email: 'x'.repeat(45) }],
    ]);
  });

  test('a date is told to be none of its types', async () => {
    const work = (client: mysql.Connection): Promise<unknown> =>
      client.execute('SELECT * FROM customer WHERE email = ?', [new Date(0)]).catch((error) => error);
    expect(await withClient(work)).toMatchObject({ errno: 1210 });
  });
});

describe('bytes that make no sense', () => {
  function connection(): { connection: Connection; written: Buffer[]; ended: () => boolean } {
    const written: Buffer[] = [];
    let over = false;
    const session = {
      table: new CustomerTable(5),
      served: 'd',
      database: null,
      user: 'u',
      address: '10.0.0.9',
      id: 1,
    };
    const outlet = {
      write: (bytes: Buffer): void => void written.push(bytes),
      end: (): void => {
        over = true;
      },
    };
    const made = new Connection(session, { user: 'u', password: '' }, Buffer.alloc(20, 0x41), outlet);
    return { connection: made, written, ended: () => over };
  }

  function packet(sequence: number, payload: Buffer): Buffer {
    const head = Buffer.alloc(4);
    head.writeUIntLE(payload.length, 0, 3);
    head[3] = sequence;
    return Buffer.concat([head, payload]);
  }

  /** HandshakeResponse41 of user `u` without a password. */
  const LOGIN = Buffer.concat([
    Buffer.from('0582080000000001', 'hex'),
    Buffer.alloc(24),
    Buffer.from('u\0\0mysql_native_password\0'),
  ]);

  test('a login of known bytes is taken', () => {
    const { connection: made, written } = connection();
    made.push(packet(1, LOGIN));
    expect(made.loggedIn).toBe(true);
    expect(written[1]?.toString('hex')).toBe('0700000200000002000000');
  });

  test('an answer leaves in one piece, numbered from the question on', () => {
    const { connection: made, written } = connection();
    made.push(packet(1, LOGIN));
    made.push(packet(0, Buffer.from('\x03SELECT 1')));
    // Column count, definition of "1" (LONGLONG, binary), EOF, row "1", EOF: dev.mysql.com, Text Resultset.
    expect(written[2]?.toString('hex')).toBe(
      '0100000101' +
        '17000002' +
        '03646566' +
        '00000000'.slice(0, 6) +
        '0131' +
        '00' +
        '0c3f0015000000' +
        '08' +
        '8000' +
        '00' +
        '0000' +
        '05000003fe00000200' +
        '020000040131' +
        '05000005fe00000200',
    );
  });

  test.each([
    ['a packet out of turn', packet(5, LOGIN), 1156],
    ['a packet that is too large', Buffer.from('ffffff01', 'hex'), 1153],
    ['a login cut short', packet(1, LOGIN.subarray(0, 20)), 1043],
    [
      'a demand for TLS',
      packet(1, Buffer.concat([Buffer.from('058a080000000001', 'hex'), Buffer.alloc(24)])),
      1043,
    ],
  ])('%s ends the connection with its error', (_what, bytes, code) => {
    const { connection: made, written, ended } = connection();
    made.push(bytes);
    expect(written[1]?.readUInt16LE(5)).toBe(code);
    expect(ended()).toBe(true);
    made.push(packet(1, LOGIN));
    expect(made.loggedIn).toBe(false);
  });

  test('another plugin’s client is asked for this one’s proof', () => {
    const { connection: made, written } = connection();
    const login = Buffer.concat([LOGIN.subarray(0, -22), Buffer.from('caching_sha2_password\0')]);
    made.push(packet(1, login));
    expect(written[1]?.subarray(4, 27).toString('latin1')).toBe('\xfemysql_native_password\0');
    made.push(packet(3, Buffer.alloc(0)));
    expect(made.loggedIn).toBe(true);
  });

  test('random bytes and commands never throw', () => {
    const command = fc.tuple(fc.integer({ min: 0, max: 0x20 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(command),
        fc.uint8Array({ maxLength: 100 }),
        (login, commands, tail) => {
          const { connection: made } = connection();
          if (login) made.push(packet(1, LOGIN));
          for (const [code, body] of commands)
            made.push(packet(0, Buffer.concat([Buffer.from([code]), body])));
          made.push(tail);
        },
      ),
    );
  });

  test('random words of SQL never throw', () => {
    const words = fc.constantFrom(
      ...'SELECT INSERT INTO UPDATE DELETE FROM customer WHERE id = 1 ? * ( ) , . LIKE "x" NULL SET VALUES ORDER BY LIMIT AS SHOW TABLES @@version COUNT AND ; - DESCRIBE `email` IS'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 14 }), fc.boolean(), (list, prepared) => {
        const { connection: made, written } = connection();
        made.push(packet(1, LOGIN));
        made.push(packet(0, Buffer.from('\x02d')));
        made.push(packet(0, Buffer.from(`${prepared ? '\x16' : '\x03'}${list.join(' ')}`)));
        expect(written).toHaveLength(4);
      }),
    );
  });

  test('bytes may come one by one', () => {
    const { connection: made, written } = connection();
    for (const byte of Buffer.concat([
      packet(1, LOGIN),
      packet(0, Buffer.from('\x0e')),
      packet(0, Buffer.from('\x0e')),
    ])) {
      made.push(Uint8Array.of(byte));
    }
    expect(written.slice(2).map((bytes) => bytes.toString('hex'))).toEqual([
      '0700000100000002000000',
      '0700000100000002000000',
    ]);
  });
});

describe('LIKE', () => {
  test('is what a regular expression says, in any pattern', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), maxLength: 8 });
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', 'A'), maxLength: 8 }),
        letters,
        (text, pattern) => {
          const expression = new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'i');
          expect(isLike(text, pattern)).toBe(expression.test(text));
        },
      ),
    );
  });
});
