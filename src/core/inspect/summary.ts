// One packet in one line: tshark's columns Source, Destination, Protocol, Length and Info, and the VNI.
//
// The columns speak of the innermost packet, as tshark's do; what an ICMP error quotes is not the packet that was sent.
// Every fragment of a datagram is called one, also the first, whose transport header is there. TCP's numbers are raw:
// relative ones, scaled windows and words such as "Retransmission" need the stream.

import { CHECKSUM, checksumVerdict } from '../dissect/checksums.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG, reportFault } from '../dissect/layer.ts';
import { formatIp4, formatIp6, formatMac, readIp6, readMac } from '../wire/address.ts';
import * as arp from '../wire/arp.ts';
import * as dns from '../wire/dns.ts';
import * as ethernet from '../wire/ethernet.ts';
import { faultKind, KIND } from '../wire/fault.ts';
import * as icmp from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import * as igmp from '../wire/igmp.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import * as tcp from '../wire/tcp.ts';
import * as options from '../wire/tcp-options.ts';
import * as udp from '../wire/udp.ts';
import * as vlan from '../wire/vlan.ts';
import * as vxlan from '../wire/vxlan.ts';
import { readHttp } from './http.ts';
import { arpInfo, icmpInfo, icmpv6Info, igmpInfo, stpInfo } from './info-control.ts';
import { dnsInfo } from './info-dns.ts';
import { ETHERTYPE_NAMES, IP_PROTOCOL_NAMES, IP_PROTOCOL_SHORT } from './names.ts';

export interface Summary {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  /** Bytes on the wire. */
  readonly length: number;
  readonly info: string;
  /** The innermost VXLAN's, or null. */
  readonly vni: number | null;
}

interface Words {
  readonly protocol: string;
  readonly info: string;
}

/** Says in one line what a packet is that the walk has been over. Never throws. */
export function summarize(view: DataView, d: Dissection): Summary {
  const fragment = fragmentRow(view, d);
  const words = fragment >= 0 ? fragmentWords(view, d, fragment) : innermostWords(view, d);
  const row = fragment >= 0 ? ipRow(d, fragment) : addressRow(d);
  return {
    source: address(view, d, row, true),
    destination: address(view, d, row, false),
    protocol: words.protocol,
    length: d.original,
    info: words.info + faultWords(d),
    vni: d.innerVxlan < 0 ? null : vxlan.vni(view, d.start(d.innerVxlan)),
  };
}

/**
 * The columns as one line of tshark's, without the VNI.
 * @param time seconds as text, for example `0.000032`
 */
export function summaryLine(number: number, time: string, s: Summary): string {
  const addresses = `${s.source.padStart(12)} → ${s.destination.padEnd(12)}`;
  return `${String(number).padStart(5)} ${time.padStart(10)} ${addresses} ${s.protocol} ${s.length} ${s.info}`;
}

/** The first row that makes the packet a fragment: an IPv4 header or IPv6's fragment header; -1 when there is none. */
function fragmentRow(view: DataView, d: Dissection): number {
  for (let row = 0; row < d.count; row++) {
    const at = d.start(row);
    if (d.quoted(row) || d.fault(row) !== 0 || d.head(row) - at < (READ_FRAGMENT[d.kind(row)] ?? 0)) continue;
    if (d.kind(row) === L.ipv4 && (view.getUint16(at + 6) & 0x3fff) !== 0) return row;
    if (d.kind(row) === L.fragment && (view.getUint16(at + 2) & 0xfff9) !== 0) return row;
  }
  return -1;
}

const READ_FRAGMENT: Readonly<Record<number, number>> = { [L.ipv4]: ipv4.HEADER_LEN, [L.fragment]: 8 };

function ipRow(d: Dissection, row: number): number {
  return d.kind(row) === L.ipv4 ? row : d.below(row, L.ipv6, L.ipv6);
}

function fragmentWords(view: DataView, d: Dissection, row: number): Words {
  const at = d.start(row);
  if (d.kind(row) === L.ipv4) {
    const protocol = view.getUint8(at + 9);
    const name = IP_PROTOCOL_SHORT[protocol] ?? 'Unknown';
    const offset = (view.getUint16(at + 6) & 0x1fff) * 8;
    const id = view
      .getUint16(at + 4)
      .toString(16)
      .padStart(4, '0');
    return {
      protocol: 'IPv4',
      info: `Fragmented IP protocol (proto=${name} ${protocol}, off=${offset}, ID=${id})`,
    };
  }
  const word = view.getUint16(at + 2);
  const id = view
    .getUint32(at + 4)
    .toString(16)
    .padStart(8, '0');
  const more = (word & 1) !== 0 ? 'y' : 'n';
  return {
    protocol: 'IPv6',
    info: `IPv6 fragment (off=${word & 0xfff8} more=${more} ident=0x${id} nxt=${view.getUint8(at)})`,
  };
}

/** The row whose addresses the columns show: the innermost IP, or the innermost Ethernet. */
function addressRow(d: Dissection): number {
  let link = -1;
  for (let row = 0; row < d.count; row++) {
    if (d.quoted(row)) break;
    if (d.kind(row) === L.ethernet || d.kind(row) === L.sll || d.kind(row) === L.sll2) link = row;
  }
  const network = d.network;
  if (network >= 0 && d.kind(network) !== L.arp && network > link) return network;
  return link >= 0 ? link : network;
}

function address(view: DataView, d: Dissection, row: number, source: boolean): string {
  if (row < 0) return '';
  const at = d.start(row);
  const length = d.head(row) - at;
  switch (d.kind(row)) {
    case L.ethernet:
      return length < 12 ? '' : formatMac(readMac(view, source ? at + 6 : at));
    case L.ipv4:
      return length < 20 ? '' : formatIp4(view.getUint32(source ? at + 12 : at + 16));
    case L.ipv6:
      return length < 40 ? '' : formatIp6(readIp6(view, source ? at + 8 : at + 24));
    case L.sll:
      return source && length >= 12 && view.getUint16(at + 4) === 6 ? formatMac(readMac(view, at + 6)) : '';
    case L.sll2:
      return source && length >= 18 && view.getUint8(at + 11) === 6 ? formatMac(readMac(view, at + 12)) : '';
    default:
      return '';
  }
}

/** What the packet is called: by its innermost row outside a quote that has a name of its own. */
function innermostWords(view: DataView, d: Dissection): Words {
  for (let row = d.count - 1; row >= 0; row--) {
    if (d.quoted(row)) continue;
    const words = rowWords(view, d, row);
    if (words !== null) return words;
  }
  return { protocol: 'Data', info: `${d.packetEnd - d.packetStart} bytes of a link type that is not read` };
}

function rowWords(view: DataView, d: Dissection, row: number): Words | null {
  const at = d.start(row);
  const head = d.head(row);
  const kind = d.kind(row);
  if (d.fault(row) !== 0 && kind !== L.tcp && kind !== L.udp) return nameOnly(d, row);
  if (head - at < (READ[kind] ?? 0)) return nameOnly(d, row);
  switch (kind) {
    case L.arp:
      if (head - at < arp.headerLength(view, at)) return nameOnly(d, row);
      return { protocol: isReverse(view, at) ? 'RARP' : 'ARP', info: arpInfo(view, at) };
    case L.icmp:
      return { protocol: 'ICMP', info: icmpInfo(view, at, hops(view, d, row)) };
    case L.icmpv6:
      return {
        protocol: 'ICMPv6',
        info: icmpv6Info(view, at, head, hops(view, d, row)),
      };
    case L.igmp:
      return { protocol: igmpProtocol(view, at, head), info: igmpInfo(view, at, head) };
    case L.stp:
      return { protocol: 'STP', info: stpInfo(view, at, head) };
    case L.udp:
      return { protocol: 'UDP', info: udpInfo(view, d, row) };
    case L.tcp:
      return tcpWords(view, d, row);
    case L.dns:
      return dnsWords(view, d, row);
    case L.esp: {
      const spi = view.getUint32(at).toString(16).padStart(8, '0');
      return { protocol: 'ESP', info: `ESP (SPI=0x${spi})` };
    }
    case L.ipv4:
      return { protocol: 'IPv4', info: protocolWords(view.getUint8(at + 9)) };
    case L.ipv6:
      return { protocol: 'IPv6', info: protocolWords(view.getUint8(at + 6)) };
    case L.ethernet:
    case L.vlan:
    case L.serviceVlan: {
      const type = view.getUint16(head - 2);
      return {
        protocol: ETHERTYPE_NAMES[type] ?? `0x${type.toString(16).padStart(4, '0')}`,
        info: 'Ethernet II',
      };
    }
    case L.payload:
    case L.raw:
      return null;
    default:
      return nameOnly(d, row);
  }
}

/**
 * Bytes of a header that its words are read from. A header in a fragment or a quote may be shorter without a fault: the rest of
 * it is elsewhere.
 */
const READ: Readonly<Record<number, number>> = {
  [L.ethernet]: ethernet.HEADER_LEN,
  [L.vlan]: vlan.HEADER_LEN,
  [L.serviceVlan]: vlan.HEADER_LEN,
  [L.arp]: 8,
  [L.ipv4]: ipv4.HEADER_LEN,
  [L.ipv6]: ipv6.HEADER_LEN,
  [L.icmp]: icmp.HEADER_LEN,
  [L.icmpv6]: icmpv6.HEADER_LEN,
  [L.igmp]: igmp.HEADER_LEN,
  [L.esp]: 4,
  [L.dns]: dns.HEADER_LEN,
};

const SHORT_NAMES: Readonly<Record<number, string>> = {
  [L.ethernet]: 'Ethernet',
  [L.vlan]: 'VLAN',
  [L.serviceVlan]: 'VLAN',
  [L.llc]: 'LLC',
  [L.arp]: 'ARP',
  [L.ipv4]: 'IPv4',
  [L.ipv6]: 'IPv6',
  [L.hopByHop]: 'IPv6',
  [L.routing]: 'IPv6',
  [L.fragment]: 'IPv6',
  [L.destination]: 'IPv6',
  [L.ah]: 'AH',
  [L.esp]: 'ESP',
  [L.icmp]: 'ICMP',
  [L.icmpv6]: 'ICMPv6',
  [L.igmp]: 'IGMP',
  [L.udp]: 'UDP',
  [L.tcp]: 'TCP',
  [L.vxlan]: 'VxLAN',
  [L.gpe]: 'VxLAN',
  [L.geneve]: 'Geneve',
  [L.gre]: 'GRE',
  [L.erspan]: 'ERSPAN',
  [L.mpls]: 'MPLS',
  [L.nsh]: 'NSH',
  [L.dns]: 'DNS',
  [L.sll]: 'SLL',
  [L.sll2]: 'SLL',
  [L.loopback]: 'NULL/Loopback',
};

function nameOnly(d: Dissection, row: number): Words {
  return { protocol: SHORT_NAMES[d.kind(row)] ?? 'Data', info: '' };
}

function isReverse(view: DataView, at: number): boolean {
  const operation = view.getUint16(at + 6);
  return operation === 3 || operation === 4;
}

function igmpProtocol(view: DataView, at: number, end: number): string {
  const version = igmp.version(view, at, end);
  return version === 0 ? 'IGMP' : `IGMPv${version}`;
}

/** The TTL or hop limit of the IP header below a row, or -1. */
function hops(view: DataView, d: Dissection, row: number): number {
  const ip = d.below(row, L.ipv4, L.ipv6);
  if (ip < 0) return -1;
  const at = d.start(ip);
  return view.getUint8(d.kind(ip) === L.ipv4 ? at + 8 : at + 7);
}

function protocolWords(protocol: number): string {
  return `${IP_PROTOCOL_NAMES[protocol] ?? 'Unknown'} (${protocol})`;
}

function udpInfo(view: DataView, d: Dissection, row: number): string {
  const at = d.start(row);
  if (d.end(row) - at < udp.HEADER_LEN) return '';
  const ports = `${udp.srcPort(view, at)} → ${udp.dstPort(view, at)}`;
  const claimed = udp.length(view, at);
  if (faultKind(d.fault(row)) === KIND.underrun) return `${ports} [BAD UDP LENGTH ${claimed} < 8]`;
  if (faultKind(d.fault(row)) === KIND.overrun) {
    return `${ports} [BAD UDP LENGTH ${claimed} > IP PAYLOAD LENGTH] Len=${claimed - udp.HEADER_LEN}`;
  }
  const bad = checksumVerdict(view, d, row) === CHECKSUM.bad ? ' [UDP CHECKSUM INCORRECT]' : '';
  return `${ports} Len=${d.limit(row) - d.head(row)}${bad}`;
}

function dnsWords(view: DataView, d: Dissection, row: number): Words {
  const udp = d.below(row, L.udp, L.udp);
  const at = udp < 0 ? -1 : d.start(udp);
  const isOn = (port: number): boolean =>
    at >= 0 && (view.getUint16(at) === port || view.getUint16(at + 2) === port);
  const multicast = isOn(5353) && !isOn(53);
  return {
    protocol: multicast ? 'MDNS' : isOn(5355) ? 'LLMNR' : 'DNS',
    info: dnsInfo(view, d.start(row), d.head(row), multicast),
  };
}

function tcpWords(view: DataView, d: Dissection, row: number): Words {
  const at = d.start(row);
  const left = d.head(row) - at;
  if (left < 4) return { protocol: 'TCP', info: '' };
  const ports = `${view.getUint16(at)} → ${view.getUint16(at + 2)}`;
  if (left < tcp.HEADER_LEN || tcp.dataOffset(view, at) > left) return { protocol: 'TCP', info: ports };
  const http = readHttp(view, d.head(row), d.end(row));
  if (http !== null) {
    const line =
      http.method === null
        ? `${http.version} ${http.code} ${http.phrase}`
        : `${http.method} ${http.uri} ${http.version}`;
    return { protocol: 'HTTP', info: line };
  }
  return { protocol: 'TCP', info: ports + tcpInfo(view, d, row) };
}

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];

function tcpInfo(view: DataView, d: Dissection, row: number): string {
  const at = d.start(row);
  const flags = tcp.flags(view, at);
  const names = FLAG_NAMES.filter((_, bit) => (flags & (1 << bit)) !== 0);
  let text = ` [${names.length === 0 ? '<None>' : names.join(', ')}] Seq=${tcp.seq(view, at)}`;
  if ((flags & tcp.FLAG.ACK) !== 0) text += ` Ack=${tcp.ack(view, at)}`;
  text += ` Win=${tcp.window(view, at)}`;
  if (checksumVerdict(view, d, row) === CHECKSUM.bad) text += ' [TCP CHECKSUM INCORRECT]';
  if ((flags & tcp.FLAG.URG) !== 0) text += ` Urg=${tcp.urgent(view, at)}`;
  text += ` Len=${d.limit(row) - d.head(row)}`;
  for (const o of options.readOptions(view, at).options) {
    if (o.kind === 'mss') text += ` MSS=${o.mss}`;
    else if (o.kind === 'sackPermitted') text += ' SACK_PERM';
    else if (o.kind === 'timestamps') text += ` TSval=${o.value} TSecr=${o.echo}`;
    else if (o.kind === 'windowScale') text += ` WS=${2 ** Math.min(o.shift, options.WINDOW_SCALE_MAX)}`;
    else if (o.kind === 'sack') for (const b of o.blocks) text += ` SLE=${b.left} SRE=${b.right}`;
  }
  return text;
}

function faultWords(d: Dissection): string {
  if (d.firstFault < 0) {
    const last = d.count - 1;
    const cutHeader =
      last >= 0 &&
      (d.kind(last) === L.tcp || d.kind(last) === L.arp) &&
      (d.flags(last) & LAYER_FLAG.cut) !== 0 &&
      d.head(last) === d.end(last);
    return cutHeader && d.limit(last) > d.end(last) ? '[Packet size limited during capture]' : '';
  }
  const report = reportFault(d, d.firstFault);
  if (report === null) return '';
  return report.bound === 'captured length' ? '[Packet size limited during capture]' : '[Malformed Packet]';
}
