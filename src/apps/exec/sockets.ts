// Connecting as these tools do: one address, maybe with a limit of time, and libc's words for what goes wrong.

import type { ToolContext } from './tool.ts';

export type ToolSocket = ReturnType<ToolContext['net']['connect']>;

export interface ConnectTo {
  /** In letters; no name. */
  readonly address: string;
  readonly port: number;
  /** Nanoseconds; null waits as long as TCP does. */
  readonly timeout: number | null;
  readonly localPort?: number;
}

/** TIMEOUT is the caller's limit, ABORTED the program's end; else the system's code. */
export type Connected =
  | { readonly socket: ToolSocket; readonly error: null }
  | { readonly socket: null; readonly error: string };

/** A connection whose two directions end apart. Errors after that are the stream's, and heard there. */
export function connectTo(context: ToolContext, to: ConnectTo): Promise<Connected> {
  const { net, time, signal } = context;
  if (signal.aborted) return Promise.resolve({ socket: null, error: 'ABORTED' });
  return new Promise((done) => {
    const socket = net.connect({
      host: to.address,
      port: to.port,
      allowHalfOpen: true,
      ...(to.localPort === undefined ? {} : { localPort: to.localPort }),
    });
    const settle = (error: string | null): void => {
      timer?.close();
      signal.removeEventListener('abort', aborted);
      if (error === null) return done({ socket, error });
      socket.destroy();
      done({ socket: null, error });
    };
    const aborted = (): void => settle('ABORTED');
    const timer =
      to.timeout === null ? null : time.setTimeout(() => settle('TIMEOUT'), Math.max(1, to.timeout / 1e6));
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('connect', () => settle(null));
    // One listener stays: what comes later ends the reading and writing, which tell it.
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? 'EIO'));
  });
}

/** libc's words for a socket's error, as strerror(3) has them. */
export function errnoWords(code: string | undefined): string {
  return (code === undefined ? undefined : WORDS[code]) ?? code ?? 'Unknown error';
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  ECONNABORTED: 'Software caused connection abort',
  ETIMEDOUT: 'Connection timed out',
  TIMEOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EPIPE: 'Broken pipe',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EMSGSIZE: 'Message too long',
  EACCES: 'Permission denied',
  EINVAL: 'Invalid argument',
  ABORTED: 'Interrupted system call',
};
