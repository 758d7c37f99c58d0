// A security association of ESP (RFC 4301 s.4.1): what both ends of one direction share. As plain values: who counts its
// sequence numbers and keeps its replay window stands in the engine.

import type { Ip } from '../wire/address.ts';
import type { IcvLength } from './cipher.ts';

export interface SecurityAssociation {
  readonly src: Ip;
  readonly dst: Ip;
  /** 256 to 2^32 - 1 (RFC 4303 s.2.1). */
  readonly spi: number;
  /** AES key: 16, 24 or 32 bytes. */
  readonly key: Uint8Array;
  /** 4 bytes in front of the IV in the nonce (RFC 4106 s.4). Docker's is the SPI. */
  readonly salt: Uint8Array;
  readonly icvLength: IcvLength;
}
