// Puts frames into a VXLAN tunnel: new outer headers in front, the frame and its time stamp as they are.
//
//   Ethernet 14 | 802.1Q 4? | IPv4 20 or IPv6 40 | UDP 8 | VXLAN 8 | the frame
//
// Length fields count the frame as it was on the wire, so that a frame that a snap length cut makes a tunnel packet that was
// cut. Such a packet has UDP checksum 0, whatever was asked: what is missing cannot be summed up.

import { L } from '../dissect/layer.ts';
import { LINKTYPE } from '../pcap/linktype.ts';
import type { CaptureReader, PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';
import type { Ip, Mac } from '../wire/address.ts';
import { groupMac4, groupMac6, isIp6, isMulticastIp4, isMulticastIp6 } from '../wire/address.ts';
import { pseudo4, pseudo6 } from '../wire/checksum.ts';
import * as ethernet from '../wire/ethernet.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { ETHERTYPE, PROTO, VXLAN_GPE_PORT, VXLAN_PORT, VxlabError } from '../wire/numbers.ts';
import * as udp from '../wire/udp.ts';
import * as vlan from '../wire/vlan.ts';
import * as vxlan from '../wire/vxlan.ts';
import type { EditCounts, Editor } from './editor.ts';
import type { Outlet } from './outlet.ts';
import { Scratch } from './scratch.ts';
import { SOURCE_PORT_MAX, SOURCE_PORT_MIN, sourcePort } from './source-port.ts';

/** The outer ECN field: `copy` is RFC 6040 s.4.1, `linux` sends ECT(0) for CE (RFC 3168 s.9.1.1), `none` sends Not-ECT. */
export type EcnRule = 'copy' | 'linux' | 'none';

export interface EncapOptions {
  /** 0 to 2^24 - 1. */
  readonly vni: number;
  /** The VTEPs, of one family. */
  readonly src: Ip;
  readonly dst: Ip;
  /** Default 02:42 and the last four bytes of the address, or the group's MAC. */
  readonly srcMac?: Mac;
  readonly dstMac?: Mac;
  /** A fixed source port, or the range that flows are spread over; default 49152 to 65535. */
  readonly srcPort?: number | { readonly min: number; readonly max: number };
  /** Default 4789, with `gpe` 4790. */
  readonly dstPort?: number;
  /** Default zero over IPv4 (RFC 7348 s.5), computed over IPv6 (RFC 8200 s.8.1). */
  readonly udpChecksum?: 'zero' | 'computed';
  /** TTL or hop limit; default 64. */
  readonly ttl?: number;
  /** 0 to 63, or `inherit` the inner packet's; default 0. */
  readonly dscp?: number | 'inherit';
  /** Default `copy`. */
  readonly ecn?: EcnRule;
  /** Of IPv4; default false. */
  readonly dontFragment?: boolean;
  /** Of IPv4; default 0 with `dontFragment` (RFC 6864 s.4), else counted up from 1. */
  readonly id?: number;
  /** An outer 802.1Q tag. */
  readonly vlan?: { readonly vid: number; readonly pcp?: number };
  /** A group policy id, 0 to 65535. */
  readonly gbp?: number;
  /** VXLAN-GPE, which takes bare IP too. */
  readonly gpe?: boolean;
}

const UDP_AND_VXLAN = udp.HEADER_LEN + vxlan.HEADER_LEN;
const LENGTH_MAX = 0xffff;
const NOT_CARRIED = -1;

export class Encap implements Editor {
  readonly #outlet: Outlet;
  readonly #source: CaptureReader;
  readonly #o: EncapOptions;
  readonly #src: Ip;
  readonly #dst: Ip;
  readonly #srcMac: Mac;
  readonly #dstMac: Mac;
  readonly #portMin: number;
  readonly #portMax: number;
  readonly #dstPort: number;
  readonly #computed: boolean;
  /** Where IP, UDP and the frame begin in a packet. */
  readonly #ipAt: number;
  readonly #udpAt: number;
  readonly #frameAt: number;
  /** The longest frame that the outer length fields can count. */
  readonly #longest: number;
  readonly #scratch = new Scratch();
  readonly #interfaces: number[] = [];
  #id = 0;
  #tooLong = 0;
  #notEthernet = 0;
  #withoutChecksum = 0;

  /**
   * @param outlet if it is a pcap file, one of link type Ethernet
   * @throws VxlabError BAD_VNI; BAD_TUNNEL for VTEPs of two families, group policy and GPE at once, a number out of its range
   */
  constructor(outlet: Outlet, source: CaptureReader, options: EncapOptions) {
    const { src, dst, srcPort } = options;
    check(options);
    this.#outlet = outlet;
    this.#source = source;
    this.#o = options;
    this.#src = src;
    this.#dst = dst;
    this.#srcMac = options.srcMac ?? macFor(src);
    this.#dstMac = options.dstMac ?? macFor(dst);
    const range = typeof srcPort === 'number' ? { min: srcPort, max: srcPort } : srcPort;
    this.#portMin = range?.min ?? SOURCE_PORT_MIN;
    this.#portMax = range?.max ?? SOURCE_PORT_MAX;
    this.#dstPort = options.dstPort ?? (options.gpe ? VXLAN_GPE_PORT : VXLAN_PORT);
    this.#computed = (options.udpChecksum ?? (isIp6(src) ? 'computed' : 'zero')) === 'computed';
    this.#ipAt = ethernet.HEADER_LEN + (options.vlan === undefined ? 0 : vlan.HEADER_LEN);
    this.#udpAt = this.#ipAt + (isIp6(src) ? ipv6.HEADER_LEN : ipv4.HEADER_LEN);
    this.#frameAt = this.#udpAt + UDP_AND_VXLAN;
    // IPv4's total length counts its own header, IPv6's payload length does not.
    this.#longest = LENGTH_MAX - UDP_AND_VXLAN - (isIp6(src) ? 0 : ipv4.HEADER_LEN);
  }

  packet(sight: Sight, meta: PacketMeta, view: DataView, start: number, end: number): void {
    const next = this.#nextProtocol(meta.linkType, view, start, end);
    if (next === NOT_CARRIED) {
      this.#notEthernet++;
      return;
    }
    // A frame in a tunnel has no frame check sequence (RFC 7348 s.5).
    const length = Math.max(meta.originalLength, end - start) - Math.min(meta.fcsLength, end - start);
    if (length > this.#longest) {
      this.#tooLong++;
      return;
    }
    const last = Math.min(end, start + length);
    const captured = this.#frameAt + last - start;
    const original = this.#frameAt + length;
    if (this.#scratch.room(captured)) this.#writeLink();
    this.#scratch.copy(this.#frameAt, view, start, last);
    this.#writeVxlan(next);
    this.#writeIp(sight, view, original);
    this.#writeUdp(sight, view, original, captured < original);
    const iface = this.#interfaces[meta.interfaceId] ?? this.#declare(meta.interfaceId);
    this.#outlet.write(iface, view, meta, this.#scratch.view, 0, captured, original);
  }

  end(): void {}

  counts(): EditCounts {
    return { tooLong: this.#tooLong, notEthernet: this.#notEthernet, withoutChecksum: this.#withoutChecksum };
  }

  /** GPE's next protocol, 0 without GPE, or NOT_CARRIED. */
  #nextProtocol(linkType: number, view: DataView, start: number, end: number): number {
    const { gpe } = this.#o;
    switch (linkType) {
      case LINKTYPE.ethernet:
        return gpe ? vxlan.GPE_NEXT.ethernet : 0;
      case LINKTYPE.raw:
      case LINKTYPE.rawBsd:
      case LINKTYPE.rawOpenbsd:
        if (!gpe || start === end) return NOT_CARRIED;
        return view.getUint8(start) >> 4 === 6 ? vxlan.GPE_NEXT.ipv6 : vxlan.GPE_NEXT.ipv4;
      case LINKTYPE.ipv4:
        return gpe ? vxlan.GPE_NEXT.ipv4 : NOT_CARRIED;
      case LINKTYPE.ipv6:
        return gpe ? vxlan.GPE_NEXT.ipv6 : NOT_CARRIED;
      default:
        return NOT_CARRIED;
    }
  }

  /** The headers that are the same for all packets. */
  #writeLink(): void {
    const { vlan: tag } = this.#o;
    const type = isIp6(this.#src) ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
    const { view } = this.#scratch;
    ethernet.write(view, 0, this.#dstMac, this.#srcMac, tag === undefined ? type : ETHERTYPE.vlan);
    if (tag !== undefined) vlan.write(view, ethernet.HEADER_LEN, tag.vid, tag.pcp ?? 0, false, type);
  }

  #writeVxlan(next: number): void {
    const { view } = this.#scratch;
    const at = this.#udpAt + udp.HEADER_LEN;
    const { vni, gbp } = this.#o;
    if (next !== 0) vxlan.writeGpe(view, at, vni, next);
    else if (gbp !== undefined) vxlan.writeGbp(view, at, vni, gbp);
    else vxlan.write(view, at, vni);
  }

  #writeIp(sight: Sight, inner: DataView, end: number): void {
    const { view } = this.#scratch;
    const { ttl = 64, dontFragment = false } = this.#o;
    const tos = this.#tos(innerTos(sight, inner));
    const src = this.#src;
    const dst = this.#dst;
    if (isIp6(src) && isIp6(dst)) {
      ipv6.write(view, this.#ipAt, end, src, dst, PROTO.udp, ttl, tos, 0);
    } else if (!isIp6(src) && !isIp6(dst)) {
      this.#id = dontFragment ? 0 : (this.#id + 1) & 0xffff;
      const id = this.#o.id ?? this.#id;
      ipv4.write(view, this.#ipAt, end, src, dst, PROTO.udp, ttl, tos, id, dontFragment);
    }
  }

  #tos(inner: number): number {
    const { dscp = 0, ecn: rule = 'copy' } = this.#o;
    let ecn = rule === 'none' ? 0 : inner & 3;
    if (rule === 'linux' && ecn === 3) ecn = 2;
    return (dscp === 'inherit' ? inner & 0xfc : dscp << 2) | ecn;
  }

  #writeUdp(sight: Sight, inner: DataView, end: number, cut: boolean): void {
    const { view } = this.#scratch;
    const at = this.#udpAt;
    const port = sourcePort(inner, sight.own.d, this.#portMin, this.#portMax);
    const sum = this.#computed && !cut;
    if (this.#computed && cut) this.#withoutChecksum++;
    udp.write(view, at, end, port, this.#dstPort, sum ? this.#pseudo(end - at) : -1);
  }

  #pseudo(length: number): number {
    const src = this.#src;
    const dst = this.#dst;
    if (isIp6(src) || isIp6(dst)) return pseudo6(this.#scratch.view, this.#ipAt, PROTO.udp, length);
    return pseudo4(src, dst, PROTO.udp, length);
  }

  #declare(interfaceId: number): number {
    const was = this.#source.interfaces[interfaceId];
    const number = this.#outlet.open({
      linkType: LINKTYPE.ethernet,
      name: was?.name ?? '',
      description: was?.description ?? '',
    });
    this.#interfaces[interfaceId] = number;
    return number;
  }
}

function check(o: EncapOptions): void {
  vxlan.asVni(o.vni);
  if (isIp6(o.src) !== isIp6(o.dst)) throw bad('both VTEPs of a tunnel have addresses of one family');
  if (o.gpe && o.gbp !== undefined)
    throw bad('VXLAN-GPE and group policy use the same bits: one or the other');
  const range = typeof o.srcPort === 'number' ? { min: o.srcPort, max: o.srcPort } : o.srcPort;
  within('the source port', range?.min, 0, 0xffff);
  within('the source port', range?.max, range?.min ?? 0, 0xffff);
  within('the destination port', o.dstPort, 1, 0xffff);
  within('the TTL', o.ttl, 0, 0xff);
  within('the DSCP', o.dscp === 'inherit' ? 0 : o.dscp, 0, 63);
  within('the IPv4 identification', o.id, 0, 0xffff);
  within('the VLAN', o.vlan?.vid, 0, 0xfff);
  within('the priority', o.vlan?.pcp, 0, 7);
  within('the group policy id', o.gbp, 0, 0xffff);
}

function within(what: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw bad(`${what} must be a whole number from ${min} to ${max}, not ${value}`);
}

function bad(message: string): VxlabError {
  return new VxlabError('BAD_TUNNEL', message);
}

/** TOS or traffic class of the IP packet in the frame; 0 when it is none. */
function innerTos(sight: Sight, view: DataView): number {
  const { d } = sight.own;
  for (let row = 0; row < d.count && d.depth(row) === 0; row++) {
    const at = d.start(row);
    if (d.kind(row) === L.ipv4 && d.end(row) - at >= 20) return ipv4.tos(view, at);
    if (d.kind(row) === L.ipv6 && d.end(row) - at >= 40) return ipv6.trafficClass(view, at);
  }
  return 0;
}

function macFor(ip: Ip): Mac {
  if (isIp6(ip)) return isMulticastIp6(ip) ? groupMac6(ip) : 0x0242_0000_0000 + ip.d;
  return isMulticastIp4(ip) ? groupMac4(ip) : 0x0242_0000_0000 + ip;
}
