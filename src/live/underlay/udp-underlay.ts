// An underlay of real UDP sockets: what a VTEP sends leaves as a datagram, and what comes in is handed to its VNI
// demultiplexer. Needs no root: the VXLAN port is above 1024, and every address of 127.0.0.0/8 is the loopback's.
//
// One socket is bound to the VXLAN port and receives, one more to each multicast group that is joined (Linux hands a group's
// datagrams to sockets that are bound to the group or to no address). A handful of further sockets only send, so that flows
// still differ in their source port (RFC 7348 s.5): which one sends is the flow's entropy modulo their number.

import type { RemoteInfo, Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import type { PeerId, Peers } from '../../engine/fabric/peers.ts';
import type { TunnelReceiver } from '../../engine/fabric/underlay.ts';
import { kernelDrops } from '../kernel/kernel-drops.ts';
import type { WallClock } from '../wall-clock.ts';
import type { DatagramWatch, Door, LiveUnderlay, UnderlayCounters } from './live-underlay.ts';
import { noCounts } from './live-underlay.ts';

export interface UdpUnderlayOptions {
  readonly local: Ip;
  /** UDP port to receive on and to send to; 4789 by RFC 7348. */
  readonly port: number;
  /** Sockets to send from; default 8. */
  readonly senders?: number;
  /** Ports that the sending sockets have; left out: the VXLAN port itself and whatever the kernel gives. */
  readonly sourcePorts?: readonly [number, number];
  /** IP MTU of the path in bytes; default 1500, so that what fits the simulation fits here. */
  readonly mtu?: number;
  /** The interface of multicast groups. Needed over IPv6 alone: an IPv4 address says it. */
  readonly dev?: string;
  /** TTL or hop limit; default the kernel's. */
  readonly ttl?: number;
  /** Default: everybody's datagrams come in. */
  readonly door?: Pick<Door, 'peerOf'>;
  readonly watch?: DatagramWatch;
}

export type UdpCounters = UnderlayCounters;

/** Bytes asked of the kernel for each receive and send buffer; it gives what net.core.rmem_max and wmem_max allow. */
const BUFFER = 4 * 1024 * 1024;
/** Datagrams that may wait for the kernel. */
const WAITING_MAX = 4096;
/** How often another port is tried for a socket before it is given up. */
const TRIES = 64;

export class UdpUnderlay implements LiveUnderlay {
  readonly counters: UnderlayCounters = noCounts();
  readonly notices: string[] = [];
  readonly #options: UdpUnderlayOptions;
  readonly #address: string;
  readonly #clock: WallClock;
  readonly #pool: FramePool;
  readonly #peers: Peers;
  readonly #receiver: TunnelReceiver;
  readonly #door: Pick<Door, 'peerOf'>;
  readonly #watch: DatagramWatch | null;
  #listener: Socket | null = null;
  readonly #senders: Socket[] = [];
  readonly #senderPorts: number[] = [];
  /** Sockets by the group they are bound to; a promise while one opens. */
  readonly #groups: Map<PeerId, Promise<Socket> | null> = new Map();
  /** Peer addresses as text, made once. */
  readonly #texts: string[] = [];
  readonly #room: number;
  #waiting = 0;
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
    this.#options = options;
    this.#address = formatIp(options.local);
    this.#door = options.door ?? { peerOf: (address) => this.#peers.idOf(parseIp(address)) };
    this.#watch = options.watch ?? null;
    this.#room = (options.mtu ?? 1500) - (isIp6(options.local) ? 48 : 28);
  }

  /**
   * Opens the sockets.
   * @throws VxlabError PORT_IN_USE when another VTEP has the port, NO_SUCH_ADDRESS when the address is not this machine's
   */
  async open(): Promise<void> {
    const { local, port, senders = 8, sourcePorts } = this.#options;
    try {
      this.#listener = await this.#bind(this.#address, port);
      this.#listener.on('message', (message, from) => this.#received(message, from));
      if (sourcePorts === undefined) this.#senders.push(this.#listener);
      while (this.#senders.length < senders) this.#senders.push(await this.#bindSender());
      for (const socket of this.#senders) this.#senderPorts.push(socket.address().port);
      for (const group of this.#groups.keys()) await this.#openGroup(group);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#peers.idOf(local);
  }

  room(_peer: PeerId): number {
    return this.#room;
  }

  kernelDrops(): number | null {
    return kernelDrops(this.#options.local, this.#options.port);
  }

  sendTo(peer: PeerId, entropy: number, _tos: number, frame: Frame): void {
    const sender = entropy % this.#senders.length;
    const socket = this.#senders[sender];
    if (socket === undefined || this.#closed) {
      frame.release();
      return;
    }
    const length = frame.end - frame.start;
    this.counters.sent++;
    this.counters.sentBytes += length;
    if (this.#waiting >= WAITING_MAX) {
      this.counters.queueFull++;
      frame.release();
      return;
    }
    this.#texts[peer] ??= formatIp(this.#peers.addressOf(peer));
    const address = this.#texts[peer] as string;
    this.#watch?.datagram(false, address, this.#senderPorts[sender] as number, frame);
    this.#waiting++;
    // The kernel may take the bytes later than this call returns; the slot goes home when it has.
    socket.send(frame.bytes, frame.start, length, this.#options.port, address, (error) => {
      this.#waiting--;
      if (error !== null) this.counters.sendErrors++;
      frame.release();
    });
  }

  join(group: PeerId): void {
    if (this.#groups.has(group)) return;
    this.#groups.set(group, null);
    // Before `open` it is noted only; afterwards a refusal has nobody to go to but the counters.
    if (this.#listener !== null) this.#openGroup(group).catch(() => this.counters.sendErrors++);
  }

  leave(group: PeerId): void {
    const socket = this.#groups.get(group);
    this.#groups.delete(group);
    if (!this.#closed) socket?.then(closed).catch(() => {});
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const groups = await Promise.allSettled(this.#groups.values());
    const joined = groups.flatMap((one) =>
      one.status === 'fulfilled' && one.value !== null ? [one.value] : [],
    );
    const listener = this.#listener === null ? [] : [this.#listener];
    await Promise.all([...new Set([...listener, ...this.#senders, ...joined])].map(closed));
  }

  #received(message: Uint8Array, from: RemoteInfo): void {
    if (this.#closed) return;
    this.counters.received++;
    this.counters.receivedBytes += message.length;
    const peer = this.#door.peerOf(from.address);
    if (peer < 0) return;
    this.#clock.tick();
    const frame = this.#pool.from(message);
    this.#watch?.datagram(true, from.address, from.port, frame);
    this.#receiver.input(frame, peer, 0);
  }

  async #bindSender(): Promise<Socket> {
    const range = this.#options.sourcePorts;
    if (range === undefined) return this.#bind(this.#address, 0);
    const [min, max] = range;
    for (let tries = 1; ; tries++) {
      const port = min + Math.floor(Math.random() * (max - min + 1));
      try {
        return await this.#bind(this.#address, port);
      } catch (error) {
        if (!(error instanceof VxlabError) || error.code !== 'PORT_IN_USE' || tries === TRIES) throw error;
      }
    }
  }

  #openGroup(group: PeerId): Promise<Socket> {
    const address = formatIp(this.#peers.addressOf(group));
    const { dev } = this.#options;
    const six = isIp6(this.#options.local);
    const socket = this.#bind(six && dev !== undefined ? `${address}%${dev}` : address, this.#options.port);
    const joined = socket.then((one) => {
      one.addMembership(address, six && dev !== undefined ? `::%${dev}` : this.#address);
      one.on('message', (message, from) => {
        // What we sent to the group comes back where loopback is on.
        const own = from.address === this.#address && this.#senderPorts.includes(from.port);
        if (!own) this.#received(message, from);
      });
      return one;
    });
    this.#groups.set(group, joined);
    return joined;
  }

  #bind(address: string, port: number): Promise<Socket> {
    const six = isIp6(this.#options.local);
    const socket = createSocket({
      type: six ? 'udp6' : 'udp4',
      // Sockets on one group's port share it.
      reuseAddr: address !== this.#address,
      // Addresses only: nothing to look up, so that the kernel has a datagram before `send` returns.
      lookup: (name, _options, found) => found(null, name, six ? 6 : 4),
    });
    return new Promise((done, fail) => {
      socket.once('error', (error: NodeJS.ErrnoException) => {
        socket.close();
        fail(refused(error, address, port));
      });
      socket.bind(port, address, () => {
        socket.removeAllListeners('error');
        socket.on('error', () => {
          this.counters.sendErrors++;
        });
        socket.setRecvBufferSize(BUFFER);
        socket.setSendBufferSize(BUFFER);
        this.#prepare(socket);
        done(socket);
      });
    });
  }

  #prepare(socket: Socket): void {
    const { dev, ttl } = this.#options;
    if (isIp6(this.#options.local)) {
      if (dev !== undefined) socket.setMulticastInterface(`::%${dev}`);
    } else socket.setMulticastInterface(this.#address);
    if (ttl === undefined) return;
    socket.setTTL(ttl);
    socket.setMulticastTTL(ttl);
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((done) => socket.close(() => done()));
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
