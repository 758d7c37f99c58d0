// ICMPv6 on a host (RFC 4443): echo answered, errors sent and heard. Neighbour and listener discovery travel in ICMPv6 and
// are handed on from here, checked.
//
// Errors are limited as Linux does (limit.ts), but for "too big", which senders must hear; never sent about errors or
// redirects, nor about what went to a group, with the two exceptions of RFC 4443 s.2.4 e.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip6 } from '../../core/wire/address.ts';
import { isMulticastIp6 } from '../../core/wire/address.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as icmpv6 from '../../core/wire/icmpv6.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import * as extensions from '../../core/wire/ipv6-extensions.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Sent } from './destination.ts';
import { Destination, REACH, SENT } from './destination.ts';
import type { Discovery } from './discovery.ts';
import { copy } from './fragment.ts';
import type { Interface } from './interface.ts';
import { ErrorLimit } from './limit.ts';
import type { Mld } from './mld.ts';
import type { EchoListener, Icmp6Face, Stack } from './stack.ts';
import { icmp6Error } from './tcp/icmp-errors.ts';

/** An error fits the least MTU (RFC 4443 s.2.4 c). */
const LONGEST = 1280;
const QUOTE_MAX = LONGEST - ipv6.HEADER_LEN - icmpv6.HEADER_LEN;
const HOP_LIMIT = 64;
/** What tells the receiver of a UDP error that it was ICMPv6's. */
const TYPE_OFFSET = 256;

export class Icmp6 implements Icmp6Face {
  readonly #host: Stack;
  readonly #discovery: Discovery;
  readonly #mld: Mld;
  readonly #limit: ErrorLimit;
  #listeners: Map<number, EchoListener> | null = null;
  #walk: extensions.ExtensionWalk | null = null;

  constructor(host: Stack, discovery: Discovery, mld: Mld) {
    this.#host = host;
    this.#discovery = discovery;
    this.#mld = mld;
    this.#limit = new ErrorLimit(host.ground.clock);
  }

  /** Hears about echoes with this identifier, 0 to 65535. */
  listen(id: number, listener: EchoListener): void {
    this.#listeners ??= new Map();
    this.#listeners.set(id, listener);
  }

  unlisten(id: number): void {
    this.#listeners?.delete(id);
  }

  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = icmpv6.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    if (!frame.summed && !icmpv6.checksumOk(view, at, end, pseudo6(view, ip, PROTO.icmpv6, end - at))) {
      return drop(host, frame, DROP.checksum);
    }
    const type = icmpv6.type(view, at);
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, PROTO.icmpv6, type);
    switch (type) {
      case icmpv6.TYPE.echo:
        return this.#echo(frame, ip, at, end, dev);
      case icmpv6.TYPE.echoReply: {
        const listener = this.#listeners?.get(icmpv6.id(view, at));
        const hops = ipv6.hopLimit(view, ip);
        listener?.reply(
          ipv6.src(view, ip),
          icmpv6.id(view, at),
          icmpv6.seq(view, at),
          hops,
          frame,
          at + 8,
          end,
        );
        break;
      }
      case icmpv6.TYPE.neighbourSolicitation:
      case icmpv6.TYPE.neighbourAdvertisement:
        return this.#discovery.input(frame, ip, at, end, dev);
      case icmpv6.TYPE.mldQuery:
        return this.#mld.input(frame, ip, at, end, dev);
      default:
        if (type <= icmpv6.TYPE.parameterProblem) this.#heard(frame, ip, at, end);
    }
    frame.release();
  }

  /** Sends an echo request; the payload fills the frame already. */
  echo(to: Ip6, id: number, seq: number, frame: Frame, hopLimit: number): Sent {
    const host = this.#host;
    const destination = host.destination(to);
    if (destination === null) {
      drop(host, frame, DROP.noRoute);
      return SENT.noRoute;
    }
    const at = frame.push(icmpv6.HEADER_LEN);
    const pseudo = host.ip6.pseudo(destination, PROTO.icmpv6, frame.end - at);
    icmpv6.writeEcho(frame.view, at, frame.end, icmpv6.TYPE.echo, id, seq, pseudo);
    frame.summed = true;
    return host.ip6.output(frame, destination, PROTO.icmpv6, hopLimit, 0);
  }

  portUnreachable(about: Frame, ip: number, dev: Interface): void {
    this.#error(about, ip, dev, icmpv6.TYPE.unreachable, icmpv6.CODE.port, 0);
  }

  noRoute(about: Frame, ip: number, dev: Interface): void {
    this.#error(about, ip, dev, icmpv6.TYPE.unreachable, icmpv6.CODE.noRoute, 0);
  }

  addressUnreachable(about: Frame, ip: number, dev: Interface): void {
    this.#error(about, ip, dev, icmpv6.TYPE.unreachable, icmpv6.CODE.address, 0);
  }

  /** The source address may not leave its link. */
  beyondScope(about: Frame, ip: number, dev: Interface): void {
    this.#error(about, ip, dev, icmpv6.TYPE.unreachable, icmpv6.CODE.scope, 0);
  }

  tooBig(about: Frame, ip: number, dev: Interface, mtu: number): void {
    this.#error(about, ip, dev, icmpv6.TYPE.tooBig, 0, mtu);
  }

  /** Code 0: hop limit; code 1: fragments missing. */
  timeExceeded(about: Frame, ip: number, dev: Interface, code: number): void {
    this.#error(about, ip, dev, icmpv6.TYPE.timeExceeded, code, 0);
  }

  /** @param pointer bytes from the IPv6 header to what is wrong */
  problem(about: Frame, ip: number, dev: Interface, code: number, pointer: number): void {
    this.#error(about, ip, dev, icmpv6.TYPE.parameterProblem, code, pointer);
  }

  #echo(given: Frame, ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = given.view;
    const asked = ipv6.dst(view, ip);
    let to = this.#back(ipv6.src(view, ip), dev);
    if (to === null) return drop(host, given, DROP.noRoute);
    // An echo to a group is answered from an address of one's own (RFC 4443 s.4.2).
    if (!isMulticastIp6(asked)) to = to.from(asked);
    const reply = host.ground.pool.take(end - at);
    copy(given, at, reply, reply.start, end - at);
    const pseudo = host.ip6.pseudo(to, PROTO.icmpv6, end - at);
    const type = icmpv6.TYPE.echoReply;
    icmpv6.writeEcho(
      reply.view,
      reply.start,
      reply.end,
      type,
      icmpv6.id(view, at),
      icmpv6.seq(view, at),
      pseudo,
    );
    reply.summed = true;
    const trafficClass = ipv6.trafficClass(view, ip);
    given.release();
    host.ip6.output(reply, to, PROTO.icmpv6, HOP_LIMIT, trafficClass);
  }

  /** The way back to a sender: a link-local one is on the link that it came from. */
  #back(src: Ip6, dev: Interface): Destination | null {
    const host = this.#host;
    if (src.a >>> 22 !== 0x3fa || host.isLocal(src)) return host.destination(src);
    const own = dev.source6(src);
    if (own === null) return null;
    return new Destination(src, dev, own, REACH.unicast, host.neighbours.entry(src, dev), 0);
  }

  /** An error about a packet of ours: the path MTU is noted, and whoever sent the packet hears of it. */
  #heard(frame: Frame, ip: number, at: number, end: number): void {
    const host = this.#host;
    const view = frame.view;
    const quoted = at + icmpv6.HEADER_LEN;
    if (end - quoted < ipv6.HEADER_LEN + 8 || ipv6.version(view, quoted) !== 6) return;
    if (!host.isLocal6(view, quoted + 8)) return;
    this.#walk ??= new extensions.ExtensionWalk();
    const walk = this.#walk;
    extensions.walk(view, ipv6.nextHeader(view, quoted), quoted + ipv6.HEADER_LEN, end, walk);
    const type = icmpv6.type(view, at);
    const code = icmpv6.code(view, at);
    let mtu = 0;
    if (type === icmpv6.TYPE.tooBig) {
      mtu = icmpv6.nextHopMtu(view, at);
      host.learnMtu(ipv6.dst(view, quoted), mtu);
    }
    if (walk.fault !== 0 || walk.laterFragment || end - walk.at < 8) return;
    const from = ipv6.src(view, ip);
    if (walk.protocol === PROTO.icmpv6) {
      const id = icmpv6.id(view, walk.at);
      this.#listeners?.get(id)?.error(from, type, code, id, icmpv6.seq(view, walk.at), mtu);
    } else if (walk.protocol === PROTO.udp) {
      host.udp.error(view, quoted, walk.at, from, type + TYPE_OFFSET, code, mtu);
    } else if (walk.protocol === PROTO.tcp) {
      host.tcp.error(view, quoted, walk.at, icmp6Error(type, code), type === icmpv6.TYPE.tooBig);
    }
  }

  #error(about: Frame, ip: number, dev: Interface, type: number, code: number, word: number): void {
    const host = this.#host;
    const view = about.view;
    const src = ipv6.src(view, ip);
    if (isMulticastIp6(src) || (src.a === 0 && src.b === 0 && src.c === 0 && src.d === 0)) return;
    const evenToGroups =
      type === icmpv6.TYPE.tooBig ||
      (type === icmpv6.TYPE.parameterProblem && code === icmpv6.PROBLEM_CODE.option);
    if (view.getUint8(ip + 24) === 0xff && !evenToGroups) return;
    const end = Math.min(ip + ipv6.HEADER_LEN + ipv6.payloadLength(view, ip), about.end);
    if (this.#aboutError(view, ip, end)) return;
    const back = this.#back(src, dev);
    if (back === null) return;
    const limited = type !== icmpv6.TYPE.tooBig && back.reach !== REACH.local;
    if (limited && !this.#limit.allows(src)) return;
    // From the address that the packet went to, if it is one of ours (RFC 4443 s.2.2 a).
    const to = host.isLocal6(view, ip + 24) ? back.from(ipv6.dst(view, ip)) : back;
    const quoted = Math.min(end - ip, QUOTE_MAX);
    const error = host.ground.pool.take(icmpv6.HEADER_LEN + quoted);
    copy(about, ip, error, error.start + icmpv6.HEADER_LEN, quoted);
    const pseudo = host.ip6.pseudo(to, PROTO.icmpv6, error.end - error.start);
    icmpv6.writeError(error.view, error.start, error.end, type, code, word, pseudo);
    error.summed = true;
    host.ip6.output(error, to, PROTO.icmpv6, HOP_LIMIT, 0);
  }

  /** True for ICMPv6 errors and redirects, and for fragments of ICMPv6 that do not show which they are. */
  #aboutError(view: DataView, ip: number, end: number): boolean {
    this.#walk ??= new extensions.ExtensionWalk();
    const walk = this.#walk;
    extensions.walk(view, ipv6.nextHeader(view, ip), ip + ipv6.HEADER_LEN, end, walk);
    if (walk.protocol !== PROTO.icmpv6) return false;
    if (walk.laterFragment || walk.at >= end) return true;
    const type = icmpv6.type(view, walk.at);
    return icmpv6.isError(type) || type === icmpv6.TYPE.redirect;
  }
}
