// The database tier: a server of MySQL's protocol with the table `customer` (mysql/). Each task has a table of its own.

import type { MysqlServerSpec } from '../../engine/model/workload.ts';
import type { Socket } from '../net/net.ts';
import type { Program, ProgramContext } from '../program.ts';
import { peerAddress } from './http-serve.ts';
import { Connection } from './mysql/connection.ts';
import { CustomerTable } from './mysql/customer.ts';
import { SALT_LEN } from './mysql/handshake.ts';

/** Milliseconds to log in (mysqld's connect_timeout). */
const LOGIN_PATIENCE = 10_000;

export function mysqlServer(spec: MysqlServerSpec): Program {
  return (context) => {
    const { net, signal } = context;
    const table = new CustomerTable(spec.rows);
    let connections = 0;
    return new Promise<void>((done, failed) => {
      const open = new Set<Socket>();
      const server = net.createServer({ noDelay: true }, (socket) => {
        open.add(socket);
        socket.on('close', () => open.delete(socket));
        serve(context, spec, table, ++connections, socket);
      });
      server.on('error', failed);
      if (signal.aborted) return done();
      signal.addEventListener(
        'abort',
        () => {
          server.close(() => done());
          for (const socket of open) socket.destroy();
        },
        { once: true },
      );
      server.listen(spec.port);
    });
  };
}

function serve(
  { random, time }: ProgramContext,
  spec: MysqlServerSpec,
  table: CustomerTable,
  id: number,
  socket: Socket,
): void {
  const address = peerAddress(socket);
  const session = { table, served: spec.database, database: null, user: spec.user, address, id };
  const connection = new Connection(session, spec, salt(random), {
    write: (bytes) => {
      if (socket.write(bytes)) return;
      // Who does not read the answers is not asked for more questions.
      socket.pause();
      socket.once('drain', () => socket.resume());
    },
    end: () => socket.end(),
  });
  const timer = time.setTimeout(() => {
    if (!connection.loggedIn) socket.destroy();
  }, LOGIN_PATIENCE);
  socket.on('data', (bytes: Buffer) => {
    connection.push(bytes);
    if (connection.loggedIn) timer.close();
  });
  socket.on('error', () => {});
  socket.on('close', () => timer.close());
}

/** What the password is mixed with: printable, as mysqld's, and by the lab's seed. */
function salt(random: ProgramContext['random']): Buffer {
  return Buffer.from(Array.from({ length: SALT_LEN }, () => 0x25 + random.integer(0x5a)));
}
