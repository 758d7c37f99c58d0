// The raw backend: the optional package raw-socket sends IP packets whose headers are ours, so that each inner flow has a source
// port of its own and TTL, TOS and do-not-fragment are as asked. An IPPROTO_RAW socket (raw(7)) only sends; what comes in goes
// through a UDP socket on the VXLAN port, as with the udp backend. Needs root or CAP_NET_RAW.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Frame } from '../../core/frame/frame.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { PeerId, Peers } from '../../engine/fabric/peers.ts';
import type { DatagramWatch, LiveUnderlay, UnderlayCounters } from './live-underlay.ts';
import { OuterHeaders } from './outer-headers.ts';
import type { UnderlayConfig } from './underlay-config.ts';

interface RawSocket {
  send(
    bytes: Buffer,
    offset: number,
    length: number,
    address: string,
    after: (error: Error | null) => void,
  ): void;
  setOption(level: number, option: number, value: Buffer, length: number): void;
  on(event: 'error', heard: () => void): void;
  close(): void;
}

interface RawModule {
  createSocket(options: { readonly protocol: number; readonly addressFamily: number }): RawSocket;
}

const FAMILY = { four: 1, six: 2 } as const;
const IPPROTO_RAW = 255;
// linux/in.h, linux/in6.h
const IPPROTO_IP = 0;
const IP_MULTICAST_IF = 32;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_IF = 17;
/** Datagrams that may wait for the kernel. */
const WAITING_MAX = 4096;

export class RawUnderlay implements LiveUnderlay {
  readonly counters: UnderlayCounters;
  readonly notices: string[];
  readonly #inner: LiveUnderlay;
  readonly #config: UnderlayConfig;
  readonly #peers: Peers;
  readonly #watch: DatagramWatch | null;
  readonly #device: string | null;
  readonly #headers: OuterHeaders;
  readonly #module: RawModule;
  /** Peer addresses as text, and slabs as Node's buffers, made once. */
  readonly #texts: string[] = [];
  readonly #buffers: Map<Uint8Array, Buffer> = new Map();
  #socket: RawSocket | null = null;
  #waiting = 0;

  /**
   * @param inner receives
   * @throws VxlabError BACKEND_MISSING without the package
   */
  constructor(
    inner: LiveUnderlay,
    config: UnderlayConfig,
    site: { readonly peers: Peers; readonly watch: DatagramWatch | null; readonly device: string | null },
  ) {
    this.#inner = inner;
    this.counters = inner.counters;
    this.notices = inner.notices;
    this.#config = config;
    this.#peers = site.peers;
    this.#watch = site.watch;
    this.#device = site.device;
    this.#headers = new OuterHeaders(config);
    this.#module = loadRaw();
  }

  /** @throws VxlabError BACKEND_REFUSED without the privilege; as the udp backend's */
  async open(): Promise<void> {
    this.#socket = this.#opened();
    await this.#inner.open();
  }

  room(peer: PeerId, vni: number): number {
    return this.#inner.room(peer, vni);
  }

  kernelDrops(): number | null {
    return this.#inner.kernelDrops();
  }

  join(group: PeerId): void {
    this.#inner.join(group);
  }

  leave(group: PeerId): void {
    this.#inner.leave(group);
  }

  sendTo(peer: PeerId, entropy: number, ecn: number, frame: Frame): void {
    const socket = this.#socket;
    if (socket === null) return frame.release();
    this.counters.sent++;
    this.counters.sentBytes += frame.end - frame.start;
    if (this.#waiting >= WAITING_MAX) {
      this.counters.queueFull++;
      return frame.release();
    }
    this.#texts[peer] ??= formatIp(this.#peers.addressOf(peer));
    const address = this.#texts[peer] as string;
    const port = this.#headers.port(entropy);
    this.#watch?.datagram(false, address, port, frame);
    this.#headers.push(frame, this.#peers.addressOf(peer), port, this.#headers.tos(frame, ecn));
    this.#waiting++;
    socket.send(this.#buffer(frame.bytes), frame.start, frame.end - frame.start, address, (error) => {
      this.#waiting--;
      if (error !== null) this.counters.sendErrors++;
      frame.release();
    });
  }

  async close(): Promise<void> {
    this.#socket?.close();
    this.#socket = null;
    await this.#inner.close();
  }

  #buffer(bytes: Uint8Array): Buffer {
    let buffer = this.#buffers.get(bytes);
    if (buffer === undefined) {
      buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#buffers.set(bytes, buffer);
    }
    return buffer;
  }

  #opened(): RawSocket {
    const { local } = this.#config;
    const six = isIp6(local);
    let socket: RawSocket;
    try {
      const addressFamily = six ? FAMILY.six : FAMILY.four;
      socket = this.#module.createSocket({ protocol: IPPROTO_RAW, addressFamily });
    } catch (error) {
      const why = (error as Error).message;
      throw new VxlabError('BACKEND_REFUSED', `the raw backend needs root or CAP_NET_RAW: ${why}`);
    }
    socket.on('error', () => {
      this.counters.sendErrors++;
    });
    if (six) {
      const index = this.#interfaceIndex();
      if (index > 0) socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_IF, word(index), 4);
    } else {
      const address = Buffer.alloc(4);
      address.writeUInt32BE(local as number);
      socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, address, 4);
    }
    return socket;
  }

  #interfaceIndex(): number {
    try {
      return Number(readFileSync(`/sys/class/net/${this.#device}/ifindex`, 'utf8'));
    } catch {
      return 0;
    }
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function loadRaw(): RawModule {
  try {
    return createRequire(import.meta.url)('raw-socket') as RawModule;
  } catch {
    throw new VxlabError(
      'BACKEND_MISSING',
      'the raw backend needs the optional package raw-socket, which is not installed or not built for this Node: ' +
        'apt install build-essential python3; npm install raw-socket',
    );
  }
}
