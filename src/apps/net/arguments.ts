// The shapes in which node:net takes its arguments: (port, host, callback), (options, callback), (port, host, backlog,
// callback), with strings for numbers and callbacks anywhere at the end.

import type { LookupFunction } from 'node:net';
import { nodeError } from './errors.ts';

export interface SocketOptions {
  readonly allowHalfOpen?: boolean | undefined;
  readonly readable?: boolean | undefined;
  readonly writable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveInitialDelay?: number | undefined;
  readonly highWaterMark?: number | undefined;
}

export interface ConnectTo extends SocketOptions {
  readonly port: number | string;
  readonly host?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly family?: number | 'IPv4' | 'IPv6' | undefined;
  readonly lookup?: LookupFunction | undefined;
  readonly timeout?: number | undefined;
}

export interface ServerOptions {
  readonly allowHalfOpen?: boolean | undefined;
  readonly pauseOnConnect?: boolean | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveInitialDelay?: number | undefined;
  readonly highWaterMark?: number | undefined;
}

export interface ListenAt {
  readonly port?: number | string | undefined;
  readonly host?: string | undefined;
  readonly backlog?: number | undefined;
  readonly ipv6Only?: boolean | undefined;
  readonly exclusive?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly path?: string | undefined;
}

type Callback = () => void;
export type ConnectArguments =
  | [options: ConnectTo, connected?: Callback]
  | [port: number | string, connected?: Callback]
  | [port: number | string, host?: string, connected?: Callback];
export type ListenArguments =
  | [options: ListenAt, listening?: Callback]
  | [
      port?: number | string | null,
      host?: string | number | Callback,
      backlog?: number | Callback,
      listening?: Callback,
    ]
  | [listening?: Callback];

/** @throws ERR_MISSING_ARGS, ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE for a path: there are no files here to connect to */
export function connectArguments(given: readonly unknown[]): [ConnectTo, Callback | null] {
  // Node hands on arguments that it has normalised as one array within the list.
  const list = given.length === 1 && Array.isArray(given[0]) ? (given[0] as unknown[]) : given;
  const [first, second] = list;
  const callback = lastFunction(list);
  if (typeof first === 'object' && first !== null) {
    const options = first as ConnectTo & { path?: string };
    if (options.path !== undefined && options.path !== null && options.port === undefined)
      throw noPath(options.path);
    if (options.port === undefined) {
      throw nodeError(
        TypeError,
        'ERR_MISSING_ARGS',
        'The "options" or "port" or "path" argument must be specified',
      );
    }
    return [{ ...options, port: portOf(options.port) }, callback];
  }
  if (first === undefined || typeof first === 'function') {
    throw nodeError(
      TypeError,
      'ERR_MISSING_ARGS',
      'The "options" or "port" or "path" argument must be specified',
    );
  }
  if (typeof first === 'string' && !(Number(first) >= 0)) throw noPath(first);
  return [
    { port: portOf(first as number), ...(typeof second === 'string' ? { host: second } : {}) },
    callback,
  ];
}

/** @throws ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE */
export function listenArguments(given: readonly unknown[]): [ListenAt & { port: number }, Callback | null] {
  const list = given.length === 1 && Array.isArray(given[0]) ? (given[0] as unknown[]) : given;
  const [first, second, third] = list;
  const callback = lastFunction(list);
  if (typeof first === 'object' && first !== null) {
    const options = first as ListenAt;
    if (options.path !== undefined && options.port === undefined) throw noPath(options.path);
    return [{ ...options, port: portOf(options.port ?? 0) }, callback];
  }
  if (typeof first === 'string' && !(Number(first) >= 0)) throw noPath(first);
  const port = typeof first === 'number' || typeof first === 'string' ? portOf(first) : 0;
  const backlog = [second, third].find((one) => typeof one === 'number') as number | undefined;
  return [
    { port, ...(typeof second === 'string' ? { host: second } : {}), ...(backlog ? { backlog } : {}) },
    callback,
  ];
}

/** A port as Node takes it: 0 to 65535, as number or text. @throws ERR_SOCKET_BAD_PORT */
export function portOf(port: unknown, name = 'options.port'): number {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  const got = typeof port === 'string' ? `type string ('${port}')` : `type ${typeof port} (${String(port)})`;
  throw nodeError(RangeError, 'ERR_SOCKET_BAD_PORT', `${name} should be >= 0 and < 65536. Received ${got}.`);
}

/** 4, 6, or 0 for either. */
export function familyOf(family: unknown): 0 | 4 | 6 {
  if (family === 4 || family === 'IPv4') return 4;
  return family === 6 || family === 'IPv6' ? 6 : 0;
}

function lastFunction(list: readonly unknown[]): Callback | null {
  const last = list.at(-1);
  return typeof last === 'function' ? (last as Callback) : null;
}

function noPath(path: string): Error {
  return nodeError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `A container of the lab has ports, no sockets in its file system: '${path}'`,
  );
}
