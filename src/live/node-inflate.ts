// Unpacking by node:zlib, as core/eavesdrop/inflate.ts asks for it: as much as can be unpacked, of packed bytes that end early,
// go on behind their end, or are damaged.

import { constants, inflateRawSync, inflateSync } from 'node:zlib';
import type { Inflate } from '../core/eavesdrop/inflate.ts';

type Unpack = typeof inflateSync;

export const NODE_INFLATE: Inflate = (bytes, maxOutput, packing) => {
  if (packing === 'gzip') {
    // Node's own gunzip takes whatever stands behind the end for another member, and fails.
    const head = gzipHeader(bytes);
    return head === null ? null : unpacked(inflateRawSync, bytes.subarray(head), maxOutput);
  }
  return unpacked(inflateSync, bytes, maxOutput) ?? unpacked(inflateRawSync, bytes, maxOutput);
};

/**
 * Node throws at the first fault and at the bound, and then has nothing. So the longest beginning is looked for that has no
 * fault and unpacks to no more than the bound: a beginning of such a beginning is one too.
 */
function unpacked(unpack: Unpack, bytes: Uint8Array, maxOutputLength: number): Uint8Array | null {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength };
  const attempt = (length: number): Uint8Array | null => {
    try {
      return unpack(bytes.subarray(0, length), options);
    } catch {
      return null;
    }
  };
  let best = attempt(bytes.length);
  if (best === null) {
    for (let good = 0, bad = bytes.length; bad - good > 1; ) {
      const middle = (good + bad) >>> 1;
      const made = attempt(middle);
      if (made === null) bad = middle;
      else {
        good = middle;
        best = made;
      }
    }
  }
  return best === null || best.length === 0 ? null : best;
}

const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;

/** Bytes in front of the deflated ones (RFC 1952 s.2.3); null for what is no gzip. */
function gzipHeader(bytes: Uint8Array): number | null {
  if (bytes.length < 10 || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return null;
  const flags = bytes[3] as number;
  let at = 10;
  if ((flags & FLAG.extra) !== 0) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  for (const flag of [FLAG.name, FLAG.comment]) {
    if ((flags & flag) === 0) continue;
    const zero = bytes.indexOf(0, at);
    if (zero < 0) return null;
    at = zero + 1;
  }
  if ((flags & FLAG.headerCrc) !== 0) at += 2;
  return at < bytes.length ? at : null;
}
