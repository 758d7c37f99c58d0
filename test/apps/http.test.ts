import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as nodeHttp from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Socket } from '../../src/apps/net/net.ts';
import type { Box } from './ground.ts';
import { Boxes, GROUNDS } from './ground.ts';

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

  async function bytesOf(stream: Readable): Promise<Buffer> {
    const all: Buffer[] = [];
    for await (const chunk of stream) all.push(chunk as Buffer);
    return Buffer.concat(all);
  }

  interface Answer {
    readonly status: number;
    readonly headers: nodeHttp.IncomingHttpHeaders;
    readonly raw: string[];
    readonly body: Buffer;
  }

  /** One request and all of its answer. */
  async function ask(box: Box, options: nodeHttp.RequestOptions, body?: Buffer | string): Promise<Answer> {
    const request = box.http.request({ host: 'b', port: 80, ...options });
    request.end(body);
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    return {
      status: answer.statusCode as number,
      headers: answer.headers,
      raw: answer.rawHeaders,
      body: await bytesOf(answer),
    };
  }

  type Handler = (request: IncomingMessage, response: ServerResponse) => void;

  function serve(handler: Handler): nodeHttp.Server {
    return b.http.createServer(handler).listen(80);
  }

  describe("Node's own http over a container's connections", () => {
    test('keep-alive: one connection carries many requests, and is closed by the server when it is idle for 5 s', async () => {
      const ports = new Set<unknown>();
      const server = serve((request, response) => {
        ports.add(request.socket.remotePort);
        response.end(request.url);
      });
      const agent = new a.http.Agent({ keepAlive: true, maxSockets: 1 });
      for (const path of ['/1', '/2', '/3']) {
        const { body } = await boxes.pace.until(ask(a, { path, agent }));
        expect(body.toString()).toBe(path);
      }
      expect(ports.size).toBe(1);
      const [free] = Object.values(agent.freeSockets)[0] as unknown as Socket[];
      const began = boxes.pace.clock.now;
      await boxes.pace.until(once(free as Socket, 'close'));
      // The server says 5, and waits a second more for what may be under way.
      expect(Math.round((boxes.pace.clock.now - began) / 1e9)).toBe(6);
      server.close();
    });

    test('without keep-alive each request has a connection of its own', async () => {
      const ports = new Set<unknown>();
      serve((request, response) => {
        ports.add(request.socket.remotePort);
        response.end();
      });
      for (let n = 0; n < 3; n++) await boxes.pace.until(ask(a, { agent: false }));
      expect(ports.size).toBe(3);
    });

    test('chunked both ways, with trailers', async () => {
      serve((request, response) => {
        response.writeHead(200, { Trailer: 'X-Sum' });
        request.on('data', (chunk) => response.write(chunk));
        request.on('end', () => {
          response.addTrailers({ 'X-Sum': String(request.headers['transfer-encoding']) });
          response.end();
        });
      });
      const request = a.http.request({ host: 'b', method: 'POST' });
      for (const part of ['one', 'two', 'three']) request.write(part);
      request.end();
      const [answer] = (await boxes.pace.until(once(request, 'response'))) as [IncomingMessage];
      expect((await boxes.pace.until(bytesOf(answer))).toString()).toBe('onetwothree');
      expect(answer.headers['transfer-encoding']).toBe('chunked');
      expect(answer.trailers).toEqual({ 'x-sum': 'chunked' });
    });

    test('100-continue: the body is sent when the server asks for it', async () => {
      const server = serve(() => expect.unreachable());
      server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
        if (request.headers['content-length'] === '3') {
          response.writeContinue();
          request.pipe(response);
        } else {
          response.writeHead(417);
          response.end();
        }
      });
      const said: string[] = [];
      const post = async (body: string): Promise<number | undefined> => {
        const headers = { Expect: '100-continue', 'Content-Length': body.length };
        const request = a.http.request({ host: 'b', method: 'POST', headers });
        request.flushHeaders();
        request.on('continue', () => {
          said.push('continue');
          request.end(body);
        });
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        said.push((await bytesOf(answer)).toString());
        request.destroy();
        return answer.statusCode;
      };
      expect(await boxes.pace.until(post('abc'))).toBe(200);
      expect(await boxes.pace.until(post('abcd'))).toBe(417);
      expect(said).toEqual(['continue', 'abc', '']);
    });

    test('upgrade: the connection goes on under another protocol', async () => {
      const server = serve(() => expect.unreachable());
      server.on('upgrade', (_request: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.write(head);
        socket.pipe(socket);
      });
      const request = a.http
        .request({ host: 'b', headers: { Connection: 'Upgrade', Upgrade: 'echo' } })
        .end();
      const [answer, socket] = (await boxes.pace.until(once(request, 'upgrade'))) as [
        IncomingMessage,
        Duplex,
      ];
      expect(answer.statusCode).toBe(101);
      socket.end('over another protocol');
      expect((await boxes.pace.until(bytesOf(socket))).toString()).toBe('over another protocol');
    });

    test('CONNECT gives a tunnel', async () => {
      const server = serve(() => expect.unreachable());
      server.on('connect', (request: IncomingMessage, socket: Duplex) => {
        socket.end(`HTTP/1.1 200 OK\r\n\r\nto ${request.url}`);
      });
      const request = a.http.request({ host: 'b', method: 'CONNECT', path: 'c:443' }).end();
      const [, socket, head] = (await boxes.pace.until(once(request, 'connect'))) as [
        unknown,
        Duplex,
        Buffer,
      ];
      const rest = await boxes.pace.until(bytesOf(socket));
      expect(Buffer.concat([head, rest]).toString()).toBe('to c:443');
    });

    test('pipelined requests are answered in their order', async () => {
      serve((request, response) => {
        b.time.setTimeout(() => response.end(request.url), request.url === '/slow' ? 500 : 1);
      });
      const socket = a.net.connect(80, 'b');
      const request = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: b\r\n${more}\r\n`;
      socket.write(request('/slow') + request('/fast') + request('/last', 'Connection: close\r\n'));
      const text = (await boxes.pace.until(bytesOf(socket))).toString();
      expect(text.match(/\/[a-z]+/g)).toEqual(['/slow', '/fast', '/last']);
    });

    test('20 MB go up and come down, held back by a slow reader at each end', async () => {
      const size = 20_000_000;
      const sent = Buffer.alloc(size);
      for (let i = 0; i < size; i += 4) sent.writeUInt32LE((i * 2654435761) >>> 0, i);
      serve((request, response) => {
        b.time.setTimeout(() => void pipeline(request, response), 2000);
      });
      const request = a.http.request({ host: 'b', method: 'POST', headers: { 'Content-Length': size } });
      request.end(sent);
      const got = (async () => {
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        await a.time.sleep(2000);
        return createHash('sha256')
          .update(await bytesOf(answer))
          .digest('hex');
      })();
      await boxes.pace.run(1e9);
      expect(request.writableLength).toBeGreaterThan(size / 2);
      expect(await boxes.pace.until(got)).toBe(createHash('sha256').update(sent).digest('hex'));
    });

    test('what runs in the thread pool is waited for: time stands meanwhile', async () => {
      const text = Buffer.alloc(300_000, 'compressible ');
      serve((_request, response) => {
        const gzip = createGzip();
        gzip.pipe(response);
        gzip.end(text);
      });
      const began = boxes.pace.clock.now;
      const { body } = await boxes.pace.until(ask(a, { agent: false }));
      expect(gunzipSync(body).equals(text)).toBe(true);
      expect(boxes.pace.clock.now - began).toBeLessThan(10e6);
    });

    test('a request times out on virtual time; keepAliveTimeout and server.setTimeout too', async () => {
      const server = serve(() => {});
      const request = a.http.get({ host: 'b', timeout: 3000 });
      request.on('error', () => {});
      const began = boxes.pace.clock.now;
      await boxes.pace.until(once(request, 'timeout'));
      expect(Math.round((boxes.pace.clock.now - began) / 1e6)).toBe(3000);
      request.destroy();
      server.setTimeout(1000);
      const [error] = await boxes.pace.until(once(a.http.get({ host: 'b', agent: false }), 'error'));
      expect(error.message).toBe('socket hang up');
      expect(Math.round((boxes.pace.clock.now - began) / 1e6)).toBe(4000);
    });

    test("a Date header is the lab's date, where Node puts it", async () => {
      const shapes: Handler[] = [
        (_request, response) => response.setHeader('X-A', '1').end('ok'),
        (_request, response) => response.writeHead(200, { 'X-A': '1' }).end('ok'),
        (_request, response) => response.writeHead(200, 'fine', ['X-A', '1']).end('ok'),
        (_request, response) => {
          response.sendDate = false;
          response.end('ok');
        },
        (_request, response) => response.writeHead(200, { date: 'mine' }).end('ok'),
      ];
      let shape = 0;
      serve((request, response) => (shapes[shape] as Handler)(request, response));
      const real = nodeHttp.createServer((request, response) =>
        (shapes[shape] as Handler)(request, response),
      );
      await once(real.listen(0, '127.0.0.1'), 'listening');
      const { port } = real.address() as { port: number };
      for (shape = 0; shape < shapes.length; shape++) {
        const { raw, headers } = await boxes.pace.until(ask(a, {}));
        const theirs = nodeHttp.get({ host: '127.0.0.1', port });
        const [answer] = (await once(theirs, 'response')) as [IncomingMessage];
        answer.resume();
        const names = (list: string[]): string[] => list.filter((_, i) => i % 2 === 0);
        expect(names(raw)).toEqual(names(answer.rawHeaders));
        if (shape < 3) expect(headers.date).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
      }
      real.close();
      real.closeAllConnections();
      shape = 0;
      await boxes.pace.run(90e9);
      expect((await boxes.pace.until(ask(a, {}))).headers.date).toBe('Thu, 01 Jan 2026 00:01:30 GMT');
    });

    test('errors reach the request: refused, unknown, reset', async () => {
      const error = async (options: nodeHttp.RequestOptions): Promise<Error & { code: string }> => {
        const [failed] = await boxes.pace.until(once(a.http.get(options), 'error'));
        return failed;
      };
      expect((await error({ host: 'b' })).message).toBe('connect ECONNREFUSED 10.0.0.2:80');
      expect((await error({ host: 'x' })).message).toBe('getaddrinfo ENOTFOUND x');
      serve((request) => (request.socket as unknown as Socket).resetAndDestroy());
      expect(await error({ host: 'b' })).toMatchObject({ code: 'ECONNRESET' });
    });

    test('a URL, its options and its port are taken as node:http takes them', async () => {
      b.http
        .createServer((request, response) => response.end(`${request.headers.host}${request.url}`))
        .listen(8080);
      const get = async (...args: [string | URL, nodeHttp.RequestOptions?]): Promise<string> => {
        const request = a.http.get(args[0], args[1] ?? {});
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        return (await bytesOf(answer)).toString();
      };
      expect(await boxes.pace.until(get('http://b:8080/x?y'))).toBe('b:8080/x?y');
      expect(await boxes.pace.until(get(new URL('http://b:8080/z')))).toBe('b:8080/z');
      expect(await boxes.pace.until(get('http://b/', { port: 8080, headers: { Host: 'other' } }))).toBe(
        'other/',
      );
    });

    test('close ends idle connections, and waits for those with a request', async () => {
      let finish = (): void => {};
      const server = serve((_request, response) => {
        finish = () => response.end('late');
      });
      const agent = new a.http.Agent({ keepAlive: true });
      const answer = ask(a, { agent });
      await boxes.pace.run(1e9);
      let closed = false;
      server.close(() => {
        closed = true;
      });
      await boxes.pace.run(1e9);
      expect([server.listening, closed]).toEqual([false, false]);
      finish();
      expect((await boxes.pace.until(answer)).body.toString()).toBe('late');
      agent.destroy();
      await boxes.pace.run(6e9);
      expect(closed).toBe(true);
    });

    test("a plain http.Server of Node's takes a container's sockets by its connection event", async () => {
      const plain = nodeHttp.createServer((_request, response) => response.end('plain'));
      b.net.createServer((socket) => plain.emit('connection', socket)).listen(80);
      const request = nodeHttp.get({
        host: 'b',
        createConnection: ({ port, host }) => a.net.connect(Number(port), host as string),
      });
      const [answer] = (await boxes.pace.until(once(request, 'response'))) as [IncomingMessage];
      expect((await boxes.pace.until(bytesOf(answer))).toString()).toBe('plain');
    });

    test('1,000 connections at once', async () => {
      let open = 0;
      let most = 0;
      const server = serve((_request, response) => {
        most = Math.max(most, ++open);
        b.time.setTimeout(() => {
          open--;
          response.end('x'.repeat(2000));
        }, 1000);
      });
      const agent = new a.http.Agent({ keepAlive: true });
      // All within 200 ms, and never more at one instant than a listener's queue takes.
      const one = async (_: unknown, n: number): Promise<Answer> => {
        await a.time.sleep(1 + (n % 200));
        return ask(a, { agent });
      };
      const all = Promise.all(Array.from({ length: 1000 }, one));
      const answers = await boxes.pace.until(all);
      expect(most).toBe(1000);
      expect(answers.every(({ status, body }) => status === 200 && body.length === 2000)).toBe(true);
      agent.destroy();
      server.close();
    });
  });
});
