// The database tier: a server of MySQL's protocol with the table `customer` (mysql/). Each task has a table of its own.

import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { MysqlServerSpec } from '../../engine/model/workload.ts';
import type { Socket } from '../net/net.ts';
import type { Program, ProgramContext } from '../program.ts';
import { peerAddress } from './http-serve.ts';
import { Connection } from './mysql/connection.ts';
import { CustomerTable } from './mysql/customer.ts';
import { SALT_LEN, SSL_REQUEST_LEN } from './mysql/handshake.ts';

/** Milliseconds to log in (mysqld's connect_timeout). */
const LOGIN_PATIENCE = 10_000;

/** Header of a packet, and the demand for TLS behind it: what a client sends in the clear. */
const DEMAND_LEN = 4 + SSL_REQUEST_LEN;

/** @param secure certificate and key for clients that ask for TLS; without them there is none */
export function mysqlServer(spec: MysqlServerSpec, secure: tls.SecureContextOptions | null = null): Program {
  return (context) => {
    const certificate = secure === null ? null : tls.createSecureContext(secure);
    const { net, signal } = context;
    const table = new CustomerTable(spec.rows);
    let connections = 0;
    return new Promise<void>((done, failed) => {
      const open = new Set<Socket>();
      const server = net.createServer({ noDelay: true }, (socket) => {
        open.add(socket);
        socket.on('close', () => open.delete(socket));
        serve(context, spec, table, ++connections, socket, certificate);
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
  certificate: tls.SecureContext | null,
): void {
  const address = peerAddress(socket);
  const session = { table, served: spec.database, database: null, user: spec.user, address, id };
  let line: Duplex = socket;
  const hear = (bytes: Buffer): void => {
    connection.push(bytes);
    if (connection.loggedIn) timer.close();
  };
  const goSecure = (): void => {
    line = new tls.TLSSocket(socket, { isServer: true, secureContext: certificate as tls.SecureContext });
    line.on('error', () => socket.destroy());
    line.on('data', hear);
  };
  const connection = new Connection(session, spec, salt(random), {
    write: (bytes) => {
      if (line.write(bytes)) return;
      // Who does not read the answers is not asked for more questions.
      line.pause();
      line.once('drain', () => line.resume());
    },
    end: () => line.end(),
    ...(certificate === null ? {} : { secure: goSecure }),
  });
  const timer = time.setTimeout(() => {
    if (!connection.loggedIn) socket.destroy();
  }, LOGIN_PATIENCE);
  if (certificate === null) socket.on('data', hear);
  else hearOpening(socket, hear, () => line === socket);
  socket.on('error', () => {});
  socket.on('close', () => timer.close());
}

/** A client's first packet may be a demand for TLS; what comes behind it is no MySQL and waits in the socket. */
function hearOpening(socket: Socket, hear: (bytes: Buffer) => void, isPlain: () => boolean): void {
  let opening = Buffer.alloc(0);
  const open = (bytes: Buffer): void => {
    opening = Buffer.concat([opening, bytes]);
    if (opening.length < DEMAND_LEN) return;
    socket.off('data', open);
    if (opening.readUIntLE(0, 3) !== SSL_REQUEST_LEN) {
      socket.on('data', hear);
      return hear(opening);
    }
    if (opening.length > DEMAND_LEN) socket.unshift(opening.subarray(DEMAND_LEN));
    hear(opening.subarray(0, DEMAND_LEN));
    if (isPlain()) socket.on('data', hear);
  };
  socket.on('data', open);
}

/** What the password is mixed with: printable, as mysqld's, and by the lab's seed. */
function salt(random: ProgramContext['random']): Buffer {
  return Buffer.from(Array.from({ length: SALT_LEN }, () => 0x25 + random.integer(0x5a)));
}
