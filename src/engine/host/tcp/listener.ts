// A port that is listened on: connections whose handshake is under way, and those that wait to be accepted, both with a limit
// (net/ipv4/inet_connection_sock.c: reqsk_queue, icsk_accept_queue). A connection that is reset while it waits is gone from the
// queue, as POSIX allows; Linux would hand it out to fail at its first use.

import type { Ip } from '../../../core/wire/address.ts';
import { isIp6, sameIp } from '../../../core/wire/address.ts';
import * as ipv4 from '../../../core/wire/ipv4.ts';
import * as ipv6 from '../../../core/wire/ipv6.ts';
import type { Block, Parent } from './block.ts';
import type { Connection } from './connection.ts';
import { BACKLOG_MAX } from './constants.ts';
import { finish, later } from './news.ts';
import type { TcpEvents, TcpListener, TcpListenerEvents, TcpSocket } from './socket.ts';

export class Listener implements TcpListener, Parent {
  readonly port: number;
  readonly ip: Ip | null;
  readonly translated: boolean;
  readonly backlog: number;
  /** Another listener on this port, on another address. */
  next: Listener | null = null;
  /** Handshakes under way. */
  readonly opening: Set<Block> = new Set();
  #waiting: Connection[] = [];
  #events: TcpListenerEvents;
  readonly #closed: (listener: Listener) => void;
  #open = true;

  constructor(
    port: number,
    ip: Ip | null,
    backlog: number,
    translated: boolean,
    events: TcpListenerEvents,
    closed: (listener: Listener) => void,
  ) {
    this.port = port;
    this.ip = ip;
    this.translated = translated;
    this.backlog = Math.max(0, Math.min(backlog, BACKLOG_MAX));
    this.#events = events;
    this.#closed = closed;
  }

  /** Connections that wait to be accepted. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** True when one SYN more would find no room: too many handshakes, or nobody accepts. */
  get full(): boolean {
    return this.opening.size >= Math.max(1, this.backlog) || this.crowded;
  }

  get crowded(): boolean {
    return this.#waiting.length > this.backlog;
  }

  /** True when it listens on no address of its own: on all, or (0) on all of IPv4. */
  get wide(): boolean {
    return this.ip === null || this.ip === 0;
  }

  /** True when a segment to the address whose packet header is at `at` is for it, if nobody stands closer. */
  hears(view: DataView, at: number, four: boolean): boolean {
    const { ip } = this;
    if (ip === null) return true;
    if (typeof ip === 'number') return four && (ip === 0 || ipv4.dst(view, at) === ip);
    return !four && sameIp(ip, ipv6.dst(view, at));
  }

  /** True when the two cannot both listen on a port (Linux: inet_rcv_saddr_equal). */
  conflicts(other: Listener): boolean {
    if (this.wide && other.wide) return true;
    if (!this.wide && !other.wide) return sameIp(this.ip as Ip, other.ip as Ip);
    const [wide, narrow] = this.wide ? [this, other] : [other, this];
    return !(narrow as Listener).translated && !(wide.ip === 0 && isIp6(narrow.ip as Ip));
  }

  accept(events: TcpEvents): TcpSocket | null {
    const next = this.#waiting.shift();
    if (next === undefined) return null;
    next.parent = null;
    next.events = events;
    // What it has to tell is told once its new holder has it.
    if (next.news !== 0) later(next);
    return next;
  }

  enqueue(c: Block): void {
    this.opening.delete(c);
    this.#waiting.push(c as Connection);
  }

  tell(): void {
    if (this.#waiting.length === 1) this.#events.acceptable();
  }

  lost(c: Block): void {
    if (this.opening.delete(c)) return;
    const at = this.#waiting.indexOf(c as Connection);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closed(this);
    const opening = [...this.opening];
    const waiting = this.#waiting;
    this.opening.clear();
    this.#waiting = [];
    // Whose handshake is not done hears of it when it goes on (Linux: inet_csk_listen_stop).
    for (const c of opening) finish(c, null);
    for (const c of waiting) c.abort();
  }
}
