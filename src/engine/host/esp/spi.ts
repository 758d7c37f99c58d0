// Docker's Security Parameters Index: FNV-1a of 32 bits over source address, key tag and destination address, so that both ends
// know it without talking (libnetwork drivers/overlay/encryption.go, buildSPI).

import type { Ip } from '../../../core/wire/address.ts';
import { isIp6 } from '../../../core/wire/address.ts';

const OFFSET = 0x811c_9dc5;
const PRIME = 0x0100_0193;

/**
 * The SPI of what `src` sends to `dst` under the key with this tag.
 * @param tag 0 to 2^32 - 1
 * @returns 0 to 2^32 - 1; Docker takes it as it comes, also where RFC 4303 reserves it (below 256)
 */
export function buildSpi(src: Ip, dst: Ip, tag: number): number {
  return word(address(word32(address(OFFSET, src), tag), dst));
}

function word(hash: number): number {
  return hash >>> 0;
}

/** Go's net.IP of sixteen bytes: IPv4 behind ::ffff. */
function address(hash: number, ip: Ip): number {
  if (isIp6(ip)) return word32(word32(word32(word32(hash, ip.a), ip.b), ip.c), ip.d);
  return word32(word32(word32(word32(hash, 0), 0), 0xffff), ip);
}

/** Four bytes, the high one first. */
function word32(hash: number, value: number): number {
  let h = hash;
  for (let shift = 24; shift >= 0; shift -= 8) h = Math.imul(h ^ ((value >>> shift) & 0xff), PRIME);
  return h;
}
