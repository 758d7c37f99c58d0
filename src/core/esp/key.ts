// A key as a keys file has it: which ESP packets it opens, where parts of that may be left open, and how.
//
// A pattern is a value and a mask: bits that are 0 in the mask match anything.

import type { Ip } from '../wire/address.ts';
import { isIp6 } from '../wire/address.ts';
import type { SecurityAssociation } from './association.ts';
import type { IcvLength } from './cipher.ts';

/** An address as its 4 or 16 bytes. */
export interface AddressPattern {
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
}

export interface EspKey {
  /** Of the IP header in front of ESP; 0 for either. */
  readonly family: 0 | 4 | 6;
  /** null for any. */
  readonly src: AddressPattern | null;
  readonly dst: AddressPattern | null;
  readonly spi: number;
  /** All bits set for one SPI alone. */
  readonly spiMask: number;
  /** 16, 24 or 32 bytes. */
  readonly key: Uint8Array;
  /** 4 bytes. */
  readonly salt: Uint8Array;
  /** What to try; one length unless the file does not say. */
  readonly icvLengths: readonly IcvLength[];
  /** Upper 32 bits of an extended sequence number (RFC 4303 s.2.2.1), -1 for none. */
  readonly sequenceHigh: number;
}

export const EVERY_SPI = 0xffff_ffff;

/** The key of one association and of no other. */
export function keyOf(association: SecurityAssociation): EspKey {
  const { src, dst, spi, key, salt, icvLength } = association;
  return {
    family: isIp6(src) ? 6 : 4,
    src: exactly(src),
    dst: exactly(dst),
    spi,
    spiMask: EVERY_SPI,
    key,
    salt,
    icvLengths: [icvLength],
    sequenceHigh: -1,
  };
}

function exactly(ip: Ip): AddressPattern {
  const bytes = addressBytes(ip);
  return { bytes, mask: new Uint8Array(bytes.length).fill(0xff) };
}

/** An address as its 4 or 16 bytes, in network order. */
export function addressBytes(ip: Ip): Uint8Array {
  const words = isIp6(ip) ? [ip.a, ip.b, ip.c, ip.d] : [ip];
  return Uint8Array.from(words.flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word]));
}

/** True when the bytes at `at` are an address that the pattern, of the same length, takes. */
export function addressMatches(pattern: AddressPattern, view: DataView, at: number): boolean {
  const { bytes, mask } = pattern;
  for (let i = 0; i < bytes.length; i++) {
    if (((view.getUint8(at + i) ^ (bytes[i] as number)) & (mask[i] as number)) !== 0) return false;
  }
  return true;
}
