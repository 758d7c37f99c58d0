// Linux cooked captures, versions 1 and 2 (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 at tcpdump.org): what `-i any`
// writes in place of a link-layer header.
//
//   version 1, 16 bytes:  packet type 2 | ARPHRD 2 | address length 2 | address 8 | protocol 2
//   version 2, 20 bytes:  protocol 2 | reserved 2 | interface 4 | ARPHRD 2 | packet type 1 | address length 1 | address 8
//
// The protocol is an EtherType, or below 0x0600 one of Linux's own numbers: 1 is raw 802.3, 4 is 802.2 LLC.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 16;
export const HEADER_LEN_2 = 20;

/** Linux's protocol number for a frame that goes on with LLC. */
export const PROTOCOL_LLC = 4;

/** 0, or the fault of being shorter than the header. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.sll, KIND.short, HEADER_LEN) : NO_FAULT;
}

/** As `check` for version 2. */
export function check2(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN_2 ? fault(LAYER.sll, KIND.short, HEADER_LEN_2) : NO_FAULT;
}

export function protocol(view: DataView, at: number): number {
  return view.getUint16(at + 14);
}

export function protocol2(view: DataView, at: number): number {
  return view.getUint16(at);
}

/** How many of the eight address bytes count in version 1; the field may claim more. */
export function addressLength(view: DataView, at: number): number {
  return Math.min(8, view.getUint16(at + 4));
}

/** The same for version 2. */
export function addressLength2(view: DataView, at: number): number {
  return Math.min(8, view.getUint8(at + 11));
}
