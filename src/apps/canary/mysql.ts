// The canary in a MySQL query, asked by mysql2 of the laboratory's MySQL server.

import { createRequire } from 'node:module';
import type { MysqlServerSpec } from '../../engine/model/workload.ts';
import type { Program } from '../program.ts';
import { mysqlServer } from '../programs/mysql-server.ts';
import type { Certificate } from './certificate.ts';
import type { Answering, Errand, Said } from './exchange.ts';

export type Account = Pick<MysqlServerSpec, 'user' | 'password' | 'database'>;

/** A MySQL server on a port that says who it is when it begins to serve. */
export function canaryMysqlServer(
  port: number,
  account: Account,
  secure: Certificate | null,
  answering: Answering,
): Program {
  const spec: MysqlServerSpec = {
    kind: 'mysql-server',
    origin: 'x-vxlab',
    at: { line: 0, column: 0 },
    port,
    rows: 100,
    ...account,
  };
  const program = mysqlServer(spec, secure);
  return (context) => {
    const { net } = context;
    const createServer: typeof net.createServer = (...given) =>
      net.createServer(...given).on('connection', () => {
        answering.task = context.name;
        answering.node = context.container.node;
      });
    return program({ ...context, net: { ...net, createServer } });
  };
}

/** Sends the query, again until it has crossed; tells of every one. */
export function canaryMysqlClient(
  errand: Errand,
  account: Account,
  answering: Answering,
  tell: (said: Said) => void,
): Program {
  return async (context) => {
    for (let attempt = 0; attempt <= errand.tasks; attempt++) {
      await context.time.sleep(errand.interval);
      const time = context.time.now;
      const answer = await query(context, errand, account);
      const { task, node } = answering;
      const crossed = node !== context.container.node;
      tell({ carrier: 'MySQL', where: 'query', time, task, node, crossed, answer });
      if (crossed) return;
    }
  };
}

function query(
  context: Parameters<Program>[0],
  { canary, server, port, secure }: Errand,
  { user, password, database }: Account,
): Promise<string> {
  // Here and not above: most labs have no use for it. Not by import(), for which virtual time would not wait.
  const { createConnection } = createRequire(import.meta.url)('mysql2') as typeof import('mysql2');
  const connection = createConnection({
    host: server,
    port,
    user,
    password,
    database,
    connectTimeout: 0,
    stream: () => context.net.connect({ host: server, port, noDelay: true }),
    ...(secure === null ? {} : { ssl: { ca: secure.cert, verifyIdentity: true } }),
  });
  const sql = 'SELECT id, first_name, last_name, email FROM customer WHERE email = ?';
  return new Promise((resolve) => {
    let answer = '';
    const end = (): void => {
      // Its own words come first; a connection that never was has none.
      resolve(answer === '' ? 'closed' : answer);
    };
    connection.on('error', (error: NodeJS.ErrnoException) => {
      answer ||= error.code ?? error.message;
      end();
    });
    connection.query(sql, [canary], (error) => {
      answer = error === null ? 'ok' : (error.code ?? error.message);
      connection.end(end);
    });
  });
}
