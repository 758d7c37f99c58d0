// A translated flow: two ways, each with what its packets say and what they are made to say (conntrack's tuplehash).
//
//   out    client:40000 ► VIP:80     becomes   lb:40000 ► task:80
//   back   task:80 ► lb:40000        becomes   VIP:80 ► client:40000
//
// An echo's identifier takes the place of the asker's port; the other side's is then 0.

import type { Ip, Ip4, Ip6 } from '../../../core/wire/address.ts';
import { sameIp } from '../../../core/wire/address.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import * as tcp from '../../../core/wire/tcp.ts';
import type { Instant } from '../../time/clock.ts';
import type { RealServer } from './real-server.ts';
import type { Sighting } from './sighting.ts';
import type { Lifetimes, TcpState } from './tcp-track.ts';
import { nextState, TCP_STATE } from './tcp-track.ts';

/** What a rule decided against: its packet was dropped. */
export const REFUSED = 'refused';
/** How a packet is translated; null for not at all. */
export type Verdict = Way | null | typeof REFUSED;

export class Way {
  readonly flow: Flow;
  /** True for the way from who opened the flow. */
  readonly out: boolean;
  readonly src: Ip;
  readonly srcPort: number;
  readonly dst: Ip;
  readonly dstPort: number;
  readonly toSrc: Ip;
  readonly toSrcPort: number;
  readonly toDst: Ip;
  readonly toDstPort: number;
  /** False where nothing but a port changes. */
  readonly newSrc: boolean;
  readonly newDst: boolean;
  readonly hash: number;
  /** The next in the table's bucket. */
  next: Way | null = null;

  constructor(flow: Flow, out: boolean, from: Ends, to: Ends) {
    this.flow = flow;
    this.out = out;
    this.src = from.src;
    this.srcPort = from.srcPort;
    this.dst = from.dst;
    this.dstPort = from.dstPort;
    this.toSrc = to.src;
    this.toSrcPort = to.srcPort;
    this.toDst = to.dst;
    this.toDstPort = to.dstPort;
    this.newSrc = !sameIp(from.src, to.src);
    this.newDst = !sameIp(from.dst, to.dst);
    this.hash = hashOf(flow.proto, from);
  }

  /** True when the packet that was sighted goes this way. */
  matches(seen: Sighting): boolean {
    if (this.srcPort !== seen.srcPort || this.dstPort !== seen.dstPort || this.flow.proto !== seen.proto)
      return false;
    return (
      sameAt(this.src, seen.view, seen.srcAt, seen.six) && sameAt(this.dst, seen.view, seen.dstAt, seen.six)
    );
  }
}

/** Where a packet comes from and goes to. */
export interface Ends {
  readonly src: Ip;
  readonly srcPort: number;
  readonly dst: Ip;
  readonly dstPort: number;
}

export class Flow {
  readonly proto: number;
  readonly lifetimes: Lifetimes;
  readonly out: Way;
  readonly back: Way;
  /** Whom the load balancer chose; null for other translations. */
  readonly server: RealServer | null;
  state: TcpState = TCP_STATE.none;
  /** Good up to and with this instant. */
  until: Instant = 0;
  /** Its place in the table's list. */
  index = -1;

  /** @param ends as packets of the way out come in, and as they leave */
  constructor(proto: number, came: Ends, leaves: Ends, lifetimes: Lifetimes, server: RealServer | null) {
    this.proto = proto;
    this.lifetimes = lifetimes;
    this.server = server;
    this.out = new Way(this, true, came, leaves);
    this.back = new Way(this, false, turned(leaves), turned(came));
  }

  /** Notes a packet: the state moves on, and the entry lives from now. */
  follow(seen: Sighting, out: boolean, now: Instant): void {
    const { proto, lifetimes } = this;
    if (proto === PROTO.tcp) {
      this.state = nextState(this.state, tcp.flags(seen.view, seen.at), out);
      this.until = now + (lifetimes.tcp[this.state] as number);
    } else {
      this.until = now + (proto === PROTO.icmp ? lifetimes.echo : lifetimes.udp);
    }
  }
}

/** The same ends seen from the other side. */
export function turned({ src, srcPort, dst, dstPort }: Ends): Ends {
  return { src: dst, srcPort: dstPort, dst: src, dstPort: srcPort };
}

/** 30 bits, so that it stays a small integer. */
export function hashOf(proto: number, { src, srcPort, dst, dstPort }: Ends): number {
  return mixed(proto, word(src), srcPort, word(dst), dstPort);
}

/** The same of the packet that was sighted. */
export function hashSeen({ view, six, proto, srcAt, srcPort, dstAt, dstPort }: Sighting): number {
  return six
    ? mixed(proto, wordAt(view, srcAt), srcPort, wordAt(view, dstAt), dstPort)
    : mixed(proto, view.getUint32(srcAt), srcPort, view.getUint32(dstAt), dstPort);
}

function mixed(proto: number, src: number, srcPort: number, dst: number, dstPort: number): number {
  let h = Math.imul(src ^ 0x9e3779b1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ dst, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ ((srcPort << 16) | dstPort), 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15) ^ proto, 0x165667b1);
  return (h ^ (h >>> 16)) & 0x3fffffff;
}

function word(ip: Ip): number {
  return typeof ip === 'number' ? ip : folded(ip.a, ip.b, ip.c, ip.d);
}

function wordAt(view: DataView, at: number): number {
  return folded(view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12));
}

function folded(a: number, b: number, c: number, d: number): number {
  return Math.imul(Math.imul(Math.imul(a, 31) ^ b, 31) ^ c, 31) ^ d;
}

/** True when the address stands at `at`. */
function sameAt(ip: Ip, view: DataView, at: number, six: boolean): boolean {
  if (!six) return (ip as Ip4) === view.getUint32(at);
  if (typeof ip === 'number') return false;
  const { a, b, c, d }: Ip6 = ip;
  return (
    d === view.getUint32(at + 12) &&
    c === view.getUint32(at + 8) &&
    b === view.getUint32(at + 4) &&
    a === view.getUint32(at)
  );
}
