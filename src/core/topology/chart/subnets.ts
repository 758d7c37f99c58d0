// Which subnets a network has, guessed from the addresses that were seen on its link. The smallest block that covers
// addresses which share a link, but no longer than /24 for IPv4 and /64 for IPv6, as Docker gives them. What must be right:
// the prefix of a router advertisement, and a block whose last address was broadcast to, where no other length fits.

import type { Ip } from '../../wire/address.ts';
import { formatIp, isIp6 } from '../../wire/address.ts';

/** A block as a number: its first address and how many bits of it count. */
export interface Block {
  readonly base: bigint;
  readonly prefix: number;
  /** 32 or 128. */
  readonly bits: number;
}

export interface Guess extends Block {
  readonly sure: boolean;
}

const USUAL = { 32: 24, 128: 64 } as const;
/** Addresses that share less than this were not given out together. */
const LEAST = { 32: 8, 128: 32 } as const;

export function numberOf(ip: Ip): bigint {
  if (!isIp6(ip)) return BigInt(ip);
  return (BigInt(ip.a) << 96n) | (BigInt(ip.b) << 64n) | (BigInt(ip.c) << 32n) | BigInt(ip.d);
}

export function ipOf(value: bigint, bits: number): Ip {
  if (bits === 32) return Number(value);
  const word = (shift: bigint): number => Number((value >> shift) & 0xffff_ffffn);
  return { a: word(96n), b: word(64n), c: word(32n), d: word(0n) };
}

export function bitsOf(ip: Ip): 32 | 128 {
  return isIp6(ip) ? 128 : 32;
}

/** True for addresses that no network gives out: loopback, link-local, unspecified. */
export function isApart(ip: Ip): boolean {
  if (isIp6(ip)) return ip.a >>> 22 === 0x3fa || (ip.a === 0 && ip.b === 0);
  return ip >>> 24 === 127 || ip >>> 16 === 0xa9fe || ip >>> 24 === 0;
}

export function blockText({ base, prefix, bits }: Block): string {
  return `${formatIp(ipOf(base, bits))}/${prefix}`;
}

export function holds(block: Block, ip: Ip): boolean {
  return block.bits === bitsOf(ip) && cut(numberOf(ip), block.prefix, block.bits) === block.base;
}

/** The block of that length around an address. */
export function blockAround(ip: Ip, prefix: number): Block {
  const bits = bitsOf(ip);
  return { base: cut(numberOf(ip), prefix, bits), prefix, bits };
}

/** The block of the usual length around an address. */
export function usualBlock(ip: Ip): Block {
  return blockAround(ip, USUAL[bitsOf(ip)]);
}

/** The smallest block that covers all addresses, of one family, of which there is at least one. */
export function coverOf(ips: readonly Ip[]): Block {
  const bits = bitsOf(ips[0] as Ip);
  const values = ips.map(numberOf);
  let low = values[0] as bigint;
  let high = low;
  for (const value of values) {
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  const differ = low ^ high;
  const prefix = differ === 0n ? bits : bits - differ.toString(2).length;
  return { base: cut(low, prefix, bits), prefix, bits };
}

/**
 * The subnets of addresses of one family that share a link.
 * @param broadcast addresses among them that a broadcast was sent to
 */
export function subnetsOf(ips: readonly Ip[], broadcast: readonly Ip[]): Guess[] {
  const cover = coverOf(ips);
  const { bits, prefix } = cover;
  if (prefix < LEAST[bits as 32 | 128]) {
    return distinct(ips.map(usualBlock)).map((block) => ({ ...block, sure: false }));
  }
  // A broadcast address ends a block of any length that its last bits are all ones for, and that covers the rest.
  const ends = broadcast.some((ip) => bits - trailingOnes(numberOf(ip)) === prefix);
  if (ends && prefix < bits) return [{ ...cover, sure: true }];
  const usual = Math.min(prefix, USUAL[bits as 32 | 128]);
  return [{ base: cut(cover.base, usual, bits), prefix: usual, bits, sure: false }];
}

/** The guesses without those that another covers, by address. Of two that are the same the sure one stays. */
export function mergeGuesses(all: readonly Guess[]): Guess[] {
  const kept: Guess[] = [];
  const wideFirst = all.toSorted((x, y) => x.prefix - y.prefix || Number(y.sure) - Number(x.sure));
  for (const guess of wideFirst) {
    const around = kept.find(
      (other) => other.bits === guess.bits && cut(guess.base, other.prefix, other.bits) === other.base,
    );
    if (around === undefined) kept.push(guess);
    else if (guess.sure && !around.sure) kept[kept.indexOf(around)] = guess;
  }
  return kept.sort((x, y) => x.bits - y.bits || (x.base < y.base ? -1 : 1));
}

export function distinct<T extends Block>(blocks: readonly T[]): T[] {
  return [...new Map(blocks.map((block) => [blockText(block), block])).values()];
}

function cut(value: bigint, prefix: number, bits: number): bigint {
  const rest = BigInt(bits - prefix);
  return (value >> rest) << rest;
}

function trailingOnes(value: bigint): number {
  let ones = 0;
  for (let rest = value; (rest & 1n) === 1n; rest >>= 1n) ones++;
  return ones;
}
