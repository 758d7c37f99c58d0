// Errors as Node makes them from the system's: code, errno, syscall, address, port, and the sentence programs print
// (Node's lib/internal/errors.js: ExceptionWithHostPort, UVExceptionWithHostPort, dnsException).

import { getSystemErrorMap } from 'node:util';
import { VxlabError } from '../../core/wire/numbers.ts';

export interface SystemError extends Error {
  code: string;
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
  localAddress?: string;
  localPort?: number;
  hostname?: string;
}

const NUMBERS = new Map([...getSystemErrorMap()].map(([errno, [code, text]]) => [code, { errno, text }]));
/** libuv's numbers of getaddrinfo's errors: UV_EAI_NONAME, which Node calls ENOTFOUND, and UV_EAI_AGAIN. */
const LOOKUP_NUMBERS: Readonly<Record<string, number>> = { ENOTFOUND: -3008, EAI_AGAIN: -3001 };

/** `connect ECONNREFUSED 10.0.1.5:80`, `send EMSGSIZE 10.0.1.5:53`: without the system's own words. */
export function peerError(
  code: string,
  syscall: string,
  address: string,
  port: number,
  local: string | null = null,
): SystemError {
  const place = port > 0 ? `${address}:${port}` : address;
  const error = systemError(
    code,
    syscall,
    `${syscall} ${code} ${place}${local === null ? '' : ` - Local (${local})`}`,
  );
  error.address = address;
  if (port > 0) error.port = port;
  return error;
}

/** `listen EADDRINUSE: address already in use 0.0.0.0:80`: with the system's words. */
export function bindError(code: string, syscall: string, address: string, port: number): SystemError {
  const text = NUMBERS.get(code)?.text ?? 'unknown error';
  const place = port > 0 ? `${address}:${port}` : address;
  const error = systemError(code, syscall, `${syscall} ${code}: ${text} ${place}`);
  error.address = address;
  if (port > 0) error.port = port;
  return error;
}

/** `read ECONNRESET`, `write EPIPE`. */
export function callError(code: string, syscall: string): SystemError {
  return systemError(code, syscall, `${syscall} ${code}`);
}

/** `getaddrinfo ENOTFOUND name`, `queryA ENOTFOUND name`. */
export function lookupError(code: string, syscall: string, hostname: string): SystemError {
  const error = systemError(code, syscall, `${syscall} ${code} ${hostname}`);
  error.hostname = hostname;
  return error;
}

/** What Node throws itself for a wrong argument or call. */
export function nodeError<E extends Error>(
  kind: new (message: string) => E,
  code: string,
  message: string,
): E & { code: string } {
  return Object.assign(new kind(message), { code });
}

/** The engine's word for a port that cannot be had, in the system's. */
export function codeOf(error: unknown): string {
  if (!(error instanceof VxlabError)) throw error;
  switch (error.code) {
    case 'PORT_IN_USE':
      return 'EADDRINUSE';
    case 'NO_FREE_PORT':
    case 'NO_SUCH_ADDRESS':
      return 'EADDRNOTAVAIL';
    case 'BAD_PORT':
      return 'EINVAL';
    default:
      throw error;
  }
}

function systemError(code: string, syscall: string, message: string): SystemError {
  const errno = LOOKUP_NUMBERS[code] ?? NUMBERS.get(code)?.errno ?? 0;
  return Object.assign(new Error(message), { errno, code, syscall });
}
