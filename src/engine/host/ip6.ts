// IPv6 on a host: RFC 8200 and RFC 4443, in Linux's order of checks (net/ipv6/ip6_input.c, ip6_output.c). A packet is
// fragmented by its sender only; a router answers with "too big".
//
// UDP without extension headers takes the short way through `input`; everything else walks. One walk object serves the
// layer, and nothing big exists before the first packet that needs it.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip6 } from '../../core/wire/address.ts';
import { solicitedNode } from '../../core/wire/address.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { PROBLEM_CODE } from '../../core/wire/icmpv6.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import * as extensions from '../../core/wire/ipv6-extensions.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import { entropyOf } from '../fabric/entropy.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Destination, Sent } from './destination.ts';
import { REACH, SENT } from './destination.ts';
import { Discovery } from './discovery.ts';
import { fragment6 } from './fragment6.ts';
import { Icmp6 } from './icmp6.ts';
import type { Interface } from './interface.ts';
import { isLoopback6 } from './loopback.ts';
import { Mld } from './mld.ts';
import type { Way } from './nat/flow.ts';
import { REFUSED } from './nat/flow.ts';
import type { Neighbour } from './neighbour.ts';
import { ACTION, Judgement, judge } from './options6.ts';
import { Reassembly6 } from './reassembly6.ts';
import type { Ip6Face, NatFace, Protocol, Stack } from './stack.ts';

const ALL_NODES: Ip6 = { a: 0xff020000, b: 0, c: 0, d: 1 };
/** The most that a payload length can say, and the header. */
const LONGEST = 0xffff + ipv6.HEADER_LEN;

export class Ip6Layer implements Ip6Face {
  readonly #host: Stack;
  readonly icmp: Icmp6;
  readonly mld: Mld;
  readonly discovery: Discovery;
  /** null where nothing is translated. */
  nat: NatFace | null = null;
  #protocols: Map<number, Protocol> | null = null;
  #reassembly: Reassembly6 | null = null;
  #walk: extensions.ExtensionWalk | null = null;
  #judgement: Judgement | null = null;
  #id = -1;

  constructor(host: Stack) {
    this.#host = host;
    this.discovery = new Discovery(host);
    this.mld = new Mld(host);
    this.icmp = new Icmp6(host, this.discovery, this.mld);
  }

  /** Protocols besides ICMPv6 and UDP, by number. */
  get protocols(): Map<number, Protocol> {
    this.#protocols ??= new Map();
    return this.#protocols;
  }

  /** An interface got an address: its groups are joined (RFC 4291 s.2.8). */
  addressAdded(dev: Interface, ip: Ip6): void {
    if (!dev.groups.has(ALL_NODES)) this.mld.membership(dev, ALL_NODES, true);
    this.mld.membership(dev, solicitedNode(ip), true);
  }

  addressRemoved(dev: Interface, ip: Ip6): void {
    this.mld.membership(dev, solicitedNode(ip), false);
  }

  /** A packet that came in; its header is at `at`. `gathered` when it was put together from fragments here. */
  input(frame: Frame, at: number, dev: Interface, gathered = false): void {
    const host = this.#host;
    const view = frame.view;
    const fault = ipv6.check(view, at, frame.end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    if (view.getUint8(at + 8) === 0xff) return drop(host, frame, DROP.martian);
    if (!dev.loopback && (isLoopback6(view, at + 8) || isLoopback6(view, at + 24)))
      return drop(host, frame, DROP.martian);
    const group = view.getUint8(at + 24) === 0xff;
    if (group ? !dev.joined6(view, at + 24) : !host.isLocal6(view, at + 24)) {
      const routed = host.forwarding && !group && (ethernet.dstHi(view, frame.start) & 0x0100) === 0;
      if (routed) return this.#forward(frame, at, dev, null, gathered);
      return drop(host, frame, DROP.notForUs);
    }
    if (this.nat !== null && !group) {
      const way = this.nat.arriving(frame, at, dev, true);
      if (way === REFUSED) return;
      if (way !== null) return this.#forward(frame, at, dev, way, gathered);
    }
    const next = ipv6.nextHeader(view, at);
    const end = at + ipv6.HEADER_LEN + ipv6.payloadLength(view, at);
    if (next === PROTO.udp) return host.udp.input(frame, at, at + ipv6.HEADER_LEN, end, dev);
    if (next === PROTO.tcp) return host.tcp.input(frame, at, at + ipv6.HEADER_LEN, end, dev);
    if (!extensions.isExtension(next)) return this.#deliver(frame, at, at + ipv6.HEADER_LEN, end, next, dev);
    this.#unpack(frame, at, end, dev);
  }

  /** The packet has extension headers. */
  #unpack(frame: Frame, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    this.#walk ??= new extensions.ExtensionWalk();
    this.#judgement ??= new Judgement();
    const walk = this.#walk;
    const judgement = this.#judgement;
    extensions.walk(view, ipv6.nextHeader(view, at), at + ipv6.HEADER_LEN, end, walk);
    if (walk.fault !== 0) return drop(host, frame, DROP.invalidHeader, walk.fault);
    judge(view, at, judgement);
    if (judgement.action !== ACTION.pass) {
      if (judgement.action === ACTION.tell) {
        this.icmp.problem(frame, at, dev, judgement.code, judgement.pointer);
      }
      return drop(host, frame, DROP.invalidHeader);
    }
    const { fragmentAt } = walk;
    if (fragmentAt >= 0 && (walk.laterFragment || extensions.moreFragments(view, fragmentAt))) {
      if (!host.reassembly && view.getUint8(fragmentAt) === PROTO.udp)
        return drop(host, frame, DROP.outerFragment);
      this.#reassembly ??= new Reassembly6(host, this.icmp);
      const whole = this.#reassembly.add(frame, at, fragmentAt, end, dev);
      if (whole === null) return;
      this.input(whole, whole.start + ethernet.HEADER_LEN, dev, true);
      return;
    }
    this.#deliver(frame, at, walk.at, end, walk.protocol, dev);
  }

  #deliver(frame: Frame, at: number, start: number, end: number, proto: number, dev: Interface): void {
    const host = this.#host;
    if (proto === PROTO.icmpv6) return this.icmp.input(frame, at, start, end, dev);
    if (proto === PROTO.udp) return host.udp.input(frame, at, start, end, dev);
    if (proto === PROTO.tcp) return host.tcp.input(frame, at, start, end, dev);
    const protocol = this.#protocols?.get(proto);
    if (protocol !== undefined) return protocol.input(frame, at, start, end, dev);
    if (proto !== PROTO.none) {
      this.#judgement ??= new Judgement();
      judge(frame.view, at, this.#judgement);
      this.icmp.problem(frame, at, dev, PROBLEM_CODE.nextHeader, this.#judgement.nextAt);
    }
    drop(host, frame, DROP.unknownProtocol, proto);
  }

  /** The sum of the pseudo header of a packet to `to` (RFC 8200 s.8.1); `length` in bytes of transport and payload. */
  pseudo(to: Destination, proto: number, length: number): number {
    return to.pseudoSum + proto + length;
  }

  /**
   * Sends a payload: `frame` begins with the transport header and is taken over whatever the answer, which is only for
   * the caller's own error.
   */
  output(frame: Frame, to: Destination, proto: number, hopLimit: number, trafficClass: number): Sent {
    const host = this.#host;
    const carried = host.esp === null ? proto : host.esp.departing(frame, to, proto);
    if (carried < 0) return SENT.noRoute;
    const length = frame.end - frame.start + ipv6.HEADER_LEN;
    if (length > LONGEST) {
      drop(host, frame, DROP.mtuExceeded, LONGEST);
      return SENT.tooLong;
    }
    const at = frame.push(ipv6.HEADER_LEN);
    ipv6.write(frame.view, at, frame.end, to.src as Ip6, to.ip as Ip6, carried, hopLimit, trafficClass, 0);
    host.begin(frame);
    const mtu = to.reach === REACH.local ? LONGEST : to.mtu(host.ground.clock.now);
    if (length > mtu) this.#cut(frame, to, mtu);
    else this.send(frame, to);
    return SENT.ok;
  }

  /** Sends a packet whose IPv6 header stands at its start. */
  send(frame: Frame, to: Destination): void {
    const host = this.#host;
    if (to.reach === REACH.unicast) {
      const neighbour = to.neighbour as Neighbour;
      if (host.neighbours.ready(neighbour, frame)) host.transmit(frame, neighbour);
    } else if (to.reach === REACH.local) {
      host.loop(frame, ETHERTYPE.ipv6);
    } else {
      // 33:33 and the low 32 bits of the group (RFC 2464 s.7).
      host.transmitTo(frame, to.dev, 0x3333, (to.ip as Ip6).d, ETHERTYPE.ipv6);
    }
  }

  /** Apart from `output`, which would make its closure for every packet. */
  #cut(frame: Frame, to: Destination, mtu: number): void {
    fragment6(this.#host, frame, mtu, this.#nextId(), (piece) => this.send(piece, to));
  }

  /** Asks the link for a neighbour; `unicast` to the MAC it had. */
  solicit(neighbour: Neighbour, unicast: boolean): void {
    this.discovery.solicit(neighbour, unicast);
  }

  /** @param way how it is translated on its way; null where it is not */
  #forward(given: Frame, at: number, from: Interface, way: Way | null, gathered: boolean): void {
    const host = this.#host;
    const view = given.view;
    // Unspecified, loopback and link-local addresses are not routed (RFC 4291 s.2.5).
    if (isConfined(view, at + 24)) return drop(host, given, DROP.notForUs);
    if (isConfined(view, at + 8)) {
      this.icmp.beyondScope(given, at, from);
      return drop(host, given, DROP.martian);
    }
    if (ipv6.hopLimit(view, at) <= 1) {
      this.icmp.timeExceeded(given, at, from, 0);
      return drop(host, given, DROP.hopLimit);
    }
    const hash = entropyOf(view, given.start, given.end);
    const to = way === null ? host.destination6(view, at + 24, hash) : host.destination(way.toDst, hash);
    if (to === null) {
      this.icmp.noRoute(given, at, from);
      return drop(host, given, DROP.noRoute);
    }
    const end = at + ipv6.HEADER_LEN + ipv6.payloadLength(view, at);
    const mtu = to.dev.mtu;
    // What its sender had cut up may be cut up again (Linux: frag_max_size of nf_defrag_ipv6).
    if (end - at > mtu && !gathered) {
      this.icmp.tooBig(given, at, from, mtu);
      return drop(host, given, DROP.mtuExceeded, mtu);
    }
    const offset = at - given.start;
    const tail = given.end - end;
    const frame = given.own();
    frame.end -= tail;
    frame.pull(offset);
    ipv6.decrementHopLimit(frame.view, frame.start);
    if (way !== null) this.nat?.apply(frame, frame.start, way);
    if (host.trace.on) {
      host.trace.emit(host.id, TRACE.route, frame, to.dev.index, ipv6.hopLimit(frame.view, frame.start));
    }
    if (frame.end - frame.start > mtu) this.#cut(frame, to, mtu);
    else this.send(frame, to);
  }

  /** The next hop of `frame` (which begins with its IP header) did not answer. */
  unreachable(frame: Frame, dev: Interface): void {
    this.icmp.addressUnreachable(frame, frame.start, dev);
    drop(this.#host, frame, DROP.neighbourFailed);
  }

  close(): void {
    this.#reassembly?.close();
    this.mld.close();
  }

  /** Fragment identifications count up from a random number (RFC 7739 s.5.3 tells better ways; nobody guesses here). */
  #nextId(): number {
    if (this.#id < 0) this.#id = this.#host.random.uint32();
    this.#id = (this.#id + 1) >>> 0;
    return this.#id;
  }
}

/** True for `::`, `::1` and fe80::/10. */
function isConfined(view: DataView, at: number): boolean {
  const first = view.getUint32(at);
  if (first >>> 22 === 0x3fa) return true;
  return (
    first === 0 &&
    view.getUint32(at + 4) === 0 &&
    view.getUint32(at + 8) === 0 &&
    view.getUint32(at + 12) <= 1
  );
}
