// Addresses as node:net writes them.

import type { Ip } from '../../core/wire/address.ts';
import { formatIp } from '../../core/wire/address.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import { isLinkLocal } from '../../engine/host/interface.ts';
import type { Site } from '../site.ts';

export interface AddressInfo {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly port: number;
}

/** True where a server without an address listens on `::`: the container has an IPv6 address that others can use. */
export function dualStack(site: Site): boolean {
  return site.host.interfaces.some(({ addresses }) =>
    addresses.some(({ ip }) => typeof ip !== 'number' && !isLinkLocal(ip) && !isLoopback6(ip)),
  );
}

/** @param mapped write IPv4 as `::ffff:10.0.0.1`, as a socket on `::` has it */
export function addressInfo(ip: Ip, port: number, mapped: boolean): AddressInfo {
  if (typeof ip !== 'number') return { address: formatIp(ip), family: 'IPv6', port };
  return mapped
    ? { address: `::ffff:${formatIp(ip)}`, family: 'IPv6', port }
    : { address: formatIp(ip), family: 'IPv4', port };
}

/** The address in a text, or null; an IPv4 address in IPv6's clothes is the IPv4 address. */
export function ipOf(text: string): Ip | null {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  const four = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  if (!/^[0-9.]+$/.test(four) && !four.includes(':')) return null;
  try {
    return parseIp(four);
  } catch {
    return null;
  }
}

/** `0.0.0.0` and `::`: every address of the host. */
export function isAny(ip: Ip): boolean {
  return typeof ip === 'number' ? ip === 0 : (ip.a | ip.b | ip.c | ip.d) === 0;
}

function isLoopback6(ip: { a: number; b: number; c: number; d: number }): boolean {
  return (ip.a | ip.b | ip.c) === 0 && ip.d === 1;
}
