// `curl`: URLs one after another over connections that are kept, redirects followed when asked, each answer to standard output.

import type { ToolContext } from '../tool.ts';
import { stopWith } from '../tool.ts';
import type { CurlRequest } from './arguments.ts';
import { readCurl } from './arguments.ts';
import { Connections } from './connection.ts';
import { CURL, CurlFailure } from './failure.ts';
import type { ReplyHead } from './reply.ts';
import { bodyOf, requestFor } from './request.ts';
import { Exchange } from './transfer.ts';
import type { CurlUrl } from './url.ts';
import { follow, readUrl } from './url.ts';
import type { Transfer } from './write-out.ts';
import { writeOut } from './write-out.ts';

/** The curl whose words and manners these are. */
export const CURL_VERSION = '7.88.1';

export async function curl(context: ToolContext): Promise<number> {
  const request = readCurl(context.argv, CURL_VERSION);
  if ('exit' in request) return stopWith(context, request);
  const note = (line: string): void => {
    if (request.verbose) context.err(`* ${line}\n`);
  };
  const connections = new Connections(context, request, note);
  const body = request.data === null ? null : bodyOf(request.data, await standardInput(context, request));
  let exit: number = CURL.ok;
  try {
    for (const [place, url] of request.urls.entries()) {
      if (context.signal.aborted) break;
      exit = await new Fetch(context, request, connections, body, place).run(url);
    }
  } finally {
    connections.close();
  }
  return exit;
}

async function standardInput(context: ToolContext, request: CurlRequest): Promise<Uint8Array> {
  const wanted = request.data?.some(
    ({ text, kind }) => text === '@-' && (kind === 'ascii' || kind === 'binary'),
  );
  const pieces: Uint8Array[] = [];
  if (wanted === true) for await (const piece of context.input) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** One URL of the command line, with the ones it redirects to. */
class Fetch {
  readonly #context: ToolContext;
  readonly #request: CurlRequest;
  readonly #connections: Connections;
  readonly #body: Uint8Array | null;
  readonly #place: number;

  constructor(
    context: ToolContext,
    request: CurlRequest,
    connections: Connections,
    body: Uint8Array | null,
    place: number,
  ) {
    this.#context = context;
    this.#request = request;
    this.#connections = connections;
    this.#body = body;
    this.#place = place;
  }

  /** Answers curl's exit code. */
  async run(text: string): Promise<number> {
    const { time } = this.#context;
    const began = time.now;
    const { maxTime } = this.#request;
    const until = maxTime === null ? Number.POSITIVE_INFINITY : began + maxTime;
    let transfer = newTransfer(text, text, 'GET', 'http', this.#place);
    try {
      let url = readUrl(text);
      let body = this.#body;
      let method: string | null = null;
      let hopBegan = began;
      for (let hops = 0; ; hops++) {
        const outgoing = requestFor(this.#request, url, body, method, CURL_VERSION);
        const before = transfer;
        transfer = newTransfer(text, url.text, outgoing.method, url.scheme, this.#place);
        transfer.redirects = hops;
        transfer.redirecting = hopBegan - began;
        transfer.connects = before.connects;
        transfer.headerSize = before.headerSize;
        transfer.requestSize = before.requestSize;
        const exchange = new Exchange(
          this.#context,
          this.#connections,
          transfer,
          this.#told(),
          hopBegan,
          until,
        );
        const head = await exchange.run(this.#request, url, outgoing);
        const next = locationOf(head, url);
        if (next !== null) transfer.redirect = next.text;
        if (next === null || !this.#request.location) {
          if (this.#request.fail === 'with-body' && head.status >= 400) {
            throw new CurlFailure(CURL.httpError, `The requested URL returned error: ${head.status}`);
          }
          return this.#finish(transfer, began, null);
        }
        if (hops >= this.#request.maxRedirects) {
          const words = `Maximum (${this.#request.maxRedirects}) redirects followed`;
          this.#note(words);
          throw new CurlFailure(CURL.tooManyRedirects, words);
        }
        transfer.redirect = '';
        this.#note(`Issue another request to this URL: '${next.text}'`);
        // RFC 9110 s.15.4: a POST that is moved becomes a GET; 307 and 308 keep it; -X stays what it is.
        if (body !== null && [301, 302, 303].includes(head.status)) {
          if (this.#request.method === null) {
            this.#note('Switch from POST to GET');
            method = 'GET';
          }
          body = null;
        }
        url = next;
        hopBegan = time.now;
      }
    } catch (error) {
      if (!(error instanceof CurlFailure)) throw error;
      return this.#finish(transfer, began, error);
    }
  }

  #told(): ConstructorParameters<typeof Exchange>[3] {
    const { include, head: headOnly, location, verbose } = this.#request;
    return {
      say: (mark, line) => {
        if (verbose) this.#context.err(`${mark} ${line}\n`);
      },
      head: async (head) => {
        if (include || headOnly)
          await this.#write(Buffer.from(`${head.lines.join('\r\n')}\r\n\r\n`, 'latin1'));
        const moves = location && isRedirect(head);
        if (moves) this.#note('Ignoring the response-body');
        return !moves;
      },
      body: (bytes) => this.#write(bytes),
    };
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#request.outputs[this.#place] !== '') await this.#context.write(bytes);
  }

  #finish(transfer: Transfer, began: number, failure: CurlFailure | null): number {
    const { silent, showError, writeOut: format } = this.#request;
    transfer.total = this.#context.time.now - began;
    transfer.exit = failure?.exit ?? CURL.ok;
    transfer.message = failure?.message ?? '';
    if (failure !== null && (!silent || showError)) {
      this.#context.err(`curl: (${failure.exit}) ${failure.message}\n${failure.more}`);
    }
    if (format !== null) {
      const { out, err } = writeOut(format, transfer);
      if (out !== '') this.#context.out(out);
      if (err !== '') this.#context.err(err);
    }
    return transfer.exit;
  }

  #note(line: string): void {
    if (this.#request.verbose) this.#context.err(`* ${line}\n`);
  }
}

function isRedirect(head: ReplyHead): boolean {
  return head.status >= 300 && head.status < 400 && head.header('location') !== undefined;
}

function locationOf(head: ReplyHead, url: CurlUrl): CurlUrl | null {
  return isRedirect(head) ? follow(url, head.header('location') as string) : null;
}

function newTransfer(
  url: string,
  effective: string,
  method: string,
  scheme: string,
  place: number,
): Transfer {
  return {
    url,
    effective,
    method,
    scheme,
    place,
    status: 0,
    version: '0',
    contentType: '',
    redirect: '',
    redirects: 0,
    connects: 0,
    remoteIp: '',
    remotePort: 0,
    localIp: '',
    localPort: 0,
    downloaded: 0,
    uploaded: 0,
    headerSize: 0,
    requestSize: 0,
    headers: 0,
    exit: 0,
    message: '',
    lookedUp: 0,
    connected: 0,
    secured: 0,
    ready: 0,
    firstByte: 0,
    redirecting: 0,
    total: 0,
  };
}
