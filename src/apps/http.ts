// The module `http` of a container: Node's own http, whose servers listen on the container's ports and whose requests go
// out by its connections. Nothing of HTTP is written here; what is exchanged is the ground under it.

import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { ConnectTo, ContainerNet } from './net/net.ts';
import { callable, rename } from './net/net.ts';
import { seat } from './seat.ts';
import type { Site } from './site.ts';

/** As node:http; servers and agents are subclasses of Node's. */
export type ContainerHttp = typeof http;

/** Node looks every so often, on the wall clock, for requests that take too long: here that would be chance. */
export const NEVER = 0x7fffffff;

export function containerHttp(site: Site, net: ContainerNet): ContainerHttp {
  class Server extends http.Server {
    constructor(options?: http.ServerOptions | http.RequestListener, listener?: http.RequestListener) {
      const given = typeof options === 'function' ? {} : (options ?? {});
      super(
        {
          ...given,
          connectionsCheckingInterval: NEVER,
          ServerResponse: dated(given.ServerResponse, site),
        },
        typeof options === 'function' ? options : listener,
      );
      seat(this, net, {
        // As Node's own: a request's socket stays open for the answer, and HTTP does without Nagle.
        allowHalfOpen: true,
        noDelay: given.noDelay ?? true,
        keepAlive: given.keepAlive,
        keepAliveInitialDelay: given.keepAliveInitialDelay,
        highWaterMark: (given as { highWaterMark?: number }).highWaterMark,
      });
    }
  }

  class Agent extends http.Agent {
    override createConnection(options: object): Duplex {
      // An agent's `path` is the request's, not a socket file's.
      return net.connect({ ...options, path: undefined } as unknown as ConnectTo);
    }
  }

  const globalAgent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 });

  class ClientRequest extends http.ClientRequest {
    constructor(...given: RequestArguments) {
      const [options, answered] = requestArguments(given);
      super({ _defaultAgent: globalAgent, ...options } as http.ClientRequestArgs, answered);
    }
  }
  for (const [name, kind] of Object.entries({ Server, Agent, ClientRequest })) rename(kind, name);

  const request = (...args: RequestArguments): http.ClientRequest => new ClientRequest(...args);
  const face = {
    ...http,
    Server: callable(Server),
    Agent: callable(Agent),
    ClientRequest: callable(ClientRequest as unknown as new () => http.ClientRequest),
    globalAgent,
    createServer: (...args: ConstructorParameters<typeof Server>): http.Server => new Server(...args),
    request,
    get: (...args: RequestArguments): http.ClientRequest => {
      const made = request(...args);
      made.end();
      return made;
    },
  };
  delete (face as { default?: unknown }).default;
  return face as unknown as ContainerHttp;
}

type Answered = (answer: http.IncomingMessage) => void;
type RequestArguments =
  | [url: string | URL, options?: http.RequestOptions | Answered, answered?: Answered]
  | [options: http.RequestOptions, answered?: Answered];

function requestArguments(given: RequestArguments): [http.RequestOptions, Answered | undefined] {
  const [first, second, third] = given;
  const answered = typeof second === 'function' ? second : third;
  const options = typeof second === 'object' ? second : {};
  if (typeof first === 'string') return [{ ...urlToHttpOptions(new URL(first)), ...options }, answered];
  return [first instanceof URL ? { ...urlToHttpOptions(first), ...options } : first, answered];
}

/**
 * A response whose Date header is the lab's date. It goes where Node would put it, behind the program's own headers; a
 * method of the instance, since frameworks exchange the prototype.
 */
export function dated(given: unknown, site: Site): typeof http.ServerResponse {
  const Base = (given ?? http.ServerResponse) as typeof http.ServerResponse<http.IncomingMessage>;
  const now = (): string => new Date(site.epoch + Math.floor(site.clock.now / 1e6)).toUTCString();
  class ServerResponse extends Base {
    constructor(request: http.IncomingMessage) {
      super(request);
      Object.defineProperty(this, 'writeHead', { value: writeHead, writable: true, configurable: true });
    }
  }
  function writeHead(this: http.ServerResponse, status: number, ...rest: unknown[]): http.ServerResponse {
    const headers = rest.at(-1);
    const given = typeof headers === 'object' && headers !== null;
    if (this.sendDate && !this.headersSent && !this.hasHeader('date')) {
      if (!given) this.setHeader('Date', now());
      else rest[rest.length - 1] = withDate(headers, now);
    }
    const proto = Object.getPrototypeOf(this) as http.ServerResponse;
    return Reflect.apply(proto.writeHead, this, [status, ...rest]);
  }
  return ServerResponse as typeof http.ServerResponse;
}

/** Headers as an object, a flat list or a list of pairs, with a date at the end if there was none. */
function withDate(headers: object, now: () => string): object {
  if (!Array.isArray(headers))
    return Object.keys(headers).some(isDate) ? headers : { ...headers, Date: now() };
  if (Array.isArray(headers[0])) {
    return headers.some(([name]) => isDate(name)) ? headers : [...headers, ['Date', now()]];
  }
  return headers.some((word, i) => i % 2 === 0 && isDate(word)) ? headers : [...headers, 'Date', now()];
}

function isDate(name: unknown): boolean {
  return typeof name === 'string' && name.toLowerCase() === 'date';
}
