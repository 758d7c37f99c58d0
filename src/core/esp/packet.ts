// A payload sealed into ESP and taken out again, in place: AES-GCM as RFC 4106 puts it into RFC 4303.
//
//   SPI | sequence | IV | payload | 1 2 3 .. | pad length | next header | ICV
//   |-- authenticated --|               |------- encrypted ------------|
//       (not the IV)    |---------------- 4-byte aligned ---------------|
//
// The nonce is the association's salt and the packet's IV.

import * as esp from '../wire/esp.ts';
import type { Aead, IcvLength } from './cipher.ts';

export const IV_LEN = 8;
/** In front of the payload. */
export const HEAD_LEN: number = esp.HEADER_LEN + IV_LEN;
export const SALT_LEN = 4;
export const NONCE_LEN: number = SALT_LEN + IV_LEN;
/** Where what is encrypted must end (RFC 4303 s.2.4). */
const ALIGNMENT = 4;

/** What `open` answers in place of a payload's end. */
export const NOT_OPENED = { short: -1, forged: -2, padding: -3 } as const;

/** Bytes of padding behind a payload of so many. */
export function padding(length: number): number {
  return -(length + esp.TRAILER_LEN) & (ALIGNMENT - 1);
}

/** Bytes that a payload of so many has in ESP, from the SPI to the ICV. */
export function sealedLength(length: number, icvLength: IcvLength): number {
  return HEAD_LEN + length + padding(length) + esp.TRAILER_LEN + icvLength;
}

/** The longest payload whose ESP packet has at most so many bytes; negative where there is none. */
export function roomIn(length: number, icvLength: IcvLength): number {
  return ((length - HEAD_LEN - icvLength) & ~(ALIGNMENT - 1)) - esp.TRAILER_LEN;
}

/**
 * Seals the payload in [at + HEAD_LEN, end); there is room for the rest in front and behind.
 * @param nonce NONCE_LEN bytes: the salt, and the IV for this packet, which no other of the association's may have
 * @returns where the packet ends
 */
export function seal(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  spi: number,
  sequence: number,
  next: number,
  aead: Aead,
  nonce: Uint8Array,
  icvLength: IcvLength,
): number {
  esp.write(view, at, spi, sequence);
  for (let i = 0; i < IV_LEN; i++) bytes[at + esp.HEADER_LEN + i] = nonce[SALT_LEN + i] as number;
  const pad = padding(end - at - HEAD_LEN);
  let tail = end;
  for (let i = 1; i <= pad; i++) bytes[tail++] = i;
  bytes[tail++] = pad;
  bytes[tail++] = next;
  aead.seal(bytes, nonce, at, at + esp.HEADER_LEN, at + HEAD_LEN, tail);
  return tail + icvLength;
}

/**
 * Opens the packet in [at, end) in place: the payload then begins at `at + HEAD_LEN`, and its protocol stands where
 * `nextHeaderAt` says. What did not open is noise afterwards.
 * @param nonce NONCE_LEN bytes with the salt in front; the packet's IV is put in
 * @returns where the payload ends, or one of NOT_OPENED
 */
export function open(
  bytes: Uint8Array,
  at: number,
  end: number,
  aead: Aead,
  nonce: Uint8Array,
  icvLength: IcvLength,
): number {
  const tail = end - icvLength;
  const first = at + HEAD_LEN;
  if (tail - esp.TRAILER_LEN < first || ((tail - first) & (ALIGNMENT - 1)) !== 0) return NOT_OPENED.short;
  for (let i = 0; i < IV_LEN; i++) nonce[SALT_LEN + i] = bytes[at + esp.HEADER_LEN + i] as number;
  if (!aead.open(bytes, nonce, at, at + esp.HEADER_LEN, first, tail)) return NOT_OPENED.forged;
  const pad = bytes[tail - esp.TRAILER_LEN] as number;
  const payloadEnd = tail - esp.TRAILER_LEN - pad;
  if (payloadEnd < first) return NOT_OPENED.padding;
  // RFC 4303 s.2.4: the receiver should look at padding of its own making, 1, 2, 3, ...
  for (let i = 0; i < pad; i++) if (bytes[payloadEnd + i] !== i + 1) return NOT_OPENED.padding;
  return payloadEnd;
}

/** Where the next header of an opened packet stands that ends at `end`. */
export function nextHeaderAt(end: number, icvLength: IcvLength): number {
  return end - icvLength - 1;
}
