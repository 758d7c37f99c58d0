// The HTTP programs: what the server answers, what passing on keeps and adds, and when the client asks.

import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filler } from '../../../src/apps/programs/filler.ts';
import { httpClient, urlOf } from '../../../src/apps/programs/http-client.ts';
import { httpServer } from '../../../src/apps/programs/http-server.ts';
import type { HttpClientSpec, HttpServerSpec } from '../../../src/engine/model/workload.ts';
import { specOf } from './specs.ts';
import type { Running } from './street.ts';
import { Street } from './street.ts';

let street: Street;
beforeEach(() => {
  street = new Street();
  for (const [i, name] of ['client', 'web', 'app'].entries()) street.house(name, `10.0.0.${i + 2}`);
});
afterEach(() => street.end());

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request of the client's to the web server. */
async function ask({ method = 'GET', path = '/', headers = {}, body = '' }: Asked = {}): Promise<Answer> {
  let answer: Answer | undefined;
  const running = street.start('client', ({ http }) => {
    return new Promise<void>((done, failed) => {
      const request = http.request(`http://web${path}`, { method, headers }, async (response) => {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        answer = {
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
        };
        done();
      });
      request.on('error', failed);
      request.end(body);
    });
  });
  await street.code(running);
  return answer as Answer;
}

function serve(more: Partial<HttpServerSpec> = {}): Running {
  return street.start('web', httpServer(specOf('http-server', more)));
}

function load(more: Partial<HttpClientSpec> = {}): Running {
  return street.start('client', httpClient(specOf('http-client', more)));
}

describe('the server', () => {
  test('its page names container, node and request', async () => {
    serve();
    const { status, headers, body } = await ask({ path: '/a?b&c' });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers.date).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
    expect(body.toString()).toContain('<dt>container</dt><dd>web</dd>');
    expect(body.toString()).toContain('<dd>GET /a?b&amp;c</dd>');
  });

  test('a text, a status', async () => {
    serve({ body: 'grüezi', status: 418 });
    const { status, headers, body } = await ask();
    expect([status, headers['content-length'], body.toString()]).toEqual([418, '7', 'grüezi']);
    expect(await ask({ method: 'HEAD' })).toMatchObject({ status: 418, body: Buffer.alloc(0) });
  });

  test('as many bytes as it is told', async () => {
    serve({ bodySize: 1_000_003 });
    const { body, headers } = await ask();
    expect(headers['content-length']).toBe('1000003');
    expect(body).toHaveLength(1_000_003);
    expect(body.subarray(999_984, 1_000_000).toString()).toBe('000000000999984\n');
    expect(await ask({ method: 'HEAD' })).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  });

  test('a status without a body has none', async () => {
    serve({ bodySize: 100, status: 204 });
    const { status, headers, body } = await ask();
    expect([status, headers['content-length'], body.length]).toEqual([204, undefined, 0]);
  });

  test('what is posted arrives whole', async () => {
    serve();
    const body = Buffer.alloc(300_000, 'abc');
    const page = (await ask({ method: 'POST', body })).body.toString();
    expect(page).toContain('<dd>300000 bytes</dd>');
    expect(page).toContain(createHash('sha256').update(body).digest('hex'));
  });

  test('a port that is taken ends the program', async () => {
    serve();
    await street.pass(0.1);
    const second = serve();
    expect(await street.code(second)).toBe(1);
    expect(second.err.join('')).toContain('EADDRINUSE');
  });
});

describe('passing on', () => {
  /** What the application is asked, and an answer with a few headers. */
  function application(): {
    readonly seen: IncomingHttpHeaders[];
    readonly bodies: Buffer[];
    connections: number;
  } {
    const seen: IncomingHttpHeaders[] = [];
    const bodies: Buffer[] = [];
    const told = { seen, bodies, connections: 0 };
    street.start('app', ({ http, signal }) => {
      return new Promise<void>((done) => {
        const server = http.createServer(async (request, response) => {
          seen.push({ ...request.headers, ':line': `${request.method} ${request.url}` });
          const parts: Buffer[] = [];
          for await (const part of request) parts.push(part as Buffer);
          bodies.push(Buffer.concat(parts));
          response.writeHead(201, 'Made', {
            'Set-Cookie': ['a=1', 'b=2'],
            Connection: 'keep-alive, X-Hop',
            'X-Hop': '1',
            'X-Kept': '2',
          });
          response.end(Buffer.concat([Buffer.from('got '), ...parts]));
        });
        server.on('connection', () => told.connections++);
        server.listen(8080);
        signal.addEventListener('abort', () => {
          server.close(() => done());
          server.closeAllConnections();
        });
      });
    });
    serve({ upstream: 'http://app:8080' });
    return told;
  }

  test('headers of the hop stay behind, the others go, and the visitor is named', async () => {
    const { seen } = application();
    const headers = {
      'X-Mine': 'x',
      'X-Forwarded-For': '192.0.2.1',
      Connection: 'X-Secret',
      'X-Secret': 's',
      TE: 'trailers',
    };
    const answer = await ask({ path: '/p?q=1', headers });
    expect(seen[0]).toMatchObject({
      ':line': 'GET /p?q=1',
      host: 'app:8080',
      'x-mine': 'x',
      'x-forwarded-for': '192.0.2.1, 10.0.0.2',
      'x-forwarded-host': 'web',
      'x-forwarded-server': 'web',
    });
    expect(seen[0]).not.toHaveProperty('x-secret');
    expect(seen[0]).not.toHaveProperty('te');
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-kept': '2' });
    expect(answer.headers).not.toHaveProperty('x-hop');
  });

  test.each([
    ['//elsewhere/x', '//elsewhere/x'],
    ['http://elsewhere/x?y', '/x?y'],
    ['http://elsewhere', '/'],
  ])('a request for %s goes nowhere else', async (target, passed) => {
    const { seen } = application();
    const running = street.start('client', ({ net }) => {
      return new Promise<void>((done) => {
        const socket = net.connect(80, 'web');
        socket.write(`GET ${target} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n`);
        socket.resume().on('close', () => done());
      });
    });
    await street.code(running);
    expect(seen[0]).toMatchObject({ ':line': `GET ${passed}`, host: 'app:8080' });
  });

  test('bodies of any length go both ways unchanged', async () => {
    const { bodies } = application();
    const body = Buffer.alloc(2_000_000, 'a long body ');
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      const answer = await ask({ method: 'PUT', body, headers });
      expect(answer.body.equals(Buffer.concat([Buffer.from('got '), body]))).toBe(true);
    }
    expect(bodies.every((one) => one.equals(body))).toBe(true);
  });

  test('connections to the application are kept and used again', async () => {
    const told = application();
    await street.code(load({ url: 'http://web/', rate: 50, count: 50 }));
    expect(told.seen).toHaveLength(50);
    expect(told.connections).toBe(1);
  });

  test('an answer that breaks off breaks off for the visitor too', async () => {
    street.start('app', ({ net, signal }) => {
      return new Promise<void>((done) => {
        const server = net.createServer((socket) => {
          socket.on('error', () => {});
          socket.once('data', () => {
            socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
            socket.end();
          });
        });
        server.listen(8080);
        signal.addEventListener('abort', () => server.close(() => done()));
      });
    });
    const web = serve({ upstream: 'http://app:8080' });
    const client = load({ url: 'http://web/', count: 1 });
    await street.code(client);
    expect(client.row('web').errors).toEqual({ ECONNRESET: 1 });
    expect(web.row('app')).toMatchObject({ requests: 1, failures: 1 });
  });
});

describe('the client', () => {
  test('asks when it is due, whatever becomes of the last request', async () => {
    const times: number[] = [];
    street.start('web', ({ http, time, signal }) => {
      return new Promise<void>((done) => {
        const server = http.createServer((_request, response) => {
          times.push(time.now);
          time.setTimeout(() => response.end('late'), 2000);
        });
        server.listen(80);
        signal.addEventListener('abort', () => server.close(() => done()));
      });
    });
    const client = load({ url: 'http://web/', rate: 4, count: 12 });
    await street.code(client);
    const gaps = times.slice(1).map((time, i) => (time - (times[i] as number)) / 1e6);
    for (const gap of gaps) expect(gap).toBeCloseTo(250, 3);
    const { requests, latency } = client.row('web');
    expect(requests).toBe(12);
    expect(latency.min / 1e9).toBeCloseTo(2, 2);
  });

  test('a rate above a thousand is kept too', async () => {
    serve({ body: 'x' });
    const client = load({ url: 'http://web/', rate: 5000, count: 2000, keepAlive: true });
    const began = street.boxes.lab.clock.now;
    await street.code(client);
    expect(client.row('web')).toMatchObject({ requests: 2000, failures: 0 });
    expect((street.boxes.lab.clock.now - began) / 1e9).toBeCloseTo(0.4, 1);
  });

  test.each([
    [false, 20],
    [true, 1],
  ])('with keep-alive %s twenty requests take %i connections', async (keepAlive, count) => {
    let connections = 0;
    street.start('web', ({ http, signal }) => {
      return new Promise<void>((done) => {
        const server = http.createServer((_request, response) => response.end('x'));
        server.on('connection', () => connections++);
        server.listen(80);
        signal.addEventListener('abort', () => {
          server.close(() => done());
          server.closeAllConnections();
        });
      });
    });
    await street.code(load({ url: 'http://web/', rate: 100, count: 20, keepAlive }));
    expect(connections).toBe(count);
  });

  test('method, headers and body are as told', async () => {
    const seen: unknown[] = [];
    street.start('web', ({ http, signal }) => {
      return new Promise<void>((done) => {
        const server = http.createServer(async (request, response) => {
          const hash = createHash('sha256');
          for await (const part of request) hash.update(part as Buffer);
          seen.push(request.method, request.url, request.headers, hash.digest('hex'));
          response.end();
        });
        server.listen(80);
        signal.addEventListener('abort', () => server.close(() => done()));
      });
    });
    const headers = { 'X-One': '1', 'user-agent': 'mine', Host: 'shop.example' };
    await street.code(
      load({ url: 'http://web/a/[7-8]', method: 'PUT', headers, bodySize: 100_000, count: 1 }),
    );
    const sent = createHash('sha256');
    for await (const part of filler(100_000)) sent.update(part as Buffer);
    expect(seen).toEqual([
      'PUT',
      '/a/7',
      expect.objectContaining({
        'x-one': '1',
        'user-agent': 'mine',
        host: 'shop.example',
        'content-length': '100000',
        'content-type': 'application/octet-stream',
      }),
      sent.digest('hex'),
    ]);
  });

  test.each([
    ['http://web:81/', 'web', 'ECONNREFUSED'],
    ['http://nowhere/', 'nowhere', 'ENOTFOUND'],
  ])('%s counts as %s: %s', async (url, peer, code) => {
    const client = load({ url, rate: 10, count: 3 });
    expect(await street.code(client)).toBe(0);
    expect(client.row(peer).errors).toEqual({ [code]: 3 });
    expect(client.err).toEqual([`GET ${url}: ${code}\n`]);
  });

  test('an answer that does not come in thirty seconds is a time-out', async () => {
    street.start('web', ({ http, signal }) => {
      return new Promise<void>((done) => {
        const server = http.createServer(() => {});
        server.listen(80);
        signal.addEventListener('abort', () => {
          server.close(() => done());
          server.closeAllConnections();
        });
      });
    });
    const client = load({ url: 'http://web/', count: 1 });
    await street.code(client);
    expect(client.row('web').errors).toEqual({ ETIMEDOUT: 1 });
    expect(street.boxes.lab.clock.now / 1e9).toBeGreaterThan(30);
  });

  test('a stop in the middle is no failure', async () => {
    street.start('web', ({ http, signal }) => {
      return new Promise<void>((done) => {
        const server = http.createServer(() => {});
        server.listen(80);
        signal.addEventListener('abort', () => {
          server.close(() => done());
          server.closeAllConnections();
        });
      });
    });
    const client = load({ url: 'http://web/', rate: 10, count: null });
    await street.pass(3);
    client.stop();
    expect(await street.code(client)).toBe(0);
    expect(client.row('web').failures).toBe(0);
  });

  test('ranges in a path count, and begin again', () => {
    const paths = [0, 1, 2, 3, 1000].map((n) => urlOf('http://[fd00::1]:80/[3-5]/x[0-1]', n));
    expect(paths.map((url) => url.slice('http://[fd00::1]:80'.length))).toEqual([
      '/3/x0',
      '/4/x1',
      '/5/x0',
      '/3/x1',
      '/4/x0',
    ]);
  });
});
