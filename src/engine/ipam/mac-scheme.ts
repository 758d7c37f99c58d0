// Where MAC addresses come from: a container's from its IP address, as Docker does it, and a device's (bridge, veth,
// VTEP) at random. Both are locally administered: bit 0x02 of the first byte set, group bit 0x01 clear (IEEE 802).

import type { Ip, Ip4, Mac } from '../../core/wire/address.ts';
import { isIp6, mac } from '../../core/wire/address.ts';

const DOCKER_PREFIX = 0x0242;
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 02:42 and the four address bytes: 10.0.1.2 has 02:42:0a:00:01:02. */
export function dockerMac4(ip: Ip4): Mac {
  return mac(DOCKER_PREFIX, ip);
}

/**
 * A container's MAC from its address: `dockerMac4` for IPv4. For a container that has IPv6 only, 02:42 and the 32-bit
 * FNV-1a hash of the sixteen address bytes: vxlab's own choice, so that equal addresses give equal MACs in every run.
 */
export function dockerMac(ip: Ip): Mac {
  if (!isIp6(ip)) return dockerMac4(ip);
  let hash = FNV_BASIS;
  for (const word of [ip.a, ip.b, ip.c, ip.d]) {
    for (let shift = 24; shift >= 0; shift -= 8) {
      hash = Math.imul(hash ^ ((word >>> shift) & 0xff), FNV_PRIME);
    }
  }
  return mac(DOCKER_PREFIX, hash);
}

/** A random local unicast MAC with 46 random bits. @param random gives 32 random bits at each call; called twice */
export function randomLocalMac(random: () => number): Mac {
  const hi = (random() & 0xfcff) | 0x0200;
  return mac(hi, random());
}
