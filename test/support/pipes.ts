// Connections without TCP, for tests of what stands above it: the same face, bytes handed over in small pieces by timers,
// and buffers of a few bytes, so that every read is short and every write is partial.

import type { Ip } from '../../src/core/wire/address.ts';
import type {
  ConnectOptions,
  ListenOptions,
  TcpError,
  TcpEvents,
  TcpFace,
  TcpInfo,
  TcpListener,
  TcpListenerEvents,
  TcpSocket,
  TcpState,
} from '../../src/engine/host/tcp/socket.ts';
import type { Timers, TimerTarget } from '../../src/engine/time/clock.ts';

interface Listening {
  readonly events: TcpListenerEvents;
  readonly waiting: Pipe[];
}

/** What several hosts share: who listens where. */
export class Pipes {
  readonly listeners: Map<number, Listening> = new Map();
  readonly all: Pipe[] = [];
  readonly timers: Timers & { readonly now: number };
  /** Bytes that a buffer holds, and how many go at a time. */
  readonly room: number;

  constructor(timers: Timers & { readonly now: number }, room = 7) {
    this.timers = timers;
    this.room = room;
  }

  /** Connections that are not over. */
  get open(): number {
    return this.all.filter(({ state }) => state !== 'CLOSED').length;
  }

  face(ip: Ip): TcpFace {
    return {
      connect: (to: Ip, port: number, events: TcpEvents, _options?: ConnectOptions): TcpSocket => {
        const near = new Pipe(this, events, ip, to, port);
        const listening = this.listeners.get(port);
        near.later(() => {
          if (near.state === 'CLOSED') return;
          if (listening === undefined || this.listeners.get(port) !== listening)
            return near.fail('ECONNREFUSED');
          const far = new Pipe(this, null, to, ip, 40_000);
          near.peer = far;
          far.peer = near;
          near.state = 'ESTABLISHED';
          far.state = 'ESTABLISHED';
          listening.waiting.push(far);
          near.events.connected();
          listening.events.acceptable();
        });
        return near;
      },
      listen: (port: number, events: TcpListenerEvents, options?: ListenOptions): TcpListener => {
        const waiting: Pipe[] = [];
        this.listeners.set(port, { events, waiting });
        return {
          port,
          ip: options?.ip ?? null,
          accept: (own) => {
            const pipe = waiting.shift();
            if (pipe === undefined) return null;
            pipe.events = own;
            return pipe;
          },
          close: () => {
            this.listeners.delete(port);
            for (const pipe of waiting) pipe.abort();
          },
        };
      },
      size: 0,
      retransmits: 0,
    };
  }
}

/** Events of somebody who takes no notice. */
export const DEAF: TcpEvents = {
  connected: () => {},
  readable: () => {},
  writable: () => {},
  ended: () => {},
  closed: () => {},
};

export class Pipe implements TcpSocket, TimerTarget {
  events: TcpEvents;
  readonly localIp: Ip;
  readonly localPort = 50_000;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  state: TcpState = 'SYN-SENT';
  peer: Pipe | null = null;
  readonly #pipes: Pipes;
  readonly #due: (() => void)[] = [];
  #in: number[] = [];
  #out: number[] = [];
  #ending = false;
  #peerEnded = false;
  #moving = false;

  constructor(pipes: Pipes, events: TcpEvents | null, localIp: Ip, remoteIp: Ip, remotePort: number) {
    this.#pipes = pipes;
    this.events = events ?? DEAF;
    this.localIp = localIp;
    this.remoteIp = remoteIp;
    this.remotePort = remotePort;
    pipes.all.push(this);
  }

  get readableLength(): number {
    return this.#in.length;
  }

  get writableLength(): number {
    return this.#ending || this.state !== 'ESTABLISHED' ? 0 : this.#pipes.room - this.#out.length;
  }

  get unacknowledged(): number {
    return this.#out.length;
  }

  write(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
    const taken = Math.min(this.writableLength, to - from);
    this.#out.push(...bytes.subarray(from, from + taken));
    this.#move();
    return taken;
  }

  read(into: Uint8Array, from = 0, to: number = into.length): number {
    const taken = this.#in.splice(0, to - from);
    into.set(taken, from);
    this.peer?.move();
    return taken.length;
  }

  end(): void {
    this.#ending = true;
    this.#move();
  }

  close(): void {
    if (this.state === 'SYN-SENT' || this.readableLength > 0) this.abort();
    else this.end();
  }

  abort(): void {
    if (this.state === 'CLOSED') return;
    this.state = 'CLOSED';
    const { peer } = this;
    peer?.later(() => peer.fail('ECONNRESET'));
  }

  fail(error: TcpError): void {
    if (this.state === 'CLOSED') return;
    this.state = 'CLOSED';
    this.events.closed(error);
  }

  /** Runs something at this instant, but not within this call. */
  later(what: () => void): void {
    this.#due.push(what);
    this.#pipes.timers.at(this.#pipes.timers.now, this, 0);
  }

  fire(): void {
    this.#due.shift()?.();
  }

  move(): void {
    this.#move();
  }

  setNoDelay(): void {}

  setKeepAlive(): void {}

  info(): TcpInfo {
    throw new Error('a pipe measures nothing');
  }

  #move(): void {
    if (this.#moving) return;
    this.#moving = true;
    this.later(() => {
      this.#moving = false;
      const { peer } = this;
      if (peer === null || this.state !== 'ESTABLISHED' || peer.state !== 'ESTABLISHED') return;
      const piece = this.#out.splice(0, this.#pipes.room - peer.#in.length);
      peer.#in.push(...piece);
      if (piece.length > 0) {
        peer.events.readable();
        this.events.writable();
      }
      if (this.#out.length > 0 || !this.#ending) return;
      if (!peer.#peerEnded) {
        peer.#peerEnded = true;
        peer.events.ended();
      }
      if (!this.#peerEnded || !peer.#ending || peer.#out.length > 0) return;
      for (const side of [this, peer]) {
        side.state = 'CLOSED';
        side.events.closed(null);
      }
    });
  }
}
