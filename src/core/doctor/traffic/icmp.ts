// ICMP errors as the traffic rules need them: what kind, and which packet is quoted. RFC 792, RFC 4443; s.4 of RFC 1191.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import * as icmp from '../../wire/icmp.ts';
import * as icmpv6 from '../../wire/icmpv6.ts';
import { VXLAN_GPE_PORT, VXLAN_PORT, VXLAN_PORT_LINUX } from '../../wire/numbers.ts';
import * as udp from '../../wire/udp.ts';
import { readable } from './keys.ts';

export const ERROR = { none: 0, tooBig: 1, ttl: 2, reassembly: 3, other: 4 } as const;

/** What ICMP or ICMPv6 row `row` reports, one of ERROR. */
export function errorOf(view: DataView, d: Dissection, row: number): number {
  if (!readable(d, row, icmp.HEADER_LEN)) return ERROR.none;
  const at = d.start(row);
  const type = icmp.type(view, at);
  const code = icmp.code(view, at);
  if (d.kind(row) === L.icmp) {
    if (type === icmp.TYPE.unreachable && code === icmp.CODE.fragNeeded) return ERROR.tooBig;
    if (type === icmp.TYPE.timeExceeded) return code === icmp.TIME_CODE.ttl ? ERROR.ttl : ERROR.reassembly;
    return icmp.isError(type) ? ERROR.other : ERROR.none;
  }
  if (d.kind(row) !== L.icmpv6) return ERROR.none;
  if (type === icmpv6.TYPE.tooBig) return ERROR.tooBig;
  if (type === icmpv6.TYPE.timeExceeded) {
    return code === icmpv6.TIME_CODE.hopLimit ? ERROR.ttl : ERROR.reassembly;
  }
  return icmpv6.isError(type) ? ERROR.other : ERROR.none;
}

/** The MTU in bytes that a too-big error at row `row` tells; 0 from routers older than RFC 1191. */
export function mtuOf(view: DataView, d: Dissection, row: number): number {
  const at = d.start(row);
  return d.kind(row) === L.icmp ? icmp.nextHopMtu(view, at) : icmp.rest(view, at);
}

/** The IP row that the error at row `row` quotes, its addresses whole; or -1. */
export function quotedIp(d: Dissection, row: number): number {
  const i = row + 1;
  if (i >= d.count || !d.quoted(i)) return -1;
  if (d.kind(i) === L.ipv4) return d.end(i) - d.start(i) >= 20 ? i : -1;
  return d.kind(i) === L.ipv6 && d.end(i) - d.start(i) >= 40 ? i : -1;
}

/** The quoted packet's TCP, UDP or ICMP row with its first eight bytes, or -1. */
export function quotedTransport(d: Dissection, ip: number): number {
  for (let i = ip + 1; i < d.count; i++) {
    const kind = d.kind(i);
    if (kind !== L.tcp && kind !== L.udp && kind !== L.icmp && kind !== L.icmpv6) continue;
    return d.end(i) - d.start(i) >= 8 ? i : -1;
  }
  return -1;
}

/** True when the packet quoted from row `ip` on is a tunnel's: VXLAN is seen, or the quote ends before and the port is one of VXLAN's. */
export function quotesTunnel(view: DataView, d: Dissection, ip: number): boolean {
  for (let i = ip + 1; i < d.count; i++) if (d.kind(i) === L.vxlan || d.kind(i) === L.gpe) return true;
  const row = quotedTransport(d, ip);
  if (row < 0 || d.kind(row) !== L.udp) return false;
  const port = udp.dstPort(view, d.start(row));
  return port === VXLAN_PORT || port === VXLAN_PORT_LINUX || port === VXLAN_GPE_PORT;
}
