// A datagram socket as node:dgram has it, on the host's UDP.

import type { AsyncResource } from 'node:async_hooks';
import type { Frame } from '../../core/frame/frame.ts';
import type { Ip } from '../../core/wire/address.ts';
import { formatIp } from '../../core/wire/address.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { REACH, SENT } from '../../engine/host/destination.ts';
import type { DatagramReceiver } from '../../engine/host/udp.ts';
import { DROP, drop } from '../../engine/trace/drop.ts';
import type { Recipient } from '../inbox.ts';
import { scopeOf } from '../inbox.ts';
import type { AddressInfo } from '../net/addresses.ts';
import { ipOf, isAny } from '../net/addresses.ts';
import { portOf } from '../net/arguments.ts';
import { bindError, callError, lookupError, nodeError, peerError } from '../net/errors.ts';
import { Finding } from '../net/find.ts';
import type { Closable, Site } from '../site.ts';
import type { SendArguments } from './arguments.ts';
import { bindArguments, sendArguments } from './arguments.ts';
import type { RemoteInfo } from './mailbox.ts';
import { DgramSettings } from './settings.ts';

export type { RemoteInfo } from './mailbox.ts';

export interface DgramOptions {
  readonly type: 'udp4' | 'udp6';
  readonly reuseAddr?: boolean | undefined;
  readonly recvBufferSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Heard = (bytes: Buffer, from: RemoteInfo) => void;
type Sent = (error: Error | null, bytes?: number) => void;

const MESSAGE = 1;
const FAILED = 2;
/** The most that fits into a datagram. */
const LONGEST = { udp4: 65_507, udp6: 65_527 } as const;

export class DgramSocket extends DgramSettings implements DatagramReceiver, Recipient, Closable {
  readonly scope: AsyncResource = scopeOf('VXLABDGRAM');
  readonly type: 'udp4' | 'udp6';
  #address: AddressInfo | null = null;
  #remote: { readonly ip: Ip; readonly address: string; readonly port: number } | null = null;
  #error: string | null = null;
  #ref = true;
  #closed = false;

  constructor(site: Site, options: DgramOptions | 'udp4' | 'udp6', heard?: Heard) {
    super(site, typeof options === 'string' ? undefined : options?.recvBufferSize);
    const given = typeof options === 'string' ? { type: options } : options;
    if (given?.type !== 'udp4' && given?.type !== 'udp6') {
      const message = 'Bad socket type specified. Valid types are: udp4, udp6';
      throw nodeError(TypeError, 'ERR_SOCKET_BAD_TYPE', message);
    }
    this.type = given.type;
    if (heard !== undefined) this.on('message', heard);
    given.signal?.addEventListener('abort', () => this.#closed || this.close(), { once: true });
  }

  bind(...given: unknown[]): this {
    const [{ port, address }, listening] = bindArguments(given);
    if (this._socket !== null) throw nodeError(Error, 'ERR_SOCKET_ALREADY_BOUND', 'Socket is already bound');
    this.#alive();
    if (listening !== null) this.once('listening', listening);
    this.#find(address ?? this.#any, 'bind', (error, ip) => {
      if (error !== null || this.#closed) this.#closed || this.emit('error', error);
      else this.#bind(ip, port, address ?? this.#any);
    });
    return this;
  }

  /**
   * (bytes, port, address), (bytes, offset, length, port, address), or without port and address when connected; then a
   * callback. The datagram leaves within the call when no name must be looked up.
   */
  send(...given: SendArguments): void {
    this.#alive();
    const connected = this.#remote !== null;
    const { bytes, port, address, done } = sendArguments(given, connected);
    if (this._socket === null) this.#bind(null, 0, this.#any);
    if (this.#remote !== null) return this.#send(bytes, this.#remote.ip, this.#remote.port, done);
    const host = address ?? (this.type === 'udp4' ? '127.0.0.1' : '::1');
    this.#find(host, 'send', (error, ip) => {
      if (this.#closed) return;
      if (error !== null) this.#answer(error, done);
      else this.#send(bytes, ip, port, done);
    });
  }

  connect(port: number, address?: string | (() => void), done?: (error?: Error) => void): void {
    this.#alive();
    const callback = typeof address === 'function' ? address : done;
    const host = typeof address === 'string' && address !== '' ? address : this.#loopback;
    const number = portOf(port, 'Port');
    if (this.#remote !== null) throw nodeError(Error, 'ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected');
    if (this._socket === null) this.#bind(null, 0, this.#any);
    this.#find(host, 'connect', (error, ip) => {
      if (this.#closed) return;
      if (error !== null) {
        if (callback === undefined) this.emit('error', error);
        else callback(error);
        return;
      }
      this.#remote = { ip, address: formatIp(ip), port: number };
      process.nextTick(() => {
        this.emit('connect');
        callback?.();
      });
    });
  }

  disconnect(): void {
    if (this.#remote === null) throw nodeError(Error, 'ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected');
    this.#remote = null;
  }

  address(): AddressInfo {
    this.#alive();
    if (this.#address === null) throw callError('EBADF', 'getsockname');
    return { ...this.#address };
  }

  remoteAddress(): AddressInfo {
    if (this.#remote === null) throw nodeError(Error, 'ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected');
    const { address, port } = this.#remote;
    return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port };
  }

  close(done?: () => void): this {
    this.#alive();
    if (done !== undefined) this.on('close', done);
    this.#end();
    process.nextTick(() => this.emit('close'));
    return this;
  }

  ref(): this {
    this.#ref = true;
    if (this._socket !== null) this._site.holds.add(this);
    return this;
  }

  unref(): this {
    this.#ref = false;
    this._site.holds.delete(this);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await new Promise<void>((done) => this.close(done));
  }

  terminate(): void {
    this.removeAllListeners();
    this.#end();
  }

  // From inside the packet path.

  datagram(frame: Frame, ip: number, at: number, end: number, srcPort: number): void {
    const { view } = frame;
    const four = view.getUint8(ip) >>> 4 === 4;
    const address = formatIp(four ? ipv4.src(view, ip) : ipv6.src(view, ip));
    const remote = this.#remote;
    const size = end - at;
    if (remote !== null && (remote.port !== srcPort || remote.address !== address)) {
      return drop(this._site.host, frame, DROP.noListener, srcPort);
    }
    const from: RemoteInfo = { address, family: four ? 'IPv4' : 'IPv6', port: srcPort, size };
    if (!this._mail.put(frame.bytes.slice(at, end), from)) {
      return drop(this._site.host, frame, DROP.queueFull, size);
    }
    frame.release();
    this._site.inbox.post(this, MESSAGE);
  }

  error(_from: Ip, type: number, code: number, port: number): void {
    // Linux tells only a connected socket, and only of what is final (icmp_err_convert).
    const refused = (type === 3 && code === 3) || (type === 257 && code === 4);
    const forbidden = (type === 3 && (code === 10 || code === 13)) || (type === 257 && code === 1);
    if (this.#remote === null || port !== this.#remote.port || !(refused || forbidden)) return;
    this.#error = refused ? 'ECONNREFUSED' : 'EHOSTUNREACH';
    this._site.inbox.post(this, FAILED);
  }

  deliver(what: number): void {
    if (this.#closed) return;
    if (what === MESSAGE) {
      const next = this._mail.take();
      if (next !== null) this.emit('message', next.bytes, next.from);
      return;
    }
    const code = this.#error;
    this.#error = null;
    if (code !== null) this.emit('error', callError(code, 'recvmsg'));
  }

  get #any(): string {
    return this.type === 'udp4' ? '0.0.0.0' : '::';
  }

  get #loopback(): string {
    return this.type === 'udp4' ? '127.0.0.1' : '::1';
  }

  #bind(ip: Ip | null, port: number, text: string): void {
    try {
      this._site.enter();
      const any = ip === null || isAny(ip);
      // A udp4 socket without an address hears IPv4 only.
      const where = any ? (this.type === 'udp4' ? { address: 0 } : {}) : { address: ip as Ip };
      this._socket = this._site.host.udp.bind(port, this, { ...where, ttl: this._ttl });
    } catch (error) {
      if (!(error instanceof VxlabError)) throw error;
      const code = error.code === 'PORT_IN_USE' ? 'EADDRINUSE' : 'EADDRNOTAVAIL';
      process.nextTick(() => this.emit('error', bindError(code, 'bind', text, port)));
      return;
    }
    this.#address = {
      address: text,
      family: this.type === 'udp4' ? 'IPv4' : 'IPv6',
      port: this._socket.port,
    };
    this._site.holds.open.add(this);
    if (this.#ref) this._site.holds.add(this);
    process.nextTick(() => this.#closed || this.emit('listening'));
  }

  #send(bytes: Uint8Array, ip: Ip, port: number, done: Sent | null): void {
    const code = this.#trySend(bytes, ip, port);
    if (code !== null) return this.#answer(peerError(code, 'send', formatIp(ip), port), done);
    if (done !== null) process.nextTick(done, null, bytes.length);
  }

  /** What the system would refuse the datagram with. */
  #trySend(bytes: Uint8Array, ip: Ip, port: number): string | null {
    const socket = this._socket;
    if (socket === null) return 'EBADF';
    if ((typeof ip === 'number') !== (this.type === 'udp4')) return 'EINVAL';
    const pending = this.#error;
    this.#error = null;
    if (pending !== null) return pending;
    if (bytes.length > LONGEST[this.type]) return 'EMSGSIZE';
    this._site.enter();
    if (!this._broadcast && socket.destination(ip)?.reach === REACH.broadcast) return 'EACCES';
    switch (socket.send(ip, port, bytes)) {
      case SENT.noRoute:
        return 'ENETUNREACH';
      case SENT.tooLong:
        return 'EMSGSIZE';
      case SENT.noBuffer:
        return 'ENOBUFS';
      default:
        return null;
    }
  }

  /** An error goes to the callback, and without one to 'error'. */
  #answer(error: Error, done: Sent | null): void {
    process.nextTick(() => {
      if (done !== null) done(error);
      else if (!this.#closed) this.emit('error', error);
    });
  }

  #find(host: string, syscall: string, found: (error: Error | null, ip: Ip) => void): void {
    const ip = ipOf(host);
    if (ip !== null) {
      if ((typeof ip === 'number') === (this.type === 'udp4')) return found(null, ip);
      return found(lookupError('ENOTFOUND', syscall === 'bind' ? 'bind' : 'getaddrinfo', host), 0);
    }
    const family = this.type === 'udp4' ? 4 : 6;
    new Finding(this._site, this.scope, host, family, (error, [first]) => found(error, first ?? 0));
  }

  #alive(): void {
    if (this.#closed) throw nodeError(Error, 'ERR_SOCKET_DGRAM_NOT_RUNNING', 'Not running');
  }

  #end(): void {
    this.#closed = true;
    if (this._socket !== null) this._site.host.udp.unbind(this._socket);
    this._socket = null;
    this._mail.clear();
    this._site.holds.open.delete(this);
    this._site.holds.delete(this);
  }
}
