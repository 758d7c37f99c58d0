// Is a checksum right? The verdict on one row, by what the bytes and the rows below say.
//
// A checksum over bytes that were cut away, or that are spread over fragments, cannot be verified. One that is wrong may
// still be no fault of the network: a capture on the sending machine sees packets before the network card has filled it
// in, and what the field then holds is the pseudo header's sum (Linux: CHECKSUM_PARTIAL).

import { fold, pseudo4, pseudo6, sum, verifies } from '../wire/checksum.ts';
import { NO_FAULT } from '../wire/fault.ts';
import { PROTO } from '../wire/numbers.ts';
import type { Dissection } from './layer.ts';
import { L, LAYER_FLAG } from './layer.ts';

/** Wireshark's numbers for `*.checksum.status`. */
export const CHECKSUM = { bad: 0, good: 1, unverified: 2, absent: 3 } as const;
/** A number of CHECKSUM, or -1 for a layer that has no checksum or whose checksum is not there. */
export type Verdict = number;

/** The verdict on the checksum of row `row`. Never throws. */
export function checksumVerdict(view: DataView, d: Dissection, row: number): Verdict {
  const start = d.start(row);
  const end = d.end(row);
  switch (d.kind(row)) {
    case L.ipv4:
      return end - start < 20 ? -1 : ip4Verdict(view, d, row);
    case L.icmp:
    case L.igmp:
      if (end - start < 4) return -1;
      // As Wireshark has it: what an error quotes may have been changed on its way there.
      if (d.quoted(row) || !whole(d, row)) return CHECKSUM.unverified;
      return verifies(view, start, end) ? CHECKSUM.good : CHECKSUM.bad;
    case L.udp:
      return end - start < 8 ? -1 : udpVerdict(view, d, row);
    case L.tcp:
      return end - start < 20 ? -1 : transportVerdict(view, d, row, PROTO.tcp);
    case L.icmpv6:
      if (end - start < 4) return -1;
      return d.quoted(row) ? CHECKSUM.unverified : transportVerdict(view, d, row, PROTO.icmpv6);
    default:
      return -1;
  }
}

/**
 * True when a bad UDP or TCP checksum was left for a network card to finish: it is the pseudo header's sum, or, of a tunnel's
 * UDP, it will be right once the checksum inside is finished (Linux: local checksum offload).
 */
export function isOffloaded(view: DataView, d: Dissection, row: number): boolean {
  const pseudo = pseudoSum(view, d, row, d.kind(row) === L.udp ? PROTO.udp : PROTO.tcp);
  if (pseudo < 0) return false;
  if (view.getUint16(fieldAt(d, row)) === fold(pseudo)) return true;
  const inner = innerTransport(d, row);
  if (inner < 0 || !isOffloaded(view, d, inner)) return false;
  const unfinished = ~view.getUint16(fieldAt(d, inner)) & 0xffff;
  return fold(sum(view, d.start(row), d.start(inner), pseudo + unfinished)) === 0xffff;
}

function fieldAt(d: Dissection, row: number): number {
  return d.start(row) + (d.kind(row) === L.udp ? 6 : 16);
}

/** The next whole UDP or TCP row inside a tunnel that row `row` carries, or -1. */
function innerTransport(d: Dissection, row: number): number {
  for (let i = row + 1; i < d.count && !d.quoted(i); i++) {
    if (d.kind(i) === L.udp || d.kind(i) === L.tcp) return whole(d, i) ? i : -1;
  }
  return -1;
}

function whole(d: Dissection, row: number): boolean {
  const flags = d.flags(row);
  return (
    (flags & (LAYER_FLAG.fragment | LAYER_FLAG.cut)) === 0 &&
    d.end(row) === d.limit(row) &&
    d.fault(row) === NO_FAULT
  );
}

function ip4Verdict(view: DataView, d: Dissection, row: number): Verdict {
  const start = d.start(row);
  const head = start + (view.getUint8(start) & 0xf) * 4;
  if (head < start + 20 || head > d.end(row)) return CHECKSUM.unverified;
  return verifies(view, start, head) ? CHECKSUM.good : CHECKSUM.bad;
}

function udpVerdict(view: DataView, d: Dissection, row: number): Verdict {
  const start = d.start(row);
  if (view.getUint16(start + 6) === 0) {
    return d.below(row, L.ipv4, L.ipv6) >= 0 ? CHECKSUM.absent : CHECKSUM.unverified;
  }
  return transportVerdict(view, d, row, PROTO.udp);
}

function transportVerdict(view: DataView, d: Dissection, row: number, protocol: number): Verdict {
  if (!whole(d, row)) return CHECKSUM.unverified;
  const pseudo = pseudoSum(view, d, row, protocol);
  if (pseudo < 0) return CHECKSUM.unverified;
  const ok = fold(sum(view, d.start(row), d.end(row), pseudo)) === 0xffff;
  return ok ? CHECKSUM.good : CHECKSUM.bad;
}

/** The pseudo header's sum for row `row`, or -1 without an IP row below. */
function pseudoSum(view: DataView, d: Dissection, row: number, protocol: number): number {
  const ip = d.below(row, L.ipv4, L.ipv6);
  if (ip < 0) return -1;
  const at = d.start(ip);
  const length = d.end(row) - d.start(row);
  if (d.kind(ip) === L.ipv6) return pseudo6(view, at, protocol, length) + routed(view, d, ip, row);
  return pseudo4(view.getUint32(at + 12), view.getUint32(at + 16), protocol, length);
}

/** What the last address of a routing header on its way adds in place of the destination (RFC 8200 s.8.1). */
function routed(view: DataView, d: Dissection, ip: number, row: number): number {
  for (let j = ip + 1; j < row; j++) {
    const start = d.start(j);
    const head = d.head(j);
    if (d.kind(j) !== L.routing || head - start < 24 || view.getUint8(start + 3) === 0) continue;
    const at = d.start(ip);
    // Segment routing lists the final address first (RFC 8754 s.2), the older types last.
    const last = view.getUint8(start + 2) === 4 ? start + 8 : head - 16;
    return sum(view, last, last + 16) + 4 * 0xffff_ffff - sum(view, at + 24, at + 40);
  }
  return 0;
}
