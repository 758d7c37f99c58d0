// UDP, RFC 768.
//
//    0      7 8     15 16    23 24    31
//   +--------+--------+--------+--------+
//   |   source port   | destination port|
//   +--------+--------+--------+--------+
//   |     length      |    checksum     |
//   +--------+--------+--------+--------+
//
// A length of 0 is not judged here: over IPv6 it marks a jumbogram (RFC 2675 s.4) and in a capture of an
// offload-sized frame it means "longer than 65535"; `payloadEnd` then gives all that is there.

import { finishUdp, fold, sum } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 8;

export interface UdpHeader {
  readonly srcPort: number;
  readonly dstPort: number;
  /** Bytes of header and payload. */
  readonly length: number;
  readonly checksum: number;
}

/** 0, or what keeps [at, end) from being a UDP datagram. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.udp, KIND.short, HEADER_LEN);
  const claimed = view.getUint16(at + 4);
  if (claimed === 0) return NO_FAULT;
  if (claimed < HEADER_LEN) return fault(LAYER.udp, KIND.underrun, claimed);
  if (claimed > end - at) return fault(LAYER.udp, KIND.overrun, claimed);
  return NO_FAULT;
}

export function srcPort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function dstPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function length(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setSrcPort(view: DataView, at: number, port: number): void {
  view.setUint16(at, port);
}

export function setDstPort(view: DataView, at: number, port: number): void {
  view.setUint16(at + 2, port);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

/** Where the payload ends: at the length field's word, or at `end` when that says 0. Only after `check`. */
export function payloadEnd(view: DataView, at: number, end: number): number {
  const claimed = view.getUint16(at + 4);
  return claimed === 0 ? end : at + claimed;
}

/**
 * True when the checksum is right or, with `zeroAllowed`, absent. IPv4 always allows zero (RFC 768); IPv6 only
 * for tunnels that say so (RFC 6935).
 * @param pseudo the pseudo header's sum, for the datagram's length
 */
export function checksumOk(
  view: DataView,
  at: number,
  end: number,
  pseudo: number,
  zeroAllowed: boolean,
): boolean {
  if (view.getUint16(at + 6) === 0) return zeroAllowed;
  return fold(sum(view, at, end, pseudo)) === 0xffff;
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): UdpHeader {
  return {
    srcPort: srcPort(view, at),
    dstPort: dstPort(view, at),
    length: length(view, at),
    checksum: checksum(view, at),
  };
}

/**
 * Writes a header whose payload already stands at [at + 8, end); sets length and checksum.
 * @param pseudo the pseudo header's sum for `end - at` bytes, or -1 to send no checksum (field 0)
 */
export function write(
  view: DataView,
  at: number,
  end: number,
  src: number,
  dst: number,
  pseudo: number,
): void {
  view.setUint16(at, src);
  view.setUint16(at + 2, dst);
  view.setUint16(at + 4, end - at);
  view.setUint16(at + 6, 0);
  if (pseudo >= 0) view.setUint16(at + 6, finishUdp(sum(view, at, end, pseudo)));
}

/**
 * As `write` with a checksum, for a payload whose sum is known and need not be read.
 * @param known the sum of the payload and the pseudo header
 */
export function writeKnown(
  view: DataView,
  at: number,
  end: number,
  src: number,
  dst: number,
  known: number,
): void {
  const length = end - at;
  view.setUint16(at, src);
  view.setUint16(at + 2, dst);
  view.setUint16(at + 4, length);
  view.setUint16(at + 6, finishUdp(known + src + dst + length));
}

/** Writes every field as told, sense or nonsense. */
export function writeRaw(view: DataView, at: number, h: UdpHeader): void {
  view.setUint16(at, h.srcPort);
  view.setUint16(at + 2, h.dstPort);
  view.setUint16(at + 4, h.length);
  view.setUint16(at + 6, h.checksum);
}
