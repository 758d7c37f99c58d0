// How long a packet was that a snapshot length cut, where whoever captured it does not say: what its IP header tells (RFC 791
// s.3.1, RFC 8200 s.3).

import { LINKTYPE } from '../../core/pcap/linktype.ts';
import { ETHERTYPE } from '../../core/wire/numbers.ts';

/** EtherType in an Ethernet header, and in a Linux cooked one; the network header stands behind it. */
const ETHERTYPE_AT: Readonly<Record<number, number>> = { [LINKTYPE.ethernet]: 12, [LINKTYPE.linuxSll]: 14 };
const TAG_LEN = 4;
const IPV6_HEADER_LEN = 40;

/** Bytes on the wire of a packet that was cut to `length`; `length` itself when no IP header tells of more. */
export function wireLength(view: DataView, length: number, linkType: number): number {
  let at = ETHERTYPE_AT[linkType];
  if (at === undefined) return length;
  let type = view.getUint16(at);
  while (type === ETHERTYPE.vlan || type === ETHERTYPE.qinq) {
    at += TAG_LEN;
    if (at + 2 > length) return length;
    type = view.getUint16(at);
  }
  const network = at + 2;
  if (network + IPV6_HEADER_LEN > length) return length;
  let told = 0;
  if (type === ETHERTYPE.ipv4) told = view.getUint16(network + 2);
  else if (type === ETHERTYPE.ipv6) told = IPV6_HEADER_LEN + view.getUint16(network + 4);
  return Math.max(length, network + told);
}
