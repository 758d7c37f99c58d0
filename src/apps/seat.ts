// Seats a server of Node's (http, https, tls) on a container: what would listen on the machine listens on the container's
// net instead. The server keeps all else that it is; connections reach it by its own 'connection' event, which Node
// documents for streams that are no sockets of the system.

import type { Server as NodeServer } from 'node:net';
import type { ContainerNet, ListenArguments, Server, ServerOptions, Socket } from './net/net.ts';

export function seat(server: NodeServer, net: ContainerNet, options: ServerOptions): void {
  const inner = new net.Server(options);
  const close = server.close;
  let told = false;
  const methods = {
    listen(...at: ListenArguments): NodeServer {
      // The callback is the seated server's, and is called with it.
      const last = at.at(-1);
      if (typeof last === 'function') server.once('listening', at.pop() as () => void);
      told = false;
      inner.listen(...at);
      return server;
    },
    close(done?: (error?: Error) => void): NodeServer {
      if (!inner.listening && !told) return Reflect.apply(close, server, [done]);
      if (done !== undefined) server.once('close', done);
      told = true;
      inner.close();
      // Of an HTTP server: connections without a request end now.
      (server as { closeIdleConnections?: () => void }).closeIdleConnections?.();
      return server;
    },
    address: () => inner.address(),
    getConnections(done: (error: Error | null, count: number) => void): NodeServer {
      inner.getConnections(done);
      return server;
    },
    ref(): NodeServer {
      inner.ref();
      return server;
    },
    unref(): NodeServer {
      inner.unref();
      return server;
    },
  };
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(server, name, { value, writable: true, configurable: true });
  }
  Object.defineProperty(server, 'listening', { get: () => inner.listening, configurable: true });
  Object.defineProperty(server, 'connections', { get: () => inner.connections, configurable: true });
  Object.defineProperty(inner, 'maxConnections', { get: () => server.maxConnections });
  Object.defineProperty(server, Symbol.asyncDispose, {
    value: (): Promise<void> =>
      new Promise((done) => {
        if (inner.listening) methods.close(() => done());
        else done();
      }),
  });
  pass(inner, server);
  // The rest of Node's own close: it stops its timers and tells of the end.
  inner.on('close', () => {
    told = false;
    Reflect.apply(close, server, []);
  });
}

function pass(inner: Server, server: NodeServer): void {
  inner.on('connection', (socket: Socket) => server.emit('connection', socket));
  inner.on('listening', () => server.emit('listening'));
  inner.on('error', (error: Error) => server.emit('error', error));
  inner.on('drop', (about: unknown) => server.emit('drop', about));
}
