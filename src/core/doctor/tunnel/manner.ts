// What an inner packet means to a conversation: a question that wants an answer, the sign of having been heard, or a
// claim that an address is one's own. Read from a few bytes of the inner packet.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import * as arp from '../../wire/arp.ts';
import * as icmp from '../../wire/icmp.ts';
import * as icmpv6 from '../../wire/icmpv6.ts';
import { TYPE as ND } from '../../wire/nd.ts';
import * as tcp from '../../wire/tcp.ts';

export const MANNER = { none: 0, ask: 1, answer: 2, claim: 4 } as const;

const DNS_PORT = 53;

/** Bits of MANNER for the inner packet of a crossing. */
export function mannerOf(crossing: Crossing, d: Dissection): number {
  const { view, network, transport } = crossing;
  if (network < 0) return MANNER.none;
  if (d.kind(network) === L.arp) return arpManner(view, d, network);
  if (transport < 0) return MANNER.none;
  const at = d.start(transport);
  const bytes = d.end(transport) - at;
  switch (d.kind(transport)) {
    case L.tcp:
      if (bytes < 14) return MANNER.none;
      if ((view.getUint8(at + 13) & tcp.FLAG.ACK) !== 0) return MANNER.answer;
      return (view.getUint8(at + 13) & tcp.FLAG.SYN) === 0 ? MANNER.none : MANNER.ask;
    case L.icmp:
      return bytes < 8 ? MANNER.none : icmpManner(icmp.type(view, at));
    case L.icmpv6:
      return bytes < 8 ? MANNER.none : icmpv6Manner(view, d, transport, network);
    case L.udp:
      if (bytes < 8) return MANNER.none;
      if (view.getUint16(at + 2) === DNS_PORT) return MANNER.ask;
      return view.getUint16(at) === DNS_PORT ? MANNER.answer : MANNER.none;
    default:
      return MANNER.none;
  }
}

/** L.ipv4 or L.ipv6 for a row that has both addresses; else L.none: the row is another, or was cut before them. */
export function addressedKind(d: Dissection, row: number): number {
  if (row < 0) return L.none;
  const kind = d.kind(row);
  const needed = kind === L.ipv4 ? 20 : kind === L.ipv6 ? 40 : Infinity;
  return d.end(row) - d.start(row) >= needed ? kind : L.none;
}

/** True for ARP about Ethernet and IPv4, whole. */
export function isArp(view: DataView, d: Dissection, row: number): boolean {
  const at = d.start(row);
  return (
    d.fault(row) === 0 && d.end(row) - at >= arp.HEADER_LEN && arp.check(view, at, at + arp.HEADER_LEN) === 0
  );
}

function arpManner(view: DataView, d: Dissection, row: number): number {
  if (!isArp(view, d, row)) return MANNER.none;
  const at = d.start(row);
  const op = arp.op(view, at);
  // A probe has no sender address yet (RFC 5227 s.2.1.1).
  const claim = arp.senderIp(view, at) === 0 ? MANNER.none : MANNER.claim;
  if (op === arp.OP.request)
    return arp.senderIp(view, at) === arp.targetIp(view, at) ? claim : MANNER.ask | claim;
  return op === arp.OP.reply ? MANNER.answer | claim : MANNER.none;
}

function icmpManner(type: number): number {
  if (type === icmp.TYPE.echo) return MANNER.ask;
  return type === icmp.TYPE.echoReply ? MANNER.answer : MANNER.none;
}

function icmpv6Manner(view: DataView, d: Dissection, row: number, network: number): number {
  const type = icmpv6.type(view, d.start(row));
  if (type === icmpv6.TYPE.echo) return MANNER.ask;
  if (type === icmpv6.TYPE.echoReply) return MANNER.answer;
  const claim = d.end(row) - d.start(row) >= 32 && d.kind(network) === L.ipv6 ? MANNER.claim : MANNER.none;
  if (type === ND.neighbourSolicitation) return MANNER.ask | claim;
  return type === ND.neighbourAdvertisement ? MANNER.answer | claim : MANNER.none;
}
