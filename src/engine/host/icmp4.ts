// ICMP on a host: echo answered, errors sent (RFC 792, RFC 1122 s.3.2.2, RFC 1812 s.4.3) and errors heard.
//
// Errors are limited as Linux does (limit.ts), but for "fragmentation needed", which senders must hear; never sent about
// errors, groups, broadcasts or later fragments.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip4 } from '../../core/wire/address.ts';
import { isMulticastIp4 } from '../../core/wire/address.ts';
import * as icmp from '../../core/wire/icmp.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Sent } from './destination.ts';
import { REACH, SENT } from './destination.ts';
import { copy } from './fragment.ts';
import type { Interface } from './interface.ts';
import { ErrorLimit } from './limit.ts';
import type { EchoListener, Stack } from './stack.ts';
import { icmp4Error } from './tcp/icmp-errors.ts';

/** A longer error says nothing more (RFC 1812 s.4.3.2.3). */
const LONGEST = 576;

export class Icmp4 {
  readonly #host: Stack;
  readonly #limit: ErrorLimit;
  #listeners: Map<number, EchoListener> | null = null;

  constructor(host: Stack) {
    this.#host = host;
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

  input(frame: Frame, ip: number, at: number, end: number, _dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = icmp.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    if (!frame.summed && !icmp.checksumOk(view, at, end)) return drop(host, frame, DROP.checksum);
    const type = icmp.type(view, at);
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, PROTO.icmp, type);
    if (type === icmp.TYPE.echo) return this.#echo(frame, ip, at, end);
    if (type === icmp.TYPE.echoReply) {
      const listener = this.#listeners?.get(icmp.id(view, at));
      const seq = icmp.seq(view, at);
      listener?.reply(ipv4.src(view, ip), icmp.id(view, at), seq, ipv4.ttl(view, ip), frame, at + 8, end);
    } else if (
      type === icmp.TYPE.unreachable ||
      type === icmp.TYPE.timeExceeded ||
      type === icmp.TYPE.parameterProblem
    ) {
      this.#heard(frame, ip, at, end);
    }
    frame.release();
  }

  /** Sends an echo request; `fill` bytes of payload are at the frame's end already. */
  echo(to: Ip4, id: number, seq: number, frame: Frame, ttl: number, dontFragment: boolean): Sent {
    const destination = this.#host.destination(to);
    if (destination === null) {
      drop(this.#host, frame, DROP.noRoute);
      return SENT.noRoute;
    }
    const at = frame.push(icmp.HEADER_LEN);
    icmp.writeEcho(frame.view, at, frame.end, icmp.TYPE.echo, id, seq);
    frame.summed = true;
    return this.#host.ip4.output(frame, destination, PROTO.icmp, ttl, 0, dontFragment);
  }

  /** Port, protocol, host or net unreachable. */
  unreachable(about: Frame, ip: number, dev: Interface, code: number): void {
    this.#error(about, ip, dev, icmp.TYPE.unreachable, code, 0);
  }

  /** Longer than the next link takes (RFC 1191). */
  tooLong(about: Frame, ip: number, dev: Interface, mtu: number): void {
    this.#error(about, ip, dev, icmp.TYPE.unreachable, icmp.CODE.fragNeeded, mtu);
  }

  /** Code 0: hop limit; code 1: fragments missing. */
  timeExceeded(about: Frame, ip: number, dev: Interface, code = 0): void {
    this.#error(about, ip, dev, icmp.TYPE.timeExceeded, code, 0);
  }

  #echo(given: Frame, ip: number, at: number, end: number): void {
    const host = this.#host;
    const view = given.view;
    const dst = ipv4.dst(view, ip);
    // net.ipv4.icmp_echo_ignore_broadcasts
    if (dst === 0xffffffff || isMulticastIp4(dst) || !host.isLocal(dst))
      return drop(host, given, DROP.notForUs);
    const to = host.destination(ipv4.src(view, ip));
    if (to === null) return drop(host, given, DROP.noRoute);
    const tos = ipv4.tos(view, ip);
    const reply = host.ground.pool.take(end - at);
    copy(given, at, reply, reply.start, end - at);
    icmp.writeEcho(
      reply.view,
      reply.start,
      reply.end,
      icmp.TYPE.echoReply,
      icmp.id(view, at),
      icmp.seq(view, at),
    );
    reply.summed = true;
    given.release();
    host.ip4.output(reply, to.from(dst), PROTO.icmp, 64, tos, false);
  }

  /** An error about a packet of ours: the path MTU is noted, and whoever sent the packet hears of it. */
  #heard(frame: Frame, ip: number, at: number, end: number): void {
    const host = this.#host;
    const view = frame.view;
    const quoted = at + icmp.HEADER_LEN;
    if (end - quoted < ipv4.HEADER_LEN + 8 || view.getUint8(quoted) >>> 4 !== 4) return;
    const inner = quoted + ipv4.headerLength(view, quoted);
    if (end - inner < 8 || !host.isLocal(ipv4.src(view, quoted))) return;
    const type = icmp.type(view, at);
    const code = icmp.code(view, at);
    let mtu = 0;
    if (type === icmp.TYPE.unreachable && code === icmp.CODE.fragNeeded) {
      mtu = icmp.nextHopMtu(view, at);
      host.learnMtu(ipv4.dst(view, quoted), mtu);
    }
    const from = ipv4.src(view, ip);
    const proto = ipv4.protocol(view, quoted);
    if (proto === PROTO.icmp) {
      const id = icmp.id(view, inner);
      this.#listeners?.get(id)?.error(from, type, code, id, icmp.seq(view, inner), mtu);
    } else if (proto === PROTO.udp) {
      host.udp.error(view, quoted, inner, from, type, code, mtu);
    } else if (proto === PROTO.tcp) {
      host.tcp.error(view, quoted, inner, icmp4Error(type, code), mtu !== 0);
    }
  }

  #error(about: Frame, ip: number, dev: Interface, type: number, code: number, rest: number): void {
    const host = this.#host;
    const view = about.view;
    const src = ipv4.src(view, ip);
    const dst = ipv4.dst(view, ip);
    if (
      src === 0 ||
      isMulticastIp4(src) ||
      isMulticastIp4(dst) ||
      dst === 0xffffffff ||
      dst === dev.broadcast
    )
      return;
    if (ipv4.fragmentOffset(view, ip) !== 0) return;
    const end = ipv4.payloadEnd(view, ip, about.end);
    const inner = ip + ipv4.headerLength(view, ip);
    if (ipv4.protocol(view, ip) === PROTO.icmp && !isQuery(view, inner, end)) return;
    const to = host.destination(src);
    const tooLong = type === icmp.TYPE.unreachable && code === icmp.CODE.fragNeeded;
    if (to === null) return;
    if (!tooLong && to.reach !== REACH.local && !this.#limit.allows(src)) return;
    const quoted = Math.min(end - ip, LONGEST - ipv4.HEADER_LEN - icmp.HEADER_LEN);
    const error = host.ground.pool.take(icmp.HEADER_LEN + quoted);
    copy(about, ip, error, error.start + icmp.HEADER_LEN, quoted);
    icmp.writeError(error.view, error.start, error.end, type, code, rest);
    error.summed = true;
    // Precedence internetwork control, as Linux sends its errors (RFC 1812 s.4.3.2.5).
    // From the address that the packet went to, if it is one of ours (Linux: icmp_send).
    host.ip4.output(error, host.isLocal(dst) ? to.from(dst) : to, PROTO.icmp, 64, 0xc0, false);
  }
}

function isQuery(view: DataView, at: number, end: number): boolean {
  if (end - at < 1) return false;
  const type = icmp.type(view, at);
  return type === icmp.TYPE.echo || type === icmp.TYPE.echoReply || type === 13 || type === 14;
}
