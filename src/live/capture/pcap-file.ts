// Capture files on disk, pipes and standard streams: opens a path or '-', undoes gzip on the fly, and feeds a reader;
// takes a writer's chunks with back-pressure. What the bytes mean is core/pcap's business.
//
// A chunk is used again after the reader has seen it. Nothing is read ahead, so that stopping need not wait for a pipe's
// writer.

import { createWriteStream, open as openDescriptor, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Gunzip } from 'node:zlib';
import type { ByteSink, CaptureReader, CutShort } from '../../core/pcap/record.ts';
import { VxlabError } from '../../core/wire/numbers.ts';

export interface ReadOptions {
  /** What errors call it; default the path. */
  readonly name?: string;
  /** Bytes read at a time; default 256 KiB. */
  readonly chunkBytes?: number;
  /** Where they are read to, in place of memory of its own; its length is then what is read at a time. */
  readonly chunk?: Uint8Array;
  /** Ends the reading early, as the reader's `stop` does, also while it waits for more. */
  readonly signal?: AbortSignal;
  /** At a file's end waits for more to be written, until `signal` says that it is enough; a FIFO waits for new writers. */
  readonly follow?: boolean;
  /** Of a regular file: a place where a chunk ends; the reading ends there if `enough` says so. */
  readonly meet?: { readonly at: number; readonly enough: () => Promise<boolean> };
  /** Told after each chunk: bytes of the file read so far (compressed ones, if it is). A promise makes the reading wait. */
  readonly progress?: (bytes: number) => unknown;
}

export interface ReadResult {
  /** True when the file was gzip'd. Offsets are then those of the decompressed bytes. */
  readonly gzip: boolean;
  /** The reader's, or where the compressed data broke off. */
  readonly cutShort: CutShort | null;
}

const CHUNK_BYTES = 0x4_0000;
/** Bytes that may wait for the disk before `drained` makes a producer wait. */
const WAITING_MAX = 0x40_0000;

/**
 * Reads a whole capture into a reader, and ends it.
 * @param path a file, a FIFO, or '-' for standard input
 * @throws VxlabError CAPTURE_UNREADABLE when it cannot be opened or read; bad contents are `cutShort`
 */
export async function readCapture(
  path: string,
  reader: CaptureReader,
  options: ReadOptions = {},
): Promise<ReadResult> {
  try {
    if (path === '-') return await feed(streamed(process.stdin, options.signal), reader, options);
    const kind = await stat(path);
    if (kind.isFIFO())
      return await feed(streamed(await openFifo(path, options), options.signal), reader, options);
    const handle = await open(path, 'r');
    try {
      return await feed(chunksOf(handle, kind.isFile(), options), reader, options);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw refusal(
      error,
      'CAPTURE_UNREADABLE',
      `cannot read ${path === '-' ? 'standard input' : (options.name ?? path)}`,
    );
  }
}

/** A FIFO as a socket, whose waiting can be ended. One that is open for writing too never ends and waits for no writer. */
async function openFifo(path: string, { follow }: ReadOptions): Promise<Readable> {
  const { Socket } = await import('node:net');
  const fd = await promisify(openDescriptor)(path, follow ? 'r+' : 'r');
  return new Socket({ fd, readable: true, writable: false });
}

/** A stream's chunks until it ends or the signal ends it. */
async function* streamed(stream: Readable, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (signal !== undefined) (await import('node:stream')).addAbortSignal(signal, stream);
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

const FOLLOW_EVERY = 100;
/** After so many bytes others have their turn: signals, progress. */
const TURN_BYTES = 0x80_0000;

/**
 * A regular file is read by this thread, whose cache then holds what it is about to parse; a thread of Node's pool would
 * leave it in another processor's. What may have to wait (a device, the end of a file that is followed) is read aside.
 */
async function* chunksOf(
  handle: FileHandle,
  regular: boolean,
  { chunkBytes = CHUNK_BYTES, chunk = new Uint8Array(chunkBytes), follow, signal, meet }: ReadOptions,
): AsyncGenerator<Uint8Array> {
  const size = chunk.length;
  let at = 0;
  let turn = TURN_BYTES;
  for (;;) {
    const most = meet !== undefined && at < meet.at ? Math.min(size, meet.at - at) : size;
    const bytes = regular
      ? readSync(handle.fd, chunk, 0, most, null)
      : (await handle.read(chunk, 0, most, null)).bytesRead;
    if (bytes === 0) {
      if (!follow || signal?.aborted) return;
      await setTimeout(FOLLOW_EVERY, undefined, { signal }).catch(() => undefined);
      continue;
    }
    at += bytes;
    yield bytes === size ? chunk : chunk.subarray(0, bytes);
    if (at === meet?.at && (await meet.enough())) return;
    if (at < turn) continue;
    turn = at + TURN_BYTES;
    await setImmediate();
  }
}

async function feed(
  chunks: AsyncIterable<Uint8Array>,
  reader: CaptureReader,
  options: ReadOptions,
): Promise<ReadResult> {
  let unzip: Unzip | null = null;
  let first: Uint8Array | null = new Uint8Array(0);
  let bytes = 0;
  for await (const chunk of chunks) {
    if (options.signal?.aborted) reader.stop();
    if (reader.done) break;
    bytes += chunk.length;
    let piece = chunk;
    if (first !== null) {
      // Two bytes tell gzip; a pipe may bring them one at a time.
      if (first.length > 0) piece = Buffer.concat([first, chunk]);
      if (piece.length < 2) {
        first = piece.slice();
        continue;
      }
      first = null;
      if (piece[0] === 0x1f && piece[1] === 0x8b)
        unzip = new Unzip(reader, (await import('node:zlib')).createGunzip({ chunkSize: 0x4_0000 }));
    }
    if (unzip === null) reader.push(piece);
    else if (!(await unzip.push(piece))) break;
    await options.progress?.(bytes);
  }
  if (first !== null) reader.push(first);
  const broken = unzip === null ? '' : await unzip.end();
  const stopped = reader.done && reader.cutShort === null;
  reader.end();
  const cutShort = reader.cutShort;
  if (broken === '' || stopped) return { gzip: unzip !== null, cutShort };
  return { gzip: true, cutShort: { offset: cutShort?.offset ?? reader.bytes, reason: broken } };
}

/** Gunzips pushed pieces into a reader. What came out before the data broke is delivered. */
class Unzip {
  readonly #gunzip: Gunzip;
  readonly #reader: CaptureReader;
  #broken = '';
  #thrown: { readonly error: unknown } | null = null;
  /** Ends the wait of `push` or `end`. */
  #wake: () => void = () => {};

  constructor(reader: CaptureReader, gunzip: Gunzip) {
    this.#reader = reader;
    this.#gunzip = gunzip;
    this.#gunzip.on('data', (bytes: Uint8Array) => {
      try {
        reader.push(bytes);
      } catch (error) {
        // A sink's own mistake: an event must not throw, so `push` and `end` do.
        this.#thrown ??= { error };
        reader.stop();
      }
    });
    this.#gunzip.on('error', (error: NodeJS.ErrnoException) => {
      const early = error.code === 'Z_BUF_ERROR';
      this.#broken = early
        ? 'the gzip data ends early: the file was cut'
        : `the gzip data is damaged: ${error.message}`;
      this.#wake();
    });
    this.#gunzip.on('end', () => this.#wake());
  }

  /** Resolves when the piece may be used again: to false when there is no point in going on. */
  async push(piece: Uint8Array): Promise<boolean> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#gunzip.write(piece, () => resolve());
    });
    this.#rethrow();
    return this.#broken === '' && !this.#reader.done;
  }

  /** Resolves to what was wrong with the compressed data, or ''. */
  async end(): Promise<string> {
    if (this.#broken === '' && !this.#reader.done) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#gunzip.end();
      });
    }
    this.#gunzip.destroy();
    this.#rethrow();
    return this.#broken;
  }

  #rethrow(): void {
    if (this.#thrown !== null) throw this.#thrown.error;
  }
}

/**
 * A capture file being written. Give `write` to a PcapWriter or PcapngWriter; a producer of much awaits `drained` now
 * and then, and `close` after the writer's `flush`.
 */
export class CaptureFile {
  readonly path: string;
  readonly #stream: Writable;
  #error: unknown = null;

  /** @param path a file, which is made or made empty, a FIFO, or '-' for standard output */
  constructor(path: string) {
    this.path = path;
    this.#stream = path === '-' ? process.stdout : createWriteStream(path, { highWaterMark: WAITING_MAX });
    this.#stream.on('error', this.#failed);
  }

  /** Bytes that the disk has not taken yet. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  readonly write: ByteSink = (bytes) => {
    if (this.#error === null) this.#stream.write(bytes);
  };

  /**
   * Resolves when there is room for more.
   * @throws VxlabError CAPTURE_UNWRITABLE when the disk is full, the path is bad, the reader of the pipe went away...
   */
  async drained(): Promise<void> {
    if (this.#error === null && this.#stream.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.#stream.off('drain', go);
          this.#stream.off('error', go);
          resolve();
        };
        this.#stream.on('drain', go);
        this.#stream.on('error', go);
      });
    }
    this.#check();
  }

  /**
   * Resolves when every byte is with the operating system.
   * @throws VxlabError CAPTURE_UNWRITABLE
   */
  async close(): Promise<void> {
    if (this.#error === null) {
      await new Promise<void>((resolve) => {
        this.#stream.once('error', () => resolve());
        // Standard output is not ours to close.
        if (this.path === '-') this.#stream.write('', () => resolve());
        else this.#stream.end(() => resolve());
      });
    }
    this.#stream.off('error', this.#failed);
    this.#check();
  }

  readonly #failed = (error: Error): void => {
    this.#error ??= error;
  };

  #check(): void {
    if (this.#error !== null) {
      const name = this.path === '-' ? 'standard output' : this.path;
      throw refusal(this.#error, 'CAPTURE_UNWRITABLE', `cannot write ${name}`);
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOSPC: 'no space is left on the device',
  EPIPE: 'the reading end was closed',
};

/** An operating system's error as ours; any other goes through as it is. */
function refusal(error: unknown, code: string, what: string): unknown {
  const errno = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || errno.syscall === undefined) return error;
  return new VxlabError(code, `${what}: ${REASONS[errno.code ?? ''] ?? errno.message}`);
}
