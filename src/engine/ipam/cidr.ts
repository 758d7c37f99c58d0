// Address blocks: an address with a prefix length (RFC 4632, RFC 4291 s.2.3), and the arithmetic that pools do on them.
//
// Everything counts in plain numbers. A block larger than 2^53 addresses (an IPv6 prefix shorter than /75) is cut off
// there: its first 2^53 addresses can be counted through, the others exist but have no offset. Text is for the edges.

import type { Ip, Ip6 } from '../../core/wire/address.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';

/** An address and the length of its network prefix in bits: 0 to 32 for IPv4, 0 to 128 for IPv6. Host bits may be set. */
export interface Cidr {
  readonly ip: Ip;
  readonly prefix: number;
}

/** What `size` answers for blocks that hold more: offsets stay exact integers below it. */
export const SIZE_MAX: number = 2 ** 53;

const TWO_32 = 0x1_0000_0000;

/** 32 or 128. */
export function addressBits(ip: Ip): number {
  return isIp6(ip) ? 128 : 32;
}

/** @throws VxlabError BAD_CIDR unless `text` is an address, a slash and a decimal prefix length that fits the family */
export function parseCidr(text: string): Cidr {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  if (match === null) throw badCidr(text, 'it needs an address, a slash and a prefix length');
  let ip: Ip;
  try {
    ip = parseIp(match[1] as string);
  } catch {
    throw badCidr(text, `"${match[1]}" is not an IP address`);
  }
  const prefix = Number(match[2]);
  const bits = addressBits(ip);
  if (prefix > bits) throw badCidr(text, `the prefix length goes from 0 to ${bits}`);
  return { ip, prefix };
}

function badCidr(text: string, why: string): VxlabError {
  return new VxlabError(
    'BAD_CIDR',
    `"${text}" is not an address block: ${why}; write it as 10.0.1.0/24 or 2001:db8::/64`,
  );
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.ip)}/${cidr.prefix}`;
}

/** The network bits of word `index` (0 is the most significant) under a prefix. */
function wordMask(prefix: number, index: number): number {
  const bits = Math.min(32, Math.max(0, prefix - 32 * index));
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
}

/** `ip` with its host bits cleared. */
export function networkOf(ip: Ip, prefix: number): Ip {
  if (!isIp6(ip)) return (ip & wordMask(prefix, 0)) >>> 0;
  return {
    a: (ip.a & wordMask(prefix, 0)) >>> 0,
    b: (ip.b & wordMask(prefix, 1)) >>> 0,
    c: (ip.c & wordMask(prefix, 2)) >>> 0,
    d: (ip.d & wordMask(prefix, 3)) >>> 0,
  };
}

/** `ip` with its host bits set: the IPv4 broadcast address; for IPv6 only the block's last address. */
export function broadcastOf(ip: Ip, prefix: number): Ip {
  if (!isIp6(ip)) return (ip | ~wordMask(prefix, 0)) >>> 0;
  return {
    a: (ip.a | ~wordMask(prefix, 0)) >>> 0,
    b: (ip.b | ~wordMask(prefix, 1)) >>> 0,
    c: (ip.c | ~wordMask(prefix, 2)) >>> 0,
    d: (ip.d | ~wordMask(prefix, 3)) >>> 0,
  };
}

/** The block with its host bits cleared, as a subnet is written. */
export function subnetOf(cidr: Cidr): Cidr {
  return { ip: networkOf(cidr.ip, cidr.prefix), prefix: cidr.prefix };
}

/** Whether two addresses share their first `prefix` bits; never across families. */
function samePrefix(x: Ip, y: Ip, prefix: number): boolean {
  if (!isIp6(x)) return !isIp6(y) && ((x ^ y) & wordMask(prefix, 0)) === 0;
  return (
    isIp6(y) &&
    ((x.a ^ y.a) & wordMask(prefix, 0)) === 0 &&
    ((x.b ^ y.b) & wordMask(prefix, 1)) === 0 &&
    ((x.c ^ y.c) & wordMask(prefix, 2)) === 0 &&
    ((x.d ^ y.d) & wordMask(prefix, 3)) === 0
  );
}

export function contains(cidr: Cidr, ip: Ip): boolean {
  return samePrefix(cidr.ip, ip, cidr.prefix);
}

/** Two blocks overlap exactly when one holds the other: compare them at the shorter prefix. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return samePrefix(a.ip, b.ip, Math.min(a.prefix, b.prefix));
}

/** Whether every address of `inner` lies in `outer`. */
export function within(inner: Cidr, outer: Cidr): boolean {
  return inner.prefix >= outer.prefix && contains(outer, inner.ip);
}

/** How many addresses the block holds, network and broadcast included; at most SIZE_MAX. */
export function size(cidr: Cidr): number {
  return Math.min(SIZE_MAX, 2 ** (addressBits(cidr.ip) - cidr.prefix));
}

/** How many blocks of `prefix` fit into `cidr`; at most SIZE_MAX, 0 if `prefix` is the shorter one. */
export function subnetCount(cidr: Cidr, prefix: number): number {
  return prefix < cidr.prefix ? 0 : Math.min(SIZE_MAX, 2 ** (prefix - cidr.prefix));
}

/** Word `index` (0 is the least significant) of n * 2^shift. Scaling by powers of two is exact in a double. */
function shiftedWord(n: number, shift: number, index: number): number {
  return Math.floor(n * 2 ** (shift - 32 * index)) % TWO_32;
}

/** Sets n * 2^shift in the host bits of a network address: no carry, for the host bits are clear. */
function withHost(network: Ip, n: number, shift: number): Ip {
  if (!isIp6(network)) return (network | shiftedWord(n, shift, 0)) >>> 0;
  return {
    a: (network.a | shiftedWord(n, shift, 3)) >>> 0,
    b: (network.b | shiftedWord(n, shift, 2)) >>> 0,
    c: (network.c | shiftedWord(n, shift, 1)) >>> 0,
    d: (network.d | shiftedWord(n, shift, 0)) >>> 0,
  };
}

function hostNumber(ip: Ip, network: Ip, shift: number): number {
  if (!isIp6(ip)) return ((ip ^ (network as number)) >>> 0) / 2 ** shift;
  const from = network as Ip6;
  return (
    ((ip.a ^ from.a) >>> 0) * 2 ** (96 - shift) +
    ((ip.b ^ from.b) >>> 0) * 2 ** (64 - shift) +
    ((ip.c ^ from.c) >>> 0) * 2 ** (32 - shift) +
    ((ip.d ^ from.d) >>> 0) * 2 ** -shift
  );
}

/**
 * The address `offset` places after the block's network address.
 * @throws VxlabError OUT_OF_BLOCK unless `offset` is an integer from 0 to size - 1
 */
export function addressAt(cidr: Cidr, offset: number): Ip {
  if (!Number.isInteger(offset) || offset < 0 || offset >= size(cidr)) {
    throw new VxlabError('OUT_OF_BLOCK', `${formatCidr(cidr)} has no address number ${offset}`);
  }
  return withHost(networkOf(cidr.ip, cidr.prefix), offset, 0);
}

/** How far `ip` is from the block's network address; -1 outside the block, Infinity at SIZE_MAX and beyond. */
export function offsetOf(cidr: Cidr, ip: Ip): number {
  if (!contains(cidr, ip)) return -1;
  const offset = hostNumber(ip, networkOf(cidr.ip, cidr.prefix), 0);
  return offset < SIZE_MAX ? offset : Number.POSITIVE_INFINITY;
}

/**
 * Block number `index` of those with length `prefix` that `cidr` is cut into: nthSubnet(10.0.0.0/8, 24, 3) is 10.0.3.0/24.
 * @throws VxlabError OUT_OF_BLOCK unless there are more than `index` such blocks
 */
export function nthSubnet(cidr: Cidr, prefix: number, index: number): Cidr {
  const bits = addressBits(cidr.ip);
  if (prefix > bits || !Number.isInteger(index) || index < 0 || index >= subnetCount(cidr, prefix)) {
    throw new VxlabError('OUT_OF_BLOCK', `${formatCidr(cidr)} has no /${prefix} number ${index}`);
  }
  return { ip: withHost(networkOf(cidr.ip, cidr.prefix), index, bits - prefix), prefix };
}

/** Which /`prefix` block of `cidr` holds `ip`: the reverse of nthSubnet. -1 outside, Infinity at SIZE_MAX and beyond. */
export function subnetIndex(cidr: Cidr, prefix: number, ip: Ip): number {
  if (prefix < cidr.prefix || !contains(cidr, ip)) return -1;
  const bits = addressBits(ip);
  const index = hostNumber(networkOf(ip, prefix), networkOf(cidr.ip, cidr.prefix), bits - prefix);
  return index < SIZE_MAX ? index : Number.POSITIVE_INFINITY;
}
