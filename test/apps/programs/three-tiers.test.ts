// The lecture's three tiers as programs: web passes requests to the application, which asks MySQL for one customer each.

import timers from 'node:timers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Program } from '../../../src/apps/program.ts';
import { appServer } from '../../../src/apps/programs/app-server.ts';
import { httpClient } from '../../../src/apps/programs/http-client.ts';
import { httpServer } from '../../../src/apps/programs/http-server.ts';
import { mysqlServer } from '../../../src/apps/programs/mysql-server.ts';
import type { Said } from './relay.ts';
import { relay } from './relay.ts';
import { specOf } from './specs.ts';
import type { Running } from './street.ts';
import { Street } from './street.ts';

const DATABASE = 'mysql://app:secret@mysql:3306/web_customer_tracker';

let street: Street;
afterEach(() => street.end());

interface Stack {
  readonly mysql: Running;
  readonly app: Running;
  readonly web: Running;
  readonly client: Running;
}

function stack(url: string, { seed = 1, count = 10, keepAlive = false } = {}): Stack {
  street = new Street(seed);
  for (const [i, name] of ['mysql', 'app', 'web', 'client'].entries()) street.house(name, `10.0.0.${i + 2}`);
  return {
    mysql: street.start('mysql', mysqlServer(specOf('mysql-server', { password: 'secret' }))),
    app: street.start('app', appServer(specOf('app-server', { database: DATABASE }))),
    web: street.start('web', httpServer(specOf('http-server', { upstream: 'http://app:8080' }))),
    client: street.start('client', httpClient(specOf('http-client', { url, rate: 10, count, keepAlive }))),
  };
}

describe('web, application, database', () => {
  test.each([false, true])('every request is one query, with kept connections: %s', async (keepAlive) => {
    const { client, web, app } = stack('http://web/customers/[1-100]', { keepAlive });
    expect(await street.code(client)).toBe(0);
    expect(client.err).toEqual([]);
    expect(client.row('web')).toMatchObject({ requests: 10, failures: 0, errors: {} });
    expect(web.row('app')).toMatchObject({ requests: 10, failures: 0 });
    expect(app.row('mysql')).toMatchObject({ requests: 10, failures: 0 });
    expect(client.row('web').latency.count).toBe(10);
    expect(client.row('web').bytesReceived).toBe(web.row('app').bytesReceived);
  });

  test('a customer who is not there is a 404, for every tier', async () => {
    const { client, web, app } = stack('http://web/customers/101', { count: 3 });
    await street.code(client);
    expect(client.row('web').errors).toEqual({ 'HTTP 404': 3 });
    expect(web.row('app')).toMatchObject({ requests: 3, failures: 0 });
    expect(app.row('mysql')).toMatchObject({ requests: 3, failures: 0 });
    expect(client.err).toEqual(['GET http://web/customers/101: HTTP 404\n']);
  });

  test('without the application the web tier says 502, and goes on when it is back', async () => {
    const { app, client, web } = stack('http://web/customers/1', { count: 40 });
    await street.pass(1);
    app.stop();
    await street.pass(1);
    street.start('app', appServer(specOf('app-server', { database: DATABASE })));
    await street.code(client);
    const { errors, requests } = client.row('web');
    expect(Object.keys(errors)).toEqual(['HTTP 502']);
    expect(errors['HTTP 502']).toBeGreaterThanOrEqual(9);
    expect(errors['HTTP 502']).toBeLessThanOrEqual(11);
    expect(requests).toBe(40);
    expect(web.row('app').errors).toEqual({ ECONNREFUSED: errors['HTTP 502'] });
  });

  test('without the database the application says 503, and goes on when it is back', async () => {
    const { mysql, client, app } = stack('http://app:8080/customers/1', { count: 40 });
    await street.pass(1);
    mysql.stop();
    await street.pass(1);
    street.start('mysql', mysqlServer(specOf('mysql-server', { password: 'secret' })));
    await street.code(client);
    const { errors } = client.row('app');
    expect(Object.keys(errors)).toEqual(['HTTP 503']);
    expect(errors['HTTP 503']).toBeGreaterThanOrEqual(9);
    expect(errors['HTTP 503']).toBeLessThanOrEqual(11);
    expect(app.row('mysql').failures).toBe(errors['HTTP 503']);
  });

  test.each([
    ['mysql://app:wrong@mysql:3306/web_customer_tracker', /Access denied for user 'app'@'10.0.0.3'/],
    ['mysql://app:secret@mysql:3306/shop', /Unknown database 'shop'/],
    ['mysql://app:secret@nowhere:3306/web_customer_tracker', /ENOTFOUND nowhere/],
    ['mysql://app:secret@mysql:3307/web_customer_tracker', /ECONNREFUSED 10.0.0.2:3307/],
    [null, /no database is known/],
  ])('503 says why %s does not answer', async (database, why) => {
    const answer = await asked(database, 'GET', '/customers/1');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body).error).toMatch(why);
  });

  test('a database that never answers is given up after ten seconds', async () => {
    street = new Street();
    street.house('mysql', '10.0.0.2');
    street.house('app', '10.0.0.3');
    street.start('mysql', silence(3306));
    street.start('app', appServer(specOf('app-server', { database: DATABASE })));
    const began = street.boxes.lab.clock.now;
    const answer = await ask('app', 8080, 'GET', '/customers/1');
    expect(answer).toMatchObject({ status: 503, body: '{"error":"database: no answer in time"}\n' });
    expect((street.boxes.lab.clock.now - began) / 1e9).toBeCloseTo(10, 1);
  });

  test('an application that never answers is a 504 after a minute', async () => {
    street = new Street();
    street.house('app', '10.0.0.2');
    street.house('web', '10.0.0.3');
    street.start('app', silence(8080));
    street.start('web', httpServer(specOf('http-server', { upstream: 'http://app:8080' })));
    const began = street.boxes.lab.clock.now;
    expect(await ask('web', 80, 'GET', '/')).toMatchObject({ status: 504 });
    expect((street.boxes.lab.clock.now - began) / 1e9).toBeCloseTo(60, 1);
  });
});

describe('on virtual time', () => {
  /** Everything that application and database say to each other, and when. */
  async function conversation(seed: number): Promise<readonly Said[]> {
    street = new Street(seed);
    const said: Said[] = [];
    for (const [i, name] of ['db', 'mysql', 'app', 'client'].entries()) street.house(name, `10.0.0.${i + 2}`);
    street.start('db', mysqlServer(specOf('mysql-server', { password: 'secret' })));
    street.start('mysql', relay(3306, 'db', said));
    street.start('app', appServer(specOf('app-server', { database: DATABASE })));
    const url = 'http://app:8080/customers/[1-100]';
    const client = street.start('client', httpClient(specOf('http-client', { url, rate: 50, count: 20 })));
    await street.code(client);
    await street.end();
    return said;
  }

  test('one seed says the same bytes at the same times, another does not', async () => {
    const first = await conversation(1);
    expect(await conversation(1)).toEqual(first);
    expect(await conversation(2)).not.toEqual(first);
  });

  test('nothing waits on the wall clock', async () => {
    const asked: unknown[] = [];
    for (const name of ['setTimeout', 'setInterval'] as const) {
      const note = (_callback: unknown, ms = 0): never => {
        // A turn of the loop while the thread pool works is the pace's own (pace.ts).
        if (ms > 1) asked.push([name, ms]);
        return undefined as never;
      };
      for (const where of [globalThis, timers]) {
        const real = where[name] as (...args: unknown[]) => unknown;
        vi.spyOn(where, name).mockImplementation(((...args: [unknown, number]) => {
          note(...args);
          return real(...args);
        }) as never);
      }
    }
    try {
      await conversation(1);
    } finally {
      vi.restoreAllMocks();
    }
    expect(asked).toEqual([]);
  });
});

describe('the application', () => {
  test('one, a list, a new one', async () => {
    expect(await asked(DATABASE, 'GET', '/customers/2')).toMatchObject({
      status: 200,
      type: 'application/json',
      body: '{"id":2,"first_name":"Bela","last_name":"Brandt","email":"bela.brandt.2@example.com"}\n',
    });
    expect(JSON.parse((await ask('app', 8080, 'GET', '/customers?limit=3')).body)).toHaveLength(3);
    const posted = JSON.stringify({ first_name: 'Rosa', email: 'rosa@example.com' });
    const added = await ask('app', 8080, 'POST', '/customers', posted);
    expect(added).toMatchObject({ status: 201, body: '{"id":101}\n', location: '/customers/101' });
    const { body } = await ask('app', 8080, 'GET', '/customers/101');
    expect(JSON.parse(body)).toEqual({
      id: 101,
      first_name: 'Rosa',
      last_name: null,
      email: 'rosa@example.com',
    });
  });

  test.each([
    ['GET', '/customers/x', 404, ''],
    ['GET', '/elsewhere', 404, ''],
    ['DELETE', '/customers/1', 405, ''],
    ['GET', '/customers?limit=0', 400, ''],
    ['POST', '/customers', 400, 'no json'],
    ['POST', '/customers', 413, 'x'.repeat(70_000)],
    ['POST', '/customers', 503, JSON.stringify({ email: 'x'.repeat(46) })],
    ['GET', '/', 200, ''],
  ])('%s %s is a %i', async (method, path, status, body) => {
    expect((await asked(DATABASE, method, path, body)).status).toBe(status);
  });
});

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly location: string | undefined;
  readonly body: string;
}

/** One request, made in the house of the one who is asked. */
async function ask(name: string, port: number, method: string, path: string, body = ''): Promise<Answer> {
  let answer: Answer | undefined;
  const running = street.start(name, ({ http }) => {
    return new Promise<void>((done, failed) => {
      const request = http.request({ host: name, port, method, path }, async (response) => {
        let text = '';
        for await (const part of response) text += part;
        const { location, 'content-type': type } = response.headers;
        answer = { status: response.statusCode ?? 0, type, location, body: text };
        done();
      });
      request.on('error', failed);
      request.end(body);
    });
  });
  await street.code(running);
  return answer as Answer;
}

/** The application with a database at this URL, and one request to it. */
function asked(database: string | null, method: string, path: string, body = ''): Promise<Answer> {
  street = new Street();
  street.house('mysql', '10.0.0.2');
  street.house('app', '10.0.0.3');
  street.start('mysql', mysqlServer(specOf('mysql-server', { password: 'secret' })));
  street.start('app', appServer(specOf('app-server', { database })));
  return ask('app', 8080, method, path, body);
}

/** Takes connections and says nothing. */
function silence(port: number): Program {
  return ({ net, signal }) => {
    return new Promise<void>((done) => {
      const server = net.createServer((socket) => {
        socket.on('error', () => {}).resume();
        signal.addEventListener('abort', () => socket.destroy());
      });
      server.listen(port);
      signal.addEventListener('abort', () => server.close(() => done()));
    });
  };
}
