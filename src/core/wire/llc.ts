// 802.2 LLC, with SNAP (IEEE 802.2; RFC 1042): what follows an 802.3 length.
//
//   DSAP 1 | SSAP 1 | control 1 or 2 | with both SAPs 0xaa: organization 3 | protocol 2
//
// An unnumbered frame has one control byte (its low two bits are set), the others two.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 3;
export const SNAP_LEN = 8;

/** The service access points that mean something here. */
export const SAP = { stp: 0x42, snap: 0xaa } as const;

/** 0, or the fault of being shorter than LLC, or than SNAP where SNAP is announced. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.llc, KIND.short, HEADER_LEN);
  const needed = headerLength(view, at);
  return end - at < needed ? fault(LAYER.llc, KIND.short, needed) : NO_FAULT;
}

export function dsap(view: DataView, at: number): number {
  return view.getUint8(at);
}

export function isSnap(view: DataView, at: number): boolean {
  return view.getUint8(at) === SAP.snap && view.getUint8(at + 1) === SAP.snap;
}

/** Bytes of LLC and SNAP. Needs the first three bytes only. */
export function headerLength(view: DataView, at: number): number {
  const control = (view.getUint8(at + 2) & 3) === 3 ? 1 : 2;
  return 2 + control + (isSnap(view, at) ? 5 : 0);
}

/** SNAP's protocol: an EtherType where the organization is 0. Only with `isSnap`, after `check`. */
export function snapProtocol(view: DataView, at: number): number {
  return view.getUint16(at + headerLength(view, at) - 2);
}

/** SNAP's organization, 24 bits. Only with `isSnap`, after `check`. */
export function snapOrganization(view: DataView, at: number): number {
  return view.getUint32(at + headerLength(view, at) - 5) >>> 8;
}
