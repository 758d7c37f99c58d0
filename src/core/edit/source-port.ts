// The UDP source port of a tunnel packet by the flow inside it, so that routers spread flows over equal paths and keep each flow
// on one (RFC 7348 s.5). The same frame gives the same port in every run; the two directions of a flow have ports of their own.
//
// IP hashes on addresses, protocol and, where the packet is no fragment, ports; what else is carried on MAC addresses and
// EtherType. The fragments of a datagram have one port, which is not that of the whole datagrams of their flow.

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG } from '../dissect/layer.ts';

/** IANA's dynamic ports, which RFC 7348 s.5 recommends. */
export const SOURCE_PORT_MIN = 49152;
export const SOURCE_PORT_MAX = 65535;

/** The port in [min, max] for the Ethernet frame that `d` tells of. Allocates nothing. */
export function sourcePort(view: DataView, d: Dissection, min: number, max: number): number {
  const hash = flowHash(view, d) >>> 1;
  return min + Math.floor((hash * (max - min + 1)) / 0x8000_0000);
}

/** 32 bits that are the same for every frame of one direction of a flow. */
function flowHash(view: DataView, d: Dissection): number {
  let row = 0;
  while (row < d.count && d.depth(row) === 0 && d.kind(row) !== L.ipv4 && d.kind(row) !== L.ipv6) row++;
  if (row === d.count || d.depth(row) !== 0 || d.head(row) > d.end(row)) return linkHash(view, d);
  const at = d.start(row);
  const ip4 = d.kind(row) === L.ipv4;
  const length = ip4 ? 20 : 40;
  if (d.end(row) - at < length) return linkHash(view, d);
  let h = mix(0x811c9dc5, ip4 ? 4 : 6);
  for (let i = ip4 ? 12 : 8; i < length; i += 4) h = mix(h, view.getInt32(at + i));
  if (ip4) h = mix(h, view.getUint8(at + 9));
  for (let i = row + 1; i < d.count; i++) {
    const kind = d.kind(i);
    if (kind !== L.udp && kind !== L.tcp) continue;
    const whole = (d.flags(i) & (LAYER_FLAG.fragment | LAYER_FLAG.quoted)) === 0 && d.depth(i) === 0;
    if (whole && d.end(i) - d.start(i) >= 4) h = mix(mix(h, kind), view.getInt32(d.start(i)));
    break;
  }
  return finish(h);
}

/** Of the Ethernet header; bytes that are not there count as zero. */
function linkHash(view: DataView, d: Dissection): number {
  let h = 0x9747b28c;
  const end = Math.min(d.packetEnd, d.packetStart + 14);
  for (let at = d.packetStart; at < end; at++) h = mix(h, view.getUint8(at));
  return finish(h);
}

// The steps and the finish of MurmurHash3 (Austin Appleby, public domain).
function mix(h: number, value: number): number {
  const k = Math.imul(value, 0xcc9e2d51);
  const x = h ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(h: number): number {
  let x = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
