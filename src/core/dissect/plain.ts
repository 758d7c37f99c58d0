// The packet that nearly all packets of nearly all VXLAN captures are, read from fixed places:
//
//   Ethernet | IPv4, 5 words | UDP | VXLAN, only I set | Ethernet | one 802.1Q tag at most | IPv4, 5 words, or ARP | TCP, UDP, ICMP
//   0          14              34    42                  50                                  net                   net + 20
//
// whole, in no fragments, and with lengths that agree. The walk (walk.ts) says the same of such a packet and takes four times
// as long; `read` answers false to whatever is different in any bit that matters, and the caller goes the long way.

import { ETHERTYPE, PROTO } from '../wire/numbers.ts';
import { FIRST_WORD } from '../wire/vxlan.ts';
import { CARRIES } from './ports.ts';

/** Outer headers: the whole packet is so much longer than the inner frame. */
export const PLAIN_OUTER = 50;

const IP = 14;
const UDP = 34;
const VXLAN = 42;
const NET = 64;
const TAG = 4;
/** All places that are read of a packet without a tag before a length that it states was checked. */
const SHORTEST = 92;
/** EtherType and the byte behind it: IPv4 with a header of five words; ARP with the first byte of its hardware type. */
const IP4_TYPE = 0x08_0045;
const ARP_TYPE = 0x08_0600;
/** An IPv4 total length: UDP, VXLAN, Ethernet and IPv4 behind its header. */
const GUESSED = 70;
/** The first word of a VXLAN header with group policy (draft-smith-vxlan-group-policy): G and I; D, A and the group are any. */
const POLICY_MASK = 0xffb7_0000 | 0;
const POLICY = 0x8800_0000 | 0;

export class PlainPacket {
  /** The outer UDP destination port. */
  port = 0;
  /** The VNI in the upper 24 bits; the rest is 0. */
  vniWord = 0;
  /** Where the inner IPv4 or ARP header begins, on the view. */
  net = 0;
  isArp = false;
  /** 6, 17 or 1; 0 for ARP. */
  protocol = 0;
  /** The inner IPv4 total length: bytes from `net` on. */
  total = 0;

  /**
   * Reads the packet of `length` bytes at `at`; false when it is not plain, and then nothing here holds.
   * @param carries CARRIES by UDP port (WalkOptions.ports)
   */
  read(view: DataView, at: number, length: number, carries: Uint8Array): boolean {
    if (length < SHORTEST) return false;
    // Two fields at a time: EtherType and version; fragment and protocol, with the TTL between them passed over.
    if (view.getUint32(at + 12) >>> 8 !== IP4_TYPE || view.getUint16(at + IP + 2) !== length - IP)
      return false;
    if ((view.getInt32(at + IP + 6) & 0x3fff_00ff) !== PROTO.udp) return false;
    const port = view.getUint16(at + UDP + 2);
    if (view.getUint16(at + UDP + 4) !== length - UDP || carries[port] !== CARRIES.vxlan) return false;
    if (view.getInt32(at + VXLAN) !== 0x0800_0000) return false;
    const word = view.getInt32(at + VXLAN + 4);
    if ((word & 0xff) !== 0) return false;
    let net = at + NET;
    let type = view.getUint32(net - 2) >>> 8;
    if (type >>> 8 === ETHERTYPE.vlan) {
      if (length < SHORTEST + TAG) return false;
      net += TAG;
      type = view.getUint32(net - 2) >>> 8;
    }
    this.port = port;
    this.vniWord = word;
    this.net = net;
    if (type === IP4_TYPE) return this.#ip4(view, net, at + length, carries);
    this.isArp = true;
    this.protocol = 0;
    return type === ARP_TYPE && view.getInt32(net) === 0x0001_0800 && view.getUint16(net + 4) === 0x0604;
  }

  #ip4(view: DataView, net: number, end: number, carries: Uint8Array): boolean {
    const word = view.getInt32(net + 6);
    const total = view.getUint16(net + 2);
    if ((word & 0x3fff_0000) !== 0 || total > end - net || total < 28) return false;
    const protocol = word & 0xff;
    const l4 = net + 20;
    this.isArp = false;
    this.protocol = protocol;
    this.total = total;
    if (protocol === PROTO.tcp) {
      if (total < 40) return false;
      const header = (view.getUint8(l4 + 12) >> 4) * 4;
      return header >= 20 && header <= total - 20;
    }
    if (protocol === PROTO.udp) {
      const ports = view.getInt32(l4);
      if (carries[ports & 0xffff] !== 0 || carries[ports >>> 16] !== 0) return false;
      if (view.getUint16(l4 + 4) !== total - 20) return false;
      // What begins like a VXLAN header may be one on a port of its own (guess.ts), if a frame fits in.
      if (total < GUESSED) return true;
      const first = view.getInt32(l4 + 8);
      return first !== FIRST_WORD && (first & POLICY_MASK) !== POLICY;
    }
    return protocol === PROTO.icmp;
  }
}
