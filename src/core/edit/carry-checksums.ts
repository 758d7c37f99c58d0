// Checksums of a packet whose bytes were changed in place: what was right is right again, what was wrong stays wrong by as much,
// what was left for a network card to finish is left so, and a UDP checksum of 0 stays 0.
//
// Where all covered bytes are there, the field moves by what they moved (RFC 1624). Where some are missing, behind a snap length,
// in later fragments or because a quote ended, and they are zeros by now, it is worked out anew over what is there: zeros add
// nothing. Then a datagram that somebody puts together from such fragments has the right checksum too.

import { isOffloaded } from '../dissect/checksums.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { finish, fold, pseudo4, pseudo6, sum } from '../wire/checksum.ts';
import * as gre from '../wire/gre.ts';
import { moreFragments } from '../wire/ipv4.ts';
import { PROTO } from '../wire/numbers.ts';

/** What the IP header around a transport says about it. */
interface Around {
  /** The IP row, or -1. */
  readonly ip: number;
  /** Bytes of transport header and payload in the whole datagram; -1 where the first of several fragments does not tell. */
  readonly length: number;
}

/**
 * Sets all checksums of `to`, whose rows stand where those of `from` do. Header bytes are in place, with their old checksums.
 * @param zeroed true when every byte that is not there is 0 in the packet that `to` is part of; else fields only move
 */
export function carryChecksums(from: DataView, to: DataView, d: Dissection, zeroed: boolean): void {
  // From the inside out: a tunnel's checksum covers those inside.
  for (let row = d.count - 1; row >= 0; row--) {
    const at = d.start(row);
    const have = d.head(row) - at;
    switch (d.kind(row)) {
      case L.ipv4:
        if (have >= 20) carryHeader(from, to, at, have);
        break;
      case L.udp:
        if (have >= 8 && from.getUint16(at + 6) !== 0) carry(from, to, d, row, at + 6, PROTO.udp, zeroed);
        break;
      case L.tcp:
        if (have >= 20) carry(from, to, d, row, at + 16, PROTO.tcp, zeroed);
        break;
      case L.icmpv6:
        if (have >= 8) carry(from, to, d, row, at + 2, PROTO.icmpv6, zeroed);
        break;
      case L.icmp:
      case L.igmp:
        if (have >= 8) carry(from, to, d, row, at + 2, 0, zeroed);
        break;
      case L.gre:
        if (have >= 8 && (from.getUint16(at) & gre.FLAG.checksum) !== 0) {
          carry(from, to, d, row, at + 4, 0, zeroed);
        }
        break;
      default:
    }
  }
}

/** IPv4's own checksum. A 0 that is wrong is one that nobody filled in. */
function carryHeader(from: DataView, to: DataView, at: number, have: number): void {
  const head = at + (from.getUint8(at) & 0xf) * 4;
  if (head > at + have) return;
  const field = from.getUint16(at + 10);
  const before = sum(from, at, head);
  if (field === 0 && fold(before) !== 0xffff) return;
  to.setUint16(
    at + 10,
    fold(before) === 0xffff ? anew(to, at, head, at + 10, 0) : moved(field, before, sum(to, at, head)),
  );
}

/** @param protocol that the pseudo header holds, or 0 where there is none */
function carry(
  from: DataView,
  to: DataView,
  d: Dissection,
  row: number,
  fieldAt: number,
  protocol: number,
  zeroed: boolean,
): void {
  const at = d.start(row);
  const end = d.end(row);
  const around = aroundOf(from, d, row, protocol);
  if (protocol !== 0 && around.ip < 0) return;
  const field = from.getUint16(fieldAt);
  const length = around.length < 0 ? end - at : around.length;
  const before = protocol === 0 ? 0 : pseudo(from, d, around.ip, row, protocol, length);
  const after = protocol === 0 ? 0 : pseudo(to, d, around.ip, row, protocol, length);
  if (protocol === PROTO.udp || protocol === PROTO.tcp) {
    if (field === fold(before)) {
      to.setUint16(fieldAt, fold(after));
      return;
    }
    if (carryLocal(from, to, d, row, fieldAt, before, after)) return;
  }
  const sumBefore = sum(from, at, end, before);
  const missing = zeroed && length > end - at;
  const right = length === end - at && fold(sumBefore) === 0xffff;
  const value =
    missing || right ? anew(to, at, end, fieldAt, after) : moved(field, sumBefore, sum(to, at, end, after));
  to.setUint16(fieldAt, value === 0 && protocol === PROTO.udp ? 0xffff : value);
}

/** The right value of a field over [at, end) that it stands in. */
function anew(to: DataView, at: number, end: number, fieldAt: number, pseudoSum: number): number {
  to.setUint16(fieldAt, 0);
  return finish(sum(to, at, end, pseudoSum));
}

/** A tunnel's UDP checksum that is right once the one inside is finished (Linux: local checksum offload); false for others. */
function carryLocal(
  from: DataView,
  to: DataView,
  d: Dissection,
  row: number,
  fieldAt: number,
  before: number,
  after: number,
): boolean {
  if (d.kind(row) !== L.udp || !isOffloaded(from, d, row)) return false;
  const inner = innerTransport(d, row);
  if (inner < 0) return false;
  const at = d.start(row);
  const innerAt = d.start(inner);
  const innerField = innerAt + (d.kind(inner) === L.udp ? 6 : 16);
  const old = sum(from, at, innerAt, before) + (~from.getUint16(innerField) & 0xffff);
  const now = sum(to, at, innerAt, after) + (~to.getUint16(innerField) & 0xffff);
  const value = moved(from.getUint16(fieldAt), old, now);
  to.setUint16(fieldAt, value === 0 ? 0xffff : value);
  return true;
}

function innerTransport(d: Dissection, row: number): number {
  for (let i = row + 1; i < d.count && !d.quoted(i); i++) {
    if (d.kind(i) === L.udp || d.kind(i) === L.tcp) return i;
  }
  return -1;
}

/** A field after the sum over what it covers, itself as it stood included, went from `before` to `now` (RFC 1624 s.3). */
function moved(field: number, before: number, now: number): number {
  // One's complement has two zeros: a wrong 0xffff over bytes that did not change would come out as 0.
  if (fold(before) === fold(now)) return field;
  return ~fold((~field & 0xffff) + fold(now) + (~fold(before) & 0xffff)) & 0xffff;
}

function aroundOf(view: DataView, d: Dissection, row: number, protocol: number): Around {
  const at = d.start(row);
  const left = d.limit(row) - at;
  const ip = d.below(row, L.ipv4, L.ipv6);
  if (protocol === PROTO.udp) {
    const stated = view.getUint16(at + 4);
    return { ip, length: stated >= 8 ? stated : left };
  }
  if (ip < 0) return { ip, length: left };
  const ipAt = d.start(ip);
  if (d.kind(ip) === L.ipv4) {
    if (moreFragments(view, ipAt)) return { ip, length: protocol === 0 ? left + 1 : -1 };
    const total = view.getUint16(ipAt + 2);
    return { ip, length: total === 0 ? left : Math.max(0, ipAt + total - at) };
  }
  for (let i = ip + 1; i < row; i++) {
    if (d.kind(i) === L.fragment && (view.getUint16(d.start(i) + 2) & 1) !== 0) {
      return { ip, length: protocol === 0 ? left + 1 : -1 };
    }
  }
  const payload = view.getUint16(ipAt + 4);
  return { ip, length: payload === 0 ? left : Math.max(0, ipAt + 40 + payload - at) };
}

function pseudo(
  view: DataView,
  d: Dissection,
  ip: number,
  row: number,
  protocol: number,
  length: number,
): number {
  const at = d.start(ip);
  if (d.kind(ip) === L.ipv4)
    return pseudo4(view.getUint32(at + 12), view.getUint32(at + 16), protocol, length);
  const final = finalAddress(view, d, ip, row);
  if (final < 0) return pseudo6(view, at, protocol, length);
  return sum(view, at + 8, at + 24, sum(view, final, final + 16, protocol + length));
}

/** Where the destination stands while a routing header is on its way there (RFC 8200 s.8.1), or -1. */
function finalAddress(view: DataView, d: Dissection, ip: number, row: number): number {
  for (let i = ip + 1; i < row; i++) {
    const start = d.start(i);
    if (d.kind(i) !== L.routing || d.head(i) - start < 24 || view.getUint8(start + 3) === 0) continue;
    // Segment routing lists the final address first (RFC 8754 s.2), the older types last.
    return view.getUint8(start + 2) === 4 ? start + 8 : d.head(i) - 16;
  }
  return -1;
}
