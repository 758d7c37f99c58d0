// What is let through of messages about the network itself: ARP, ICMP, ICMPv6 with neighbour and listener discovery, IGMP, and
// the bridges' BPDUs. Addresses are mapped wherever one can stand; what else a message holds beyond its fixed part is dropped.
//
// What an ICMP error quotes has rows of its own and is masked like any packet.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import * as arp from '../../wire/arp.ts';
import { NO_FAULT } from '../../wire/fault.ts';
import * as icmp from '../../wire/icmp.ts';
import * as icmpv6 from '../../wire/icmpv6.ts';
import * as igmp from '../../wire/igmp.ts';
import * as mld from '../../wire/mld.ts';
import * as nd from '../../wire/nd.ts';
import type { Mask } from './mask.ts';

/** ICMP types with more than eight bytes that hold no address: timestamps and their answers (RFC 792), address masks (RFC 950). */
const ICMP_LENGTHS: ReadonlyMap<number, number> = new Map([
  [13, 20],
  [14, 20],
  [17, 12],
  [18, 12],
]);
const ICMP_REDIRECT = 5;
/** Neighbour discovery options: recursive DNS servers (RFC 8106 s.5.1). */
const ND_RDNSS = 25;
/** A configuration BPDU, its rapid form, and a topology change (IEEE 802.1D s.9.3). */
const BPDU = { config: 0, change: 0x80, rapid: 2, configLen: 35 } as const;

/** Lets through what is known of row `row`; false for a kind that is not read here. */
export function maskControl(m: Mask, d: Dissection, row: number): boolean {
  const at = d.start(row);
  const end = d.head(row);
  switch (d.kind(row)) {
    case L.arp:
      maskArp(m, at, end);
      return true;
    case L.icmp:
      maskIcmp(m, at, end);
      return true;
    case L.icmpv6:
      maskIcmpv6(m, at, end);
      return true;
    case L.igmp:
      maskIgmp(m, at, end);
      return true;
    case L.stp:
      maskBpdu(m, at, end);
      return true;
    default:
      return false;
  }
}

function maskArp(m: Mask, at: number, end: number): void {
  if (end - at < 8) return;
  m.bytes(at, 8);
  if (arp.check(m.from, at, end) !== NO_FAULT) return;
  m.mac(at + 8);
  m.ip4(at + 14);
  m.mac(at + 18);
  m.ip4(at + 24);
}

function maskIcmp(m: Mask, at: number, end: number): void {
  if (end - at < 8) return;
  const type = icmp.type(m.from, at);
  m.bytes(at, Math.min(end - at, ICMP_LENGTHS.get(type) ?? 8));
  if (type === ICMP_REDIRECT) m.ip4(at + 4);
}

function maskIcmpv6(m: Mask, at: number, end: number): void {
  if (end - at < 8) return;
  m.bytes(at, 8);
  const type = icmpv6.type(m.from, at);
  if (nd.headerLen(type) > 0) maskDiscovery(m, at, end, type);
  else if (type === mld.TYPE.reportV2) {
    maskRecords(m, at + mld.V2_REPORT_LEN, end, m.from.getUint16(at + 6), true);
  } else if (type >= mld.TYPE.query && type <= mld.TYPE.done && end - at >= mld.V1_LEN) {
    m.ip6(at + 8);
    if (type === mld.TYPE.query && end - at >= mld.V2_QUERY_LEN) {
      m.bytes(at + mld.V1_LEN, 4);
      maskList(m, at + mld.V2_QUERY_LEN, end, m.from.getUint16(at + mld.V1_LEN + 2), true);
    }
  }
}

function maskDiscovery(m: Mask, at: number, end: number, type: number): void {
  const fixed = nd.headerLen(type);
  if (end - at < fixed) return;
  if (type === nd.TYPE.routerAdvertisement) m.bytes(at + 8, 8);
  else if (fixed > 8) m.ip6(at + 8);
  if (type === nd.TYPE.redirect) m.ip6(at + 24);
  let o = at + fixed;
  while (o + 8 <= end) {
    const length = m.from.getUint8(o + 1) * 8;
    if (length === 0 || o + length > end) return;
    maskNdOption(m, o, length);
    o += length;
  }
}

function maskNdOption(m: Mask, o: number, length: number): void {
  const type = m.from.getUint8(o);
  m.bytes(o, 2);
  if ((type === nd.OPTION.sourceLink || type === nd.OPTION.targetLink) && length === nd.LINK_OPTION_LEN) {
    m.mac(o + 2);
  } else if (type === nd.OPTION.mtu) m.bytes(o, 8);
  else if (type === nd.OPTION.prefix && length === 32) maskPrefix(m, o);
  else if (type === ND_RDNSS) {
    m.bytes(o, 8);
    maskList(m, o + 8, o + length, 127, true);
  }
}

/** A prefix option: the mapped prefix, with zeros behind its length as a router sends it (RFC 4861 s.4.6.2). */
function maskPrefix(m: Mask, o: number): void {
  m.bytes(o, 16);
  m.ip6(o + 16);
  const bits = Math.min(128, m.from.getUint8(o + 2));
  for (let i = 0; i < 16; i++) {
    const kept = Math.max(0, Math.min(8, bits - 8 * i));
    m.byte(o + 16 + i, m.to.getUint8(o + 16 + i) & (0xff00 >> kept));
  }
}

function maskIgmp(m: Mask, at: number, end: number): void {
  if (end - at < igmp.HEADER_LEN) return;
  m.bytes(at, 8);
  const type = m.from.getUint8(at);
  if (type === igmp.TYPE.reportV3) {
    maskRecords(m, at + igmp.HEADER_LEN, end, m.from.getUint16(at + 6), false);
    return;
  }
  m.ip4(at + 4);
  if (type === igmp.TYPE.query && end - at >= igmp.V3_QUERY_LEN) {
    m.bytes(at + 8, 4);
    maskList(m, at + igmp.V3_QUERY_LEN, end, m.from.getUint16(at + 10), false);
  }
}

/** The records of a version 3 (IGMP) or version 2 (MLD) report: four bytes, group, sources, auxiliary words. */
function maskRecords(m: Mask, from: number, end: number, count: number, six: boolean): void {
  const size = six ? 16 : 4;
  let o = from;
  for (let i = 0; i < count && o + 4 + size <= end; i++) {
    const sources = m.from.getUint16(o + 2);
    m.bytes(o, 4);
    maskList(m, o + 4, end, 1 + sources, six);
    o += 4 + size * (1 + sources) + 4 * m.from.getUint8(o + 1);
  }
}

/** Up to `count` addresses, as many as there are. */
function maskList(m: Mask, from: number, end: number, count: number, six: boolean): void {
  const size = six ? 16 : 4;
  for (let i = 0, o = from; i < count && o + size <= end; i++, o += size) {
    if (six) m.ip6(o);
    else m.ip4(o);
  }
}

/** The two bridge identifiers end in MAC addresses, at bytes 7 and 19. */
function maskBpdu(m: Mask, at: number, end: number): void {
  if (end - at < 4) return;
  const type = m.from.getUint8(at + 3);
  if (m.from.getUint16(at) !== 0) return;
  m.bytes(at, 4);
  if ((type !== BPDU.config && type !== BPDU.rapid) || end - at < BPDU.configLen) return;
  m.bytes(at + 4, 3);
  m.mac(at + 7);
  m.bytes(at + 13, 6);
  m.mac(at + 19);
  m.bytes(at + 25, 10);
}
