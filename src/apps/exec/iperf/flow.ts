// One stream of a test: bytes sent as fast as the connection or a rate lets them, or received and counted.

import type { TcpInfo } from '../../../engine/host/tcp/socket.ts';
import type { ToolSocket } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { StreamResult } from './control.ts';

/** What has been counted until now. Jitter in nanoseconds. */
export interface Counted {
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  readonly jitter: number;
  readonly retransmits: number;
}

export interface Flow {
  /** As a report's first column has it: a descriptor's number in the real program. */
  readonly shown: number;
  /** As results on the wire have it. */
  readonly number: number;
  readonly sender: boolean;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** Called when bytes came. */
  received: (() => void) | null;
  counted(): Counted;
  /** What TCP knows of it; null for datagrams, and where the sockets are the machine's own. */
  info(): TcpInfo | null;
  /** Begins to send; resolves when its share of bytes or blocks is sent, or `stop` was called. */
  send(share: Share): Promise<void>;
  stop(): void;
  close(): void;
}

/** How much one stream sends. */
export interface Share {
  /** Bytes of a write. */
  readonly length: number;
  /** Bits a second; 0 for no bound. */
  readonly rate: number;
  /** Asked before each write: false ends it. */
  more(): boolean;
  /** Told after each write. */
  sent(bytes: number): void;
}

/** The place of a stream in results: iperf3 counts 1, 3, 4, 5, ... */
export function wireNumber(place: number): number {
  return place === 0 ? 1 : place + 2;
}

/** Descriptors as a client of the real program has them: 5, 7, 9, ... */
export function shownNumber(place: number): number {
  return 5 + 2 * place;
}

/**
 * Bits a second for a sender that was given no bound. Between containers of one node frames take no time, so without one
 * no time would ever pass.
 */
const UNBOUNDED = 20e9;

export class TcpFlow implements Flow {
  readonly shown: number;
  readonly number: number;
  readonly sender: boolean;
  readonly local: Flow['local'];
  readonly remote: Flow['remote'];
  received: (() => void) | null = null;
  readonly #context: ToolContext;
  readonly #socket: ToolSocket;
  #bytes = 0;
  #last: TcpInfo | null = null;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** @param early bytes that were taken from the socket already */
  constructor(context: ToolContext, socket: ToolSocket, place: number, sender: boolean, early: number = 0) {
    this.#context = context;
    this.#socket = socket;
    this.#bytes = early;
    this.shown = shownNumber(place);
    this.number = wireNumber(place);
    this.sender = sender;
    this.local = { address: plain(socket.localAddress), port: socket.localPort ?? 0 };
    this.remote = { address: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
    socket.on('error', () => this.stop());
    socket.on('close', () => this.stop());
    if (sender) return;
    const take = (): void => {
      for (let chunk = socket.read() as Uint8Array | null; chunk !== null; ) {
        this.#bytes += chunk.length;
        chunk = socket.read() as Uint8Array | null;
      }
      this.received?.();
    };
    socket.on('readable', take);
    take();
  }

  counted(): Counted {
    const retransmits = this.info()?.retransmits ?? -1;
    return { bytes: this.#bytes, packets: 0, lost: 0, jitter: 0, retransmits };
  }

  info(): TcpInfo | null {
    const tcp = 'tcp' in this.#socket ? this.#socket.tcp : null;
    this.#last = tcp?.info() ?? this.#last;
    return this.#last;
  }

  async send(share: Share): Promise<void> {
    const block = Buffer.alloc(share.length);
    for (let i = 0; i < block.length; i++) block[i] = i & 0xff;
    const { time } = this.#context;
    const began = time.now;
    const rate = share.rate > 0 ? share.rate : UNBOUNDED;
    while (!this.#stopped && share.more()) {
      const due = began + (this.#bytes * 8e9) / rate;
      // A timer is a millisecond at the least: what falls due within one goes out together.
      if (due - time.now >= 1e6) await time.sleep((due - time.now) / 1e6);
      if (this.#stopped || !share.more()) return;
      await this.#write(block);
      if (this.#stopped) return;
      this.#bytes += block.length;
      share.sent(block.length);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
    this.#wake = null;
  }

  close(): void {
    this.stop();
    this.info();
    this.#socket.destroy();
  }

  /** Resolves when the connection has taken it all, or `stop` was called. */
  #write(block: Uint8Array): Promise<void> {
    return new Promise((done) => {
      this.#wake = done;
      this.#socket.write(block, () => done());
    });
  }
}

/** An IPv4 address that an IPv6 socket shows mapped, in its own letters. */
function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}

/** What one end tells the other when a test is over. @param end nanoseconds since it began */
export function resultsOf(flows: readonly Flow[], end: number): object {
  const streams = flows.map((flow): StreamResult => {
    const { bytes, packets, lost, jitter, retransmits } = flow.counted();
    return {
      id: flow.number,
      bytes,
      retransmits: flow.sender ? retransmits : -1,
      jitter: jitter / 1e9,
      errors: lost,
      packets,
      start_time: 0,
      end_time: end / 1e9,
    };
  });
  // The real program tells its processor's share; a machine that is emulated has none.
  return {
    cpu_util_total: 0,
    cpu_util_user: 0,
    cpu_util_system: 0,
    sender_has_retransmits: streams.some(({ retransmits }) => retransmits >= 0) ? 1 : 0,
    streams,
  };
}
