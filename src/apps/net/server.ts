// A server as node:net has it, on the engine's listener.

import type { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { Ip } from '../../core/wire/address.ts';
import type { TcpListener, TcpListenerEvents } from '../../engine/host/tcp/socket.ts';
import type { Recipient } from '../inbox.ts';
import { scopeOf } from '../inbox.ts';
import type { Closable, Site } from '../site.ts';
import type { AddressInfo } from './addresses.ts';
import { addressInfo, dualStack, ipOf, isAny } from './addresses.ts';
import type { ListenArguments, ServerOptions } from './arguments.ts';
import { listenArguments } from './arguments.ts';
import { bindError, codeOf, nodeError } from './errors.ts';
import { Finding } from './find.ts';
import { Socket } from './socket.ts';

export type Accepted = (socket: Socket) => void;

/** Programs use the class of this name in ContainerNet. */
export class Server extends EventEmitter implements TcpListenerEvents, Recipient, Closable {
  readonly scope: AsyncResource = scopeOf('VXLABSERVER');
  readonly #site: Site;
  readonly #options: ServerOptions;
  readonly #sockets: Set<Socket> = new Set();
  #listener: TcpListener | null = null;
  #address: AddressInfo | null = null;
  #mapped = false;
  #ref = true;
  #finding: Finding | null = null;
  #closing = false;
  /** More connections than this are closed at once, and 'drop' tells of them. */
  maxConnections: number | undefined = undefined;
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;

  constructor(site: Site, options: ServerOptions = {}, accepted?: Accepted) {
    super();
    this.#site = site;
    this.#options = options;
    this.allowHalfOpen = options.allowHalfOpen ?? false;
    this.pauseOnConnect = options.pauseOnConnect ?? false;
    if (accepted !== undefined) this.on('connection', accepted);
  }

  get listening(): boolean {
    return this.#listener !== null;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** @throws ERR_SERVER_ALREADY_LISTEN, ERR_SOCKET_BAD_PORT; what the network refuses is an 'error' */
  listen(...given: ListenArguments): this {
    const [at, listening] = listenArguments(given);
    if (this.#listener !== null || this.#finding !== null) {
      const message = 'Listen method has been called more than once without closing.';
      throw nodeError(Error, 'ERR_SERVER_ALREADY_LISTEN', message);
    }
    if (listening !== null) this.once('listening', listening);
    this.#closing = false;
    at.signal?.addEventListener('abort', () => this.close(), { once: true });
    const backlog = at.backlog ?? 511;
    if (at.host === undefined || at.host === '') {
      const six = dualStack(this.#site);
      this.#bind(null, at.port, backlog, six ? '::' : '0.0.0.0', six);
      return this;
    }
    const bind = (to: Ip): void => this.#bindTo(to, at.port, backlog, at.ipv6Only === true);
    const ip = ipOf(at.host);
    if (ip !== null) bind(ip);
    else {
      this.#finding = new Finding(this.#site, this.scope, at.host, 0, (error, [first]) => {
        this.#finding = null;
        if (error === null) bind(first as Ip);
        else this.#fail(error);
      });
    }
    return this;
  }

  address(): AddressInfo | null {
    return this.#address === null ? null : { ...this.#address };
  }

  /** Accepts no more; 'close' comes when the last connection is gone. */
  close(done?: (error?: Error) => void): this {
    if (done !== undefined) {
      if (this.#listener !== null || this.#finding !== null) this.once('close', done);
      else {
        this.once('close', () => done(nodeError(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.')));
      }
    }
    this.#closing = true;
    this.#finding?.drop();
    this.#finding = null;
    this.#site.enter();
    this.#listener?.close();
    this.#listener = null;
    this.#address = null;
    this.#site.holds.open.delete(this);
    this.#site.holds.delete(this);
    this.#drained();
    return this;
  }

  getConnections(done: (error: Error | null, count: number) => void): this {
    process.nextTick(done, null, this.#sockets.size);
    return this;
  }

  ref(): this {
    this.#ref = true;
    if (this.#listener !== null) this.#site.holds.add(this);
    return this;
  }

  unref(): this {
    this.#ref = false;
    this.#site.holds.delete(this);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.listening) await new Promise<void>((resolve) => this.close(() => resolve()));
  }

  terminate(): void {
    this.removeAllListeners();
    this.close();
  }

  acceptable(): void {
    this.#site.inbox.post(this, 0);
  }

  deliver(): void {
    this.#accept();
  }

  #bindTo(ip: Ip, port: number, backlog: number, ipv6Only: boolean): void {
    const text = addressInfo(ip, 0, false).address;
    const any = isAny(ip);
    this.#bind(any ? null : ip, port, backlog, text, any && typeof ip !== 'number' && !ipv6Only);
  }

  #bind(ip: Ip | null, port: number, backlog: number, text: string, mapped: boolean): void {
    if (ip !== null && !this.#site.host.isLocal(ip)) {
      return this.#fail(bindError('EADDRNOTAVAIL', 'listen', text, port));
    }
    try {
      this.#site.enter();
      const where = ip === null ? {} : { ip };
      this.#listener = this.#site.tcp.listen(port, this, { ...where, backlog });
    } catch (error) {
      return this.#fail(bindError(codeOf(error), 'listen', text, port));
    }
    this.#mapped = mapped;
    this.#address = {
      address: text,
      family: text.includes(':') ? 'IPv6' : 'IPv4',
      port: this.#listener.port,
    };
    this.#site.holds.open.add(this);
    if (this.#ref) this.#site.holds.add(this);
    this.scope.runInAsyncScope(process.nextTick, process, () => {
      if (this.#listener !== null) this.emit('listening');
    });
  }

  #accept(): void {
    const { noDelay, keepAlive, keepAliveInitialDelay, highWaterMark } = this.#options;
    while (this.#listener !== null) {
      const listener = this.#listener;
      const socket = new Socket(this.#site, {
        allowHalfOpen: this.allowHalfOpen,
        noDelay,
        keepAlive,
        keepAliveInitialDelay,
        highWaterMark,
      });
      if (!socket.adopt((events) => listener.accept(events), this, this.#mapped)) return;
      if (this.maxConnections !== undefined && this.#sockets.size >= this.maxConnections) {
        this.#refuse(socket);
        continue;
      }
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#drained();
      });
      if (this.pauseOnConnect) socket.pause();
      this.emit('connection', socket);
      if (!this.pauseOnConnect) socket.read(0);
    }
  }

  #refuse(socket: Socket): void {
    const { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily } = socket;
    socket.terminate();
    this.emit('drop', { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily });
  }

  #fail(error: Error): void {
    process.nextTick(() => this.emit('error', error));
  }

  #drained(): void {
    if (!this.#closing || this.#listener !== null || this.#sockets.size > 0) return;
    this.#closing = false;
    process.nextTick(() => this.emit('close'));
  }
}
