// The application tier: HTTP in, MySQL out through mysql2, one query a request.
//
//   GET  /customers/N   one customer as JSON, 404 where there is none
//   GET  /customers     the first hundred, or ?limit=N
//   POST /customers     a new one, {"first_name", "last_name", "email"}; 201 and where it is
//
// 503 says why the database did not answer.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppServerSpec } from '../../engine/model/workload.ts';
import type { Program, ProgramContext } from '../program.ts';
import type { Answer } from './database.ts';
import { Database } from './database.ts';
import { sendText, serveHttp } from './http-serve.ts';

/** Where an image that only says that it is an application server answers too: a URL then needs no port. */
const HTTP = 80;
const LIST_MAX = 1000;
const BODY_MAX = 65_536;
const COLUMNS = 'id, first_name, last_name, email';

export function appServer(spec: AppServerSpec): Program {
  return async (context) => {
    const database = spec.database === null ? null : new Database(context, spec.database);
    const shop = new Shop(context, database);
    const ports = spec.origin === 'image' ? [spec.port, HTTP] : [spec.port];
    const answer = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      shop.answer(request, response);
    await Promise.all(ports.map((port) => serveHttp(context, port, answer)));
    database?.close();
  };
}

/** What is answered other than with 200. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

class Shop {
  readonly #context: ProgramContext;
  readonly #database: Database | null;

  constructor(context: ProgramContext, database: Database | null) {
    this.#context = context;
    this.#database = database;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sendJson(request, response, error.status, { error: error.message });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const one = /^\/customers\/([^/]+)$/.exec(path);
    const reading = request.method === 'GET' || request.method === 'HEAD';
    if (path === '/customers' && request.method === 'POST') return this.#add(request, response);
    if (!reading && (one !== null || path === '/customers')) {
      throw new Refusal(405, `${request.method} is not possible here`);
    }
    request.resume();
    if (one !== null) return this.#one(one[1] as string, request, response);
    if (path === '/customers') return this.#list(new URLSearchParams(query), request, response);
    if (path !== '/') throw new Refusal(404, `there is nothing at ${path}`);
    sendJson(request, response, 200, { server: this.#context.name, try: ['/customers', '/customers/1'] });
  }

  async #one(word: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!/^\d{1,15}$/.test(word)) throw new Refusal(404, `"${word}" is no customer's number`);
    const answer = await this.#query(`SELECT ${COLUMNS} FROM customer WHERE id = ?`, [Number(word)]);
    const [customer] = answer.rows;
    if (customer === undefined) throw new Refusal(404, `there is no customer ${word}`);
    sendJson(request, response, 200, customer);
  }

  async #list(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const limit = Number(query.get('limit') ?? 100);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX) {
      throw new Refusal(400, `limit is a number from 1 to ${LIST_MAX}`);
    }
    const answer = await this.#query(`SELECT ${COLUMNS} FROM customer ORDER BY id LIMIT ?`, [limit]);
    sendJson(request, response, 200, answer.rows);
  }

  async #add(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { first_name, last_name, email } = await readJson(request);
    const values = [first_name, last_name, email].map((value) =>
      value === undefined ? null : String(value),
    );
    const answer = await this.#query(
      'INSERT INTO customer (first_name, last_name, email) VALUES (?, ?, ?)',
      values,
    );
    const headers = { Location: `/customers/${answer.insertId}` };
    sendJson(request, response, 201, { id: answer.insertId }, headers);
  }

  async #query(sql: string, values: readonly (string | number | null)[]): Promise<Answer> {
    if (this.#database === null) throw new Refusal(503, 'no database is known');
    try {
      return await this.#database.query(sql, values);
    } catch (error) {
      throw new Refusal(503, `database: ${(error as Error).message}`);
    }
  }
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const bytes of request as AsyncIterable<Buffer>) {
    length += bytes.length;
    if (length > BODY_MAX) throw new Refusal(413, `a customer takes no more than ${BODY_MAX} bytes`);
    parts.push(bytes);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below.
  }
  throw new Refusal(400, 'the body is not a JSON object');
}

function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(request, response, status, `${JSON.stringify(value)}\n`, 'application/json', headers);
}
