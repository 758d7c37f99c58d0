// GRE, RFC 2784 and 2890, with version 1 of PPTP (RFC 2637) and the ERSPAN headers of types II and III that ride on it
// (draft-foschiano-erspan).
//
//   C R K S s ... A ver | protocol type | [checksum 2, reserved 2] [key 4] [sequence 4] [acknowledgement 4]
//
// ERSPAN type I (protocol 0x88be without a sequence number) has no header of its own, type II eight bytes, type III
// (0x22eb) twelve and, with its O flag, eight more.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 4;

export const FLAG = {
  checksum: 0x8000,
  routing: 0x4000,
  key: 0x2000,
  sequence: 0x1000,
  ack: 0x0080,
} as const;

/** GRE's own protocol types; the others are EtherTypes. */
export const PROTOCOL = { erspan: 0x88be, erspan3: 0x22eb, ppp: 0x880b } as const;

/** 0, or why these bytes are not a whole GRE header of version 0 or 1. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.gre, KIND.short, HEADER_LEN);
  const version = view.getUint16(at) & 7;
  if (version > 1) return fault(LAYER.gre, KIND.version, version);
  const needed = headerLength(view, at);
  return needed > end - at ? fault(LAYER.gre, KIND.short, needed) : NO_FAULT;
}

export function flags(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function protocol(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function headerLength(view: DataView, at: number): number {
  const f = view.getUint16(at);
  let length = HEADER_LEN;
  if ((f & (FLAG.checksum | FLAG.routing)) !== 0) length += 4;
  if ((f & FLAG.key) !== 0) length += 4;
  if ((f & FLAG.sequence) !== 0) length += 4;
  if ((f & 7) === 1 && (f & FLAG.ack) !== 0) length += 4;
  return length;
}

/** Where the key stands, or -1. Only after `check`. */
export function keyAt(view: DataView, at: number): number {
  const f = view.getUint16(at);
  if ((f & FLAG.key) === 0) return -1;
  return at + HEADER_LEN + ((f & (FLAG.checksum | FLAG.routing)) !== 0 ? 4 : 0);
}

/**
 * Bytes of the ERSPAN header at `at`, as the GRE header at `greAt` announces it.
 * @returns 0 for type I, 8, 12 or 20; what is needed may be more than [at, end) has
 */
export function erspanLength(view: DataView, greAt: number, at: number, end: number): number {
  if (protocol(view, greAt) === PROTOCOL.erspan) return (flags(view, greAt) & FLAG.sequence) === 0 ? 0 : 8;
  return end - at >= 12 && (view.getUint8(at + 11) & 1) !== 0 ? 20 : 12;
}
