// Passing a request on to another server and its answer back, as a reverse proxy does (RFC 9110 s.7.6): both bodies streamed,
// hop-by-hop headers left out, X-Forwarded-For said. 502 when the server cannot be reached or breaks off, 504 when it
// takes too long.

import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { ProgramContext } from '../program.ts';
import { peerAddress, sendText } from './http-serve.ts';

/** Milliseconds for the whole exchange, as Apache's ProxyTimeout. */
const PATIENCE = 60_000;

/** RFC 9110 s.7.6.1, and what older proxies send. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export class Forwarder {
  readonly #context: ProgramContext;
  readonly #upstream: URL;
  readonly #agent: Agent;

  /** @param upstream `http://host:port` */
  constructor(context: ProgramContext, upstream: string) {
    this.#context = context;
    this.#upstream = new URL(upstream);
    this.#agent = new context.http.Agent({ keepAlive: true });
    context.signal.addEventListener('abort', () => this.#agent.destroy(), { once: true });
  }

  pass(request: IncomingMessage, response: ServerResponse): void {
    const { time, tally } = this.#context;
    const peer = tally.peer(this.#upstream.hostname);
    peer.begin();
    const began = time.now;
    const hasBody = request.headers['transfer-encoding'] !== undefined || bodyLength(request) > 0;
    let timedOut = false;
    let over = false;
    const timer = time.setTimeout(() => {
      timedOut = true;
      outgoing?.destroy();
    }, PATIENCE);
    let outgoing: ClientRequest | null = null;
    let received = 0;

    const finish = (code: string | null): void => {
      if (over) return;
      over = true;
      timer.close();
      if (code === null) peer.request(time.now - began, bodyLength(request), received);
      else peer.failure(code);
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      if (over) return;
      const code = timedOut ? 'ETIMEDOUT' : (error.code ?? 'EPROTO');
      finish(code);
      if (response.headersSent) return void response.destroy();
      const status = code === 'ETIMEDOUT' ? 504 : 502;
      const title = status === 504 ? 'Gateway Timeout' : 'Bad Gateway';
      sendText(
        request,
        response,
        status,
        `${title}: ${this.#upstream.host}: ${timedOut ? code : error.message}\n`,
      );
      request.unpipe();
      request.resume();
    };
    const answered = (answer: IncomingMessage): void => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, passedOn(answer.headers));
      answer.on('data', (bytes: Buffer) => {
        received += bytes.length;
      });
      pipeline(answer, response, (error) => {
        const status = answer.statusCode ?? 0;
        if (error) fail(error);
        else finish(status >= 500 ? `HTTP ${status}` : null);
      });
    };
    const send = (again: boolean): void => {
      const sent = this.#context.http.request({
        agent: this.#agent,
        host: this.#upstream.hostname.replace(/^\[|\]$/g, ''),
        port: Number(this.#upstream.port || 80),
        method: request.method ?? 'GET',
        path: targetOf(request),
        headers: this.#headers(request),
      });
      outgoing = sent;
      sent.on('response', answered);
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed a kept connection just as it was used again: ask once more (RFC 9112 s.9.3.1).
        if (sent.reusedSocket && error.code === 'ECONNRESET' && !again && !hasBody && !timedOut) send(true);
        else fail(error);
      });
      // Not a pipeline: that would close the visitor's connection when the server is gone, and there is a 502 to say.
      if (hasBody) request.pipe(sent);
      else sent.end();
    };
    // The visitor left: nobody waits for the answer.
    response.on('close', () => {
      if (response.writableFinished || over) return;
      finish('ECONNABORTED');
      outgoing?.destroy();
    });
    send(false);
  }

  #headers(request: IncomingMessage): Record<string, string | string[]> {
    const headers = passedOn(request.headers);
    const before = request.headers['x-forwarded-for'];
    const from = peerAddress(request.socket);
    headers['x-forwarded-for'] = before === undefined ? from : `${before}, ${from}`;
    if (request.headers.host !== undefined) headers['x-forwarded-host'] = request.headers.host;
    headers['x-forwarded-server'] = this.#context.name;
    headers['host'] = this.#upstream.host;
    return headers;
  }
}

/** Of a target in absolute form (RFC 9112 s.3.2.2) what is behind the host. */
function targetOf({ url = '/' }: IncomingMessage): string {
  const behind = url.replace(/^http:\/\/[^/?#]*/i, '');
  return behind.startsWith('/') || behind === '*' ? behind : `/${behind}`;
}

function bodyLength(message: IncomingMessage): number {
  return Number(message.headers['content-length'] ?? 0);
}

/** Headers without those that are for one hop only, and without what `Connection` names. */
function passedOn(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']));
}
