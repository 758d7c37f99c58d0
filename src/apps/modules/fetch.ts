// `fetch` over a container's connections: Node's own, whose connections come from a dispatcher of ours. Each request has a
// connection for itself: when kept ones are given up is a matter of the machine's clock there.

import { Duplex } from 'node:stream';
import type { ConnectTo, ContainerNet } from '../net/net.ts';
import type { ContainerTls } from '../tls.ts';

/** Where Node's fetch keeps the dispatcher that it uses unless told otherwise (undici, lib/global.js). */
const DISPATCHER = Symbol.for('undici.globalDispatcher.1');

interface Target {
  readonly hostname: string;
  readonly port: string;
  readonly protocol: string;
  readonly servername?: string;
}
type Connected = (error: Error | null, socket: unknown) => void;
type Agent = new (options: object) => object;

/** @param hold keeps time standing until a promise settles */
export function fetchOf(
  net: ContainerNet,
  tls: ContainerTls,
  hold: <T>(promise: Promise<T>) => Promise<T>,
): typeof fetch {
  let dispatcher: Promise<object> | null = null;
  return async (input, init) => {
    dispatcher ??= hold(agentClass()).then((kind) => {
      const connect = (to: Target, connected: Connected): void => {
        const secure = to.protocol === 'https:';
        const at = { host: to.hostname, port: Number(to.port) || (secure ? 443 : 80), noDelay: true };
        const servername = to.servername ?? to.hostname;
        const socket = secure ? tls.connect({ ...at, servername }) : net.connect(at as ConnectTo);
        socket.once('error', connected as (error: Error) => void);
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          socket.removeListener('error', connected as (error: Error) => void);
          connected(null, socket);
        });
      };
      return new kind({ connect, pipelining: 0, headersTimeout: 0, bodyTimeout: 0 });
    });
    return fetch(input, { ...init, dispatcher: await dispatcher } as RequestInit);
  };
}

/**
 * The class of Node's dispatcher, which is there once `fetch` was used. Its parser is compiled in the background, which nobody
 * can see: so it reads an answer that needs no network before it is trusted with time.
 */
async function agentClass(): Promise<Agent> {
  await fetch('data:,');
  const kind = (globalThis as unknown as Record<symbol, object>)[DISPATCHER]?.constructor as Agent;
  const connect = (_to: Target, connected: Connected): void => {
    const answer = 'HTTP/1.1 204 No Content\r\n\r\n';
    const socket: Duplex = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        socket.push(answer);
        done();
      },
    });
    connected(null, socket);
  };
  await fetch('http://warm/', { dispatcher: new kind({ connect, pipelining: 0 }) } as RequestInit);
  return kind;
}
