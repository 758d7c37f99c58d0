// An underlay of real UDP sockets: what a VTEP sends leaves as a datagram, and what comes in is handed to its VNI
// demultiplexer. Needs no root: the VXLAN port is above 1024, and every address of 127.0.0.0/8 is the loopback's.
//
// One socket is bound to the VXLAN port and receives; it also sends the flows whose entropy picks it. A handful of further
// sockets on ephemeral ports only send, so that flows still differ in their source port (RFC 7348 s.5): which one sends is
// the flow's entropy modulo their number.

import type { RemoteInfo, Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Frame } from '../core/frame/frame.ts';
import type { FramePool } from '../core/frame/frame-pool.ts';
import type { Ip } from '../core/wire/address.ts';
import { formatIp, isIp6, parseIp } from '../core/wire/address.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { PeerId, Peers } from '../engine/fabric/peers.ts';
import type { TunnelReceiver, Underlay } from '../engine/fabric/underlay.ts';
import type { WallClock } from './wall-clock.ts';

export interface UdpUnderlayOptions {
  readonly local: Ip;
  /** UDP port to receive on and to send to; 4789 by RFC 7348. */
  readonly port: number;
  /** Sockets to send from; default 8. */
  readonly senders?: number;
  /** IP MTU of the path in bytes; default 1500, so that what fits the simulation fits here. */
  readonly mtu?: number;
}

/** Bytes asked of the kernel for each receive buffer. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

export interface UdpCounters {
  sent: number;
  received: number;
  /** Datagrams that the kernel would not take. */
  sendErrors: number;
}

export class UdpUnderlay implements Underlay {
  readonly counters: UdpCounters = { sent: 0, received: 0, sendErrors: 0 };
  readonly #options: Required<UdpUnderlayOptions>;
  readonly #clock: WallClock;
  readonly #pool: FramePool;
  readonly #peers: Peers;
  readonly #receiver: TunnelReceiver;
  readonly #sockets: Socket[] = [];
  /** Peer addresses as text, made once. */
  readonly #texts: string[] = [];
  #closed = false;

  constructor(
    ground: { readonly pool: FramePool; readonly peers: Peers },
    clock: WallClock,
    receiver: TunnelReceiver,
    options: UdpUnderlayOptions,
  ) {
    this.#pool = ground.pool;
    this.#peers = ground.peers;
    this.#clock = clock;
    this.#receiver = receiver;
    this.#options = { senders: 8, mtu: 1500, ...options };
  }

  /**
   * Opens the sockets.
   * @throws VxlabError PORT_IN_USE when another VTEP has the port, NO_SUCH_ADDRESS when the address is not this machine's
   */
  async open(): Promise<void> {
    const { local, port, senders } = this.#options;
    this.#sockets.push(await this.#bind(port));
    for (let i = 1; i < senders; i++) this.#sockets.push(await this.#bind(0));
    const first = this.#sockets[0] as Socket;
    first.setRecvBufferSize(RECEIVE_BUFFER);
    first.on('message', (message, from) => this.#received(message, from));
    this.#peers.idOf(local);
  }

  room(_peer: PeerId): number {
    return this.#options.mtu - (isIp6(this.#options.local) ? 48 : 28);
  }

  sendTo(peer: PeerId, entropy: number, _tos: number, frame: Frame): void {
    const socket = this.#sockets[entropy % this.#sockets.length];
    if (socket === undefined || this.#closed) {
      frame.release();
      return;
    }
    this.#texts[peer] ??= formatIp(this.#peers.addressOf(peer));
    this.counters.sent++;
    // The kernel may take the bytes later than this call returns; the slot goes home when it has.
    socket.send(
      frame.bytes,
      frame.start,
      frame.end - frame.start,
      this.#options.port,
      this.#texts[peer],
      (error) => {
        if (error !== null) this.counters.sendErrors++;
        frame.release();
      },
    );
  }

  join(group: PeerId): void {
    this.#sockets[0]?.addMembership(formatIp(this.#peers.addressOf(group)), formatIp(this.#options.local));
  }

  leave(group: PeerId): void {
    if (!this.#closed) {
      this.#sockets[0]?.dropMembership(formatIp(this.#peers.addressOf(group)), formatIp(this.#options.local));
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((done) => socket.close(() => done()))));
  }

  #received(message: Uint8Array, from: RemoteInfo): void {
    if (this.#closed) return;
    this.counters.received++;
    this.#clock.tick();
    this.#receiver.input(this.#pool.from(message), this.#peers.idOf(parseIp(from.address)), 0);
  }

  #bind(port: number): Promise<Socket> {
    const { local } = this.#options;
    const socket = createSocket(isIp6(local) ? 'udp6' : 'udp4');
    const address = formatIp(local);
    return new Promise((done, fail) => {
      socket.once('error', (error: NodeJS.ErrnoException) => fail(refused(error, address, port)));
      socket.bind(port, address, () => {
        socket.removeAllListeners('error');
        socket.on('error', () => {
          this.counters.sendErrors++;
        });
        if (address.startsWith('127.')) socket.setMulticastInterface(address);
        done(socket);
      });
    });
  }
}

function refused(error: NodeJS.ErrnoException, address: string, port: number): VxlabError {
  if (error.code === 'EADDRINUSE') {
    return new VxlabError(
      'PORT_IN_USE',
      `UDP port ${port} on ${address} is in use: another VTEP or a kernel VXLAN device has it; ` +
        `stop it (ss -lunp 'sport = :${port}' names it) or give --port`,
    );
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return new VxlabError(
      'NO_SUCH_ADDRESS',
      `${address} is not an address of this machine (Linux has all of 127.0.0.0/8; elsewhere: ifconfig lo0 alias ${address})`,
    );
  }
  return new VxlabError('SOCKET_REFUSED', `cannot open UDP ${address}:${port}: ${error.message}`);
}
