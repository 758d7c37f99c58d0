// What tells the flow of a packet: protocol, addresses, ports; for an ICMP error those of the packet it quotes, turned
// round, since it goes the other way. One object is read into again and again.

import type { Ip } from '../../../core/wire/address.ts';
import { readIp6 } from '../../../core/wire/address.ts';
import * as icmp from '../../../core/wire/icmp.ts';
import * as icmpv6 from '../../../core/wire/icmpv6.ts';
import * as ipv4 from '../../../core/wire/ipv4.ts';
import * as ipv6 from '../../../core/wire/ipv6.ts';
import * as extensions from '../../../core/wire/ipv6-extensions.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import * as tcp from '../../../core/wire/tcp.ts';
import * as udp from '../../../core/wire/udp.ts';

export const SEEN = {
  /** Not a packet that can be followed. */
  nothing: 0,
  /** A packet of a flow, which may be its first. */
  packet: 1,
  /** An answer that opens no flow: an echo reply. */
  answer: 2,
  /** An ICMP error about a packet of a flow. */
  error: 3,
} as const;
export type Seen = (typeof SEEN)[keyof typeof SEEN];

const NOTHING = new DataView(new ArrayBuffer(0));

export class Sighting {
  view: DataView = NOTHING;
  six = false;
  proto = 0;
  srcAt = 0;
  dstAt = 0;
  srcPort = 0;
  dstPort = 0;
  /** The transport header and where its payload ends; of an error those of the quoted packet, as far as it goes. */
  at = 0;
  end = 0;
  /** Of an error: its own ICMP header. */
  message = 0;
  #walk: extensions.ExtensionWalk | null = null;

  /** Reads a whole packet (no fragment) whose IP header at `ip` was checked. */
  read(view: DataView, ip: number, end: number): Seen {
    this.view = view;
    this.six = view.getUint8(ip) >>> 4 === 6;
    if (!this.#header(ip, end)) return SEEN.nothing;
    const { at, proto } = this;
    if (proto === PROTO.tcp) return this.#ports(at, tcp.HEADER_LEN);
    if (proto === PROTO.udp) return this.#ports(at, udp.HEADER_LEN);
    if (this.end - at < icmp.HEADER_LEN) return SEEN.nothing;
    if (proto === PROTO.icmp) {
      const type = icmp.type(view, at);
      if (type === icmp.TYPE.echo || type === icmp.TYPE.echoReply)
        return this.#echo(at, type === icmp.TYPE.echo);
      const error =
        type === icmp.TYPE.unreachable ||
        type === icmp.TYPE.timeExceeded ||
        type === icmp.TYPE.parameterProblem;
      return error ? this.#quoted(at + icmp.HEADER_LEN) : SEEN.nothing;
    }
    const error = proto === PROTO.icmpv6 && icmpv6.isError(icmpv6.type(view, at));
    return error ? this.#quoted(at + icmpv6.HEADER_LEN) : SEEN.nothing;
  }

  get src(): Ip {
    return this.six ? readIp6(this.view, this.srcAt) : this.view.getUint32(this.srcAt);
  }

  get dst(): Ip {
    return this.six ? readIp6(this.view, this.dstAt) : this.view.getUint32(this.dstAt);
  }

  /** Finds the transport header of the packet at `ip`; false for a later fragment and for what cannot be walked. */
  #header(ip: number, end: number): boolean {
    const { view } = this;
    if (!this.six) {
      this.srcAt = ip + 12;
      this.dstAt = ip + 16;
      this.proto = ipv4.protocol(view, ip);
      this.at = ip + ipv4.headerLength(view, ip);
      this.end = Math.min(end, ipv4.payloadEnd(view, ip, end));
      return ipv4.fragmentOffset(view, ip) === 0;
    }
    this.srcAt = ip + 8;
    this.dstAt = ip + 24;
    this.proto = ipv6.nextHeader(view, ip);
    this.at = ip + ipv6.HEADER_LEN;
    this.end = Math.min(end, ip + ipv6.HEADER_LEN + ipv6.payloadLength(view, ip));
    if (!extensions.isExtension(this.proto)) return true;
    this.#walk ??= new extensions.ExtensionWalk();
    const walk = this.#walk;
    extensions.walk(view, this.proto, this.at, this.end, walk);
    if (walk.fault !== 0 || walk.laterFragment) return false;
    if (walk.fragmentAt >= 0 && extensions.moreFragments(view, walk.fragmentAt)) return false;
    this.proto = walk.protocol;
    this.at = walk.at;
    return true;
  }

  #ports(at: number, header: number): Seen {
    if (this.end - at < header) return SEEN.nothing;
    this.srcPort = this.view.getUint16(at);
    this.dstPort = this.view.getUint16(at + 2);
    return SEEN.packet;
  }

  #echo(at: number, question: boolean): Seen {
    const id = icmp.id(this.view, at);
    this.srcPort = question ? id : 0;
    this.dstPort = question ? 0 : id;
    return question ? SEEN.packet : SEEN.answer;
  }

  /** The packet at `ip` inside an error: its header and at least eight bytes more (RFC 792). */
  #quoted(ip: number): Seen {
    const { view, end } = this;
    this.message = this.at;
    const least = (this.six ? ipv6.HEADER_LEN : ipv4.HEADER_LEN) + 8;
    if (end - ip < least || view.getUint8(ip) >>> 4 !== (this.six ? 6 : 4)) return SEEN.nothing;
    if (!this.six && ipv4.headerLength(view, ip) < ipv4.HEADER_LEN) return SEEN.nothing;
    const outer = this.end;
    if (!this.#header(ip, end)) return SEEN.nothing;
    // A router quotes the beginning only, so what the header says of the length does not count.
    this.end = outer;
    const { at, proto, srcAt } = this;
    if (outer - at < 8) return SEEN.nothing;
    if (proto === PROTO.tcp || proto === PROTO.udp) {
      this.srcPort = view.getUint16(at + 2);
      this.dstPort = view.getUint16(at);
    } else if (proto === PROTO.icmp && !this.six) {
      const type = icmp.type(view, at);
      if (type !== icmp.TYPE.echo && type !== icmp.TYPE.echoReply) return SEEN.nothing;
      const id = icmp.id(view, at);
      this.srcPort = type === icmp.TYPE.echo ? 0 : id;
      this.dstPort = type === icmp.TYPE.echo ? id : 0;
    } else {
      return SEEN.nothing;
    }
    this.srcAt = this.dstAt;
    this.dstAt = srcAt;
    return SEEN.error;
  }
}
