// A pool of MySQL connections over the container's own sockets: mysql2 as it is, with nothing in it that waits on the
// wall clock. Its connectTimeout and its watch over idle connections use Node's timers, so both are off; patience is here.

import { createRequire } from 'node:module';
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2';
import type { ProgramContext } from '../program.ts';

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Of an INSERT. */
  readonly insertId: number;
}

const CONNECTIONS = 10;
/** Milliseconds from the question to the answer, connecting included. */
const PATIENCE = 10_000;

export class Database {
  readonly #context: ProgramContext;
  readonly #pool: Pool;
  readonly #host: string;

  /** @param url `mysql://user:password@host:port/database` */
  constructor(context: ProgramContext, url: string) {
    const { hostname, port, username, password, pathname } = new URL(url);
    this.#context = context;
    this.#host = hostname;
    const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 3306) };
    // Here and not above: most labs have no application server. Not by import(), for which virtual time would not wait.
    const { createPool } = createRequire(import.meta.url)('mysql2') as typeof import('mysql2');
    this.#pool = createPool({
      ...to,
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: decodeURIComponent(pathname.slice(1)),
      connectionLimit: CONNECTIONS,
      maxIdle: CONNECTIONS, // fewer would start its timer
      connectTimeout: 0,
      stream: () => context.net.connect({ ...to, noDelay: true }),
    });
  }

  /** Rejects with what mysql2 or the network says, ETIMEDOUT among it. */
  async query(sql: string, values: readonly (string | number | null)[]): Promise<Answer> {
    const { time, tally } = this.#context;
    const peer = tally.peer(this.#host);
    peer.begin();
    const began = time.now;
    try {
      const answer = await this.#ask(sql, values);
      peer.request(time.now - began);
      return answer;
    } catch (error) {
      peer.failure((error as NodeJS.ErrnoException).code ?? 'EPROTO');
      throw error;
    }
  }

  close(): void {
    this.#pool.end(() => {});
  }

  #ask(sql: string, values: readonly (string | number | null)[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let held: PoolConnection | null = null;
      let over = false;
      const settle = (error: Error | null, answer?: Answer): void => {
        if (over) return;
        over = true;
        timer.close();
        if (error !== null) reject(error);
        else resolve(answer as Answer);
      };
      const timer = this.#context.time.setTimeout(() => {
        settle(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
        held?.destroy();
      }, PATIENCE);
      this.#pool.getConnection((error, connection) => {
        if (error) return settle(error);
        if (over) return connection.release();
        held = connection;
        connection.query(sql, [...values], (failed, result) => {
          if (!over) connection.release();
          if (failed) return settle(failed);
          settle(null, answerOf(result as RowDataPacket[] | ResultSetHeader));
        });
      });
    });
  }
}

function answerOf(result: RowDataPacket[] | ResultSetHeader): Answer {
  if (!Array.isArray(result)) return { rows: [], insertId: result.insertId };
  return { rows: result.map((row) => ({ ...row })), insertId: 0 };
}
