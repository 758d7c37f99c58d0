// How traffic rules name what they count: an inner flow as the words of a Table's key, either way the same, and the text
// of flows, hosts and tunnels for titles.
//
//   word 0: VNI | protocol << 24 | IPv6 << 31      1: port of a << 16 | port of b      2 to 5: address a      6 to 9: address b
//
// `a` is the endpoint with the lower address, then port, so that both directions have one key.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import { formatIp4, formatIp6, readIp6 } from '../../wire/address.ts';
import { NO_FAULT } from '../../wire/fault.ts';
import type { Keyed } from '../table.ts';

export const FLOW_WORDS = 10;
const SIX = 0x8000_0000 | 0;

/**
 * Writes the flow's key.
 * @param ip where the IP header starts; `six` when it is IPv6
 * @returns true when the packet goes from b to a
 */
export function flowKey(
  words: Int32Array,
  view: DataView,
  ip: number,
  six: boolean,
  protocol: number,
  vni: number,
  srcPort: number,
  dstPort: number,
): boolean {
  words[0] = vni | (protocol << 24) | (six ? SIX : 0);
  const flip = six ? flipped6(view, ip, srcPort, dstPort) : flipped4(view, ip, srcPort, dstPort);
  words[1] = flip ? (dstPort << 16) | srcPort : (srcPort << 16) | dstPort;
  if (six) {
    const a = ip + (flip ? 24 : 8);
    const b = ip + (flip ? 8 : 24);
    for (let i = 0; i < 4; i++) {
      words[2 + i] = view.getInt32(a + 4 * i);
      words[6 + i] = view.getInt32(b + 4 * i);
    }
  } else {
    words[2] = view.getInt32(ip + (flip ? 16 : 12));
    words[6] = view.getInt32(ip + (flip ? 12 : 16));
    words[3] = 0;
    words[4] = 0;
    words[5] = 0;
    words[7] = 0;
    words[8] = 0;
    words[9] = 0;
  }
  return flip;
}

function flipped4(view: DataView, ip: number, srcPort: number, dstPort: number): boolean {
  const src = view.getUint32(ip + 12);
  const dst = view.getUint32(ip + 16);
  return src === dst ? srcPort > dstPort : src > dst;
}

function flipped6(view: DataView, ip: number, srcPort: number, dstPort: number): boolean {
  for (let i = 0; i < 16; i += 4) {
    const src = view.getUint32(ip + 8 + i);
    const dst = view.getUint32(ip + 24 + i);
    if (src !== dst) return src > dst;
  }
  return srcPort > dstPort;
}

/** The VNI of an entry with a flow's key. */
export function vniOf(table: Keyed, entry: number): number {
  return table.word(entry, 0) & 0xffffff;
}

/** The address of endpoint a, or b. */
export function hostOf(table: Keyed, entry: number, b: boolean): string {
  const at = b ? 6 : 2;
  const word = (i: number): number => table.word(entry, at + i) >>> 0;
  if (table.word(entry, 0) >= 0) return formatIp4(word(0));
  return formatIp6({ a: word(0), b: word(1), c: word(2), d: word(3) });
}

export function portOf(table: Keyed, entry: number, b: boolean): number {
  const ports = table.word(entry, 1);
  return b ? ports & 0xffff : ports >>> 16;
}

/** `10.0.1.2:51514`, `[2001:db8::1]:80` */
export function endpointOf(table: Keyed, entry: number, b: boolean): string {
  const host = hostOf(table, entry, b);
  return `${host.includes(':') ? `[${host}]` : host}:${portOf(table, entry, b)}`;
}

/** `VNI 4098 10.0.1.2:51514 > 10.0.1.5:80`; from b to a when told. */
export function flowName(table: Keyed, entry: number, fromB: boolean): string {
  const [from, to] = [endpointOf(table, entry, fromB), endpointOf(table, entry, !fromB)];
  return `VNI ${vniOf(table, entry)} ${from} > ${to}`;
}

/** True when row `row` is there, sound, and has its first `bytes` bytes. */
export function readable(d: Dissection, row: number, bytes: number): boolean {
  return row >= 0 && d.end(row) - d.start(row) >= bytes && d.fault(row) === NO_FAULT;
}

/** The source or destination address of the IP row `row`; cold path. */
export function addressText(view: DataView, d: Dissection, row: number, destination: boolean): string {
  const at = d.start(row);
  if (d.kind(row) === L.ipv6) return formatIp6(readIp6(view, at + (destination ? 24 : 8)));
  return formatIp4(view.getUint32(at + (destination ? 16 : 12)));
}

/** `192.0.2.11 > 192.0.2.12`; cold path. */
export function pathText(view: DataView, d: Dissection, row: number): string {
  return `${addressText(view, d, row, false)} > ${addressText(view, d, row, true)}`;
}

/** Writes an address of the IP row `row` as four words from `words[at]` on; IPv4 fills the first. */
export function addressWords(
  words: Int32Array,
  at: number,
  view: DataView,
  d: Dissection,
  row: number,
  destination: boolean,
): void {
  const start = d.start(row);
  if (d.kind(row) === L.ipv6) {
    const from = start + (destination ? 24 : 8);
    for (let i = 0; i < 4; i++) words[at + i] = view.getInt32(from + 4 * i);
    return;
  }
  words[at] = view.getInt32(start + (destination ? 16 : 12));
  words[at + 1] = 0;
  words[at + 2] = 0;
  words[at + 3] = 0;
}

export const TUNNEL_WORDS = 9;

/** Writes the key of the tunnel that the outer IP row `row` shows, one way: word 0 is `tag`, of at most 31 bits. */
export function tunnelKey(words: Int32Array, view: DataView, d: Dissection, row: number, tag: number): void {
  words[0] = tag | (d.kind(row) === L.ipv6 ? SIX : 0);
  addressWords(words, 1, view, d, row, false);
  addressWords(words, 5, view, d, row, true);
}

export function tagOf(table: Keyed, entry: number): number {
  return table.word(entry, 0) & 0x7fff_ffff;
}

/** An end of the tunnel: its source, or its destination. */
export function vtepOf(table: Keyed, entry: number, destination: boolean): string {
  const word = (i: number): number => table.word(entry, (destination ? 5 : 1) + i) >>> 0;
  if (table.word(entry, 0) >= 0) return formatIp4(word(0));
  return formatIp6({ a: word(0), b: word(1), c: word(2), d: word(3) });
}

/** `192.0.2.11 > 192.0.2.12` */
export function tunnelName(table: Keyed, entry: number): string {
  return `${vtepOf(table, entry, false)} > ${vtepOf(table, entry, true)}`;
}
