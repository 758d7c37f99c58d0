// The Network Service Header, RFC 8300 s.2.
//
//   | ver 2 | O | U | TTL 6 | length 6 | U U U U | MD type 4 | next protocol 8 |
//   |              service path identifier 24            |  service index 8  |
//   |  context: length times four bytes in all                                |

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 8;

/** 0, or why these bytes are not a whole NSH. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.nsh, KIND.short, HEADER_LEN);
  const version = view.getUint8(at) >> 6;
  if (version !== 0) return fault(LAYER.nsh, KIND.version, version);
  const needed = headerLength(view, at);
  if (needed < HEADER_LEN) return fault(LAYER.nsh, KIND.underrun, needed);
  return needed > end - at ? fault(LAYER.nsh, KIND.overrun, needed) : NO_FAULT;
}

export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at + 1) & 0x3f) * 4;
}

/** 1 IPv4, 2 IPv6, 3 Ethernet, 4 NSH, 5 MPLS: the numbers of VXLAN-GPE. */
export function nextProtocol(view: DataView, at: number): number {
  return view.getUint8(at + 3);
}

/** The service path identifier, 24 bits. */
export function path(view: DataView, at: number): number {
  return view.getUint32(at + 4) >>> 8;
}
