// UDP on a host: RFC 768, RFC 8085; ports as Linux hands them out (ip_local_port_range 32768 to 60999).
//
// Two faces: `sendFrame` and a receiver that is given frames, for the packet path (a VTEP's socket, generators), and
// `send` with bytes for programs.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Ip4 } from '../../core/wire/address.ts';
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
  readonly ttl: number;
  readonly dontFragment: boolean;
  readonly zeroChecksum: boolean;
  readonly verify: boolean;

  constructor(host: Stack, port: number, receiver: DatagramReceiver, options: SocketOptions) {
    this.host = host;
    this.port = port;
    this.receiver = receiver;
    this.ttl = options.ttl ?? 64;
    this.dontFragment = options.dontFragment ?? false;
    this.zeroChecksum = options.zeroChecksum ?? false;
    this.verify = options.verify ?? true;
  }

  /** Sends bytes; for programs. The answer is for the sender's error only. */
  send(to: Ip, port: number, bytes: Uint8Array): Sent {
    const frame = this.host.ground.pool.from(bytes);
    frame.summed = true;
    const destination = this.host.destination(to);
    if (destination !== null)
      return this.sendFrame(frame, destination, this.port, port, this.zeroChecksum, 0);
    drop(this.host, frame, DROP.noRoute);
    return SENT.noRoute;
  }

  /**
   * Sends a frame that holds the payload and takes it over. Packet path.
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
   * @throws VxlabError PORT_IN_USE, BAD_PORT outside 0 to 65535, NO_FREE_PORT
   */
  bind(port: number, receiver: DatagramReceiver, options: SocketOptions = {}): UdpSocket {
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new VxlabError('BAD_PORT', `${port} is not a port`);
    this.#sockets ??= new Map();
    if (this.#sockets.has(port)) {
      throw new VxlabError('PORT_IN_USE', `UDP port ${port} is in use on ${this.#host.name}`);
    }
    const socket = new UdpSocket(this.#host, port === 0 ? this.#free() : port, receiver, options);
    this.#sockets.set(socket.port, socket);
    return socket;
  }

  unbind(socket: UdpSocket): void {
    if (this.#sockets?.get(socket.port) === socket) this.#sockets.delete(socket.port);
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
    const socket = this.#sockets?.get(dstPort);
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

  /** An ICMP error quotes a datagram whose UDP header is at `at`. */
  error(view: DataView, at: number, from: Ip, type: number, code: number, mtu: number): void {
    this.#sockets?.get(udp.srcPort(view, at))?.receiver.error(from, type, code, udp.dstPort(view, at), mtu);
  }

  close(): void {
    this.#sockets = null;
  }

  #free(): number {
    const span = EPHEMERAL_MAX - EPHEMERAL_MIN + 1;
    for (let tried = 0; tried < span; tried++) {
      const port = EPHEMERAL_MIN + ((this.#next + tried) % span);
      if (this.#sockets?.has(port) === true) continue;
      this.#next = port - EPHEMERAL_MIN + 1;
      return port;
    }
    throw new VxlabError('NO_FREE_PORT', `${this.#host.name} has no free UDP port`);
  }
}
