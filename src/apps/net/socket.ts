// A connection as node:net has it: what programs ask of it and see of it. The bytes are the stream's (stream.ts).
//
//   connect ─► 'lookup' ─► 'connect', 'ready' ─► data, 'drain', 'timeout' ─► 'end' ─► 'close'

import type { TcpEvents, TcpSocket } from '../../engine/host/tcp/socket.ts';
import type { Closable, Site } from '../site.ts';
import type { AddressInfo } from './addresses.ts';
import { addressInfo } from './addresses.ts';
import type { ConnectArguments, SocketOptions } from './arguments.ts';
import { connectArguments } from './arguments.ts';
import type { Dialing } from './dial.ts';
import { Dial } from './dial.ts';
import { nodeError } from './errors.ts';
import { WireStream } from './stream.ts';
import { Wire } from './wire.ts';

const MILLISECOND = 1_000_000;

/** Programs use the class of this name in ContainerNet, which is bound to their container. */
export class Socket extends WireStream implements Dialing, Closable {
  #dial: Dial | null = null;
  #ref = true;
  #noDelay: boolean;
  #keepAlive: number | null;
  #shapes: { readonly local: AddressInfo; readonly remote: AddressInfo } | null = null;
  /** Milliseconds of `setTimeout`. */
  timeout: number | undefined = undefined;
  autoSelectFamilyAttemptedAddresses: string[] = [];
  /** The server that accepted it. */
  server: unknown = null;
  _server: unknown = null;

  constructor(site: Site, options: SocketOptions = {}) {
    super(site, options);
    this.#noDelay = options.noDelay === true;
    this.#keepAlive = options.keepAlive === true ? (options.keepAliveInitialDelay ?? 0) : null;
  }

  /**
   * Takes a connection over from a listener; false if none waits.
   * @param mapped IPv4 addresses are written as IPv6's
   */
  adopt(accept: (events: TcpEvents) => TcpSocket | null, server: unknown, mapped: boolean): boolean {
    const wire = new Wire(this._site.inbox, this);
    const tcp = accept(wire);
    if (tcp === null) return false;
    wire.adopt(tcp);
    this.server = server;
    this._server = server;
    this.#begin(wire, mapped);
    return true;
  }

  /** What the connection did, for reports: retransmissions, round-trip time. */
  get tcp(): TcpSocket | null {
    return this._wire?.tcp ?? null;
  }

  get pending(): boolean {
    return this._wire === null || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get bufferSize(): number {
    return this.writableLength;
  }

  get remoteAddress(): string | undefined {
    return this.#shapes?.remote.address;
  }

  get remotePort(): number | undefined {
    return this.#shapes?.remote.port;
  }

  get remoteFamily(): string | undefined {
    return this.#shapes?.remote.family;
  }

  get localAddress(): string | undefined {
    return this.#shapes?.local.address;
  }

  get localPort(): number | undefined {
    return this.#shapes?.local.port;
  }

  get localFamily(): string | undefined {
    return this.#shapes?.local.family;
  }

  address(): AddressInfo | Record<string, never> {
    return this.#shapes === null || this.destroyed ? {} : { ...this.#shapes.local };
  }

  connect(...given: ConnectArguments): this {
    const [to, connected] = connectArguments(given);
    if (connected !== null) this.once('connect', connected);
    if (this.connecting || this._wire !== null) return this;
    this.connecting = true;
    if (to.noDelay !== undefined) this.#noDelay = to.noDelay;
    if (to.keepAlive === true) this.#keepAlive = to.keepAliveInitialDelay ?? 0;
    this._site.holds.open.add(this);
    if (this.#ref) this._site.holds.add(this);
    if (to.timeout !== undefined) this.setTimeout(to.timeout);
    this.#dial = new Dial(this._site, to, this);
    this.#dial.start();
    return this;
  }

  setNoDelay(on = true): this {
    this.#noDelay = on;
    this._wire?.tcp.setNoDelay(on);
    return this;
  }

  /** @param initialDelay milliseconds; 0 leaves the usual two hours */
  setKeepAlive(on = false, initialDelay = 0): this {
    this.#keepAlive = on ? initialDelay : null;
    this._wire?.tcp.setKeepAlive(on, ...(initialDelay > 0 ? [initialDelay * MILLISECOND] : []));
    return this;
  }

  /** 'timeout' after so many milliseconds without a byte; 0 for never. Nothing else happens then. */
  setTimeout(ms: number, callback?: () => void): this {
    this.timeout = ms;
    if (callback !== undefined) {
      if (ms === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    if (!this.destroyed) this._quiet.set(ms);
    return this;
  }

  ref(): this {
    this.#ref = true;
    if (this._site.holds.open.has(this)) this._site.holds.add(this);
    return this;
  }

  unref(): this {
    this.#ref = false;
    this._site.holds.delete(this);
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Ends the connection with a RST. */
  resetAndDestroy(): this {
    if (this._wire === null && !this.connecting) {
      return this.destroy(nodeError(Error, 'ERR_SOCKET_CLOSED', 'Socket is closed'));
    }
    if (this.connecting) {
      this.once('connect', () => this.resetAndDestroy());
      return this;
    }
    this._wire?.abort();
    return this.destroy();
  }

  terminate(): void {
    this.removeAllListeners();
    this.on('error', () => {});
    this.destroy();
  }

  // What the connection tells, out of the inbox.

  lookedUp(error: Error | null, address: string, family: number, host: string): void {
    if (error === null) this.emit('lookup', null, address, family, host);
    else this.emit('lookup', error, undefined, undefined, host);
  }

  tries(address: string, port: number): void {
    this.autoSelectFamilyAttemptedAddresses.push(`${address}:${port}`);
  }

  notDialed(error: Error): void {
    this.connecting = false;
    this.#dial = null;
    this.destroy(error);
  }

  dialed(wire: Wire): void {
    this.#dial = null;
    this.connecting = false;
    wire.hold(this);
    this.#begin(wire, false);
    this.emit('connect');
    this.emit('ready');
    if (!this.destroyed) this._opened();
  }

  protected override _released(): void {
    this.#dial?.cancel();
    this.#dial = null;
    this._site.holds.open.delete(this);
    this._site.holds.delete(this);
  }

  #begin(wire: Wire, mapped: boolean): void {
    const { tcp } = wire;
    this._wire = wire;
    this.#shapes = {
      local: addressInfo(tcp.localIp, tcp.localPort, mapped),
      remote: addressInfo(tcp.remoteIp, tcp.remotePort, mapped),
    };
    this._site.holds.open.add(this);
    if (this.#ref) this._site.holds.add(this);
    if (this.#noDelay) tcp.setNoDelay(true);
    if (this.#keepAlive !== null) this.setKeepAlive(true, this.#keepAlive);
  }
}
