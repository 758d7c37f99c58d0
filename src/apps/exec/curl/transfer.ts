// One request of curl's and its answer: written, waited for, read; redirects are the caller's.

import { errnoWords } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { CurlRequest } from './arguments.ts';
import type { Connection, Connections, Milestones } from './connection.ts';
import { CURL, CurlFailure } from './failure.ts';
import type { ReplyHead } from './reply.ts';
import { framingOf, readBody, readHead } from './reply.ts';
import type { Outgoing } from './request.ts';
import type { CurlUrl } from './url.ts';
import type { Transfer } from './write-out.ts';

/** What the caller does with what comes. */
export interface Told {
  /** -v's lines: `*`, `>` or `<` and a text. */
  say(mark: '*' | '>' | '<', line: string): void;
  /** The head is there; answers whether the body is wanted. */
  head(head: ReplyHead): Promise<boolean>;
  body(bytes: Uint8Array): Promise<void>;
}

/** How long `100 Continue` is waited for (libcurl's EXPECT_100_TIMEOUT), in milliseconds. */
const CONTINUE_WAIT = 1000;

export class Exchange {
  readonly #context: ToolContext;
  readonly #connections: Connections;
  readonly #transfer: Transfer;
  readonly #told: Told;
  readonly #began: number;
  readonly #until: number;

  /** @param until the lab's time at which -m ends it; times are counted from `began` */
  constructor(
    context: ToolContext,
    connections: Connections,
    transfer: Transfer,
    told: Told,
    began: number,
    until: number,
  ) {
    this.#context = context;
    this.#connections = connections;
    this.#transfer = transfer;
    this.#told = told;
    this.#began = began;
    this.#until = until;
  }

  /** Answers the final head; its body has gone to `told`. @throws CurlFailure */
  async run(request: CurlRequest, url: CurlUrl, outgoing: Outgoing): Promise<ReplyHead> {
    const { time } = this.#context;
    const times: Milestones = { lookedUp: 0, connected: 0, secured: 0 };
    const madeBefore = this.#connections.made;
    let connection: Connection;
    try {
      connection = await this.#connections.open(url, this.#began, this.#until, times);
    } finally {
      for (const key of ['lookedUp', 'connected', 'secured'] as const) {
        this.#transfer[key] = times[key] === 0 ? 0 : times[key] - this.#began;
      }
      this.#transfer.connects += this.#connections.made - madeBefore;
    }
    const { remoteIp, remotePort, localIp, localPort } = connection;
    Object.assign(this.#transfer, {
      remoteIp,
      remotePort,
      localIp,
      localPort,
      ready: time.now - this.#began,
    });
    const limit = this.#limit(connection);
    try {
      const head = await this.#exchange(request, connection, outgoing);
      limit();
      if (this.#persists(head, request) && framingOf(head, outgoing.method).kind !== 'close') {
        this.#connections.keep(url, connection);
      } else this.#connections.leave(connection);
      return head;
    } catch (error) {
      limit();
      if (error instanceof CurlFailure) {
        if (error.exit !== CURL.ok) this.#told.say('*', error.message);
        this.#connections.leave(connection);
      }
      throw error;
    }
  }

  async #exchange(request: CurlRequest, connection: Connection, outgoing: Outgoing): Promise<ReplyHead> {
    const { incoming } = connection;
    for (const line of outgoing.lines) this.#told.say('>', line);
    this.#told.say('>', '');
    const head = Buffer.from(`${outgoing.lines.join('\r\n')}\r\n\r\n`, 'latin1');
    this.#transfer.requestSize += head.length;
    // A short body goes with its head, in one segment where it fits.
    const together = outgoing.body !== null && !outgoing.expect ? Buffer.concat([head, outgoing.body]) : head;
    const early = readHead(incoming);
    early.catch(() => {});
    await send(connection, together);
    if (outgoing.body !== null) {
      if (!outgoing.expect) this.#transfer.uploaded += outgoing.body.length;
      else await this.#continue(connection, early, outgoing.body);
    }
    let reply = await early;
    for (;;) {
      if (this.#transfer.firstByte === 0) this.#transfer.firstByte = this.#context.time.now - this.#began;
      this.#count(reply);
      for (const line of reply.lines) this.#told.say('<', line);
      if (reply.status >= 200) break;
      this.#told.say('<', '');
      reply = await readHead(incoming);
    }
    if (request.fail === 'quietly' && reply.status >= 400) {
      throw new CurlFailure(CURL.httpError, `The requested URL returned error: ${reply.status}`);
    }
    this.#told.say('<', '');
    const wanted = await this.#told.head(reply);
    for await (const bytes of readBody(incoming, framingOf(reply, outgoing.method))) {
      this.#transfer.downloaded += bytes.length;
      if (wanted) await this.#told.body(bytes);
      else this.#transfer.downloaded -= bytes.length;
    }
    return reply;
  }

  async #continue(connection: Connection, early: Promise<ReplyHead>, body: Uint8Array): Promise<void> {
    const stop = new AbortController();
    const waited = this.#context.time.sleep(CONTINUE_WAIT, { signal: stop.signal }).then(
      () => null,
      () => null,
    );
    const first = await Promise.race([early, waited]);
    stop.abort();
    if (first !== null && first.status >= 200) {
      this.#told.say('*', 'HTTP error before end of send, stop sending');
      return;
    }
    await send(connection, body);
    this.#transfer.uploaded += body.length;
  }

  #count(head: ReplyHead): void {
    const { lines, size, status, version } = head;
    Object.assign(this.#transfer, { status, version });
    this.#transfer.headerSize += size;
    this.#transfer.headers = lines.length - 1;
    this.#transfer.contentType = head.header('content-type') ?? '';
  }

  /** Ends the connection at -m's time or with the program; answers with how to call it off. */
  #limit({ socket }: Connection): () => void {
    const { time, signal } = this.#context;
    const end = (): void => {
      const after = Math.floor((time.now - this.#began) / 1e6);
      const got = this.#transfer.downloaded;
      socket.destroy(
        new CurlFailure(
          CURL.timedOut,
          `Operation timed out after ${after} milliseconds with ${got} bytes received`,
        ),
      );
    };
    const left = (this.#until - time.now) / 1e6;
    const timer = Number.isFinite(left) ? time.setTimeout(end, Math.max(1, left)) : null;
    const stopped = (): void => {
      socket.destroy(new CurlFailure(CURL.receiveError, 'Recv failure: Interrupted system call'));
    };
    signal.addEventListener('abort', stopped, { once: true });
    return () => {
      timer?.close();
      signal.removeEventListener('abort', stopped);
    };
  }

  /** RFC 9112 s.9.3. */
  #persists(head: ReplyHead, request: CurlRequest): boolean {
    const connection = head.header('connection') ?? '';
    if (/(^|,)\s*close\s*(,|$)/i.test(connection)) return false;
    return (head.version === '1.1' && !request.http10) || /(^|,)\s*keep-alive\s*(,|$)/i.test(connection);
  }
}

/** Resolves when the connection has taken the bytes. @throws CurlFailure 55, or what ended the connection */
function send({ socket }: Connection, bytes: Uint8Array): Promise<void> {
  return new Promise((done, fail) => {
    if (socket.destroyed) return fail(new CurlFailure(CURL.sendError, 'Send failure: Broken pipe'));
    socket.write(bytes, (error) => {
      if (error === null || error === undefined) return done();
      if (error instanceof CurlFailure) return fail(error);
      const { code } = error as NodeJS.ErrnoException;
      fail(new CurlFailure(CURL.sendError, `Send failure: ${errnoWords(code)}`));
    });
  });
}
