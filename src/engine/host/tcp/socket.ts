// What a program of the engine sees of TCP: connections and listeners that tell by events, without promises.
//
//   connect ─► connected ─► readable / writable ... ─► ended (their FIN) ─► closed
//   listen  ─► acceptable ─► accept() ─► as above, connected already
//
// Events are told from inside the packet path or a timer. A receiver may call anything here from within them and must
// not throw. After `closed` nothing more is told, and the connection takes no memory but what its holder keeps.

import type { Ip } from '../../../core/wire/address.ts';

/** Why a connection ended badly, in Node's and libc's words. */
export type TcpError =
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'ECONNABORTED'
  | 'ETIMEDOUT'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'EPIPE';

/** RFC 9293 s.3.3.2. */
export type TcpState =
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED';

export interface TcpEvents {
  /** The handshake is done. Not told for a socket that `accept` gave. */
  connected(): void;
  /** There are bytes to read where there were none. */
  readable(): void;
  /** The send buffer has room again, after `write` took less than it was given. */
  writable(): void;
  /** The peer sends no more; what it sent before can still be read. */
  ended(): void;
  /** The connection is over: null after both ends finished in good order. */
  closed(error: TcpError | null): void;
}

/** What a connection did so far; times in nanoseconds. */
export interface TcpInfo {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly segmentsSent: number;
  readonly segmentsReceived: number;
  /** Segments sent again, by timer or by recovery. */
  readonly retransmits: number;
  readonly rtt: number;
  readonly rttVariation: number;
  readonly rto: number;
  /** Bytes. */
  readonly congestionWindow: number;
  readonly slowStartThreshold: number;
  /** Payload of a full segment now, in bytes. */
  readonly mss: number;
  /** Their window as it is now, scaled. */
  readonly sendWindow: number;
}

export interface TcpSocket {
  events: TcpEvents;
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  readonly state: TcpState;
  /** Bytes that `read` would give now. */
  readonly readableLength: number;
  /** Bytes that `write` would take now. */
  readonly writableLength: number;
  /** Bytes taken by `write` that the peer has not acknowledged. */
  readonly unacknowledged: number;
  /**
   * Takes bytes to send, copying them, and answers how many: fewer than given when the buffer fills, and then `writable`
   * is told later; 0 after `end` and once the connection is over.
   */
  write(bytes: Uint8Array, from?: number, to?: number): number;
  /** Copies received bytes into [from, to) of `into`, answers how many, and lets the window open. */
  read(into: Uint8Array, from?: number, to?: number): number;
  /** Nothing more will be written: a FIN follows what is in the buffer. Reading goes on. */
  end(): void;
  /**
   * Nobody will read or write any more, as after close(2): `end`, or `abort` where bytes wait to be read or the connection is not open
   * yet. A peer that does not end as well is given a minute (Linux: tcp_fin_timeout).
   */
  close(): void;
  /** Ends the connection at once with a RST. `closed` is not told. */
  abort(): void;
  /** Nagle's algorithm (RFC 896) is on until this is called with true. */
  setNoDelay(on: boolean): void;
  /** Keep-alive probes (RFC 9293 s.3.8.4); `idle` in nanoseconds, default two hours. */
  setKeepAlive(on: boolean, idle?: number): void;
  info(): TcpInfo;
}

export interface TcpListenerEvents {
  /** There are connections to accept where there were none. */
  acceptable(): void;
}

export interface TcpListener {
  readonly port: number;
  /** The address it listens on; 0 for all of IPv4, null for all of the host's. */
  readonly ip: Ip | null;
  /** The next connection, or null when none waits. Its events are the receiver's from here on. */
  accept(events: TcpEvents): TcpSocket | null;
  /** Connections that wait to be accepted are reset. */
  close(): void;
}

export interface ConnectOptions {
  /** One of the host's addresses and a port to come from; chosen when left out. */
  readonly localIp?: Ip;
  readonly localPort?: number;
}

export interface ListenOptions {
  /** One of the host's addresses, or 0 for all of IPv4; all addresses when left out. */
  readonly ip?: Ip;
  /** Connections that may wait to be accepted; default 511, as Node asks. */
  readonly backlog?: number;
  /**
   * Stands beside listeners on all addresses, which would otherwise have the whole port: Docker puts its resolver on
   * 127.0.0.11:53 by translation, so that a container's own server on 0.0.0.0:53 is not in its way.
   */
  readonly translated?: boolean;
}

/** A host's TCP. */
export interface TcpFace {
  /**
   * Opens a connection. What keeps it from going out (no route) is told by `closed`, never from inside this call.
   * @throws VxlabError BAD_PORT, NO_FREE_PORT, NOT_LOCAL, PORT_IN_USE for a local port that is taken
   */
  connect(to: Ip, port: number, events: TcpEvents, options?: ConnectOptions): TcpSocket;
  /** @throws VxlabError BAD_PORT, NOT_LOCAL, PORT_IN_USE, NO_FREE_PORT for port 0 when none is left */
  listen(port: number, events: TcpListenerEvents, options?: ListenOptions): TcpListener;
  /** Connections and listeners there are, TIME-WAIT among them. */
  readonly size: number;
  /** Segments sent again by all connections since the host began. */
  readonly retransmits: number;
}
