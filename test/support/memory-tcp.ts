// A TCP of two bounded buffers and a delay, for tests of what stands on TcpFace: no segments, no loss, but a window that
// closes when nobody reads and a write that takes less than it is given.

import type { Ip } from '../../src/core/wire/address.ts';
import { formatIp } from '../../src/core/wire/address.ts';
import { VxlabError } from '../../src/core/wire/numbers.ts';
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
import type { TimerTarget } from '../../src/engine/time/clock.ts';
import type { VirtualClock } from '../../src/engine/time/virtual-clock.ts';

const DELAY = 50_000;
export const BUFFER = 40_000;

/** All the hosts there are. */
export class MemoryNetwork {
  readonly clock: VirtualClock;
  readonly hosts: Map<string, MemoryTcp> = new Map();
  readonly #due: Map<number, () => void> = new Map();
  readonly #target: TimerTarget = {
    fire: (token) => {
      const run = this.#due.get(token);
      this.#due.delete(token);
      run?.();
    },
  };
  #tokens = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  later(run: () => void, delay = DELAY): void {
    this.#due.set(++this.#tokens, run);
    this.clock.at(this.clock.now + delay, this.#target, this.#tokens);
  }

  host(ip: Ip): MemoryTcp {
    const tcp = new MemoryTcp(this, ip);
    this.hosts.set(formatIp(ip), tcp);
    return tcp;
  }
}

export class MemoryTcp implements TcpFace {
  readonly retransmits = 0;
  readonly network: MemoryNetwork;
  readonly ip: Ip;
  readonly listeners: Map<number, MemoryListener> = new Map();
  readonly sockets: Set<MemorySocket> = new Set();
  /** Answers nothing, as if the cable was out. */
  silent = false;
  #port = 40_000;

  constructor(network: MemoryNetwork, ip: Ip) {
    this.network = network;
    this.ip = ip;
  }

  get size(): number {
    return this.sockets.size + this.listeners.size;
  }

  connect(to: Ip, port: number, events: TcpEvents, options: ConnectOptions = {}): TcpSocket {
    const socket = new MemorySocket(this, events, options.localPort ?? this.#port++, to, port);
    this.sockets.add(socket);
    const peer = this.network.hosts.get(formatIp(to)) ?? (formatIp(to) === '127.0.0.1' ? this : undefined);
    if (peer === undefined) this.network.later(() => socket.die('EHOSTUNREACH'), 3e9);
    else if (peer.silent) this.network.later(() => socket.die('ETIMEDOUT'), 130e9);
    else this.network.later(() => peer.syn(socket));
    return socket;
  }

  listen(port: number, events: TcpListenerEvents, options: ListenOptions = {}): TcpListener {
    const chosen = port === 0 ? this.#port++ : port;
    if (this.listeners.has(chosen)) throw new VxlabError('PORT_IN_USE', `TCP port ${port} is in use`);
    const listener = new MemoryListener(this, chosen, events, options.ip ?? null, options.backlog ?? 511);
    this.listeners.set(chosen, listener);
    return listener;
  }

  syn(from: MemorySocket): void {
    const listener = this.listeners.get(from.remotePort);
    if (listener === undefined) return this.network.later(() => from.die('ECONNREFUSED'));
    const silent: TcpEvents = {
      connected() {},
      readable() {},
      writable() {},
      ended() {},
      closed() {},
    };
    const socket = new MemorySocket(this, silent, from.remotePort, from.localIp, from.localPort);
    this.sockets.add(socket);
    socket.peer = from;
    from.peer = socket;
    socket.state = 'ESTABLISHED';
    this.network.later(() => from.opened());
    listener.queue.push(socket);
    if (listener.queue.length === 1) listener.events.acceptable();
  }
}

class MemoryListener implements TcpListener {
  readonly #tcp: MemoryTcp;
  readonly port: number;
  readonly ip: Ip | null;
  readonly events: TcpListenerEvents;
  readonly queue: MemorySocket[] = [];

  constructor(tcp: MemoryTcp, port: number, events: TcpListenerEvents, ip: Ip | null, _backlog: number) {
    this.#tcp = tcp;
    this.port = port;
    this.events = events;
    this.ip = ip;
  }

  accept(events: TcpEvents): TcpSocket | null {
    const socket = this.queue.shift();
    if (socket === undefined) return null;
    socket.events = events;
    return socket;
  }

  close(): void {
    this.#tcp.listeners.delete(this.port);
    for (const socket of this.queue) socket.abort();
  }
}

class MemorySocket implements TcpSocket {
  readonly #tcp: MemoryTcp;
  events: TcpEvents;
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  state: TcpState = 'SYN-SENT';
  peer: MemorySocket | null = null;
  noDelay = false;
  #out: Uint8Array = new Uint8Array(0);
  #in: Uint8Array = new Uint8Array(0);
  #moving = false;
  #blocked = false;
  #ending = false;
  #finSent = false;
  #finSeen = false;

  constructor(tcp: MemoryTcp, events: TcpEvents, localPort: number, remoteIp: Ip, remotePort: number) {
    this.#tcp = tcp;
    this.events = events;
    this.localIp = tcp.ip;
    this.localPort = localPort;
    this.remoteIp = remoteIp;
    this.remotePort = remotePort;
  }

  get readableLength(): number {
    return this.#in.length;
  }

  get writableLength(): number {
    return BUFFER - this.#out.length;
  }

  get unacknowledged(): number {
    return this.#out.length;
  }

  opened(): void {
    if (this.state !== 'SYN-SENT') return;
    this.state = 'ESTABLISHED';
    this.events.connected();
    this.#move();
  }

  write(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
    if (this.#ending || this.state === 'CLOSED') return 0;
    const length = Math.min(to - from, this.writableLength);
    const out = new Uint8Array(this.#out.length + length);
    out.set(this.#out);
    out.set(bytes.subarray(from, from + length), this.#out.length);
    this.#out = out;
    this.#blocked = length < to - from;
    this.#move();
    return length;
  }

  read(into: Uint8Array, from = 0, to: number = into.length): number {
    const length = Math.min(to - from, this.#in.length);
    into.set(this.#in.subarray(0, length), from);
    this.#in = this.#in.slice(length);
    if (this.peer !== null) this.peer.#move();
    return length;
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
    this.#tcp.sockets.delete(this);
    const { peer } = this;
    this.#tcp.network.later(() => peer?.die('ECONNRESET'));
  }

  die(error: TcpError | null): void {
    if (this.state === 'CLOSED') return;
    this.state = 'CLOSED';
    this.#tcp.sockets.delete(this);
    this.events.closed(error);
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
  }

  setKeepAlive(): void {}

  info(): TcpInfo {
    // There are no segments here.
    const none = { bytesSent: 0, bytesReceived: 0, segmentsSent: 0, segmentsReceived: 0, retransmits: 0 };
    const times = { rtt: 2 * DELAY, rttVariation: 0, rto: 0 };
    return { ...none, ...times, congestionWindow: BUFFER, slowStartThreshold: 0, mss: 0, sendWindow: BUFFER };
  }

  /** Sends what the peer has room for. */
  #move(): void {
    if (this.#moving || this.peer === null || this.state === 'SYN-SENT' || this.state === 'CLOSED') return;
    if (this.#out.length === 0 ? !this.#ending || this.#finSent : this.peer.#in.length >= BUFFER) return;
    this.#moving = true;
    this.#tcp.network.later(() => this.#arrive());
  }

  #arrive(): void {
    this.#moving = false;
    const { peer } = this;
    if (peer === null || this.state === 'CLOSED' || peer.state === 'CLOSED') {
      // The peer is gone: it answers with a reset.
      if (peer?.state === 'CLOSED' && this.#out.length > 0) this.die('ECONNRESET');
      return;
    }
    const length = Math.min(this.#out.length, BUFFER - peer.#in.length);
    if (length > 0) {
      const first = peer.#in.length === 0;
      const joined = new Uint8Array(peer.#in.length + length);
      joined.set(peer.#in);
      joined.set(this.#out.subarray(0, length), peer.#in.length);
      peer.#in = joined;
      this.#out = this.#out.slice(length);
      if (first) peer.events.readable();
      if (this.#blocked) {
        this.#blocked = false;
        this.events.writable();
      }
    } else if (this.#out.length === 0 && this.#ending && !this.#finSent) {
      this.#finSent = true;
      peer.#finSeen = true;
      peer.events.ended();
      if (this.#finSeen) {
        this.die(null);
        peer.die(null);
      }
    }
    this.#move();
  }
}
