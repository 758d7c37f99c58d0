// Where TCP or UDP stands in an Ethernet frame, for whoever completes checksums or cuts segments: VLAN tags and IPv6 extension
// headers are passed over, fragments are not looked into.

import { pseudo4, pseudo6 } from '../../core/wire/checksum.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import * as tcp from '../../core/wire/tcp.ts';
import * as udp from '../../core/wire/udp.ts';
import * as vlan from '../../core/wire/vlan.ts';

const TAG_LEN = 4;
/** Extension headers that a frame may have: more have no reason. */
const EXTENSIONS_MAX = 8;
/** Those of eight-byte units: hop-by-hop, routing, destination options (RFC 8200 s.4). */
const PLAIN_EXTENSIONS: readonly number[] = [0, 43, 60];

/** One object serves every frame of its owner. */
export class Transport {
  /** Where the IP header is. */
  ip = 0;
  /** Where the TCP or UDP header is. */
  at = 0;
  /** PROTO.tcp or PROTO.udp. */
  protocol = 0;
  /** Where the IP packet ends; behind it there may be Ethernet's padding. */
  end = 0;
  six = false;

  /** False when the frame [from, end) has no whole TCP or UDP header. Any bytes will do. */
  find(view: DataView, from: number, end: number): boolean {
    if (end - from < ethernet.HEADER_LEN) return false;
    let at = from + ethernet.HEADER_LEN;
    let type = ethernet.etherType(view, from);
    for (let tags = 0; tags < 2 && vlan.isTag(type) && end - at >= TAG_LEN; tags++) {
      type = view.getUint16(at + 2);
      at += TAG_LEN;
    }
    this.ip = at;
    this.six = type === ETHERTYPE.ipv6;
    if (type === ETHERTYPE.ipv4) return this.#find4(view, at, end);
    return this.six && this.#find6(view, at, end);
  }

  /** Bytes of the transport's header. */
  header(view: DataView): number {
    return this.protocol === PROTO.tcp ? tcp.dataOffset(view, this.at) : udp.HEADER_LEN;
  }

  /** Where the checksum field is. */
  get checksumAt(): number {
    return this.at + (this.protocol === PROTO.tcp ? 16 : 6);
  }

  /** The pseudo header's sum for a transport header with payload of so many bytes. */
  pseudo(view: DataView, length: number): number {
    const { ip, protocol } = this;
    if (this.six) return pseudo6(view, ip, protocol, length);
    return pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), protocol, length);
  }

  #find4(view: DataView, ip: number, end: number): boolean {
    if (ipv4.check(view, ip, end) !== 0 || ipv4.isFragment(view, ip)) return false;
    this.end = ipv4.payloadEnd(view, ip, end);
    return this.#whole(view, ip + ipv4.headerLength(view, ip), ipv4.protocol(view, ip));
  }

  #find6(view: DataView, ip: number, end: number): boolean {
    if (ipv6.check(view, ip, end) !== 0) return false;
    this.end = ipv6.payloadEnd(view, ip, end);
    let next = ipv6.nextHeader(view, ip);
    let at = ip + ipv6.HEADER_LEN;
    for (let n = 0; n < EXTENSIONS_MAX && PLAIN_EXTENSIONS.includes(next) && this.end - at >= 8; n++) {
      next = view.getUint8(at);
      at += (view.getUint8(at + 1) + 1) * 8;
    }
    return this.#whole(view, at, next);
  }

  #whole(view: DataView, at: number, protocol: number): boolean {
    this.at = at;
    this.protocol = protocol;
    if (protocol === PROTO.tcp) return tcp.check(view, at, this.end) === 0;
    return protocol === PROTO.udp && this.end - at >= udp.HEADER_LEN;
  }
}
