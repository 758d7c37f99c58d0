// What a UDP payload looks like where no port says what it is: a whole DNS query, or a VXLAN header with a plausible frame
// behind it. Each asks for so much that bytes of anything else hardly ever agree; a packet that is one of them and does
// not look it stays unread.

import * as arp from '../wire/arp.ts';
import * as dns from '../wire/dns.ts';
import * as ethernet from '../wire/ethernet.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { ETHERTYPE } from '../wire/numbers.ts';
import * as vlan from '../wire/vlan.ts';
import * as vxlan from '../wire/vxlan.ts';

/** More tags than anybody stacks. */
const TAGS_MAX = 2;
/** Bytes that Ethernet carries at least, padding included (IEEE 802.3). */
const PAYLOAD_MIN = 46;
const LENGTH_MAX = 0xffff;

/**
 * True for bytes that are one whole DNS query with one question and at most EDNS behind it. Docker's resolver listens on a
 * port of its own behind a DNAT rule, and a capture inside the container shows that port.
 */
export function looksLikeQuery(view: DataView, at: number, end: number): boolean {
  if (end - at < 17 || end - at > dns.UDP_MAX) return false;
  // No response, opcode 0, no reserved bit, no error; one question; no answer or authority.
  if ((dns.flags(view, at) & 0xf8cf) !== 0 || view.getUint32(at + 4) !== 0x10000) return false;
  if (view.getUint32(at + 8) > 1) return false;
  let o = at + dns.HEADER_LEN;
  let length = view.getUint8(o);
  while (length !== 0) {
    o += 1 + length;
    if (length > 63 || o >= end) return false;
    length = view.getUint8(o);
  }
  if (o + 5 > end) return false;
  // Type 32 is a NetBIOS name, which only looks like DNS (RFC 1002 s.4.2.1.3).
  if (view.getUint16(o + 1) === 32) return false;
  return view.getUint16(o + 3) === 1 && (dns.additionalCount(view, at) === 0 ? o + 5 === end : o + 16 <= end);
}

/**
 * True for a VXLAN header with I and no reserved bit set, or with group policy, around an Ethernet frame that carries IPv4
 * with a right checksum, IPv6 of the right length or a whole ARP packet, behind two VLAN tags at most.
 * @param limit where the payload ends on the wire: past `end` in a capture that was cut
 */
export function looksLikeVxlan(view: DataView, at: number, end: number, limit: number): boolean {
  if (end - at < vxlan.HEADER_LEN + ethernet.HEADER_LEN + ipv4.HEADER_LEN) return false;
  const word = view.getInt32(at);
  if (word !== vxlan.FIRST_WORD && !isPolicy(word)) return false;
  if (vxlan.reserved2(view, at) !== 0) return false;
  const frame = at + vxlan.HEADER_LEN;
  // Nobody sends from a group address (IEEE 802 s.8.2).
  if ((view.getUint8(frame + 6) & 1) !== 0) return false;
  let type = ethernet.etherType(view, frame);
  let o = frame + ethernet.HEADER_LEN;
  for (let tags = 0; vlan.isTag(type) && tags < TAGS_MAX && o + vlan.HEADER_LEN <= end; tags++) {
    type = vlan.etherType(view, o);
    o += vlan.HEADER_LEN;
  }
  switch (type) {
    case ETHERTYPE.ipv4:
      return isPlainIp4(view, o, end, limit);
    case ETHERTYPE.ipv6:
      return isPlainIp6(view, o, end, limit);
    case ETHERTYPE.arp:
      return arp.check(view, o, end) === NO_FAULT;
    default:
      return false;
  }
}

/** G and I, besides them at most D and A, and any group. */
function isPolicy(word: number): boolean {
  const others = ~((vxlan.FLAG_D | vxlan.FLAG_A) << 16) & 0xffff0000;
  return (word & others) === (vxlan.FLAG_G | vxlan.FLAG_I) << 24;
}

function isPlainIp4(view: DataView, at: number, end: number, limit: number): boolean {
  if (end - at < ipv4.HEADER_LEN || ipv4.version(view, at) !== 4) return false;
  const header = ipv4.headerLength(view, at);
  if (header < ipv4.HEADER_LEN || at + header > end) return false;
  const total = ipv4.totalLength(view, at);
  if (total === 0 ? limit - at <= LENGTH_MAX : total < header || at + total > limit) return false;
  return ipv4.checksumOk(view, at);
}

function isPlainIp6(view: DataView, at: number, end: number, limit: number): boolean {
  if (end - at < ipv6.HEADER_LEN || ipv6.version(view, at) !== 6) return false;
  const payload = ipv6.payloadLength(view, at);
  const carried = limit - at - ipv6.HEADER_LEN;
  if (payload === 0 && carried > LENGTH_MAX) return true;
  return payload === carried || (payload < carried && limit - at <= PAYLOAD_MIN);
}
