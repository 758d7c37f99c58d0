// An MPLS label stack entry, RFC 3032 s.2.1.
//
//   | label 20 | traffic class 3 | bottom of stack 1 | TTL 8 |
//
// Nothing says what follows the last label: RFC 4928 s.3 has readers look at the first four bits.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 4;

/** MPLS in UDP (RFC 7510). */
export const UDP_PORT = 6635;

/** 0, or the fault of being shorter than four bytes. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.mpls, KIND.short, HEADER_LEN) : NO_FAULT;
}

export function label(view: DataView, at: number): number {
  return view.getUint32(at) >>> 12;
}

export function isBottom(view: DataView, at: number): boolean {
  return (view.getUint8(at + 2) & 1) !== 0;
}
