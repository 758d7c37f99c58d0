// MAC, IPv4 and IPv6 addresses as numbers, and their text.
//
// In the packet path a MAC is a pair (16-bit high, 32-bit low) and an IPv4 address one 32-bit number: both are small
// integers that hash and compare without allocation. Elsewhere a MAC is one 48-bit number and an IPv6 address four
// 32-bit words. Text is for the edges: making it takes 200 times as long as comparing.

import { VxlabError } from './numbers.ts';

/** A MAC address as a whole number, 0 to 2^48 - 1. */
export type Mac = number;
/** An IPv4 address as a whole number, 0 to 2^32 - 1. */
export type Ip4 = number;
/** An IPv6 address as four 32-bit words, most significant first. */
export interface Ip6 {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}
/** Either family: a number is IPv4, an object is IPv6. */
export type Ip = Ip4 | Ip6;

export const MAC_BROADCAST: Mac = 0xffffffffffff;

export const IP6_ANY: Ip6 = { a: 0, b: 0, c: 0, d: 0 };

const TWO_32 = 0x1_0000_0000;

export function mac(hi: number, lo: number): Mac {
  return hi * TWO_32 + (lo >>> 0);
}

/** The upper 16 bits. */
export function macHi(m: Mac): number {
  return Math.floor(m / TWO_32);
}

/** The lower 32 bits. */
export function macLo(m: Mac): number {
  return m >>> 0;
}

export function readMac(view: DataView, at: number): Mac {
  return view.getUint16(at) * TWO_32 + view.getUint32(at + 2);
}

export function writeMac(view: DataView, at: number, m: Mac): void {
  view.setUint16(at, macHi(m));
  view.setUint32(at + 2, macLo(m));
}

export function readIp6(view: DataView, at: number): Ip6 {
  return {
    a: view.getUint32(at),
    b: view.getUint32(at + 4),
    c: view.getUint32(at + 8),
    d: view.getUint32(at + 12),
  };
}

export function writeIp6(view: DataView, at: number, ip: Ip6): void {
  view.setUint32(at, ip.a);
  view.setUint32(at + 4, ip.b);
  view.setUint32(at + 8, ip.c);
  view.setUint32(at + 12, ip.d);
}

export function isIp6(ip: Ip): ip is Ip6 {
  return typeof ip !== 'number';
}

export function sameIp(x: Ip, y: Ip): boolean {
  if (typeof x === 'number' || typeof y === 'number') return x === y;
  return x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a;
}

/** Orders addresses: IPv4 before IPv6, then by value. Negative, zero or positive. */
export function compareIp(x: Ip, y: Ip): number {
  if (typeof x === 'number') return typeof y === 'number' ? x - y : -1;
  if (typeof y === 'number') return 1;
  return x.a - y.a || x.b - y.b || x.c - y.c || x.d - y.d;
}

/** True for broadcast and multicast: the group bit of the first byte (IEEE 802). */
export function isGroupMac(hi: number): boolean {
  return (hi & 0x0100) !== 0;
}

export function isMulticastIp4(ip: Ip4): boolean {
  return ip >>> 28 === 0xe;
}

export function isMulticastIp6(ip: Ip6): boolean {
  return ip.a >>> 24 === 0xff;
}

/** The MAC that carries an IPv4 group: 01:00:5e and the low 23 bits (RFC 1112 s.6.4). */
export function groupMac4(group: Ip4): Mac {
  return 0x01005e000000 + (group & 0x7fffff);
}

/** The MAC that carries an IPv6 group: 33:33 and the low 32 bits (RFC 2464 s.7). */
export function groupMac6(group: Ip6): Mac {
  return 0x3333 * TWO_32 + group.d;
}

/** The group a solicitation for `ip` goes to: ff02::1:ffXX:XXXX (RFC 4291 s.2.7.1). */
export function solicitedNode(ip: Ip6): Ip6 {
  return { a: 0xff020000, b: 0, c: 1, d: (0xff000000 | (ip.d & 0xffffff)) >>> 0 };
}

/** The link-local address made from a MAC by modified EUI-64 (RFC 4291 appendix A). */
export function linkLocal(m: Mac): Ip6 {
  const hi = macHi(m) ^ 0x0200;
  const lo = macLo(m);
  return {
    a: 0xfe800000,
    b: 0,
    c: ((hi << 16) | ((lo >>> 16) & 0xff00) | 0xff) >>> 0,
    d: (0xfe000000 | (lo & 0xffffff)) >>> 0,
  };
}

const HEX = '0123456789abcdef';

export function formatMac(m: Mac): string {
  let text = '';
  const high = macHi(m);
  const low = macLo(m);
  for (let i = 5; i >= 0; i--) {
    const byte = i > 3 ? (high >>> ((i - 4) * 8)) & 0xff : (low >>> (i * 8)) & 0xff;
    text += HEX.charAt(byte >>> 4) + HEX.charAt(byte & 15);
    if (i > 0) text += ':';
  }
  return text;
}

/** @throws VxlabError BAD_MAC unless six bytes in hex stand between colons or dashes */
export function parseMac(text: string): Mac {
  const match =
    /^([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})[:-]([0-9a-f]{2})$/i.exec(
      text,
    );
  if (match === null) {
    throw new VxlabError(
      'BAD_MAC',
      `"${text}" is not a MAC address; write six bytes, as in 02:42:0a:00:01:02`,
    );
  }
  return Number.parseInt(match.slice(1).join(''), 16);
}

export function formatIp4(ip: Ip4): string {
  return `${ip >>> 24}.${(ip >>> 16) & 0xff}.${(ip >>> 8) & 0xff}.${ip & 0xff}`;
}

/** Canonical text (RFC 5952): lower case, the longest run of two or more zero groups as `::`. */
export function formatIp6(ip: Ip6): string {
  const groups: number[] = [];
  for (const word of [ip.a, ip.b, ip.c, ip.d]) groups.push(word >>> 16, word & 0xffff);
  if (ip.a === 0 && ip.b === 0 && ip.c === 0xffff) return `::ffff:${formatIp4(ip.d)}`;
  let bestAt = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; ) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > bestLength) {
      bestAt = i;
      bestLength = run;
    }
    i += run + 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestAt < 0) return hex.join(':');
  return `${hex.slice(0, bestAt).join(':')}::${hex.slice(bestAt + bestLength).join(':')}`;
}

export function formatIp(ip: Ip): string {
  return typeof ip === 'number' ? formatIp4(ip) : formatIp6(ip);
}
