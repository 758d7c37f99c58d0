// One TCP connection under a socket: puts its events into the inbox, and hands them to the socket that holds it. When the
// socket has let go, it behaves as a kernel does after close(): what is written is still sent, and a peer that sends
// more gets a RST.

import type { AsyncResource } from 'node:async_hooks';
import type { TcpError, TcpEvents, TcpSocket, TcpState } from '../../engine/host/tcp/socket.ts';
import type { Inbox, Recipient } from '../inbox.ts';

export interface WireHolder {
  readonly scope: AsyncResource;
  wireConnected(wire: Wire): void;
  wireReadable(): void;
  wireWritable(): void;
  wireClosed(wire: Wire, error: TcpError | null): void;
}

const CONNECTED = 1;
const READABLE = 2;
const WRITABLE = 3;
const CLOSED = 4;

/** States in which the peer's FIN has come (RFC 9293 s.3.3.2). */
const ENDED: ReadonlySet<TcpState> = new Set(['CLOSE-WAIT', 'LAST-ACK', 'CLOSING', 'TIME-WAIT', 'CLOSED']);

export class Wire implements TcpEvents, Recipient {
  readonly #inbox: Inbox;
  #holder: WireHolder | null;
  #tcp: TcpSocket | null = null;
  #error: TcpError | null = null;
  /** The peer sends no more; there may be bytes to read before. */
  atEnd = false;
  /** The connection is over: the inbox may not have said so yet. */
  over = false;

  constructor(inbox: Inbox, holder: WireHolder) {
    this.#inbox = inbox;
    this.#holder = holder;
  }

  get scope(): AsyncResource | null {
    return this.#holder?.scope ?? null;
  }

  get tcp(): TcpSocket {
    return this.#tcp as TcpSocket;
  }

  set tcp(tcp: TcpSocket) {
    this.#tcp = tcp;
  }

  /** Takes over a connection that others have spoken on already: what it told them is not told again. */
  adopt(tcp: TcpSocket): void {
    this.#tcp = tcp;
    this.atEnd = ENDED.has(tcp.state);
  }

  hold(holder: WireHolder): void {
    this.#holder = holder;
  }

  connected(): void {
    this.#post(CONNECTED);
  }

  readable(): void {
    // Nobody will read it.
    if (this.#holder === null) this.tcp.abort();
    else this.#post(READABLE);
  }

  writable(): void {
    this.#post(WRITABLE);
  }

  ended(): void {
    this.atEnd = true;
    this.#post(READABLE);
  }

  closed(error: TcpError | null): void {
    this.over = true;
    this.#error = error;
    this.#post(CLOSED);
  }

  deliver(what: number): void {
    const holder = this.#holder;
    if (holder === null) return;
    if (what === CONNECTED) holder.wireConnected(this);
    else if (what === READABLE) holder.wireReadable();
    else if (what === WRITABLE) holder.wireWritable();
    else holder.wireClosed(this, this.#error);
  }

  /** The holder is gone: close(2). */
  release(): void {
    this.#holder = null;
    if (!this.over) this.#tcp?.close();
  }

  /** The holder is gone, and the peer is to know by a RST. */
  abort(): void {
    this.#holder = null;
    if (!this.over) this.#tcp?.abort();
    this.over = true;
  }

  #post(what: number): void {
    if (this.#holder !== null) this.#inbox.post(this, what);
  }
}
