// Programs at both ends of a TCP connection that know what they must hear: each byte has one value at its place in the
// stream, so that a wrong, lost or doubled one is seen at once. What is told out of turn is written down, never thrown:
// a receiver of events must not throw.

import type { Ip } from '../../src/core/wire/address.ts';
import type {
  ConnectOptions,
  TcpError,
  TcpEvents,
  TcpFace,
  TcpListener,
  TcpSocket,
} from '../../src/engine/host/tcp/socket.ts';
import type { TimerTarget } from '../../src/engine/time/clock.ts';
import type { VirtualClock } from '../../src/engine/time/virtual-clock.ts';

/** A prime, so that no segment size is in step with it. */
const PERIOD = 65_521;
const TABLE: Uint8Array = table();

function table(): Uint8Array {
  const bytes = new Uint8Array(2 * PERIOD);
  let s = 0x9e3779b9;
  for (let i = 0; i < PERIOD; i++) {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    bytes[i] = s;
    bytes[i + PERIOD] = s;
  }
  return bytes;
}

/** `count` bytes of stream `id` from place `at` on, at most 65,521. */
export function streamBytes(id: number, at: number, count: number): Uint8Array {
  const from = (at + id * 7919) % PERIOD;
  return TABLE.subarray(from, from + Math.min(count, PERIOD));
}

/** What one end does. Times in nanoseconds. */
export interface Script {
  /** Bytes to send. */
  readonly send: number;
  /** Bytes given to one `write`. */
  readonly piece: number;
  /** Between two writes; 0 writes on as long as there is room. */
  readonly pause: number;
  /** Bytes asked of one `read`. */
  readonly gulp: number;
  /** Between two reads; 0 reads on as long as there is something. */
  readonly rest: number;
  readonly noDelay: boolean;
  /** After the last byte: end, end when they have ended too, reset, or nothing. */
  readonly last: 'end' | 'end-last' | 'abort' | 'stay';
  /** Keep-alive probes after so long; 0 for none. */
  readonly keepAlive: number;
}

export const SCRIPT: Script = {
  send: 0,
  piece: 4096,
  pause: 0,
  gulp: PERIOD,
  rest: 0,
  noDelay: false,
  last: 'end',
  keepAlive: 0,
};

const WRITE = 1;
const READ = 2;

/** One end. `Talker.connect` opens, `Audience` accepts. */
export class Talker implements TcpEvents, TimerTarget {
  readonly script: Script;
  /** What was told or done out of turn. */
  readonly faults: string[] = [];
  socket: TcpSocket | null = null;
  sent = 0;
  received = 0;
  /** 'none' until `closed` is told; then its argument. */
  outcome: TcpError | null | 'none' = 'none';
  connectedAt = -1;
  endedAt = -1;
  closedAt = -1;
  aborted = false;
  finished = false;
  readonly #clock: VirtualClock;
  readonly #out: number;
  readonly #in: number;
  readonly #into: Uint8Array;
  #writeTimer = 0;
  #readTimer = 0;
  #blocked = false;
  /** Between the call of `connect` and its return. */
  #early = false;

  /** @param out the stream's number that it sends; @param into the one that it must hear */
  constructor(clock: VirtualClock, script: Script, out: number, into: number) {
    this.#clock = clock;
    this.script = script;
    this.#out = out;
    this.#in = into;
    this.#into = new Uint8Array(Math.min(script.gulp, PERIOD));
  }

  static connect(
    clock: VirtualClock,
    tcp: TcpFace,
    to: Ip,
    port: number,
    script: Script,
    id: number,
    options: ConnectOptions = {},
  ): Talker {
    const talker = new Talker(clock, script, 2 * id, 2 * id + 1);
    talker.#early = true;
    talker.socket = tcp.connect(to, port, talker, options);
    talker.#early = false;
    talker.#begin();
    if (talker.connectedAt >= 0) talker.#write();
    return talker;
  }

  /** Takes over what a listener gave. */
  adopt(socket: TcpSocket): void {
    this.socket = socket;
    this.connectedAt = this.#clock.now;
    this.#begin();
    // What came before is told, as what comes later.
    this.#write();
  }

  get over(): boolean {
    return this.outcome !== 'none' || this.aborted;
  }

  /** In good order: everything heard and said, and the end of both. */
  get clean(): boolean {
    return this.outcome === null && this.faults.length === 0 && this.sent === this.script.send;
  }

  connected(): void {
    this.#told('connected');
    if (this.connectedAt >= 0) this.#fault('connected twice');
    this.connectedAt = this.#clock.now;
    if (!this.#early) this.#write();
  }

  readable(): void {
    this.#told('readable');
    if (this.endedAt >= 0) this.#fault('readable after ended');
    if (this.socket !== null && this.socket.readableLength === 0) this.#fault('readable without a byte');
    if (this.#readTimer === 0) this.#read();
  }

  writable(): void {
    this.#told('writable');
    if (!this.#blocked) this.#fault('writable though the last write was taken whole');
    this.#blocked = false;
    if (this.#writeTimer === 0) this.#write();
  }

  ended(): void {
    this.#told('ended');
    if (this.endedAt >= 0) this.#fault('ended twice');
    this.endedAt = this.#clock.now;
    if (this.#readTimer === 0) this.#read();
    if (this.script.last === 'end-last') this.#finish();
  }

  closed(error: TcpError | null): void {
    if (this.over) this.#fault(`closed (${error}) after ${this.aborted ? 'abort' : 'closed'}`);
    this.outcome = error;
    this.closedAt = this.#clock.now;
    this.#cancel();
    // What came before can be read still.
    this.#drain();
  }

  fire(token: number): void {
    if (token === WRITE) {
      this.#writeTimer = 0;
      this.#write();
    } else {
      this.#readTimer = 0;
      this.#read();
    }
  }

  abort(): void {
    this.aborted = true;
    this.#cancel();
    this.socket?.abort();
  }

  #begin(): void {
    const { socket, script } = this;
    if (script.noDelay) socket?.setNoDelay(true);
    if (script.keepAlive > 0) socket?.setKeepAlive(true, script.keepAlive);
  }

  #write(): void {
    const { socket, script } = this;
    if (socket === null || this.connectedAt < 0 || this.finished) return;
    while (this.sent < script.send && !this.over && !this.#blocked) {
      const bytes = streamBytes(this.#out, this.sent, Math.min(script.piece, script.send - this.sent));
      const room = socket.writableLength;
      const took = socket.write(bytes);
      if (took > bytes.length || took < 0) this.#fault(`write took ${took} of ${bytes.length}`);
      if (took !== Math.min(room, bytes.length))
        this.#fault(`write took ${took} of ${bytes.length}, room ${room}`);
      this.sent += took;
      if (took < bytes.length) this.#blocked = true;
      else if (script.pause > 0) {
        this.#writeTimer = this.#clock.at(this.#clock.now + script.pause, this, WRITE);
        return;
      }
    }
    if (this.sent >= script.send && !this.over) this.#finish();
  }

  #finish(): void {
    const { socket, script } = this;
    if (socket === null || this.finished || this.over || this.sent < script.send) return;
    if (script.last === 'stay' || (script.last === 'end-last' && this.endedAt < 0)) return;
    if (script.last === 'abort') return this.abort();
    this.finished = true;
    socket.end();
    if (socket.write(streamBytes(0, 0, 1)) !== 0) this.#fault('write was taken after end');
  }

  #read(): void {
    const { socket, script } = this;
    if (socket === null || this.over) return;
    while (this.#gulp()) {
      if (script.rest > 0 && !this.over) {
        this.#readTimer = this.#clock.at(this.#clock.now + script.rest, this, READ);
        return;
      }
    }
  }

  #drain(): void {
    while (this.#gulp());
  }

  #gulp(): boolean {
    const { socket } = this;
    if (socket === null) return false;
    const there = socket.readableLength;
    const got = socket.read(this.#into);
    if (got !== Math.min(there, this.#into.length)) this.#fault(`read gave ${got} of ${there}`);
    const wanted = streamBytes(this.#in, this.received, got);
    for (let i = 0; i < got; i++) {
      if (this.#into[i] === wanted[i]) continue;
      this.#fault(`byte ${this.received + i} is ${this.#into[i]}, not ${wanted[i]}`);
      break;
    }
    this.received += got;
    return got > 0;
  }

  #told(what: string): void {
    if (this.over) this.#fault(`${what} after ${this.aborted ? 'abort' : 'closed'}`);
  }

  #fault(text: string): void {
    if (this.faults.length < 5) this.faults.push(`${text} (at ${this.#clock.now} ns)`);
  }

  #cancel(): void {
    this.#clock.cancel(this.#writeTimer);
    this.#clock.cancel(this.#readTimer);
    this.#writeTimer = 0;
    this.#readTimer = 0;
  }
}

/** A listener that makes a talker of every connection; the remote port says which script it follows. */
export class Audience {
  readonly talkers: Map<number, Talker> = new Map();
  readonly listener: TcpListener;

  /** @param cast by the connection's remote port: the script, and the number that its opener has */
  constructor(
    clock: VirtualClock,
    tcp: TcpFace,
    port: number,
    cast: (remotePort: number) => { readonly script: Script; readonly id: number },
    backlog = 511,
  ) {
    this.listener = tcp.listen(port, { acceptable: () => this.#accept(clock, cast) }, { backlog });
  }

  #accept(
    clock: VirtualClock,
    cast: (port: number) => { readonly script: Script; readonly id: number },
  ): void {
    for (;;) {
      // Which script it follows is known only from the socket, which needs somebody to tell first.
      const early = new Talker(clock, SCRIPT, 0, 0);
      const socket = this.listener.accept(early);
      if (socket === null) return;
      const { script, id } = cast(socket.remotePort);
      const talker = new Talker(clock, script, 2 * id + 1, 2 * id);
      this.talkers.set(socket.remotePort, talker);
      socket.events = talker;
      talker.adopt(socket);
    }
  }
}
