// An answer of HTTP/1.x (RFC 9112) read from a stream: its head, then its body by length, in chunks, or to the end.

import type { Readable } from 'node:stream';
import { errnoWords } from '../sockets.ts';
import { CURL, CurlFailure } from './failure.ts';

export interface ReplyHead {
  readonly version: '1.0' | '1.1';
  readonly status: number;
  /** Status line and headers as they came, without the empty line. */
  readonly lines: readonly string[];
  /** Bytes of the head with its empty line. */
  readonly size: number;
  /** The first header of a name in small letters. */
  header(name: string): string | undefined;
}

/** libcurl's MAX_HTTP_RESP_HEADER_SIZE. */
const HEAD_MAX = 300 * 1024;
/** A chunk's size line: sixteen hex digits and extensions. */
const LINE_MAX = 16 * 1024;

/** Bytes of a stream as they are asked for; what was read too much waits. */
export class Incoming {
  readonly #stream: Readable;
  #left: Uint8Array = new Uint8Array(0);
  #error: Error | null = null;
  #over = false;
  #wake: (() => void) | null = null;

  constructor(stream: Readable) {
    this.#stream = stream;
    const wake = (): void => {
      this.#wake?.();
      this.#wake = null;
    };
    stream.on('readable', wake);
    stream.on('end', () => {
      this.#over = true;
      wake();
    });
    stream.on('error', (error) => {
      this.#error ??= error;
      wake();
    });
    stream.on('close', () => {
      this.#over = true;
      wake();
    });
  }

  /** The next bytes, `most` at the most; null at the end. Throws what ended the stream badly. */
  async next(most: number = Number.POSITIVE_INFINITY): Promise<Uint8Array | null> {
    while (this.#left.length === 0) {
      const chunk = this.#stream.read() as Uint8Array | null;
      if (chunk !== null) this.#left = chunk;
      else if (this.#error !== null) throw this.#error;
      else if (this.#over) return null;
      else
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
    }
    const taken = this.#left.subarray(0, Math.min(most, this.#left.length));
    this.#left = this.#left.subarray(taken.length);
    return taken;
  }

  /** A line without its end; null when the stream ends first. @throws CurlFailure when it is longer than `most` bytes */
  async line(most: number): Promise<{ readonly text: string; readonly size: number } | null> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const chunk = await this.next();
      if (chunk === null) return null;
      const end = chunk.indexOf(10);
      const part = end < 0 ? chunk : chunk.subarray(0, end + 1);
      this.#left = end < 0 ? this.#left : Buffer.concat([chunk.subarray(end + 1), this.#left]);
      parts.push(part);
      size += part.length;
      if (size > most)
        throw new CurlFailure(CURL.receiveError, `Too large response headers: ${size} > ${most}`);
      if (end >= 0)
        return {
          text: Buffer.concat(parts)
            .toString('latin1')
            .replace(/\r?\n$/, ''),
          size,
        };
    }
  }

  /** Bytes that came and were not asked for. */
  get surplus(): number {
    return this.#left.length + this.#stream.readableLength;
  }
}

/** @throws CurlFailure 52 when nothing came, 1 for what is no HTTP, 56 for a broken head or stream */
export async function readHead(incoming: Incoming): Promise<ReplyHead> {
  const first = await received(incoming.line(HEAD_MAX));
  if (first === null) throw new CurlFailure(CURL.emptyReply, 'Empty reply from server');
  const status = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first.text);
  if (status === null) {
    throw /^HTTP\//.test(first.text)
      ? new CurlFailure(CURL.unsupportedProtocol, `Unsupported HTTP version in response`)
      : new CurlFailure(CURL.unsupportedProtocol, 'Received HTTP/0.9 when not allowed');
  }
  const lines = [first.text];
  const headers = new Map<string, string>();
  let size = first.size;
  for (;;) {
    const line = await received(incoming.line(HEAD_MAX - size));
    if (line === null)
      throw new CurlFailure(CURL.receiveError, 'Connection closed in the middle of the head');
    size += line.size;
    if (line.text === '') break;
    lines.push(line.text);
    const [, name = '', value = ''] = /^([^:]*):\s*(.*?)\s*$/.exec(line.text) ?? [];
    if (!headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value);
  }
  return {
    version: status[1] === '1' ? '1.1' : '1.0',
    status: Number(status[2]),
    lines,
    size,
    header: (name) => headers.get(name),
  };
}

/** How a body ends: without one, after so many bytes, with its last chunk, or with the connection. */
export type Framing =
  | { readonly kind: 'none' | 'chunked' | 'close' }
  | { readonly kind: 'length'; readonly length: number };

/** RFC 9112 s.6.3. @throws CurlFailure 8 for a length that is none */
export function framingOf(head: ReplyHead, method: string): Framing {
  if (method === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304)
    return { kind: 'none' };
  if (/(^|,)\s*chunked\s*$/i.test(head.header('transfer-encoding') ?? '')) return { kind: 'chunked' };
  const length = head.header('content-length');
  if (length === undefined) return { kind: 'close' };
  const n = Number(length);
  if (!/^\d+$/.test(length) || !Number.isSafeInteger(n)) {
    throw new CurlFailure(CURL.weirdReply, 'Invalid Content-Length: value');
  }
  return n === 0 ? { kind: 'none' } : { kind: 'length', length: n };
}

/** The body's bytes in pieces. @throws CurlFailure 18 for one that breaks off, 56 for a broken chunk or stream */
export async function* readBody(incoming: Incoming, framing: Framing): AsyncGenerator<Uint8Array> {
  if (framing.kind === 'none') return;
  if (framing.kind === 'chunked') {
    yield* readChunks(incoming);
    return;
  }
  let left = framing.kind === 'length' ? framing.length : Number.POSITIVE_INFINITY;
  while (left > 0) {
    const bytes = await received(incoming.next(left));
    if (bytes === null) {
      if (framing.kind === 'close') return;
      throw new CurlFailure(CURL.partial, `transfer closed with ${left} bytes remaining to read`);
    }
    left -= bytes.length;
    yield bytes;
  }
}

async function* readChunks(incoming: Incoming): AsyncGenerator<Uint8Array> {
  const early = new CurlFailure(CURL.partial, 'transfer closed with outstanding read data remaining');
  for (;;) {
    const line = await received(incoming.line(LINE_MAX));
    if (line === null) throw early;
    const digits = /^\s*([0-9A-Fa-f]{1,13})\s*(;.*)?$/.exec(line.text)?.[1];
    if (digits === undefined) {
      throw new CurlFailure(CURL.receiveError, 'Illegal or missing hexadecimal sequence in chunked-encoding');
    }
    let left = Number.parseInt(digits, 16);
    if (left === 0) break;
    while (left > 0) {
      const bytes = await received(incoming.next(left));
      if (bytes === null) throw early;
      left -= bytes.length;
      yield bytes;
    }
    if ((await received(incoming.line(2)))?.text !== '') {
      throw new CurlFailure(CURL.receiveError, 'Malformed encoding found in chunked-encoding');
    }
  }
  // The trailer section ends with an empty line.
  for (let size = 0; ; ) {
    const line = await received(incoming.line(HEAD_MAX - size));
    if (line === null || line.text === '') return;
    size += line.size;
  }
}

/** What a stream's error means to a transfer; a deadline's own failure passes as it is. */
async function received<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof CurlFailure) throw error;
    throw new CurlFailure(
      CURL.receiveError,
      `Recv failure: ${errnoWords((error as NodeJS.ErrnoException).code)}`,
    );
  }
}
