// Which interface has an address, and how long its packets may be. Linux tells in /sys; elsewhere Ethernet's 1500 is assumed.

import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6, sameIp } from '../../core/wire/address.ts';
import { OVERHEAD_IPV4, OVERHEAD_IPV6 } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';

const ETHERNET_MTU = 1500;
/** Longer frames fit no slot of the size that jumbo frames have. */
const JUMBO_MTU = 9216;

/** The interface that has the address; null for none, as with the loopback's many. */
export function deviceOf(ip: Ip): string | null {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      if (sameIp(parseIp(address.replace(/%.*$/, '')), ip)) return name;
    }
  }
  return null;
}

/** The IP MTU of the interface, 576 to 9216 bytes. The loopback's 65536 says nothing of the other VTEPs: it counts as Ethernet's. */
export function underlayMtu(device: string | null): number {
  let mtu = ETHERNET_MTU;
  if (device !== null && device !== 'lo') {
    try {
      mtu = Number(readFileSync(`/sys/class/net/${device}/mtu`, 'utf8'));
    } catch {
      // Not Linux, or gone: the assumption stands.
    }
  }
  return Math.min(JUMBO_MTU, Math.max(576, mtu));
}

/** Bytes that the tunnel takes of the underlay's MTU: 50 over IPv4, 70 over IPv6. */
export function tunnelOverhead(local: Ip): number {
  return isIp6(local) ? OVERHEAD_IPV6 : OVERHEAD_IPV4;
}

/** True for veth, bridges, loopback and their like: no network card completes what is sent there. */
export function isVirtual(device: string | null): boolean {
  return device !== null && existsSync(`/sys/devices/virtual/net/${device}`);
}

/** For messages: `192.0.2.2 on eth0`. */
export function placeOf(ip: Ip, device: string | null): string {
  return device === null ? formatIp(ip) : `${formatIp(ip)} on ${device}`;
}
