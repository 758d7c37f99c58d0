import { once } from 'node:events';
import * as nodeNet from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Server, Socket } from '../../src/apps/net/net.ts';
import { BUFFER } from '../support/memory-tcp.ts';
import type { Box } from './ground.ts';
import { Boxes, GROUNDS } from './ground.ts';

/** Bytes of a stream that no buffer can hold. */
const TOTAL = 20e6;

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

  async function listening(server: Server): Promise<Server> {
    await boxes.pace.until(once(server, 'listening'));
    return server;
  }

  async function text(stream: Readable): Promise<string> {
    let all = '';
    for await (const chunk of stream) all += chunk;
    return all;
  }

  function failure(socket: Socket): Promise<NodeJS.ErrnoException & { address?: string; port?: number }> {
    return boxes.pace.until(once(socket, 'error').then(([error]) => error));
  }

  describe('a connection', () => {
    test('tells of lookup, connect and ready in order, and shows the addresses', async () => {
      const server = await listening(b.net.createServer((socket) => socket.end('bye')).listen(80));
      const said: unknown[] = [];
      const socket = a.net.connect({ host: 'b', port: 80 });
      expect([socket.connecting, socket.pending, socket.readyState]).toEqual([true, true, 'opening']);
      expect(socket.address()).toEqual({});
      for (const name of ['lookup', 'connect', 'ready', 'end', 'close']) {
        socket.on(name, (...words) => said.push([name, ...words]));
      }
      expect(await boxes.pace.until(text(socket))).toBe('bye');
      await boxes.pace.rest();
      expect(said).toEqual([
        ['lookup', null, '10.0.0.2', 4, 'b'],
        ['connect'],
        ['ready'],
        ['end'],
        ['close', false],
      ]);
      expect(socket).toMatchObject({
        remoteAddress: '10.0.0.2',
        remotePort: 80,
        remoteFamily: 'IPv4',
        bytesRead: 3,
      });
      expect(socket).toMatchObject({ localAddress: '10.0.0.1', localFamily: 'IPv4', readyState: 'closed' });
      expect(server.address()).toEqual({ address: '0.0.0.0', family: 'IPv4', port: 80 });
      server.close();
    });

    test.each([
      ['port and host', (box: Box, done: () => void) => box.net.connect(80, '10.0.0.2', done)],
      ['port as text', (box: Box, done: () => void) => box.net.createConnection('80', 'b', done)],
      ['options', (box: Box, done: () => void) => box.net.connect({ port: 80, host: 'b' }, done)],
      ['a socket of its own', (box: Box, done: () => void) => new box.net.Socket().connect(80, 'b', done)],
    ])('is opened by %s', async (_, connect) => {
      await listening(b.net.createServer((socket) => socket.pipe(socket)).listen(80));
      const socket = await boxes.pace.until(
        new Promise<Socket>((done) => {
          const made: Socket = connect(a, () => done(made));
        }),
      );
      expect(socket.readyState).toBe('open');
      socket.resume().end();
    });

    test('carries what was written before it was open, and counts it', async () => {
      await listening(b.net.createServer((socket) => socket.pipe(socket)).listen(80));
      const socket = a.net.connect(80, 'b');
      socket.write('one ');
      socket.cork();
      socket.write('two ');
      socket.write('three');
      socket.uncork();
      expect(socket.bytesWritten).toBe(13);
      socket.end();
      expect(await boxes.pace.until(text(socket))).toBe('one two three');
      expect([socket.bytesWritten, socket.bytesRead]).toEqual([13, 13]);
    });

    test('half open: the other side goes on when it may, and is ended when it may not', async () => {
      const seen: string[] = [];
      const serve = (half: boolean): Server =>
        b.net.createServer({ allowHalfOpen: half }, (socket) => {
          socket
            .on('data', () => {})
            .on('end', () => {
              seen.push(`${half} ${socket.writable}`);
              if (half) b.time.setTimeout(() => socket.end('late'), 500);
            });
        });
      await listening(serve(true).listen(80));
      await listening(serve(false).listen(81));
      for (const [port, answer] of [
        [80, 'late'],
        [81, ''],
      ] as const) {
        const socket = a.net.connect({ port, host: 'b', allowHalfOpen: true });
        socket.end('hello');
        expect(await boxes.pace.until(text(socket))).toBe(answer);
      }
      expect(seen).toEqual(['true true', 'false true']);
    });

    test('a stream of 5 MB arrives whole', async () => {
      const sent = Buffer.alloc(5_000_000, 'abcdefghijk');
      const got: Buffer[] = [];
      await listening(b.net.createServer((socket) => pipeline(socket, socket)).listen(80));
      const socket = a.net.connect(80, 'b');
      socket.on('data', (bytes) => got.push(bytes));
      socket.end(sent);
      await boxes.pace.until(once(socket, 'close'));
      expect(Buffer.concat(got).equals(sent)).toBe(true);
    });
  });

  describe('back-pressure', () => {
    test('a program that does not read stops its peer, and lets it go on when it reads', async () => {
      let accepted: Socket | null = null;
      await listening(
        b.net
          .createServer((socket) => {
            accepted = socket.pause();
          })
          .listen(80),
      );
      const socket = a.net.connect(80, 'b');
      let written = 0;
      const fill = (): void => {
        while (written < TOTAL) {
          written += 10_000;
          if (!socket.write(Buffer.alloc(10_000))) return;
        }
        socket.end();
      };
      socket.on('drain', fill).once('connect', fill);
      await boxes.pace.run(10e9);
      // What fits: the stream's own buffers at both ends, and the connection's.
      expect(written).toBeGreaterThan(2 * BUFFER);
      expect(written).toBeLessThan(ground === 'memory' ? 2 * BUFFER + 200_000 : TOTAL / 2);
      const reader = accepted as unknown as Socket;
      let got = 0;
      reader.on('data', (bytes) => {
        got += bytes.length;
      });
      reader.resume();
      await boxes.pace.until(once(reader, 'end'));
      expect(got).toBe(TOTAL);
    });

    test('a write is done when the connection has taken it all', async () => {
      await listening(b.net.createServer((socket) => socket.pause()).listen(80));
      const socket = a.net.connect(80, 'b');
      let done = false;
      socket.write(Buffer.alloc(TOTAL), () => {
        done = true;
      });
      await boxes.pace.run(10e9);
      expect(done).toBe(false);
      socket.destroy();
      await boxes.pace.rest();
      expect(done).toBe(true);
    });
  });

  describe("errors are Node's own", () => {
    test('refused, as the machine says it', async () => {
      const error = await failure(a.net.connect(80, 'b'));
      expect(error).toMatchObject({
        message: 'connect ECONNREFUSED 10.0.0.2:80',
        code: 'ECONNREFUSED',
        errno: -111,
        syscall: 'connect',
        address: '10.0.0.2',
        port: 80,
      });
      const real = nodeNet.connect(1, '127.0.0.1');
      const [theirs] = await once(real, 'error');
      expect(Object.keys(error)).toEqual(Object.keys(theirs));
      expect(error.message.replace('10.0.0.2:80', '127.0.0.1:1')).toBe(theirs.message);
    });

    test('a name that is not there', async () => {
      const error = await failure(a.net.connect(80, 'nowhere'));
      expect(error).toMatchObject({
        message: 'getaddrinfo ENOTFOUND nowhere',
        code: 'ENOTFOUND',
        errno: -3008,
        syscall: 'getaddrinfo',
        hostname: 'nowhere',
      });
    });

    test('a resolver that does not answer, a host that does not answer, a packet that is lost', async () => {
      boxes.names.set('mute', []);
      expect(await failure(a.net.connect(80, 'mute'))).toMatchObject({
        message: 'getaddrinfo EAI_AGAIN mute',
        errno: -3001,
      });
      expect(await failure(a.net.connect(80, '10.0.0.77'))).toMatchObject({
        message: 'connect EHOSTUNREACH 10.0.0.77:80',
        errno: -113,
      });
      boxes.silence(b);
      expect(await failure(a.net.connect(80, 'b'))).toMatchObject({
        message: 'connect ETIMEDOUT 10.0.0.2:80',
        errno: -110,
      });
    });

    test('all of several addresses refuse: one error that holds theirs', async () => {
      boxes.names.set('many', ['10.0.0.2', '10.0.0.1']);
      const error = await failure(a.net.connect(80, 'many'));
      expect(error).toBeInstanceOf(AggregateError);
      expect(error.code).toBe('ECONNREFUSED');
      expect((error as unknown as AggregateError).errors.map(({ message }) => message)).toEqual([
        'connect ECONNREFUSED 10.0.0.2:80',
        'connect ECONNREFUSED 10.0.0.1:80',
      ]);
    });

    test('the next of several addresses is tried when one does not answer within 250 ms', async () => {
      const c = boxes.box('c', '10.0.0.3');
      boxes.silence(b);
      await listening(c.net.createServer((socket) => socket.end()).listen(80));
      boxes.names.set('many', ['10.0.0.2', '10.0.0.3']);
      const began = boxes.pace.clock.now;
      const socket = a.net.connect(80, 'many');
      await boxes.pace.until(once(socket, 'connect'));
      expect(socket.remoteAddress).toBe('10.0.0.3');
      expect(boxes.pace.clock.now - began).toBeGreaterThanOrEqual(250e6);
      expect(boxes.pace.clock.now - began).toBeLessThan(251e6);
      socket.resume().end();
    });

    test('reset while reading, and after it writing', async () => {
      let accepted: Socket | null = null;
      await listening(
        b.net
          .createServer((socket) => {
            accepted = socket;
          })
          .listen(80),
      );
      const socket = a.net.connect(80, 'b');
      await boxes.pace.until(once(socket, 'connect'));
      await boxes.pace.run(1e9);
      (accepted as unknown as Socket).resetAndDestroy();
      expect(await failure(socket)).toMatchObject({
        message: 'read ECONNRESET',
        errno: -104,
        syscall: 'read',
      });
      const late = await new Promise<NodeJS.ErrnoException>((done) =>
        socket.write('x', (error) => done(error as Error)),
      );
      expect(late.code).toBe('ERR_STREAM_DESTROYED');
    });

    test('writing to who has ended', async () => {
      await listening(b.net.createServer((socket) => socket.end()).listen(80));
      const socket = a.net.connect(80, 'b');
      socket.resume();
      await boxes.pace.until(once(socket, 'end'));
      const error = await new Promise<NodeJS.ErrnoException>((done) =>
        socket.write('x', (failed) => done(failed as Error)),
      );
      expect(error).toMatchObject({
        code: 'EPIPE',
        message: 'This socket has been ended by the other party',
      });
    });

    test('a port that is taken, and an address that is not here', async () => {
      await listening(b.net.createServer().listen(80));
      const server = b.net.createServer().listen(80);
      const [taken] = await boxes.pace.until(once(server, 'error'));
      expect(taken).toMatchObject({
        message: 'listen EADDRINUSE: address already in use 0.0.0.0:80',
        code: 'EADDRINUSE',
        errno: -98,
        syscall: 'listen',
        address: '0.0.0.0',
        port: 80,
      });
      const [foreign] = await boxes.pace.until(once(b.net.createServer().listen(80, '10.0.0.9'), 'error'));
      expect(foreign.message).toBe('listen EADDRNOTAVAIL: address not available 10.0.0.9:80');
    });

    test('wrong arguments are thrown', () => {
      const thrown = (run: () => unknown): string => {
        try {
          run();
        } catch (error) {
          return (error as { code: string }).code;
        }
        return 'nothing';
      };
      expect(thrown(() => a.net.connect({ port: 65536 }))).toBe('ERR_SOCKET_BAD_PORT');
      expect(thrown(() => a.net.createServer().listen(-1))).toBe('ERR_SOCKET_BAD_PORT');
      expect(thrown(() => a.net.connect({} as { port: number }))).toBe('ERR_MISSING_ARGS');
      const server = a.net.createServer().listen(80);
      expect(thrown(() => server.listen(81))).toBe('ERR_SERVER_ALREADY_LISTEN');
    });
  });

  describe('a server', () => {
    test('port 0 gets a free one; close waits for connections', async () => {
      const said: string[] = [];
      const server = await listening(b.net.createServer((socket) => socket.resume()).listen(0, '10.0.0.2'));
      const { port, address } = server.address() as { port: number; address: string };
      expect(port).toBeGreaterThan(0);
      expect(address).toBe('10.0.0.2');
      const socket = a.net.connect(port, 'b');
      await boxes.pace.until(once(socket, 'connect'));
      await boxes.pace.run(1e6);
      const count = new Promise((done) => server.getConnections((_error, n) => done(n)));
      expect(await boxes.pace.until(count)).toBe(1);
      server.close(() => said.push('closed'));
      expect(server.listening).toBe(false);
      await boxes.pace.run(1e9);
      expect(said).toEqual([]);
      expect((await failure(a.net.connect(port, 'b'))).code).toBe('ECONNREFUSED');
      socket.end();
      await boxes.pace.run(1e9);
      expect(said).toEqual(['closed']);
      const again = new Promise<Error | undefined>((done) => server.close(done));
      expect(await boxes.pace.until(again)).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
    });

    test('more than maxConnections are dropped', async () => {
      const server = await listening(b.net.createServer((socket) => socket.resume()).listen(80));
      server.maxConnections = 2;
      const dropped: unknown[] = [];
      server.on('drop', (about) => dropped.push(about));
      const sockets = [1, 2, 3].map(() =>
        a.net
          .connect(80, 'b')
          .on('error', () => {})
          .resume(),
      );
      await boxes.pace.run(1e9);
      expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false, true]);
      expect(dropped).toMatchObject([{ remoteAddress: '10.0.0.1', localPort: 80 }]);
    });

    test('pauseOnConnect leaves the bytes to whoever resumes', async () => {
      let accepted: Socket | null = null;
      await listening(
        b.net
          .createServer({ pauseOnConnect: true }, (socket) => {
            accepted = socket;
          })
          .listen(80),
      );
      a.net.connect(80, 'b').end('hello');
      await boxes.pace.run(1e9);
      const socket = accepted as unknown as Socket;
      expect([socket.isPaused(), socket.bytesRead]).toEqual([true, 0]);
      expect(await boxes.pace.until(text(socket))).toBe('hello');
    });
  });

  describe('time', () => {
    test('a socket times out on virtual time, from its last byte', async () => {
      await listening(
        b.net
          .createServer((socket) => {
            socket.resume();
          })
          .listen(80),
      );
      const socket = a.net.connect(80, 'b');
      await boxes.pace.until(once(socket, 'connect'));
      socket.setTimeout(1000);
      a.time.setTimeout(() => socket.write('x'), 800);
      const began = boxes.pace.clock.now;
      await boxes.pace.until(once(socket, 'timeout'));
      expect(Math.round((boxes.pace.clock.now - began) / 1e6)).toBe(1800);
      expect(socket.destroyed).toBe(false);
      socket.setTimeout(0);
      let again = false;
      socket.on('timeout', () => {
        again = true;
      });
      await boxes.pace.run(10e9);
      expect(again).toBe(false);
      socket.destroy();
    });

    test('a signal ends a socket that connects', async () => {
      boxes.silence(b);
      const abort = new AbortController();
      const socket = new a.net.Socket({ signal: abort.signal }).connect(80, 'b');
      const failed = failure(socket);
      await boxes.pace.run(1e9);
      abort.abort();
      expect((await failed).name).toBe('AbortError');
    });
  });

  test('unref lets the program end; what is open is counted', async () => {
    const server = await listening(b.net.createServer((socket) => socket.resume()).listen(80));
    expect(b.site.holds.size).toBe(1);
    server.unref();
    expect(b.site.holds.size).toBe(0);
    const socket = a.net.connect(80, 'b');
    expect(a.site.holds.size).toBe(1);
    socket.unref();
    expect(a.site.holds.size).toBe(0);
    socket.ref();
    socket.destroy();
    await boxes.pace.rest();
    expect(a.site.holds.size).toBe(0);
  });
});
