// UDP on a host: RFC 768, RFC 8085; ports as Linux hands them out (ip_local_port_range 32768 to 60999). Of several
// sockets on a port, the one bound to the datagram's own address has it, then the one bound to none (compute_score in
// net/ipv4/udp.c).
//
// Two faces: `sendFrame` and a receiver that is given frames, for the packet path (a VTEP's socket, generators), and
// `send` with bytes for programs.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Ip4 } from '../../core/wire/address.ts';
import { formatIp, IP6_ANY, isIp6, sameIp } from '../../core/wire/address.ts';
import { pseudo4, pseudo6 } from '../../core/wire/checksum.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { PROTO, VxlabError } from '../../core/wire/numbers.ts';
import * as udp from '../../core/wire/udp.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Destination, Sent } from './destination.ts';
import { SENT } from './destination.ts';
import type { Interface } from './interface.ts';
import type { Stack } from './stack.ts';

/** Takes over a datagram: IP header at `ip`, payload [at, end). */
export interface DatagramReceiver {
  datagram(frame: Frame, ip: number, at: number, end: number, srcPort: number): void;
  /** An ICMP error about something sent from here: as `type` and `code` stand in it (ICMPv6's plus 256). */
  error(from: Ip, type: number, code: number, dstPort: number, mtu: number): void;
}

export interface SocketOptions {
  /** One of the host's addresses: the socket hears only what comes to it and sends from it. 0 stands for all of IPv4. */
  readonly address?: Ip;
  /**
   * Stands beside sockets bound to no address, which would otherwise have the whole port: Docker puts its resolver on
   * 127.0.0.11:53 by translation, so that a container's own server on 0.0.0.0:53 is not in its way.
   */
  readonly translated?: boolean;
  /** Hop limit of what is sent; default 64. */
  readonly ttl?: number;
  readonly dontFragment?: boolean;
  /** Send and accept no checksum over IPv6, for tunnels only (RFC 6935). */
  readonly zeroChecksum?: boolean;
  /** Check the checksum of what arrives; default true. A VTEP may leave it out (RFC 7348 s.5). */
  readonly verify?: boolean;
}

export class UdpSocket {
  readonly host: Stack;
  readonly port: number;
  readonly receiver: DatagramReceiver;
  /** The address bound to; null for all, 0 for all of IPv4. */
  readonly address: Ip | null;
  readonly translated: boolean;
  /** Another socket of this port, on another address. */
  next: UdpSocket | null = null;
  /** The last way found for a bound address, and what it was made of. */
  #way: Destination | null = null;
  #wayFrom: Destination | null = null;
  /** Hop limit of what is sent from now on. */
  ttl: number;
  readonly dontFragment: boolean;
  readonly zeroChecksum: boolean;
  readonly verify: boolean;

  constructor(host: Stack, port: number, receiver: DatagramReceiver, options: SocketOptions) {
    this.host = host;
    this.port = port;
    this.receiver = receiver;
    const { address } = options;
    this.address = address === undefined || (isIp6(address) && sameIp(address, IP6_ANY)) ? null : address;
    this.translated = options.translated ?? false;
    this.ttl = options.ttl ?? 64;
    this.dontFragment = options.dontFragment ?? false;
    this.zeroChecksum = options.zeroChecksum ?? false;
    this.verify = options.verify ?? true;
  }

  /** Sends bytes; for programs. The answer is for the sender's error only. */
  send(to: Ip, port: number, bytes: Uint8Array): Sent {
    const frame = this.host.ground.pool.from(bytes);
    frame.summed = true;
    const destination = this.destination(to);
    if (destination !== null)
      return this.sendFrame(frame, destination, this.port, port, this.zeroChecksum, 0);
    drop(this.host, frame, DROP.noRoute);
    return SENT.noRoute;
  }

  /** How this socket sends to an address: from its own if it is bound to one. null where it cannot. */
  destination(to: Ip): Destination | null {
    const { address } = this;
    if (address === null || address === 0) {
      return address === 0 && typeof to !== 'number' ? null : this.host.destination(to);
    }
    const plain = this.host.destination(to);
    if (plain === null || plain !== this.#wayFrom) {
      this.#wayFrom = plain;
      this.#way = plain === null ? null : this.host.destinationFrom(to, address);
    }
    return this.#way;
  }

  /** True when a datagram to the address whose packet header is at `ip` is for this socket, if nobody else's. */
  hears(view: DataView, ip: number, four: boolean): boolean {
    const { address } = this;
    if (address === null) return true;
    if (typeof address === 'number') return four && (address === 0 || ipv4.dst(view, ip) === address);
    return !four && sameIp(ipv6.dst(view, ip), address);
  }

  /**
   * Sends a frame that holds the payload and takes it over; its source address is `to`'s. Packet path.
   * @param noChecksum leave the field 0; with IPv6 only if the socket was opened for it
   * @param payloadSum the payload's one's complement sum, when it is known; else -1, and the payload is read
   */
  sendFrame(
    frame: Frame,
    to: Destination,
    srcPort: number,
    dstPort: number,
    noChecksum: boolean,
    tos: number,
    payloadSum = -1,
  ): Sent {
    const at = frame.push(udp.HEADER_LEN);
    const length = frame.end - at;
    const host = this.host;
    if (typeof to.ip === 'number') {
      const pseudo = noChecksum ? -1 : pseudo4(to.src as Ip4, to.ip, PROTO.udp, length);
      writeHeader(frame, at, srcPort, dstPort, pseudo, payloadSum);
      return host.ip4.output(frame, to, PROTO.udp, this.ttl, tos, this.dontFragment);
    }
    if (this.dontFragment && length + ipv6.HEADER_LEN > to.mtu(host.ground.clock.now)) {
      drop(host, frame, DROP.mtuExceeded, length);
      return SENT.tooLong;
    }
    const pseudo = noChecksum && this.zeroChecksum ? -1 : host.ip6.pseudo(to, PROTO.udp, length);
    writeHeader(frame, at, srcPort, dstPort, pseudo, payloadSum);
    return host.ip6.output(frame, to, PROTO.udp, this.ttl, tos);
  }
}

function writeHeader(
  frame: Frame,
  at: number,
  src: number,
  dst: number,
  pseudo: number,
  payloadSum: number,
): void {
  const { view, end } = frame;
  if (payloadSum >= 0 && pseudo >= 0) udp.writeKnown(view, at, end, src, dst, pseudo + payloadSum);
  else udp.write(view, at, end, src, dst, pseudo);
}

const EPHEMERAL_MIN = 32768;
const EPHEMERAL_MAX = 60999;

export class Udp {
  readonly #host: Stack;
  #sockets: Map<number, UdpSocket> | null = null;
  #next = 0;

  constructor(host: Stack) {
    this.#host = host;
  }

  /**
   * Opens a socket on a port, or on a free one for 0.
   * @throws VxlabError PORT_IN_USE, BAD_PORT outside 0 to 65535, NO_FREE_PORT, NOT_LOCAL for an address of another's
   */
  bind(port: number, receiver: DatagramReceiver, options: SocketOptions = {}): UdpSocket {
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new VxlabError('BAD_PORT', `${port} is not a port`);
    const host = this.#host;
    const socket = new UdpSocket(host, port === 0 ? this.#free() : port, receiver, options);
    const { address } = socket;
    if (address !== null && address !== 0) {
      if (!host.isLocal(address)) {
        throw new VxlabError('NOT_LOCAL', `${formatIp(address)} is not an address of ${host.name}`);
      }
      // What listens on loopback by itself is there first, whoever asks.
      host.destination(address);
    }
    this.#sockets ??= new Map();
    const first = this.#sockets.get(socket.port) ?? null;
    for (let other = first; other !== null; other = other.next) {
      if (!conflict(socket, other)) continue;
      throw new VxlabError('PORT_IN_USE', `UDP port ${port} is in use on ${host.name}`);
    }
    socket.next = first;
    this.#sockets.set(socket.port, socket);
    return socket;
  }

  unbind(socket: UdpSocket): void {
    let before: UdpSocket | null = null;
    for (let other = this.#sockets?.get(socket.port) ?? null; other !== null; other = other.next) {
      if (other !== socket) {
        before = other;
        continue;
      }
      if (before !== null) before.next = socket.next;
      else if (socket.next !== null) this.#sockets?.set(socket.port, socket.next);
      else this.#sockets?.delete(socket.port);
      socket.next = null;
      return;
    }
  }

  /** The sockets there are, for tables. */
  get sockets(): readonly UdpSocket[] {
    const list: UdpSocket[] = [];
    for (const first of this.#sockets?.values() ?? []) {
      for (let one: UdpSocket | null = first; one !== null; one = one.next) list.push(one);
    }
    return list;
  }

  /** True when a socket bound to no address could have the port. */
  isFree(port: number): boolean {
    return this.#sockets?.has(port) !== true;
  }

  /** A datagram for this host; UDP header at `at`. */
  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = udp.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    const stop = udp.payloadEnd(view, at, end);
    const four = view.getUint8(ip) >>> 4 === 4;
    const dstPort = udp.dstPort(view, at);
    const socket = this.#socket(dstPort, view, ip, four);
    if (!frame.summed && socket?.verify !== false) {
      const length = stop - at;
      const pseudo = four
        ? pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), PROTO.udp, length)
        : pseudo6(view, ip, PROTO.udp, length);
      const zeroAllowed = four || socket?.zeroChecksum === true;
      if (!udp.checksumOk(view, at, stop, pseudo, zeroAllowed)) return drop(host, frame, DROP.checksum);
    } else if (!four && udp.checksum(view, at) === 0 && socket?.zeroChecksum !== true) {
      return drop(host, frame, DROP.checksum);
    }
    if (socket === undefined) {
      if (four) host.ip4.icmp.unreachable(frame, ip, dev, 3);
      else host.ip6.icmp.portUnreachable(frame, ip, dev);
      return drop(host, frame, DROP.noListener, dstPort);
    }
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, PROTO.udp, dstPort);
    socket.receiver.datagram(frame, ip, at + udp.HEADER_LEN, stop, udp.srcPort(view, at));
  }

  /** An ICMP error quotes a datagram of ours: its IP header is at `ip`, its UDP header at `at`. */
  error(view: DataView, ip: number, at: number, from: Ip, type: number, code: number, mtu: number): void {
    const src = udp.srcPort(view, at);
    const socket = this.#sockets?.get(src);
    if (socket === undefined) return;
    const sender = socket.next === null ? socket : this.#sender(socket, view, ip);
    sender?.receiver.error(from, type, code, udp.dstPort(view, at), mtu);
  }

  /** Who a datagram is for: the only socket of the port, or of several the one that is bound closest. */
  #socket(port: number, view: DataView, ip: number, four: boolean): UdpSocket | undefined {
    const first = this.#sockets?.get(port);
    if (first === undefined || (first.next === null && first.address === null)) return first;
    let best: UdpSocket | undefined;
    for (let one: UdpSocket | null = first; one !== null; one = one.next) {
      if (one.hears(view, ip, four) && (best === undefined || isWide(best))) best = one;
    }
    return best;
  }

  /** Which of several sockets of a port sent a packet. */
  #sender(first: UdpSocket, view: DataView, ip: number): UdpSocket | null {
    const src = view.getUint8(ip) >>> 4 === 4 ? ipv4.src(view, ip) : ipv6.src(view, ip);
    let best: UdpSocket | null = null;
    for (let one: UdpSocket | null = first; one !== null; one = one.next) {
      if (isWide(one)) best ??= one;
      else if (sameIp(one.address as Ip, src)) return one;
    }
    return best;
  }

  /** True while a socket has the port, on whichever address. */
  uses(port: number): boolean {
    return this.#sockets?.has(port) === true;
  }

  close(): void {
    this.#sockets = null;
  }

  #free(): number {
    const span = EPHEMERAL_MAX - EPHEMERAL_MIN + 1;
    for (let tried = 0; tried < span; tried++) {
      const port = EPHEMERAL_MIN + ((this.#next + tried) % span);
      if (this.#sockets?.has(port) === true) continue;
      if (this.#host.ip4.nat?.holdsPort(PROTO.udp, port) === true) continue;
      this.#next = port - EPHEMERAL_MIN + 1;
      return port;
    }
    throw new VxlabError('NO_FREE_PORT', `${this.#host.name} has no free UDP port`);
  }
}

function isWide(socket: UdpSocket): boolean {
  return socket.address === null || socket.address === 0;
}

/** True when two sockets cannot share a port (Linux: udp_rcv_saddr_equal). */
function conflict(x: UdpSocket, y: UdpSocket): boolean {
  if (isWide(x) && isWide(y)) return true;
  if (!isWide(x) && !isWide(y)) return sameIp(x.address as Ip, y.address as Ip);
  const [wide, narrow] = isWide(x) ? [x, y] : [y, x];
  if (wide.address === 0 && isIp6(narrow.address as Ip)) return false;
  return !narrow.translated;
}
