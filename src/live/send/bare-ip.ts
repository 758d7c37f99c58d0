// The IP packet in a captured one, for interfaces without Ethernet (TUN, WireGuard, tunnels of IP in IP): link headers and VLAN tags
// are taken off, and what Ethernet padded.

import { LINKTYPE } from '../../core/pcap/linktype.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { ipAt } from '../../engine/fabric/ecn.ts';

/** Bytes in front of IP, by link type. */
const HEADS: ReadonlyMap<number, number> = new Map([
  [LINKTYPE.null, 4],
  [LINKTYPE.loop, 4],
  [LINKTYPE.raw, 0],
  [LINKTYPE.rawBsd, 0],
  [LINKTYPE.rawOpenbsd, 0],
  [LINKTYPE.ipv4, 0],
  [LINKTYPE.ipv6, 0],
  [LINKTYPE.linuxSll, 16],
  [LINKTYPE.linuxSll2, 20],
]);

/** True for link types besides Ethernet that `bareIp` can take apart. */
export function bareIpLinks(linkType: number): boolean {
  return HEADS.has(linkType);
}

/** Where the IP header is; -1 when there is none. */
export function bareIpAt(linkType: number, view: DataView, start: number, end: number): number {
  const at = linkType === LINKTYPE.ethernet ? ipAt(view, start, end) : start + (HEADS.get(linkType) ?? 0);
  if (at < 0 || end - at < ipv4.HEADER_LEN) return -1;
  const version = view.getUint8(at) >> 4;
  if (version === 4) return ipv4.totalLength(view, at) < ipv4.HEADER_LEN ? -1 : at;
  return version === 6 && end - at >= ipv6.HEADER_LEN ? at : -1;
}

/** Bytes of the packet by its own length field; a cut may have taken some away. */
export function bareIpLength(view: DataView, at: number): number {
  if (view.getUint8(at) >> 4 === 4) return ipv4.totalLength(view, at);
  return ipv6.HEADER_LEN + ipv6.payloadLength(view, at);
}
