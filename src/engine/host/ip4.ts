// IPv4 on a host: RFC 791 and RFC 1122, in Linux's order of checks (net/ipv4/ip_input.c, ip_output.c, ip_forward.c).

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip4 } from '../../core/wire/address.ts';
import { groupMac4, isMulticastIp4, macHi, macLo } from '../../core/wire/address.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import { entropyOf } from '../fabric/entropy.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Destination, Sent } from './destination.ts';
import { REACH, SENT } from './destination.ts';
import { fragment4 } from './fragment.ts';
import { Icmp4 } from './icmp4.ts';
import { Igmp } from './igmp.ts';
import type { Interface } from './interface.ts';
import type { Way } from './nat/flow.ts';
import { REFUSED } from './nat/flow.ts';
import { Reassembly4 } from './reassembly.ts';
import type { Ip4Face, NatFace, Protocol, Stack } from './stack.ts';

export class Ip4Layer implements Ip4Face {
  readonly #host: Stack;
  readonly icmp: Icmp4;
  readonly igmp: Igmp;
  #protocols: Map<number, Protocol> | null = null;
  /** null where nothing is translated. */
  nat: NatFace | null = null;
  #reassembly: Reassembly4 | null = null;
  #id: number;

  constructor(host: Stack) {
    this.#host = host;
    this.icmp = new Icmp4(host);
    this.igmp = new Igmp(host);
    this.#id = host.random.uint32() & 0xffff;
  }

  /** Protocols besides ICMP, IGMP and UDP, by number. */
  get protocols(): Map<number, Protocol> {
    this.#protocols ??= new Map();
    return this.#protocols;
  }

  /** A packet that came in; its header is at `at`. */
  input(frame: Frame, at: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = ipv4.check(view, at, frame.end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    if (!frame.summed && !ipv4.checksumOk(view, at)) return drop(host, frame, DROP.checksum);
    const src = ipv4.src(view, at);
    const dst = ipv4.dst(view, at);
    if ((src === dev.primary || isOdd(src)) && !dev.loopback) return drop(host, frame, DROP.martian);
    const local = dst === dev.primary || this.#accepts(dst, dev);
    if (!local) {
      if (dst >>> 24 === 127) return drop(host, frame, DROP.martian);
      if (!host.forwarding || (ethernet.dstHi(view, frame.start) & 0x0100) !== 0)
        return drop(host, frame, DROP.notForUs);
    }
    if (this.nat !== null) return this.#translate(this.nat, frame, at, dev, local);
    if (!local) return this.#forward(frame, at, dev, null);
    if (!ipv4.isFragment(view, at)) return this.#deliver(frame, at, dev);
    const whole = this.#gather(frame, at, dev);
    if (whole !== null) this.#deliver(whole, whole.start + ethernet.HEADER_LEN, dev);
  }

  /** The rest of `input` where addresses are translated: of whole packets only (Linux: nf_defrag_ipv4). */
  #translate(nat: NatFace, given: Frame, ip: number, dev: Interface, local: boolean): void {
    let frame = given;
    let at = ip;
    if (ipv4.isFragment(frame.view, at)) {
      const whole = this.#gather(frame, at, dev);
      if (whole === null) return;
      frame = whole;
      at = whole.start + ethernet.HEADER_LEN;
    }
    const way = nat.arriving(frame, at, dev, local);
    if (way === REFUSED) return;
    if (way === null) return local ? this.#deliver(frame, at, dev) : this.#forward(frame, at, dev, null);
    if (!this.#host.isLocal(way.toDst)) return this.#forward(frame, at, dev, way);
    const { start } = frame;
    const mine = frame.own();
    const shifted = at + mine.start - start;
    nat.apply(mine, shifted, way);
    this.#deliver(mine, shifted, dev);
  }

  #deliver(frame: Frame, at: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const start = at + ipv4.headerLength(view, at);
    const end = ipv4.payloadEnd(view, at, frame.end);
    const proto = ipv4.protocol(view, at);
    if (proto === PROTO.udp) return host.udp.input(frame, at, start, end, dev);
    if (proto === PROTO.tcp) return host.tcp.input(frame, at, start, end, dev);
    if (proto === PROTO.icmp) return this.icmp.input(frame, at, start, end, dev);
    if (proto === PROTO.igmp) return this.igmp.input(frame, at, start, end, dev);
    const protocol = this.#protocols?.get(proto);
    if (protocol !== undefined) return protocol.input(frame, at, start, end, dev);
    this.icmp.unreachable(frame, at, dev, 2);
    drop(host, frame, DROP.unknownProtocol, proto);
  }

  /** Addresses besides the interface's first: other local ones, broadcast, joined groups. */
  #accepts(dst: Ip4, dev: Interface): boolean {
    if (dst === dev.broadcast || dst === 0xffffffff) return true;
    if (isMulticastIp4(dst)) return dst === 0xe0000001 || dev.joined4(dst);
    return this.#host.isLocal(dst) && (dev.loopback || dst >>> 24 !== 127);
  }

  /** Takes a fragment over; answers with the whole packet when it was the last one missing. */
  #gather(frame: Frame, at: number, dev: Interface): Frame | null {
    const host = this.#host;
    if (!host.reassembly && ipv4.protocol(frame.view, at) === PROTO.udp) {
      drop(host, frame, DROP.outerFragment);
      return null;
    }
    this.#reassembly ??= new Reassembly4(host);
    return this.#reassembly.add(frame, at, dev);
  }

  /**
   * Sends a payload: `frame` begins with the transport header and is taken over whatever the answer, which is only for
   * the caller's own error: a packet that cannot go is dropped and counted here.
   */
  output(
    frame: Frame,
    to: Destination,
    proto: number,
    ttl: number,
    tos: number,
    dontFragment: boolean,
  ): Sent {
    const host = this.#host;
    const carried = host.esp === null ? proto : host.esp.departing(frame, to, proto);
    if (carried < 0) return SENT.noRoute;
    const length = frame.end - frame.start + ipv4.HEADER_LEN;
    const mtu = to.reach === REACH.local ? 0xffff : to.mtu(host.ground.clock.now);
    // Linux sends id 0 for nothing but connected sockets; what counts is that fragments of two packets never mix.
    const id = this.#id;
    this.#id = (id + 1) & 0xffff;
    if (length > mtu) {
      if (dontFragment || length > 0xffff) {
        drop(host, frame, DROP.mtuExceeded, mtu);
        return SENT.tooLong;
      }
    }
    const at = frame.push(ipv4.HEADER_LEN);
    ipv4.write(frame.view, at, frame.end, to.src as Ip4, to.ip as Ip4, carried, ttl, tos, id, dontFragment);
    if (this.nat !== null) this.nat.departing(frame);
    host.begin(frame);
    if (length > mtu) this.#cut(frame, to, mtu);
    else this.send(frame, to);
    return SENT.ok;
  }

  outputAlert(frame: Frame, dev: Interface, group: Ip4, proto: number, tos: number): void {
    const host = this.#host;
    const at = frame.push(ipv4.HEADER_LEN + 4);
    ipv4.writeAlert(frame.view, at, frame.end, Math.max(dev.primary, 0), group, proto, 1, tos, 0);
    host.begin(frame);
    const mac = groupMac4(group);
    host.transmitTo(frame, dev, macHi(mac), macLo(mac), ETHERTYPE.ipv4);
  }

  /** Sends a packet whose IPv4 header stands at its start. */
  send(frame: Frame, to: Destination): void {
    const host = this.#host;
    if (to.reach === REACH.unicast) {
      const neighbour = to.neighbour as NonNullable<Destination['neighbour']>;
      if (host.neighbours.ready(neighbour, frame)) host.transmit(frame, neighbour);
    } else if (to.reach === REACH.local) {
      host.loop(frame, ETHERTYPE.ipv4);
    } else if (to.reach === REACH.broadcast) {
      host.transmitTo(frame, to.dev, 0xffff, 0xffffffff, ETHERTYPE.ipv4);
    } else {
      const mac = groupMac4(to.ip as Ip4);
      host.transmitTo(frame, to.dev, macHi(mac), macLo(mac), ETHERTYPE.ipv4);
    }
  }

  /** Apart from its callers, which would make the closure for every packet. */
  #cut(frame: Frame, to: Destination, mtu: number): void {
    fragment4(this.#host, frame, mtu, (piece) => this.send(piece, to));
  }

  /** @param way how it is translated on its way; null where it is not */
  #forward(given: Frame, at: number, from: Interface, way: Way | null): void {
    const host = this.#host;
    const dst = way === null ? ipv4.dst(given.view, at) : (way.toDst as Ip4);
    if (isMulticastIp4(dst)) return drop(host, given, DROP.noRoute);
    // What the host sends to itself and is translated past it was not routed before.
    const routed = !from.loopback;
    if (routed && ipv4.ttl(given.view, at) <= 1) {
      this.icmp.timeExceeded(given, at, from);
      return drop(host, given, DROP.hopLimit);
    }
    const to = host.destination(dst, entropyOf(given.view, given.start, given.end));
    if (to === null || to.reach === REACH.broadcast) {
      this.icmp.unreachable(given, at, from, 0);
      return drop(host, given, DROP.noRoute);
    }
    const end = ipv4.payloadEnd(given.view, at, given.end);
    const mtu = to.dev.mtu;
    if (end - at > mtu && ipv4.dontFragment(given.view, at)) {
      this.icmp.tooLong(given, at, from, mtu);
      return drop(host, given, DROP.mtuExceeded, mtu);
    }
    const offset = at - given.start;
    const tail = given.end - end;
    const frame = given.own();
    if (routed) ipv4.decrementTtl(frame.view, frame.start + offset);
    frame.end -= tail;
    frame.pull(offset);
    if (way !== null) this.nat?.apply(frame, frame.start, way);
    if (host.trace.on)
      host.trace.emit(host.id, TRACE.route, frame, to.dev.index, ipv4.ttl(frame.view, frame.start));
    if (frame.end - frame.start > mtu) this.#cut(frame, to, mtu);
    else this.send(frame, to);
  }

  /** The next hop of `frame` (which begins with its IP header) did not answer. */
  unreachable(frame: Frame, dev: Interface): void {
    this.icmp.unreachable(frame, frame.start, dev, 1);
    drop(this.#host, frame, DROP.neighbourFailed);
  }

  close(): void {
    this.#reassembly?.close();
    this.igmp.close();
  }
}

/** No packet from a wire has such a source: a group, the limited broadcast, loopback (Linux: martian_source). */
function isOdd(src: Ip4): boolean {
  return isMulticastIp4(src) || src === 0xffffffff || src >>> 24 === 127;
}
