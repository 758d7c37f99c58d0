// The stream part of a socket: bytes between a Duplex and a wire. It takes bytes from the connection only when its reader
// wants them, and finishes a write only when the connection took it all: so a program that does not read closes the TCP
// window, and one that writes too fast is held back.

import type { AsyncResource } from 'node:async_hooks';
import type { DuplexOptions } from 'node:stream';
import { Duplex } from 'node:stream';
import type { TcpError } from '../../engine/host/tcp/socket.ts';
import { scopeOf } from '../inbox.ts';
import type { Site } from '../site.ts';
import type { SocketOptions } from './arguments.ts';
import { callError, nodeError } from './errors.ts';
import { Quiet } from './quiet.ts';
import type { Wire, WireHolder } from './wire.ts';

/** Bytes read at a time, as libuv does. */
const CHUNK = 65_536;
/** Up to so many bytes, buffers written together go out as one, as writev has it. */
const GATHERED = 65_536;

type Done = (error?: Error | null) => void;

export class WireStream extends Duplex implements WireHolder {
  readonly scope: AsyncResource = scopeOf('VXLABSOCKET');
  protected readonly _site: Site;
  protected readonly _quiet: Quiet;
  protected _wire: Wire | null = null;
  #closed: { readonly error: TcpError | null } | null = null;
  #wants = false;
  #pushedEnd = false;
  /** TLS runs over this stream by Node's adaptor. */
  #wrapped = false;
  /** What waits for the connection, or for room in it. */
  #rest: { readonly bytes: Uint8Array; at: number; readonly done: Done } | null = null;
  #ending: Done | null = null;
  #dispatched = 0;
  connecting = false;
  bytesRead = 0;

  constructor(site: Site, options: SocketOptions) {
    super({
      allowHalfOpen: options.allowHalfOpen ?? false,
      autoDestroy: true,
      emitClose: false,
      ...(options.highWaterMark === undefined ? {} : { highWaterMark: options.highWaterMark }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.readable === false ? { readable: false } : {}),
      ...(options.writable === false ? { writable: false } : {}),
    } as DuplexOptions);
    this._site = site;
    this._quiet = new Quiet(site, this.scope, () => this.emit('timeout'));
    this.on('end', () => {
      // What lies above ends this stream when it has read all; ending it now would take the rest away.
      if (this.#wrapped) this.allowHalfOpen = true;
      else if (!this.allowHalfOpen) this.write = writeAfterEnd as typeof this.write;
    });
  }

  override once(event: string | symbol, listener: (...args: never[]) => void): this {
    if (event === 'end' && !this.#wrapped) this.#wrapped = isWrapping();
    return super.once(event, listener as never);
  }

  /** Bytes written so far, those that still wait in here included. */
  get bytesWritten(): number {
    return this.#dispatched + this.writableLength;
  }

  /** The connection is there: what waited for it goes. */
  protected _opened(): void {
    this.#flush();
    if (this.#rest === null && this.#ending !== null) this.#finish(this.#ending);
    if (!this.isPaused()) this.read(0);
    this.#pull();
  }

  /** The stream is over; what belongs to it besides the wire ends here. */
  protected _released(): void {}

  wireConnected(): void {}

  wireReadable(): void {
    this.#pull();
  }

  wireWritable(): void {
    this.#flush();
  }

  wireClosed(_wire: Wire, error: TcpError | null): void {
    this.#closed = { error };
    this.#pull();
    if (error === null || this.destroyed) return;
    const writing = this.#rest;
    this.#rest = null;
    const failure = callError(error, writing !== null && !this.#wants ? 'write' : 'read');
    if (writing === null) this.destroy(failure);
    else {
      this.destroy(failure);
      writing.done(failure);
    }
  }

  // What the stream asks for.

  override _read(): void {
    this.#wants = true;
    if (this.connecting || this._wire === null) return;
    this.#pull();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#rest = { bytes: chunk, at: 0, done };
    if (this.connecting) return;
    if (this._wire === null) return this.#refuse(nodeError(Error, 'ERR_SOCKET_CLOSED', 'Socket is closed'));
    this.#flush();
  }

  override _writev(chunks: { chunk: Uint8Array; encoding: BufferEncoding }[], done: Done): void {
    const list = chunks.map(({ chunk }) => chunk);
    const total = list.reduce((sum, { length }) => sum + length, 0);
    if (total <= GATHERED) return this._write(Buffer.concat(list, total), 'utf8', done);
    const next = (error?: Error | null): void => {
      const chunk = list.shift();
      if (error || chunk === undefined) done(error ?? null);
      else this._write(chunk, 'utf8', next);
    };
    next();
  }

  override _final(done: Done): void {
    if (this.connecting) this.#ending = done;
    else if (this._wire === null) done();
    else this.#finish(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.connecting = false;
    this._quiet.set(0);
    const rest = this.#rest;
    this.#rest = null;
    this._site.enter();
    this._wire?.release();
    this._released();
    done(error);
    if (rest !== null && error === null) {
      rest.done(nodeError(Error, 'ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed'));
    }
    process.nextTick(() => this.emit('close', error !== null));
  }

  /** Takes bytes from the connection as long as the reader wants them. */
  #pull(): void {
    const wire = this._wire;
    if (wire === null || this.destroyed) return;
    const { tcp } = wire;
    this._site.enter();
    while (this.#wants && tcp.readableLength > 0) {
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK, tcp.readableLength));
      const length = tcp.read(bytes);
      if (length === 0) break;
      this.bytesRead += length;
      this._quiet.touch();
      this.#wants = this.push(length === bytes.length ? bytes : bytes.subarray(0, length));
      if (this.destroyed) return;
    }
    if (tcp.readableLength > 0 || this.readableEnded) return;
    if ((wire.atEnd || (wire.over && this.#closed?.error === null)) && !this.#pushedEnd) {
      this.#pushedEnd = true;
      this.push(null);
      // Nobody may be reading, and still the end is to be noticed.
      if (this.readableLength === 0) this.read(0);
    }
  }

  #flush(): void {
    const rest = this.#rest;
    if (rest === null || this._wire === null) return;
    if (this._wire.over) return this.#refuse(callError(this.#closed?.error ?? 'EPIPE', 'write'));
    this._site.enter();
    const taken = this._wire.tcp.write(rest.bytes, rest.at);
    this.#dispatched += taken;
    rest.at += taken;
    if (taken > 0) this._quiet.touch();
    if (rest.at < rest.bytes.length) return;
    this.#rest = null;
    rest.done();
  }

  #refuse(error: Error): void {
    const rest = this.#rest;
    this.#rest = null;
    rest?.done(error);
  }

  #finish(done: Done): void {
    this.#ending = null;
    this._site.enter();
    this._wire?.tcp.end();
    done();
  }
}

/**
 * True when called by the adaptor through which Node's tls runs over a stream that is no socket of the system. It destroys
 * what it carries when the stream below closes, read or not, and there is no other sign of it than who calls.
 */
function isWrapping(): boolean {
  const about: { stack?: string } = {};
  Error.captureStackTrace(about, isWrapping);
  return about.stack?.includes('internal/js_stream_socket') === true;
}

/** What `write` is after the other side ended a socket that does not stay half open. */
function writeAfterEnd(this: WireStream, _chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  const error = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
  const done = typeof encoding === 'function' ? encoding : callback;
  if (typeof done === 'function') process.nextTick(done, error);
  this.destroy(error);
  return false;
}
