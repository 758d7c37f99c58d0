// The sum of an inner frame without reading its payload, for the outer UDP checksum.
//
// A transport checksum that is right makes the segment add up to the complement of its pseudo header, and a right IPv4
// header adds up to nothing; so the sum of the whole frame follows from its headers. Linux fills in outer checksums in
// the same way (include/linux/skbuff.h, lco_csum: local checksum offload). Only for frames whose checksums are known to
// be right (`Frame.summed`).

import { fold, pseudo4 } from '../../core/wire/checksum.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import * as udp from '../../core/wire/udp.ts';

/** What `innerSum` answers when the payload has to be read. */
export const UNKNOWN_SUM = -1;

/** The one's complement sum of the Ethernet frame [at, end), or UNKNOWN_SUM: not whole IPv4 with TCP, UDP or ICMP in it. */
export function innerSum(view: DataView, at: number, end: number): number {
  const ip = at + ethernet.HEADER_LEN;
  if (end - ip < ipv4.HEADER_LEN + udp.HEADER_LEN || ethernet.etherType(view, at) !== ETHERTYPE.ipv4)
    return UNKNOWN_SUM;
  if (view.getUint8(ip) !== 0x45 || ipv4.isFragment(view, ip) || ipv4.payloadEnd(view, ip, end) !== end) {
    return UNKNOWN_SUM;
  }
  const header =
    view.getUint32(at) + view.getUint32(at + 4) + view.getUint32(at + 8) + view.getUint16(at + 12);
  const proto = ipv4.protocol(view, ip);
  if (proto === PROTO.icmp) return header;
  const transport = ip + ipv4.HEADER_LEN;
  if (proto === PROTO.udp ? udp.checksum(view, transport) === 0 : proto !== PROTO.tcp) return UNKNOWN_SUM;
  const pseudo = pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), proto, end - transport);
  return header + (0xffff - fold(pseudo));
}
