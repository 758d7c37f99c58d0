// Geneve, RFC 8926 s.3.4.
//
//   +-----+----------+-+-+------------+-------------------------------+
//   | ver |opt length|O|C|  reserved  |         protocol type         |
//   +-----+----------+-+-+------------+---------------+---------------+
//   |                      VNI                        |    reserved   |
//   +-------------------------------------------------+---------------+
//   |  options: opt length times four bytes                           |
//
// The protocol type is an EtherType; 0x6558 is an inner Ethernet frame.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 8;

/** 0, or why these bytes are not a whole Geneve header. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.geneve, KIND.short, HEADER_LEN);
  const version = view.getUint8(at) >> 6;
  if (version !== 0) return fault(LAYER.geneve, KIND.version, version);
  const needed = headerLength(view, at);
  return needed > end - at ? fault(LAYER.geneve, KIND.overrun, needed) : NO_FAULT;
}

export function headerLength(view: DataView, at: number): number {
  return HEADER_LEN + (view.getUint8(at) & 0x3f) * 4;
}

export function protocol(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function vni(view: DataView, at: number): number {
  return view.getUint32(at + 4) >>> 8;
}
