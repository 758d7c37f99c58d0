// What can be set on a datagram socket: setsockopt's part of node:dgram.

import { EventEmitter } from 'node:events';
import type { UdpSocket } from '../../engine/host/udp.ts';
import { ipOf } from '../net/addresses.ts';
import { callError } from '../net/errors.ts';
import type { Site } from '../site.ts';
import { Mailbox } from './mailbox.ts';

/** What Linux says of a socket (net.core.wmem_default); nothing waits here. */
const SEND_BUFFER = 212_992;

export class DgramSettings extends EventEmitter {
  protected readonly _site: Site;
  protected readonly _mail: Mailbox;
  protected _socket: UdpSocket | null = null;
  protected _ttl = 64;
  protected _broadcast = false;

  constructor(site: Site, receiveBuffer: number | undefined) {
    super();
    this._site = site;
    this._mail = new Mailbox(receiveBuffer);
  }

  /** Sending to a broadcast address is refused with EACCES without it. */
  setBroadcast(on: boolean): void {
    this._broadcast = on;
  }

  setTTL(ttl: number): number {
    this._ttl = ttl;
    if (this._socket !== null) this._socket.ttl = ttl;
    return ttl;
  }

  setMulticastTTL(ttl: number): number {
    return ttl;
  }

  setMulticastLoopback(on: boolean): boolean {
    return on;
  }

  addMembership(group: string, at?: string): void {
    this.#membership(group, at, true);
  }

  dropMembership(group: string, at?: string): void {
    this.#membership(group, at, false);
  }

  /** Datagrams that found no room in the receive buffer. */
  get dropped(): number {
    return this._mail.dropped;
  }

  getRecvBufferSize(): number {
    return this._mail.room;
  }

  setRecvBufferSize(size: number): void {
    this._mail.room = size;
  }

  getSendBufferSize(): number {
    return SEND_BUFFER;
  }

  setSendBufferSize(): void {}

  getSendQueueSize(): number {
    return 0;
  }

  getSendQueueCount(): number {
    return 0;
  }

  #membership(group: string, at: string | undefined, join: boolean): void {
    const ip = ipOf(group);
    const from = at === undefined ? null : ipOf(at);
    const { host } = this._site;
    const dev = host.interfaces.find((one) => from === null || one.has(from));
    if (ip === null || dev === undefined)
      throw callError('EINVAL', join ? 'addMembership' : 'dropMembership');
    this._site.enter();
    if (typeof ip === 'number') host.ip4.igmp.membership(dev, ip, join);
    else host.ip6.mld.membership(dev, ip, join);
  }
}
