// ESP, RFC 4303: what stands in the clear of an encrypted packet. Everything behind the two words is the cipher's, so that this
// codec knows no more than they say.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------------------------------------------------------+
//   |               Security Parameters Index (SPI)                 |
//   +---------------------------------------------------------------+
//   |                      Sequence Number                          |
//   +---------------------------------------------------------------+
//   |  IV, payload, padding, pad length, next header: encrypted     |
//   |  ICV                                                          |
//   +---------------------------------------------------------------+

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 8;
/** Pad length and next header. */
export const TRAILER_LEN = 2;
/** 1 to 255 are reserved, 0 is not sent (RFC 4303 s.2.1). */
export const SPI_MIN = 256;
/** The last sequence number of an association: it must not cycle (RFC 4303 s.3.3.3). */
export const SEQUENCE_MAX = 0xffff_ffff;

export interface EspHeader {
  readonly spi: number;
  readonly sequence: number;
}

/** 0, or why these bytes are not an ESP header. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.esp, KIND.short, HEADER_LEN) : NO_FAULT;
}

export function spi(view: DataView, at: number): number {
  return view.getUint32(at);
}

export function sequence(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

export function setSequence(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, value);
}

/** Only after `check`. */
export function read(view: DataView, at: number): EspHeader {
  return { spi: spi(view, at), sequence: sequence(view, at) };
}

/** Writes both words; nothing is worked out from the rest. */
export function write(view: DataView, at: number, index: number, number: number): void {
  view.setUint32(at, index);
  view.setUint32(at + 4, number);
}

/** Any values. */
export function writeRaw(view: DataView, at: number, h: EspHeader): void {
  write(view, at, h.spi, h.sequence);
}
