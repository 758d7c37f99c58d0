// What the HTTP servers of this room have in common: listening until the container stops, and answers that hold one text.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProgramContext } from '../program.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Listens on `port` until the program is to end. Rejects when it cannot listen. */
export function serveHttp(context: ProgramContext, port: number, handler: Handler): Promise<void> {
  const { http, signal } = context;
  return new Promise((done, failed) => {
    const server = http.createServer((request, response) => {
      // A visitor who leaves is no fault of the server's.
      response.on('error', () => {});
      Promise.resolve(handler(request, response)).catch((error: Error) => {
        context.err(`${request.method} ${request.url}: ${error.message}\n`);
        if (response.headersSent) response.destroy();
        else sendText(request, response, 500, 'Internal Server Error\n');
      });
    });
    server.on('error', failed);
    const stop = (): void => {
      server.close(() => done());
      server.closeAllConnections();
    };
    if (signal.aborted) return done();
    signal.addEventListener('abort', stop, { once: true });
    server.listen(port);
  });
}

/** Answers with a text of known length; without it for HEAD and where the status allows none. */
export function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
  headers: Readonly<Record<string, string>> = {},
): void {
  if (status === 204 || status === 304) {
    response.writeHead(status, headers);
    response.end();
    return;
  }
  const bytes = Buffer.from(text);
  response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** The peer's address; of an IPv4 peer of an IPv6 socket the IPv4 part (RFC 4291 s.2.5.5.2). */
export function peerAddress(socket: { readonly remoteAddress?: string | undefined }): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d)/, '');
}
