// The module `net` of a container: what node:net offers, with the container's addresses and ports.

import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Site } from '../site.ts';
import type { ConnectArguments, ServerOptions, SocketOptions } from './arguments.ts';
import type { Accepted } from './server.ts';
import { Server } from './server.ts';
import { Socket } from './socket.ts';

export type {
  ConnectArguments,
  ConnectTo,
  ListenArguments,
  ServerOptions,
  SocketOptions,
} from './arguments.ts';
export type { Server } from './server.ts';
export type { Socket } from './socket.ts';

export interface ContainerNet {
  readonly Socket: new (options?: SocketOptions) => Socket;
  readonly Stream: new (options?: SocketOptions) => Socket;
  readonly Server: new (options?: ServerOptions | Accepted, accepted?: Accepted) => Server;
  connect(...to: ConnectArguments): Socket;
  createConnection(...to: ConnectArguments): Socket;
  createServer(options?: ServerOptions | Accepted, accepted?: Accepted): Server;
  isIP(text: string): number;
  isIPv4(text: string): boolean;
  isIPv6(text: string): boolean;
  getDefaultAutoSelectFamily(): boolean;
  getDefaultAutoSelectFamilyAttemptTimeout(): number;
}

export function containerNet(site: Site): ContainerNet {
  class ContainerSocket extends Socket {
    constructor(options: SocketOptions = {}) {
      super(site, options);
    }
  }
  class ContainerServer extends Server {
    constructor(options: ServerOptions | Accepted = {}, accepted?: Accepted) {
      if (typeof options === 'function') super(site, {}, options);
      else super(site, options ?? {}, accepted);
    }
  }
  rename(ContainerSocket, 'Socket');
  rename(ContainerServer, 'Server');
  const connect = (...to: ConnectArguments): Socket => {
    const [first] = to;
    const options = (Array.isArray(first) ? first[0] : first) as SocketOptions;
    return new ContainerSocket(typeof options === 'object' ? options : {}).connect(...to);
  };
  return {
    // Node's own can be called without `new`, and old packages do.
    Socket: callable(ContainerSocket),
    Stream: callable(ContainerSocket),
    Server: callable(ContainerServer),
    connect,
    createConnection: connect,
    createServer: (options, accepted) => new ContainerServer(options, accepted),
    isIP,
    isIPv4,
    isIPv6,
    getDefaultAutoSelectFamily: () => true,
    getDefaultAutoSelectFamilyAttemptTimeout: () => 250,
  };
}

/** The class, which makes an instance when called without `new` too. */
export function callable<C extends new (...args: never[]) => object>(kind: C): C {
  return new Proxy(kind, {
    apply: (target, _self, args) => Reflect.construct(target, args),
  });
}

export function rename(kind: object, name: string): void {
  Object.defineProperty(kind, 'name', { value: name });
}
