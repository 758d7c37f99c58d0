// What is let through of each header: links, IP with its extensions, tunnels and transports. Options that are not known to be
// harmless become padding of the same length, so that the header keeps its form.
//
// A row may be shorter than its header where the capture or a quote was cut, or hold more than it where the header is wrong:
// each function asks for what it needs.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import { faultKind, KIND, NO_FAULT } from '../../wire/fault.ts';
import * as sll from '../../wire/sll.ts';
import type { Mask } from './mask.ts';

/** IPv4 options (RFC 791 s.3.1) and the one that says nothing about anybody: router alert (RFC 2113). */
const IP4 = { end: 0, nop: 1, routerAlert: 148 } as const;
/** IPv6 options: Pad1, PadN (RFC 8200 s.4.2), router alert (RFC 2711), jumbo payload (RFC 2675). */
const IP6 = { pad1: 0, padN: 1, routerAlert: 5, jumbo: 0xc2 } as const;
/** TCP options that hold no address and no secret: MSS, window scale, SACK permitted, SACK, timestamps. */
const TCP_HARMLESS: ReadonlySet<number> = new Set([2, 3, 4, 5, 8]);
const ROUTING_SEGMENTS = 4;

/** Lets through what is known of row `row`; false for a kind that is not read here. */
export function maskHeader(m: Mask, d: Dissection, row: number, mapVni: boolean): boolean {
  const at = d.start(row);
  const have = d.head(row) - at;
  switch (d.kind(row)) {
    case L.ethernet:
      if (have >= 14) maskEthernet(m, at);
      return true;
    case L.vlan:
    case L.serviceVlan:
    case L.loopback:
    case L.mpls:
      if (have >= 4) m.bytes(at, 4);
      return true;
    case L.llc:
      if (have >= 3) m.bytes(at, Math.min(have, 8));
      return true;
    case L.sll:
      if (have >= sll.HEADER_LEN) maskSll(m, at);
      return true;
    case L.sll2:
      if (have >= sll.HEADER_LEN_2) maskSll2(m, at);
      return true;
    case L.ipv4:
      if (have >= 20 && isReadable(d, row)) maskIp4(m, at, have);
      return true;
    case L.ipv6:
      if (have >= 40 && isReadable(d, row)) maskIp6(m, at);
      return true;
    case L.hopByHop:
    case L.destination:
      if (have >= 8) maskOptions6(m, at, at + have);
      return true;
    case L.routing:
      if (have >= 8) maskRouting(m, at, at + have);
      return true;
    case L.fragment:
    case L.esp:
    case L.udp:
      if (have >= 8) m.bytes(at, 8);
      return true;
    case L.ah:
      // The rest is the integrity check value (RFC 4302 s.2).
      if (have >= 12) m.bytes(at, 12);
      return true;
    case L.tcp:
      maskTcp(m, at, have);
      return true;
    case L.vxlan:
    case L.gpe:
      if (have >= 8) maskVxlan(m, at, mapVni);
      return true;
    case L.geneve:
      if (have >= 8) maskGeneve(m, at, at + have, mapVni);
      return true;
    case L.gre:
      if (d.fault(row) === NO_FAULT && have <= 20) m.bytes(at, have);
      return true;
    case L.erspan:
      if (have >= 8) m.bytes(at, have >= 12 ? 12 : 8);
      return true;
    case L.nsh:
      // The context behind it is free-form (RFC 8300 s.2.4).
      if (have >= 8) m.bytes(at, 8);
      return true;
    default:
      return false;
  }
}

/** True for an IP header whose fields stand where they should, even if it claims more payload than there is. */
function isReadable(d: Dissection, row: number): boolean {
  const f = d.fault(row);
  return f === NO_FAULT || faultKind(f) === KIND.overrun;
}

function maskEthernet(m: Mask, at: number): void {
  m.mac(at);
  m.mac(at + 6);
  m.bytes(at + 12, 2);
}

function maskSll(m: Mask, at: number): void {
  m.bytes(at, 6);
  if (sll.addressLength(m.from, at) === 6) m.mac(at + 6);
  m.bytes(at + 14, 2);
}

function maskSll2(m: Mask, at: number): void {
  m.bytes(at, 12);
  if (sll.addressLength2(m.from, at) === 6) m.mac(at + 12);
}

function maskIp4(m: Mask, at: number, have: number): void {
  m.bytes(at, 12);
  m.ip4(at + 12);
  m.ip4(at + 16);
  const end = at + Math.min(have, (m.from.getUint8(at) & 0xf) * 4);
  let o = at + 20;
  while (o < end) {
    const type = m.from.getUint8(o);
    if (type === IP4.end) return;
    const length = type === IP4.nop ? 1 : o + 1 < end ? m.from.getUint8(o + 1) : 0;
    if (length === 0 || o + length > end) return;
    if (type === IP4.routerAlert && length === 4) m.bytes(o, 4);
    else for (let i = o; i < o + length; i++) m.byte(i, IP4.nop);
    o += length;
  }
}

function maskIp6(m: Mask, at: number): void {
  m.bytes(at, 8);
  m.ip6(at + 8);
  m.ip6(at + 24);
}

/** Hop-by-hop and destination options: next header, length, then options (RFC 8200 s.4.2). */
function maskOptions6(m: Mask, at: number, end: number): void {
  m.bytes(at, 2);
  let o = at + 2;
  while (o < end) {
    const type = m.from.getUint8(o);
    if (type === IP6.pad1) {
      o++;
      continue;
    }
    const length = o + 1 < end ? m.from.getUint8(o + 1) : 0xffff;
    if (o + 2 + length > end) return;
    if (type === IP6.routerAlert || type === IP6.jumbo) m.bytes(o, 2 + Math.min(length, 4));
    else {
      m.byte(o, IP6.padN);
      m.byte(o + 1, length);
    }
    o += 2 + length;
  }
}

/** A routing header: its addresses where the type is one that lists them whole (RFC 8200 s.4.4, RFC 6275, RFC 8754). */
function maskRouting(m: Mask, at: number, end: number): void {
  m.bytes(at, 4);
  const type = m.from.getUint8(at + 2);
  if (type !== 0 && type !== 2 && type !== ROUTING_SEGMENTS) return;
  if (type === ROUTING_SEGMENTS) m.bytes(at + 4, 4);
  const most = type === ROUTING_SEGMENTS ? m.from.getUint8(at + 4) + 1 : 127;
  for (let i = 0, o = at + 8; i < most && o + 16 <= end; i++, o += 16) m.ip6(o);
}

function maskTcp(m: Mask, at: number, have: number): void {
  // A quote ends behind ports and sequence number (RFC 792).
  if (have < 20) {
    if (have >= 4) m.bytes(at, Math.min(have, 8));
    return;
  }
  m.bytes(at, 20);
  const end = at + Math.min(have, (m.from.getUint8(at + 12) >> 4) * 4);
  let o = at + 20;
  while (o < end) {
    const kind = m.from.getUint8(o);
    if (kind === 0) return;
    const length = kind === 1 ? 1 : o + 1 < end ? m.from.getUint8(o + 1) : 0;
    if (length === 0 || o + length > end) return;
    if (TCP_HARMLESS.has(kind)) m.bytes(o, length);
    else for (let i = o; i < o + length; i++) m.byte(i, 1);
    o += length;
  }
}

function maskVxlan(m: Mask, at: number, mapVni: boolean): void {
  m.bytes(at, 8);
  if (mapVni) m.vni(at + 4);
}

/** Options keep class, type and length and lose what they say (RFC 8926 s.3.5). */
function maskGeneve(m: Mask, at: number, end: number, mapVni: boolean): void {
  m.bytes(at, 8);
  if (mapVni) m.vni(at + 4);
  let o = at + 8;
  while (o + 4 <= end) {
    m.bytes(o, 4);
    o += 4 + (m.from.getUint8(o + 3) & 0x1f) * 4;
  }
}
