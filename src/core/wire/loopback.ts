// BSD loopback headers (LINKTYPE_NULL and LINKTYPE_LOOP at tcpdump.org): four bytes that hold an address family, in
// the byte order of the capturing machine (NULL) or of the network (LOOP).
//
// A reader cannot know the machine. Families are small numbers, so the order that gives the smaller one is taken.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 4;

/** 0, or the fault of being shorter than four bytes. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.frame, KIND.short, HEADER_LEN) : NO_FAULT;
}

export function family(view: DataView, at: number): number {
  return Math.min(view.getUint32(at), view.getUint32(at, true));
}

/** The EtherType that some systems put into the last two bytes of a header whose family makes no sense; 0 without one. */
export function etherType(view: DataView, at: number): number {
  const type = view.getUint16(at + 2);
  return family(view, at) > 0xffff && type >= 0x600 ? type : 0;
}

/** AF_INET, which every system numbers 2. */
export function isIp4(value: number): boolean {
  return value === 2;
}

/** AF_INET6: 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS. */
export function isIp6(value: number): boolean {
  return value === 10 || value === 24 || value === 28 || value === 30;
}
