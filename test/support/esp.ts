// ESP packets made with node:crypto by RFC 4303 and RFC 4106, apart from the code under test.

import type { CipherGCMTypes } from 'node:crypto';
import { createCipheriv } from 'node:crypto';
import type { SecurityAssociation } from '../../src/core/esp/association.ts';
import { viewOf } from './bytes.ts';

export interface SealOptions {
  /** What the payload is: an IP protocol number; default UDP. */
  readonly next?: number;
  /** Upper half of an extended sequence number. */
  readonly high?: number;
  /** Bytes of padding; default as many as the alignment asks for. */
  readonly padding?: number;
  /** Pad length and next header as they are written, true or not. */
  readonly trailer?: readonly number[];
}

/** An ESP packet from the SPI to the ICV. */
export function sealed(
  payload: Uint8Array,
  { spi, key, salt, icvLength }: SecurityAssociation,
  sequence: number,
  options: SealOptions = {},
): Uint8Array {
  const { next = 17, high, padding = (4 - ((payload.length + 2) % 4)) % 4 } = options;
  const iv = new Uint8Array(8);
  viewOf(iv).setUint32(4, sequence ^ 0x5a5a_5a5a);
  const head = words(spi, sequence);
  const cipher = createCipheriv(
    `aes-${key.length * 8}-gcm` as CipherGCMTypes,
    key,
    Buffer.concat([salt, iv]),
    {
      authTagLength: icvLength,
    },
  );
  cipher.setAAD(high === undefined ? head : words(spi, high, sequence));
  const last = options.trailer ?? [padding, next];
  const trailer = [...Array.from({ length: padding }, (_, i) => i + 1), ...last];
  const body = Buffer.concat([
    cipher.update(payload),
    cipher.update(Uint8Array.from(trailer)),
    cipher.final(),
  ]);
  return Uint8Array.from(Buffer.concat([head, iv, body, cipher.getAuthTag()]));
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  for (const [i, value] of values.entries()) viewOf(bytes).setUint32(4 * i, value);
  return bytes;
}

/** Between 192.0.2.1 and 192.0.2.2, as Docker has it: the salt is the SPI, eight bytes of ICV. */
export const DOCKER_LIKE: SecurityAssociation = {
  src: 0xc0000201,
  dst: 0xc0000202,
  spi: 0x5639e44a,
  key: Uint8Array.from({ length: 16 }, (_, i) => 17 * i),
  salt: Uint8Array.of(0x56, 0x39, 0xe4, 0x4a),
  icvLength: 8,
};
