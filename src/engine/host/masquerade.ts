// Source NAT at a node's border: what leaves by the outside interface takes its address, what comes back is put right
// (iptables -t nat -A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE). UDP, TCP and ICMP echo.
//
//   inside 172.18.0.3:40000 ──► 192.0.2.12:40000 (the same port if it is free) ──► anywhere
//
// An entry lives as long as Linux's conntrack lets an unconfirmed flow live, and the table is bounded.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip4 } from '../../core/wire/address.ts';
import { update16, update32 } from '../../core/wire/checksum.ts';
import * as icmp from '../../core/wire/icmp.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import type { Instant } from '../time/clock.ts';
import { SECOND } from '../time/clock.ts';
import type { Interface } from './interface.ts';
import type { Stack } from './stack.ts';

/** nf_conntrack_udp_timeout and nf_conntrack_icmp_timeout; TCP's is longer by far but only opens with traffic. */
const LIFETIME = 30 * SECOND;
const LIFETIME_TCP = 300 * SECOND;
const ENTRIES_MAX = 16_384;
const PORT_MIN = 32_768;
const PORT_SPAN = 28_232;

interface Translation {
  readonly proto: number;
  readonly inside: Ip4;
  readonly insidePort: number;
  readonly outsidePort: number;
  until: Instant;
}

export class Masquerade {
  readonly outside: Interface;
  readonly #host: Stack;
  /** By protocol, address and port inside; by protocol and port outside. */
  readonly #out: Map<string, Translation> = new Map();
  readonly #in: Map<number, Translation> = new Map();
  #next = 0;

  constructor(host: Stack, outside: Interface) {
    this.#host = host;
    this.outside = outside;
  }

  /**
   * Rewrites the source of a packet that leaves by `dev`; its IP header is at the frame's start, which has one holder.
   * False when no translation can be had, and the packet must not leave.
   */
  outbound(frame: Frame, dev: Interface): boolean {
    const view = frame.view;
    const at = frame.start;
    if (dev !== this.outside || ipv4.src(view, at) === dev.primary) return true;
    const port = portAt(view, at, frame.end, true);
    if (port < 0) return false;
    const proto = ipv4.protocol(view, at);
    const inside = ipv4.src(view, at);
    const entry = this.#entry(proto, inside, view.getUint16(port));
    if (entry === null) return false;
    rewrite(view, at, port, 12, dev.primary, entry.outsidePort);
    return true;
  }

  /**
   * A packet that came to the outside address and belongs to somebody inside: taken over and answered with its
   * destination put right. null, and nothing taken over, when it is for the host itself.
   */
  inbound(given: Frame, at: number, dev: Interface): Frame | null {
    if (dev !== this.outside || this.#in.size === 0) return null;
    const port = portAt(given.view, at, given.end, false);
    if (port < 0) return null;
    const key = ipv4.protocol(given.view, at) * 0x10000 + given.view.getUint16(port);
    const entry = this.#in.get(key);
    if (entry === undefined || entry.until < this.#host.ground.clock.now) return null;
    this.#touch(entry);
    const { start } = given;
    const frame = given.own();
    const shift = frame.start - start;
    rewrite(frame.view, at + shift, port + shift, 16, entry.inside, entry.insidePort);
    return frame;
  }

  /** Translations in use. */
  get size(): number {
    return this.#in.size;
  }

  #entry(proto: number, inside: Ip4, insidePort: number): Translation | null {
    const key = `${proto} ${inside} ${insidePort}`;
    const known = this.#out.get(key);
    if (known !== undefined) {
      this.#touch(known);
      return known;
    }
    if (this.#in.size >= ENTRIES_MAX) this.#sweep();
    const outsidePort = this.#free(proto, insidePort);
    if (outsidePort < 0) return null;
    const made: Translation = { proto, inside, insidePort, outsidePort, until: 0 };
    this.#touch(made);
    this.#out.set(key, made);
    this.#in.set(proto * 0x10000 + outsidePort, made);
    return made;
  }

  #touch(entry: Translation): void {
    entry.until = this.#host.ground.clock.now + (entry.proto === PROTO.tcp ? LIFETIME_TCP : LIFETIME);
  }

  /** The same port if nobody has it, as Linux prefers; else the next free one; -1 when there is none. */
  #free(proto: number, wanted: number): number {
    if (this.#in.size >= ENTRIES_MAX) return -1;
    if (!this.#in.has(proto * 0x10000 + wanted)) return wanted;
    for (let tried = 0; tried < PORT_SPAN; tried++) {
      const port = PORT_MIN + ((this.#next + tried) % PORT_SPAN);
      if (this.#in.has(proto * 0x10000 + port)) continue;
      this.#next = port - PORT_MIN + 1;
      return port;
    }
    return -1;
  }

  #sweep(): void {
    const now = this.#host.ground.clock.now;
    for (const [key, entry] of this.#out) {
      if (entry.until >= now) continue;
      this.#out.delete(key);
      this.#in.delete(entry.proto * 0x10000 + entry.outsidePort);
    }
  }
}

/** Where the field stands that tells flows apart: a port, or an echo's identifier; -1 for other packets. */
function portAt(view: DataView, at: number, end: number, source: boolean): number {
  if (ipv4.fragmentOffset(view, at) !== 0) return -1;
  const payload = at + ipv4.headerLength(view, at);
  if (payload + 8 > end) return -1;
  const proto = ipv4.protocol(view, at);
  if (proto === PROTO.udp || proto === PROTO.tcp) return source ? payload : payload + 2;
  if (proto !== PROTO.icmp) return -1;
  const type = icmp.type(view, payload);
  return type === icmp.TYPE.echo || type === icmp.TYPE.echoReply ? payload + 4 : -1;
}

/** Puts another address and port in, with the header's and the transport's checksums. */
function rewrite(
  view: DataView,
  at: number,
  portAtByte: number,
  addressOffset: number,
  ip: Ip4,
  port: number,
): void {
  const proto = ipv4.protocol(view, at);
  const payload = at + ipv4.headerLength(view, at);
  const before = view.getUint32(at + addressOffset);
  const portBefore = view.getUint16(portAtByte);
  if (addressOffset === 12) ipv4.setSrc(view, at, ip);
  else ipv4.setDst(view, at, ip);
  view.setUint16(portAtByte, port);
  const sumAt = payload + (proto === PROTO.udp ? 6 : proto === PROTO.tcp ? 16 : 2);
  let check = view.getUint16(sumAt);
  if (proto === PROTO.udp && check === 0) return;
  if (proto !== PROTO.icmp) check = update32(check, before, ip);
  check = update16(check, portBefore, port);
  view.setUint16(sumAt, proto === PROTO.udp && check === 0 ? 0xffff : check);
}
