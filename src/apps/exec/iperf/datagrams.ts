// Streams of datagrams: each carries the time it was sent and its number (iperf_udp.c), from which the receiver tells loss and
// jitter (RFC 1889 A.8).

import type { ToolContext } from '../tool.ts';
import type { Counted, Flow, Share } from './flow.ts';
import { shownNumber, wireNumber } from './flow.ts';

type UdpSocket = ReturnType<ToolContext['dgram']['createSocket']>;
interface Place {
  readonly address: string;
  readonly port: number;
}

/** How a client opens a stream and a server answers (UDP_CONNECT_MSG, UDP_CONNECT_REPLY), in the order of x86's bytes. */
export const HELLO: Uint8Array = Buffer.from('9876');
export const HELLO_BACK: Uint8Array = Buffer.from('6789');
const HEADER_LEN = 12;
/** Bits a second for a sender that was given no bound: on virtual time nothing else would hold it back. */
export const UNBOUNDED = 1e9;

export class UdpFlow implements Flow {
  readonly shown: number;
  readonly number: number;
  readonly sender: boolean;
  readonly local: Place;
  readonly remote: Place;
  received: (() => void) | null = null;
  readonly #context: ToolContext;
  readonly #put: (bytes: Uint8Array) => void;
  readonly #close: () => void;
  readonly #stop: AbortController = new AbortController();
  #bytes = 0;
  #packets = 0;
  #highest = 0;
  #lost = 0;
  #jitter = 0;
  #transit: number | null = null;
  #base: number | null = null;

  /** @param put sends one datagram to the other end */
  constructor(
    context: ToolContext,
    ends: { readonly local: Place; readonly remote: Place },
    place: number,
    sender: boolean,
    put: (bytes: Uint8Array) => void,
    close: () => void,
  ) {
    this.#context = context;
    this.local = ends.local;
    this.remote = ends.remote;
    this.shown = shownNumber(place);
    this.number = wireNumber(place);
    this.sender = sender;
    this.#put = put;
    this.#close = close;
  }

  counted(): Counted {
    const packets = this.sender ? this.#packets : this.#highest;
    return { bytes: this.#bytes, packets, lost: this.#lost, jitter: this.#jitter, retransmits: -1 };
  }

  info(): null {
    return null;
  }

  async send(share: Share): Promise<void> {
    const { time } = this.#context;
    const { signal } = this.#stop;
    const length = Math.max(share.length, HEADER_LEN);
    const rate = share.rate > 0 ? share.rate : UNBOUNDED;
    const began = time.now;
    while (!signal.aborted && share.more()) {
      const due = began + Math.round((this.#bytes * 8e9) / rate);
      // A timer is a millisecond at the least: what falls due within one goes out together, as with iperf3's pacing timer.
      if (due - time.now > 1e6) await time.sleep((due - time.now) / 1e6, { signal }).catch(() => {});
      if (signal.aborted || !share.more()) return;
      const datagram = Buffer.alloc(length);
      const micros = time.date() * 1000 + Math.floor((time.now % 1e6) / 1000);
      datagram.writeUInt32BE(Math.floor(micros / 1e6) >>> 0, 0);
      datagram.writeUInt32BE(micros % 1e6, 4);
      datagram.writeUInt32BE(++this.#packets >>> 0, 8);
      this.#put(datagram);
      this.#bytes += length;
      share.sent(length);
    }
  }

  /** A datagram of the other end's. */
  take(datagram: Uint8Array): void {
    if (datagram.length < HEADER_LEN || this.sender) return;
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
    const number = view.getUint32(8);
    this.#bytes += datagram.length;
    if (number > this.#highest) {
      this.#lost += number - 1 - this.#highest;
      this.#highest = number;
    } else if (this.#lost > 0) this.#lost--;
    const { time } = this.#context;
    // Only differences count: seconds from the first datagram on keep the nanoseconds exact.
    this.#base ??= view.getUint32(0);
    const transit = time.now - (view.getUint32(0) - this.#base) * 1e9 - view.getUint32(4) * 1e3;
    if (this.#transit !== null) this.#jitter += (Math.abs(transit - this.#transit) - this.#jitter) / 16;
    this.#transit = transit;
    this.received?.();
  }

  stop(): void {
    this.#stop.abort();
  }

  close(): void {
    this.stop();
    this.#close();
  }
}

/**
 * A client's stream: says hello and waits for the answer.
 * @param from the address it goes out from, as the report shows it
 * @throws Error when no answer comes
 */
export async function openUdp(
  context: ToolContext,
  from: string,
  to: Place,
  place: number,
  sender: boolean,
): Promise<UdpFlow> {
  const socket = context.dgram.createSocket(to.address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((done, fail) => {
    const timer = context.time.setTimeout(() => fail(new Error('Connection timed out')), 30_000);
    socket.on('error', (error) => {
      timer.close();
      fail(error);
    });
    socket.once('message', () => {
      timer.close();
      done();
    });
    socket.connect(to.port, to.address, () => socket.send(HELLO));
  });
  const { port } = socket.address();
  const flow = new UdpFlow(
    context,
    { local: { address: from, port }, remote: to },
    place,
    sender,
    (bytes) => socket.send(bytes),
    () => socket.close(),
  );
  socket.on('message', (bytes: Uint8Array) => flow.take(bytes));
  return flow;
}

/** A server's socket: each new peer that says hello is a stream. */
export class UdpDoor {
  readonly #context: ToolContext;
  readonly #socket: UdpSocket;
  readonly #at: Place;
  readonly #flows: Map<string, UdpFlow> = new Map();

  private constructor(context: ToolContext, socket: UdpSocket, at: Place) {
    this.#context = context;
    this.#at = at;
    this.#socket = socket;
  }

  /** @param at the port, and the address that clients see; @param opened gets each stream; @param sender true when the server sends */
  static open(
    context: ToolContext,
    at: Place,
    six: boolean,
    sender: boolean,
    opened: (flow: UdpFlow) => void,
  ): Promise<UdpDoor> {
    const socket = context.dgram.createSocket(six ? 'udp6' : 'udp4');
    const door = new UdpDoor(context, socket, at);
    return new Promise((done, fail) => {
      socket.once('error', fail);
      socket.bind(at.port, () => {
        socket.off('error', fail);
        socket.on('error', () => {});
        done(door);
      });
      socket.on('message', (bytes: Uint8Array, from: Place) => {
        const key = `${from.address} ${from.port}`;
        const known = door.#flows.get(key);
        if (known !== undefined) return known.take(bytes);
        if (!Buffer.from(bytes).equals(HELLO)) return;
        const flow = door.#flow(from, sender);
        door.#flows.set(key, flow);
        socket.send(HELLO_BACK, from.port, from.address);
        opened(flow);
      });
    });
  }

  close(): void {
    this.#socket.close();
  }

  #flow(from: Place, sender: boolean): UdpFlow {
    const ends = { local: this.#at, remote: { address: from.address, port: from.port } };
    const put = (bytes: Uint8Array): void => this.#socket.send(bytes, from.port, from.address);
    return new UdpFlow(this.#context, ends, this.#flows.size, sender, put, () => {});
  }
}
