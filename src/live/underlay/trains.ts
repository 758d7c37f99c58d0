// Trains: datagrams of one flow that the kernel takes with one call and carries through its stack as one packet, cut at the end
// of the way or by the card (UDP_SEGMENT, udp(7); Linux 4.18). All are of one size but the last, which may be shorter. What leaves
// is what single datagrams would be, save that their UDP checksum is not zero.
//
// The source port of a train is its socket's, so there is a socket for each port that is in use, bound when a flow proves to be
// worth it; the one that was not used for the longest time makes way.

import { closeSync } from 'node:fs';
import type { Ip } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import type { Libc } from '../kernel/libc.ts';
import { IOVEC_LEN, setAddress } from '../kernel/libc.ts';
import { trainDescriptor } from '../kernel/udp-descriptor.ts';

/** Datagrams of a train: what Linux takes since 4.18. */
export const TRAIN_MAX = 64;
/** Bytes of a train: the largest UDP payload over IPv4 and, a little less, over IPv6. */
export const TRAIN_BYTES = 65_487;
const SOCKETS = 128;
/** Trains that are not tried on a port that somebody else has, before it is tried again. */
const PATIENCE = 1000;
const MSG_DONTWAIT = 0x40;
/** struct msghdr; two cmsghdrs with a word each. */
const MSGHDR_LEN = 56;
const CMSG_LEN = 16;
const CMSG_SPACE = 24;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** The kernel or the way has no such thing: an old one, or IPsec behind it. */
const UNABLE: ReadonlySet<string> = new Set(['EIO', 'EINVAL', 'ENOPROTOOPT', 'EOPNOTSUPP']);

export interface TrainSite {
  readonly local: Ip;
  readonly ttl: number;
  readonly dontFragment: boolean;
}

/** What became of a train. */
export const TRAIN = { sent: 0, full: 1, refused: 2, unable: 3 } as const;

export class Trains {
  readonly #libc: Libc;
  readonly #site: TrainSite;
  /** By port: the descriptor plus 1, 0 for none, less than 0 for so many trains that are not tried. */
  readonly #sockets: Int32Array = new Int32Array(65_536);
  readonly #used: Float64Array = new Float64Array(65_536);
  readonly #ports: number[] = [];
  readonly #message: Uint32Array;
  readonly #iovecs: Uint32Array;
  readonly #messageAt: number;
  readonly #control: DataView;
  #count = 0;
  #parts = 0;
  #able = true;

  constructor(libc: Libc, site: TrainSite) {
    this.#libc = libc;
    this.#site = site;
    const iovecsAt = MSGHDR_LEN;
    const controlAt = iovecsAt + 2 * TRAIN_MAX * IOVEC_LEN;
    const memory = new ArrayBuffer(controlAt + 2 * CMSG_SPACE);
    this.#messageAt = libc.addressOf(new Uint8Array(memory));
    this.#message = new Uint32Array(memory, 0, MSGHDR_LEN / 4);
    this.#iovecs = new Uint32Array(memory, iovecsAt, 2 * TRAIN_MAX * (IOVEC_LEN / 4));
    setAddress(this.#message, 4, this.#messageAt + iovecsAt);
    setAddress(this.#message, 8, this.#messageAt + controlAt);
    this.#message[10] = 2 * CMSG_SPACE;
    this.#control = new DataView(memory, controlAt);
    this.#header(0, SOL_UDP, UDP_SEGMENT, 2);
    // IP_TOS or IPV6_TCLASS.
    if (isIp6(site.local)) this.#header(CMSG_SPACE, 41, 67, 4);
    else this.#header(CMSG_SPACE, 0, 1, 4);
  }

  /** False once the kernel has said that it cannot: datagrams go one by one. */
  get able(): boolean {
    return this.#able;
  }

  /** Whether a train may leave from a port. @param worth whether there is enough to send for opening a socket */
  ready(port: number, worth: boolean): boolean {
    if (!this.#able) return false;
    const state = this.#sockets[port] as number;
    if (state > 0) return true;
    if (state < 0) {
      this.#sockets[port] = state + 1;
      return false;
    }
    return worth && this.#open(port);
  }

  /** Adds bytes to the train; its parts follow one another. */
  add(address: number, length: number): void {
    const at = this.#parts++ * (IOVEC_LEN / 4);
    setAddress(this.#iovecs, at, address);
    this.#iovecs[at + 2] = length;
  }

  /** Sends what was added. @param size bytes of each datagram but the last; @param name the receiver's socket address */
  send(port: number, name: number, nameLength: number, size: number, tos: number): number {
    this.#used[port] = ++this.#count;
    const message = this.#message;
    setAddress(message, 0, name);
    message[2] = nameLength;
    message[6] = this.#parts;
    this.#parts = 0;
    this.#control.setUint16(CMSG_LEN, size, true);
    this.#control.setUint32(CMSG_SPACE + CMSG_LEN, tos, true);
    const fd = (this.#sockets[port] as number) - 1;
    for (;;) {
      if (this.#libc.sendmsg(fd, this.#messageAt, MSG_DONTWAIT) >= 0) return TRAIN.sent;
      const error = this.#libc.error();
      if (error === 'EINTR') continue;
      if (error === 'EAGAIN' || error === 'ENOBUFS') return TRAIN.full;
      if (!UNABLE.has(error)) return TRAIN.refused;
      this.#able = false;
      return TRAIN.unable;
    }
  }

  close(): void {
    for (const port of this.#ports.splice(0)) this.#close(port);
  }

  #header(at: number, level: number, type: number, length: number): void {
    this.#control.setUint32(at, CMSG_LEN + length, true);
    this.#control.setInt32(at + 8, level, true);
    this.#control.setInt32(at + 12, type, true);
  }

  #open(port: number): boolean {
    if (this.#ports.length === SOCKETS) this.#makeWay();
    const fd = trainDescriptor(this.#libc, this.#site, port);
    if (fd < 0) {
      this.#sockets[port] = -PATIENCE;
      return false;
    }
    this.#sockets[port] = fd + 1;
    this.#ports.push(port);
    return true;
  }

  #makeWay(): void {
    const ports = this.#ports;
    let oldest = 0;
    for (let i = 1; i < ports.length; i++) {
      const used = this.#used[ports[i] as number] as number;
      if (used < (this.#used[ports[oldest] as number] as number)) oldest = i;
    }
    this.#close(ports[oldest] as number);
    ports[oldest] = ports[ports.length - 1] as number;
    ports.length--;
  }

  #close(port: number): void {
    closeSync((this.#sockets[port] as number) - 1);
    this.#sockets[port] = 0;
  }
}
