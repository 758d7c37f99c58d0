// The Info column of ARP, ICMP, ICMPv6, IGMP and spanning tree, in Wireshark 4.0's words, as far as one packet alone can
// say it: "(reply in 7)" or "(duplicate use of ... detected!)" need the packets before and after.

import { formatIp4, formatIp6, formatMac, readMac } from '../wire/address.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as icmp from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import * as igmp from '../wire/igmp.ts';
import * as nd from '../wire/nd.ts';
import { ICMP_CODES, ICMP_TYPES, ICMPV6_CODES, ICMPV6_TYPES } from './names.ts';

/** ARP over Ethernet and IPv4; other address sizes are not spelled out. */
export function arpInfo(view: DataView, at: number): string {
  const operation = view.getUint16(at + 6);
  if (view.getUint8(at + 4) !== 6 || view.getUint8(at + 5) !== 4) return `ARP operation ${operation}`;
  const senderMac = formatMac(readMac(view, at + 8));
  const sender = view.getUint32(at + 14);
  const targetMac = readMac(view, at + 18);
  const target = view.getUint32(at + 24);
  switch (operation) {
    case 1:
      if (sender === target) {
        return targetMac === 0
          ? `ARP Announcement for ${formatIp4(target)}`
          : `Gratuitous ARP for ${formatIp4(target)} (Request)`;
      }
      if (sender === 0) return `Who has ${formatIp4(target)}? (ARP Probe)`;
      return `Who has ${formatIp4(target)}? Tell ${formatIp4(sender)}`;
    case 2:
      if (sender === target) return `Gratuitous ARP for ${formatIp4(sender)} (Reply)`;
      return `${formatIp4(sender)} is at ${senderMac}`;
    case 3:
      return `Who is ${formatMac(targetMac)}? Tell ${senderMac}`;
    case 4:
      return `${formatMac(targetMac)} is at ${formatIp4(target)}`;
    default:
      return `Unknown ARP opcode 0x${operation.toString(16).padStart(4, '0')}`;
  }
}

function hex4(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}

/** @param ttl the TTL of the IP header that carries the message, or -1 */
export function icmpInfo(view: DataView, at: number, ttl: number): string {
  const type = icmp.type(view, at);
  const name = ICMP_TYPES[type];
  if (name === undefined) return `Unknown ICMP (obsolete or malformed?)`;
  const codes = ICMP_CODES[type];
  const head = name.padEnd(20);
  if (codes !== undefined) {
    return `${head} (${codes[icmp.code(view, at)] ?? `Unknown code: ${icmp.code(view, at)}`})`;
  }
  if (!icmpHasId(type)) return head;
  const seq = icmp.seq(view, at);
  const swapped = ((seq & 0xff) << 8) | (seq >> 8);
  return `${head} id=${hex4(icmp.id(view, at))}, seq=${seq}/${swapped}, ttl=${ttl}`;
}

/** True for the messages that carry identifier and sequence number: echo, and 13 to 18, the pairs of RFC 792 and 950. */
export function icmpHasId(type: number): boolean {
  return type === icmp.TYPE.echo || type === icmp.TYPE.echoReply || (type >= 13 && type <= 18);
}

/** @param hops the hop limit of the IPv6 header that carries the message, or -1 */
export function icmpv6Info(view: DataView, at: number, end: number, hops: number): string {
  const type = icmpv6.type(view, at);
  const name = ICMPV6_TYPES[type] ?? `Unknown (${type})`;
  const codes = ICMPV6_CODES[type];
  if (codes !== undefined) {
    return `${name} (${codes[icmpv6.code(view, at)] ?? (type === icmpv6.TYPE.unreachable ? 'Unknown' : `Unknown (${icmpv6.code(view, at)})`)})`;
  }
  switch (type) {
    case icmpv6.TYPE.echo:
    case icmpv6.TYPE.echoReply:
      return `${name} id=${hex4(icmpv6.id(view, at))}, seq=${icmpv6.seq(view, at)}, hop limit=${hops}`;
    case icmpv6.TYPE.routerSolicitation:
    case icmpv6.TYPE.routerAdvertisement:
      return name + linkWords(view, at, end, ' from ');
    case icmpv6.TYPE.neighbourSolicitation:
      if (end - at < nd.SOLICITATION_LEN) return name;
      return `${name} for ${formatIp6(nd.target(view, at))}${linkWords(view, at, end, ' from ')}`;
    case icmpv6.TYPE.neighbourAdvertisement: {
      if (end - at < nd.ADVERTISEMENT_LEN) return name;
      const words = advertisementFlags(nd.flags(view, at));
      return `${name} ${formatIp6(nd.target(view, at))}${words}${linkWords(view, at, end, ' is at ')}`;
    }
    default:
      return name;
  }
}

function advertisementFlags(flags: number): string {
  const words: string[] = [];
  if ((flags & nd.FLAG.router) !== 0) words.push('rtr');
  if ((flags & nd.FLAG.solicited) !== 0) words.push('sol');
  if ((flags & nd.FLAG.override) !== 0) words.push('ovr');
  return ` (${words.length === 0 ? 'none' : words.join(', ')})`;
}

function linkWords(view: DataView, at: number, end: number, before: string): string {
  const source = nd.linkAddress(view, at, end, nd.OPTION.sourceLink);
  if (source >= 0) return ` from ${formatMac(source)}`;
  const target = nd.linkAddress(view, at, end, nd.OPTION.targetLink);
  return target >= 0 ? before + formatMac(target) : '';
}

export function igmpInfo(view: DataView, at: number, end: number): string {
  if (igmp.check(view, at, end) !== NO_FAULT) return 'IGMP';
  const group = formatIp4(igmp.group(view, at));
  switch (igmp.type(view, at)) {
    case igmp.TYPE.query:
      return `Membership Query${queryWords(view, at, end)}`;
    case igmp.TYPE.reportV1:
      return 'Membership Report';
    case igmp.TYPE.reportV2:
      return `Membership Report group ${group}`;
    case igmp.TYPE.leave:
      return `Leave Group ${group}`;
    case igmp.TYPE.reportV3:
      return `Membership Report${groupRecords(view, at, end)}`;
    default:
      return `Unknown Type:0x${igmp.type(view, at).toString(16).padStart(2, '0')}`;
  }
}

function groupRecords(view: DataView, at: number, end: number): string {
  const records = igmp.read(view, at, end).records ?? [];
  return records
    .map((r) => ` / ${recordWords(r.type, formatIp4(r.group), r.sources.map(formatIp4))}`)
    .join('');
}

function recordWords(type: number, group: string, sources: readonly string[]): string {
  const one = sources.length === 1;
  const list = `{${sources.join(', ')}}`;
  switch (type) {
    case igmp.RECORD.isInclude:
    case igmp.RECORD.toInclude:
      if (sources.length === 0) return `Leave group ${group}`;
      return `Join group ${group} for ${one ? 'source' : 'sources in'} ${list}`;
    case igmp.RECORD.isExclude:
    case igmp.RECORD.toExclude:
      if (sources.length === 0) return `Join group ${group} for any sources`;
      return `Join group ${group}, for ${one ? 'source not' : 'sources not in'} ${list}`;
    case igmp.RECORD.allow:
      if (sources.length === 0) return `Group ${group}, ALLOW_NEW_SOURCES but no source specified (?)`;
      return `Group ${group}, new ${one ? 'source' : 'sources'} ${list}`;
    case igmp.RECORD.block:
      if (sources.length === 0) return `Group ${group}, BLOCK_OLD_SOURCES but no source specified (?)`;
      return `Group ${group}, block ${one ? 'source' : 'sources'} ${list}`;
    default:
      return `Group ${group}, unknown record type (?)${sources.length === 0 ? '' : `, sources ${list}`}`;
  }
}

function queryWords(view: DataView, at: number, end: number): string {
  const query = igmp.read(view, at, end);
  if (query.version === 1) return '';
  if (query.group === undefined || query.group === 0) return ', general';
  const sources = query.sources ?? [];
  const list =
    sources.length === 0
      ? ''
      : `, source${sources.length === 1 ? '' : 's'} {${sources.map(formatIp4).join(', ')}}`;
  return `, specific for group ${formatIp4(query.group)}${list}`;
}

/** Spanning tree, configuration and rapid (IEEE 802.1D s.9.3). */
export function stpInfo(view: DataView, at: number, end: number): string {
  if (end - at < 4) return 'STP';
  const type = view.getUint8(at + 3);
  if (type === 0x80) return 'Topology Change Notification';
  if (end - at < 27) return 'STP';
  const flags = view.getUint8(at + 4);
  const kind = type === 2 ? 'RST.' : 'Conf.';
  const change = (flags & 1) !== 0 ? ' TC +' : '';
  const root = view.getUint16(at + 5);
  const cost = view.getUint32(at + 13);
  const mac = formatMac(readMac(view, at + 7));
  return `${kind}${change} Root = ${root & 0xf000}/${root & 0xfff}/${mac}  Cost = ${cost}  Port = ${hex4(view.getUint16(at + 25))}`;
}
