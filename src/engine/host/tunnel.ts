// The simulation's underlay: a VTEP node's own network stack with one UDP socket (Linux: the VXLAN driver's udp_sock).
//
// Sending picks the source port from the flow's entropy and lets the node's stack route, resolve and frame the datagram;
// receiving tells the sender's peer number and hands the payload to the VNI demultiplexer.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip } from '../../core/wire/address.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import * as udp from '../../core/wire/udp.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import { portFor } from '../fabric/entropy.ts';
import { innerSum, UNKNOWN_SUM } from '../fabric/inner-sum.ts';
import type { PeerId, Peers } from '../fabric/peers.ts';
import type { TunnelReceiver, Underlay } from '../fabric/underlay.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Destination } from './destination.ts';
import type { Host } from './host.ts';
import type { DatagramReceiver, UdpSocket } from './udp.ts';

/** Bytes up to which adding up the payload is quicker than deriving its sum. */
const SHORT = 256;

export interface TunnelOptions {
  readonly port: number;
  /** Source ports are drawn from here: 49152 to 65535 by RFC 7348 s.5, 32768 to 60999 on Linux. */
  readonly sourcePorts: readonly [number, number];
  /** Send a UDP checksum: RFC 7348 s.5 says zero SHOULD be sent; Linux sends one. */
  readonly checksum: boolean;
  /** Check the UDP checksum of what arrives unless it is zero; default true. RFC 7348 s.5 leaves it to the receiver. */
  readonly verify?: boolean;
  readonly ttl: number;
}

export class Tunnel implements Underlay, DatagramReceiver {
  readonly options: TunnelOptions;
  readonly #host: Host;
  readonly #peers: Peers;
  readonly #receiver: TunnelReceiver;
  readonly #socket: UdpSocket;
  readonly #destinations: (Destination | undefined)[] = [];

  constructor(host: Host, peers: Peers, receiver: TunnelReceiver, options: TunnelOptions) {
    this.#host = host;
    this.#peers = peers;
    this.#receiver = receiver;
    this.options = options;
    const { port, ttl, verify = true } = options;
    this.#socket = host.udp.bind(port, this, { ttl, verify, zeroChecksum: true });
  }

  room(peer: PeerId, vni: number): number {
    const to = this.#toward(peer, 0);
    if (to === null) return 0xffff;
    const { esp, ground } = this.#host;
    const header = typeof to.ip === 'number' ? ipv4.HEADER_LEN : ipv6.HEADER_LEN;
    const room = to.mtu(ground.clock.now) - header;
    return (esp === null ? room : esp.roomFor(vni, room)) - udp.HEADER_LEN;
  }

  sendTo(peer: PeerId, entropy: number, tos: number, frame: Frame): void {
    const host = this.#host;
    const to = this.#toward(peer, entropy);
    if (to === null) return drop(host, frame, DROP.noRoute);
    const range = this.options.sourcePorts;
    const srcPort = portFor(entropy, range[0], range[1]);
    if (host.trace.on) host.trace.emit(host.id, TRACE.outer, frame, srcPort, this.options.port);
    const { port, checksum } = this.options;
    const derive = checksum && frame.summed && frame.end - frame.start > SHORT;
    const sum = derive ? payloadSum(frame) : UNKNOWN_SUM;
    this.#socket.sendFrame(frame, to, srcPort, port, !checksum, tos, sum);
  }

  join(group: PeerId): void {
    this.#membership(group, true);
  }

  leave(group: PeerId): void {
    this.#membership(group, false);
  }

  datagram(given: Frame, ip: number, at: number, end: number): void {
    const view = given.view;
    const four = view.getUint8(ip) >>> 4 === 4;
    const tos = four ? ipv4.tos(view, ip) : ipv6.trafficClass(view, ip);
    let peer = four ? this.#peers.find4(ipv4.src(view, ip)) : this.#peers.find6(view, ip + 8);
    if (peer < 0) peer = this.#peers.idOf(four ? ipv4.src(view, ip) : ipv6.src(view, ip));
    const { esp } = this.#host;
    if (esp !== null && end - at >= vxlan.HEADER_LEN) {
      const vni = vxlan.vni(view, at);
      if (!esp.admits(vni, given.secured)) return drop(this.#host, given, DROP.notSecured, vni);
    }
    const offset = at - given.start;
    const tail = given.end - end;
    const frame = given.own();
    frame.secured = false;
    frame.pull(offset);
    frame.end -= tail;
    this.#receiver.input(frame, peer, tos);
  }

  /** An ICMP error about a datagram of ours: the path MTU is in the destination already; nothing else is to be done. */
  error(_from: Ip): void {}

  close(): void {
    this.#host.udp.unbind(this.#socket);
  }

  #toward(peer: PeerId, entropy: number): Destination | null {
    const known = this.#destinations[peer];
    if (known !== undefined && known.generation === this.#host.routes.generation)
      return known.branch(entropy);
    const fresh = this.#host.ways(this.#peers.addressOf(peer));
    if (fresh === null) return null;
    this.#destinations[peer] = fresh;
    return fresh.branch(entropy);
  }

  #membership(group: PeerId, join: boolean): void {
    const ip = this.#peers.addressOf(group);
    const dev = this.#host.destination(ip)?.dev;
    if (dev === undefined) return;
    if (typeof ip === 'number') this.#host.ip4.igmp.membership(dev, ip, join);
    else this.#host.ip6.mld.membership(dev, ip, join);
  }
}

/** The sum of a VXLAN payload whose inner checksums are right, or UNKNOWN_SUM. */
function payloadSum(frame: Frame): number {
  const { view, start } = frame;
  const inner = innerSum(view, start + vxlan.HEADER_LEN, frame.end);
  return inner < 0 ? UNKNOWN_SUM : inner + view.getUint32(start) + view.getUint32(start + 4);
}
