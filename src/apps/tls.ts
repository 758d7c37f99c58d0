// The modules `tls` and `https` of a container: Node's own, over the container's connections.

import type { RequestListener } from 'node:http';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import type { ContainerHttp } from './http.ts';
import { dated, NEVER } from './http.ts';
import type { ConnectTo, ContainerNet } from './net/net.ts';
import { callable, rename } from './net/net.ts';
import { seat } from './seat.ts';
import type { Site } from './site.ts';

export type ContainerTls = typeof tls;
export type ContainerHttps = typeof https;

type Connected = () => void;

export function containerTls(net: ContainerNet): ContainerTls {
  /** `connect(options)`, `connect(port, host, options)`, each with a callback. */
  const connect = (...given: unknown[]): tls.TLSSocket => {
    const done = given.find((one) => typeof one === 'function') as Connected | undefined;
    const options = Object.assign(
      {},
      typeof given[0] === 'object' ? {} : { port: given[0] },
      typeof given[1] === 'string' ? { host: given[1] } : {},
      ...given.filter((one) => typeof one === 'object'),
    ) as tls.ConnectionOptions & { path?: string };
    const { path: _path, timeout: _timeout, ...rest } = options;
    const socket = options.socket ?? (net.connect(rest as unknown as ConnectTo) as Duplex);
    const secure = tls.connect({ ...rest, socket }, done);
    if (options.socket === undefined) {
      // Node wraps a stream that is no socket of the system, and its own socket then speaks for what lies below.
      for (const name of ['connect', 'ready', 'lookup', 'timeout']) {
        socket.on(name, (...words: unknown[]) => secure.emit(name, ...words));
      }
      if (options.timeout !== undefined) secure.setTimeout(options.timeout);
    }
    return secure;
  };

  class Server extends tls.Server {
    constructor(options?: tls.TlsOptions | Accepted, accepted?: Accepted) {
      const given = typeof options === 'function' ? {} : (options ?? {});
      super(given, typeof options === 'function' ? options : accepted);
      seat(this, net, given);
    }
  }
  rename(Server, 'Server');
  const face = {
    ...tls,
    connect,
    Server: callable(Server),
    createServer: (options?: tls.TlsOptions | Accepted, accepted?: Accepted) => new Server(options, accepted),
  };
  delete (face as { default?: unknown }).default;
  return face as unknown as ContainerTls;
}

type Accepted = (socket: tls.TLSSocket) => void;

export function containerHttps(
  site: Site,
  net: ContainerNet,
  http: ContainerHttp,
  secure: ContainerTls,
): ContainerHttps {
  class Agent extends https.Agent {
    // As Node's, less its cache of sessions: a handshake more, and nothing that outlives a run.
    override createConnection(options: tls.ConnectionOptions): tls.TLSSocket {
      return secure.connect(options);
    }
  }

  const globalAgent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 });

  class Server extends https.Server {
    constructor(options?: https.ServerOptions | Handler, handler?: Handler) {
      const given = typeof options === 'function' ? {} : (options ?? {});
      const limits = {
        connectionsCheckingInterval: NEVER,
        ServerResponse: dated(given.ServerResponse, site),
      };
      super({ ...given, ...limits }, typeof options === 'function' ? options : handler);
      seat(this, net, { allowHalfOpen: false, noDelay: given.noDelay ?? true });
    }
  }
  rename(Server, 'Server');
  rename(Agent, 'Agent');

  const request = (...given: unknown[]): unknown => {
    const [first] = given;
    const url = typeof first === 'string' ? new URL(first) : first;
    const base = url instanceof URL ? urlToHttpOptions(url) : (url as object);
    const more = url instanceof URL && typeof given[1] === 'object' ? given[1] : {};
    const done = given.find((one) => typeof one === 'function');
    const options = { _defaultAgent: globalAgent, defaultPort: 443, ...base, ...more };
    return http.request(options as https.RequestOptions, done as () => void);
  };
  const face = {
    ...https,
    Agent: callable(Agent),
    Server: callable(Server),
    globalAgent,
    createServer: (options?: https.ServerOptions | Handler, handler?: Handler) =>
      new Server(options, handler),
    request,
    get: (...given: unknown[]) => {
      const made = request(...given) as { end(): void };
      made.end();
      return made;
    },
  };
  delete (face as { default?: unknown }).default;
  return face as unknown as ContainerHttps;
}

type Handler = RequestListener;
