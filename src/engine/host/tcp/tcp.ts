// TCP on a host: RFC 9293. Which connection or listener a segment is for, and what becomes of one that is for nobody; opening
// connections and ports.

import type { Frame } from '../../../core/frame/frame.ts';
import type { Ip } from '../../../core/wire/address.ts';
import { formatIp, IP6_ANY, isIp6 } from '../../../core/wire/address.ts';
import { pseudo4, pseudo6 } from '../../../core/wire/checksum.ts';
import * as ethernet from '../../../core/wire/ethernet.ts';
import * as ipv4 from '../../../core/wire/ipv4.ts';
import * as ipv6 from '../../../core/wire/ipv6.ts';
import { PROTO, VxlabError } from '../../../core/wire/numbers.ts';
import * as tcp from '../../../core/wire/tcp.ts';
import { DROP, drop } from '../../trace/drop.ts';
import { TRACE } from '../../trace/event.ts';
import type { Destination } from '../destination.ts';
import { REACH } from '../destination.ts';
import type { Interface } from '../interface.ts';
import { LOCALHOST, LOCALHOST6 } from '../loopback.ts';
import type { Stack, TcpInput } from '../stack.ts';
import type { Block, Registry } from './block.ts';
import { NEVER, TIMER } from './block.ts';
import { Connection } from './connection.ts';
import type { Settings } from './constants.ts';
import { BACKLOG, SETTINGS } from './constants.ts';
import { answer, arriveInSynReceived, arriveInSynSent, open } from './handshake.ts';
import { initialSequence, stampOffset } from './initial.ts';
import { arrive, isOld } from './input.ts';
import { Listener } from './listener.ts';
import { ListenerTable } from './listeners.ts';
import { finish, tell } from './news.ts';
import { cut } from './output.ts';
import { Ports } from './ports.ts';
import { Reading } from './reading.ts';
import { transmit } from './segment.ts';
import { ahead } from './sequence.ts';
import type {
  ConnectOptions,
  ListenOptions,
  TcpError,
  TcpEvents,
  TcpFace,
  TcpListenerEvents,
} from './socket.ts';
import { ConnectionTable } from './table.ts';
import { arm } from './timers.ts';

const { ACK, FIN, RST, SYN } = tcp.FLAG;
/** How far beyond the last number of an old connection a new one of the same names begins (Linux: tcp_timewait_state_process). */
const BEYOND = 0x1_0001;

export class Tcp implements TcpFace, TcpInput, Registry {
  readonly host: Stack;
  /** Changed before there are connections, if at all. */
  readonly settings: Settings = { ...SETTINGS };
  retransmits = 0;
  readonly #table: ConnectionTable = new ConnectionTable();
  readonly #listeners: ListenerTable = new ListenerTable();
  readonly #ports: Ports;
  readonly #secret: number;
  /** One for all: a segment is read, and has been worked on before anybody is told of it. */
  readonly #segment: Reading = new Reading();
  #closed = false;

  constructor(host: Stack) {
    this.host = host;
    this.#secret = host.random.uint32();
    this.#ports = new Ports(this.#secret);
  }

  get size(): number {
    return this.#table.size + this.#listeners.size;
  }

  /** The connections there are, for tables. */
  get connections(): readonly Block[] {
    return this.#table.all();
  }

  /** The listeners there are, for tables. */
  get listeners(): readonly Listener[] {
    return this.#listeners.all();
  }

  connect(to: Ip, port: number, events: TcpEvents, options: ConnectOptions = {}): Connection {
    checkPort(port, 1);
    const { localPort = 0 } = options;
    checkPort(localPort, 0);
    const { host } = this;
    // Nowhere in particular is here (Linux: INADDR_ANY in ip_route_output_key_hash_rcu).
    const peer = isAny(to) ? (isIp6(to) ? LOCALHOST6 : LOCALHOST) : to;
    const plain = host.destination(peer);
    const asked = options.localIp === undefined || isAny(options.localIp) ? null : options.localIp;
    if (asked !== null) this.#checkLocal(asked);
    const localIp = asked ?? plain?.src ?? (isIp6(peer) ? IP6_ANY : 0);
    if (localPort !== 0 && this.#table.get(localIp, localPort, peer, port) !== null) {
      throw new VxlabError(
        'PORT_IN_USE',
        `TCP port ${localPort} of ${host.name} has a connection to ${formatIp(peer)}:${port}`,
      );
    }
    const from = localPort === 0 ? this.#free(localIp, peer, port) : localPort;
    const c = new Connection(this, localIp, from, peer, port);
    this.#add(c);
    c.events = events;
    c.opener = true;
    const way = host.destinationFrom(peer, localIp);
    if (way === null || !reaches(way) || this.#closed) {
      // Told later: not from inside the call; and by a host that is gone, never.
      c.state = 'SYN-SENT';
      c.doomed = 'ENETUNREACH';
      if (this.#closed) c.abort();
      else arm(c, TIMER.wait, host.ground.clock.now);
      return c;
    }
    c.inside = true;
    open(c, initialSequence(c, this.#secret, host.ground.clock.now), stampOffset(c, this.#secret));
    c.inside = false;
    return c;
  }

  listen(port: number, events: TcpListenerEvents, options: ListenOptions = {}): Listener {
    checkPort(port, 0);
    const { ip: asked, backlog = BACKLOG, translated = false } = options;
    const ip = asked === undefined || (isIp6(asked) && isAny(asked)) ? null : asked;
    if (ip !== null && ip !== 0) {
      this.#checkLocal(ip);
      // What listens on loopback by itself is there first, whoever asks.
      this.host.destination(ip);
    }
    const chosen = port === 0 ? this.#freeToListen() : port;
    const listeners = this.#listeners;
    const made = new Listener(chosen, ip, backlog, translated, events, (one) => listeners.remove(one));
    if (listeners.conflict(made) !== null) {
      throw new VxlabError('PORT_IN_USE', `TCP port ${chosen} is in use on ${this.host.name}`);
    }
    listeners.add(made);
    return made;
  }

  /** True while somebody listens on the port, or it has a connection. */
  uses(port: number): boolean {
    return this.#listeners.uses(port) || this.#ports.uses(port);
  }

  has(localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number): boolean {
    if (this.#listeners.uses(localPort)) return true;
    return this.#table.get(localIp, localPort, remoteIp, remotePort) !== null;
  }

  /** A segment for this host: IP header at `ip`, TCP header at `at`. Takes the frame over. */
  input(frame: Frame, ip: number, at: number, end: number, _dev: Interface): void {
    const { host } = this;
    const view = frame.view;
    const fault = tcp.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    const four = view.getUint8(ip) >>> 4 === 4;
    if (!frame.summed) {
      const length = end - at;
      const pseudo = four
        ? pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), PROTO.tcp, length)
        : pseudo6(view, ip, PROTO.tcp, length);
      if (!tcp.checksumOk(view, at, end, pseudo)) return drop(host, frame, DROP.checksum);
    }
    const localPort = tcp.dstPort(view, at);
    const remotePort = tcp.srcPort(view, at);
    const segment = this.#segment;
    segment.read(view, ip, at, end);
    const c = this.#table.find(view, ip, four, localPort, remotePort);
    if (c === null) return this.#fresh(frame, ip, four, segment, NEVER);
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, PROTO.tcp, localPort);
    if (c.state === 'SYN-SENT') arriveInSynSent(c, frame, segment);
    else if (c.state === 'SYN-RECEIVED') arriveInSynReceived(c, frame, segment);
    else if (c.state === 'TIME-WAIT' && this.#begins(c, segment, ip, four)) {
      const initial = c.max + BEYOND;
      finish(c, null);
      this.#fresh(frame, ip, four, segment, initial >>> 0);
    } else arrive(c, frame, segment);
  }

  /** A SYN for a connection that only waits: a new one begins if its number is beyond (RFC 9293 s.3.10.7.4, RFC 6191). */
  #begins(c: Block, segment: Reading, ip: number, four: boolean): boolean {
    if ((segment.flags & (SYN | RST | ACK)) !== SYN) return false;
    const stamped = c.stamps && segment.stamped;
    if (stamped && isOld(c, segment.value)) return false;
    const later = stamped && ahead(segment.value, c.stampRecent) > 0;
    if (!later && ahead(segment.seq, c.received) <= 0) return false;
    return this.#listeners.find(segment.view, ip, four, c.localPort)?.full === false;
  }

  /**
   * A segment that belongs to no connection.
   * @param initial where the numbers of a connection begin; NEVER to choose
   */
  #fresh(frame: Frame, ip: number, four: boolean, segment: Reading, initial: number): void {
    const { host } = this;
    const { flags, view, at } = segment;
    const port = tcp.dstPort(view, at);
    const local = four ? host.isLocal(ipv4.dst(view, ip)) : host.isLocal6(view, ip + 24);
    // Nobody has a connection with a group, nor over a frame for all (RFC 1122 s.4.2.3.10).
    if (!local || (ethernet.dstHi(view, frame.start) & 0x0100) !== 0) {
      return drop(host, frame, DROP.notForUs);
    }
    const listener = this.#listeners.find(view, ip, four, port);
    if (listener === null) {
      if ((flags & RST) === 0 && !this.#closed) this.refuse(segment);
      return drop(host, frame, DROP.noListener, port);
    }
    if ((flags & RST) !== 0) return drop(host, frame, DROP.tcpFlags);
    if ((flags & ACK) !== 0) {
      this.refuse(segment);
      return drop(host, frame, DROP.tcpFlags);
    }
    if ((flags & SYN) === 0 || (flags & FIN) !== 0) return drop(host, frame, DROP.tcpFlags);
    if (listener.full) return drop(host, frame, DROP.listenOverflow, port);
    const localIp = four ? ipv4.dst(view, ip) : ipv6.dst(view, ip);
    const remoteIp = four ? ipv4.src(view, ip) : ipv6.src(view, ip);
    const way = host.destinationFrom(remoteIp, localIp);
    if (way === null || !reaches(way) || isAny(remoteIp)) return drop(host, frame, DROP.noRoute);
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, PROTO.tcp, port);
    const c = new Connection(this, localIp, port, remoteIp, tcp.srcPort(view, at));
    this.#add(c);
    c.parent = listener;
    listener.opening.add(c);
    const first = initial === NEVER ? initialSequence(c, this.#secret, host.ground.clock.now) : initial;
    answer(c, segment, first, stampOffset(c, this.#secret));
    frame.release();
  }

  /** Answers a segment that no connection wants with a RST (RFC 9293 s.3.10.7.1). */
  refuse(segment: Reading): void {
    const { host } = this;
    const { view, ip, at, flags, seq, ack } = segment;
    const four = view.getUint8(ip) >>> 4 === 4;
    const src = four ? ipv4.src(view, ip) : ipv6.src(view, ip);
    const dst = four ? ipv4.dst(view, ip) : ipv6.dst(view, ip);
    const way = host.destinationFrom(src, dst);
    if (way === null || !reaches(way)) return;
    const reset = host.ground.pool.take(tcp.HEADER_LEN);
    const acks = (flags & ACK) !== 0;
    transmit(
      host,
      reset,
      way,
      tcp.dstPort(view, at),
      tcp.srcPort(view, at),
      acks ? ack >>> 0 : 0,
      acks ? 0 : (seq + segment.length) >>> 0,
      acks ? RST : RST | ACK,
      0,
      tcp.HEADER_LEN,
      0,
    );
  }

  /**
   * An ICMP error quotes a segment of ours: its IP header is at `ip`, its TCP header at `at` (RFC 5461; Linux: tcp_v4_err).
   * @param error what it says in an error's words; null for one that says nothing lasting
   */
  error(view: DataView, ip: number, at: number, error: TcpError | null, tooLong: boolean): void {
    const four = view.getUint8(ip) >>> 4 === 4;
    const localIp = four ? ipv4.src(view, ip) : ipv6.src(view, ip);
    const remoteIp = four ? ipv4.dst(view, ip) : ipv6.dst(view, ip);
    const c = this.#table.get(localIp, tcp.srcPort(view, at), remoteIp, tcp.dstPort(view, at));
    if (c === null) return;
    // Somebody who guesses has to guess a number that is under way.
    const seq = tcp.seq(view, at) | 0;
    if (ahead(seq, c.una) < 0 || ahead(seq, c.max) > 0) return;
    if (tooLong) return cut(c);
    if (error === null) return;
    if (c.state !== 'SYN-SENT' && c.state !== 'SYN-RECEIVED') {
      c.soft = error;
      return;
    }
    // Who answers a SYN cannot be refused by ICMP, only be out of reach (Linux: tcp_req_err).
    if (c.parent !== null && error === 'ECONNREFUSED') return;
    finish(c, error);
    tell(c);
  }

  remove(c: Block): void {
    this.host.ground.ledger?.ended(c);
    this.#table.remove(c);
    this.#ports.remove(c.localPort);
  }

  /** The host goes: nothing is sent any more, and whoever holds a connection hears that it is over. */
  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    for (const c of this.#table.all()) {
      finish(c, 'ECONNABORTED');
      tell(c);
    }
  }

  #add(c: Connection): void {
    this.#table.add(c);
    this.#ports.add(c.localPort);
  }

  /** @throws VxlabError NOT_LOCAL */
  #checkLocal(ip: Ip): void {
    if (this.host.isLocal(ip)) return;
    throw new VxlabError('NOT_LOCAL', `${formatIp(ip)} is not an address of ${this.host.name}`);
  }

  /** A port from which nothing goes to that peer yet. */
  #free(localIp: Ip, to: Ip, port: number): number {
    const taken = (candidate: number): boolean =>
      this.#listeners.uses(candidate) ||
      this.host.ip4.nat?.holds(PROTO.tcp, localIp, candidate, to, port) === true;
    const found =
      this.#ports.free(taken) ||
      this.#ports.shared((one) => taken(one) || this.#table.get(localIp, one, to, port) !== null);
    if (found !== 0) return found;
    throw new VxlabError('NO_FREE_PORT', `${this.host.name} has no free TCP port to ${formatIp(to)}:${port}`);
  }

  #freeToListen(): number {
    const nat = this.host.ip4.nat;
    const found = this.#ports.free(
      (candidate) => this.#listeners.uses(candidate) || nat?.holdsPort(PROTO.tcp, candidate) === true,
    );
    if (found !== 0) return found;
    throw new VxlabError('NO_FREE_PORT', `${this.host.name} has no free TCP port`);
  }
}

/** True where one station is at the other end. */
function reaches(way: Destination): boolean {
  return way.reach === REACH.unicast || way.reach === REACH.local;
}

function isAny(ip: Ip): boolean {
  return typeof ip === 'number' ? ip === 0 : (ip.a | ip.b | ip.c | ip.d) === 0;
}

function checkPort(port: number, least: number): void {
  if (!Number.isInteger(port) || port < least || port > 65535) {
    throw new VxlabError('BAD_PORT', `${port} is not a port`);
  }
}
