// Neighbour discovery on a host's interfaces (RFC 4861), with Linux's habits (net/ipv6/ndisc.c). Who is asked for is kept
// in the table that ARP uses.
//
//   ask      INCOMPLETE: to the solicited-node group, from the waiting packet's source if that is ours
//            PROBE:      to the MAC it had, from the link-local address
//   answer   to a group:   solicited, override, with our MAC      to us alone: solicited, without
//            to `::` (somebody tries the address out): override, to all nodes
//
// Our own addresses are not tried out before use (no duplicate address detection), and routers are configured, not
// discovered. A hop limit of 255 shows that a message comes from this link.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip6, Mac } from '../../core/wire/address.ts';
import {
  groupMac6,
  IP6_ANY,
  isMulticastIp6,
  macHi,
  macLo,
  readIp6,
  sameIp,
  solicitedNode,
} from '../../core/wire/address.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import * as nd from '../../core/wire/nd.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { Interface } from './interface.ts';
import type { Neighbour } from './neighbour.ts';
import { STATE } from './neighbour.ts';
import type { Stack } from './stack.ts';

const HOP_LIMIT = 255;
const ALL_NODES: Ip6 = { a: 0xff020000, b: 0, c: 0, d: 1 };

export class Discovery {
  readonly #host: Stack;

  constructor(host: Stack) {
    this.#host = host;
  }

  /** A neighbour solicitation or advertisement whose checksum is right. */
  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = nd.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    const bad = ipv6.hopLimit(view, ip) !== HOP_LIMIT || view.getUint8(at + 1) !== 0;
    const target = nd.target(view, at);
    if (bad || isMulticastIp6(target)) return drop(host, frame, DROP.invalidHeader);
    const solicitation = view.getUint8(at) === nd.TYPE.neighbourSolicitation;
    const fine = solicitation
      ? this.#solicited(view, ip, at, end, target, dev)
      : this.#advertised(view, ip, at, end, target, dev);
    if (!fine) return drop(host, frame, DROP.invalidHeader);
    frame.release();
  }

  /** RFC 4861 s.7.2.3 and 7.2.4; false for what s.7.1.1 forbids. */
  #solicited(view: DataView, ip: number, at: number, end: number, target: Ip6, dev: Interface): boolean {
    const host = this.#host;
    const src = ipv6.src(view, ip);
    const group = view.getUint8(ip + 24) === 0xff;
    const mac = nd.linkAddress(view, at, end, nd.OPTION.sourceLink);
    const router = host.forwarding ? nd.FLAG.router : 0;
    if (sameIp(src, IP6_ANY)) {
      if (mac >= 0 || !isSolicitedNode(view, ip + 24)) return false;
      if (dev.has(target)) this.#multicast(dev, target, router | nd.FLAG.override);
      return true;
    }
    if (!dev.has(target)) return true;
    const neighbour = host.neighbours.entry(src, dev);
    if (mac >= 0) host.neighbours.update(neighbour, mac, false);
    const flags = router | nd.FLAG.solicited | (group ? nd.FLAG.override : 0);
    const answer = this.#advertisement(target, src, flags, group ? dev.mac : -1);
    if (host.neighbours.ready(neighbour, answer)) host.transmit(answer, neighbour);
    return true;
  }

  /** RFC 4861 s.7.2.5; false for what s.7.1.2 forbids. */
  #advertised(view: DataView, ip: number, at: number, end: number, target: Ip6, dev: Interface): boolean {
    const host = this.#host;
    const flags = nd.flags(view, at);
    const solicited = (flags & nd.FLAG.solicited) !== 0;
    if (solicited && view.getUint8(ip + 24) === 0xff) return false;
    const neighbour = host.neighbours.find(target, dev);
    if (neighbour === undefined || neighbour.state === STATE.failed) return true;
    let mac = nd.linkAddress(view, at, end, nd.OPTION.targetLink);
    if (mac < 0) {
      if (neighbour.state === STATE.incomplete) return true;
      mac = neighbour.mac;
    }
    host.neighbours.update(neighbour, mac, solicited, (flags & nd.FLAG.override) !== 0);
    return true;
  }

  /** Asks who has the neighbour's address: its solicited-node group, or the MAC it had. */
  solicit(neighbour: Neighbour, unicast: boolean): void {
    const dev = neighbour.dev;
    const target = neighbour.ip as Ip6;
    const src = (unicast ? null : ownSource(neighbour)) ?? dev.source6(ALL_NODES);
    if (src === null) return;
    const dst = unicast ? target : solicitedNode(target);
    const length = nd.neighbourLen(dev.mac);
    const frame = this.#begin(src, dst, length);
    const at = frame.start + ipv6.HEADER_LEN;
    const pseudo = pseudo6(frame.view, frame.start, PROTO.icmpv6, length);
    nd.writeSolicitation(frame.view, at, frame.end, target, dev.mac, pseudo);
    const mac = unicast ? neighbour.mac : groupMac6(dst);
    this.#host.transmitTo(frame, dev, macHi(mac), macLo(mac), ETHERTYPE.ipv6);
  }

  /** Tells the link that an address is here (unsolicited advertisement, RFC 4861 s.7.2.6). */
  announce(dev: Interface, ip: Ip6): void {
    this.#multicast(dev, ip, nd.FLAG.override | (this.#host.forwarding ? nd.FLAG.router : 0));
  }

  #multicast(dev: Interface, target: Ip6, flags: number): void {
    const frame = this.#advertisement(target, ALL_NODES, flags, dev.mac);
    const mac = groupMac6(ALL_NODES);
    this.#host.transmitTo(frame, dev, macHi(mac), macLo(mac), ETHERTYPE.ipv6);
  }

  #advertisement(target: Ip6, dst: Ip6, flags: number, mac: Mac | -1): Frame {
    const length = nd.neighbourLen(mac);
    const frame = this.#begin(target, dst, length);
    const pseudo = pseudo6(frame.view, frame.start, PROTO.icmpv6, length);
    nd.writeAdvertisement(frame.view, frame.start + ipv6.HEADER_LEN, frame.end, target, mac, flags, pseudo);
    return frame;
  }

  /** A packet with its IPv6 header written and room for `length` bytes of message. */
  #begin(src: Ip6, dst: Ip6, length: number): Frame {
    const host = this.#host;
    const frame = host.ground.pool.take(ipv6.HEADER_LEN + length);
    ipv6.write(frame.view, frame.start, frame.end, src, dst, PROTO.icmpv6, HOP_LIMIT, 0, 0);
    frame.summed = true;
    host.begin(frame);
    return frame;
  }
}

/** The source of the packet that waits, if it is the asking interface's own: then the answer comes to where it is used. */
function ownSource(neighbour: Neighbour): Ip6 | null {
  const frame = neighbour.waiting[0];
  if (frame === undefined) return null;
  const src = readIp6(frame.view, frame.start + 8);
  return neighbour.dev.has(src) ? src : null;
}

function isSolicitedNode(view: DataView, at: number): boolean {
  if (view.getUint32(at) !== 0xff020000 || view.getUint32(at + 4) !== 0) return false;
  return view.getUint32(at + 8) === 1 && view.getUint8(at + 12) === 0xff;
}
