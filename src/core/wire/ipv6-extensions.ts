// IPv6 extension headers (RFC 8200 s.4): the walk from the fixed header to the transport, within bounds, and the fragment
// header (s.4.5).
//
//   hop-by-hop, routing, destination options, mobility, HIP, shim6:  next | length in 8-byte units beyond the first | ...
//   fragment:                                                        next | reserved | offset 13, reserved 2, M 1 | id 32
//   authentication (RFC 4302):                                       next | length in 4-byte units less 2 | ...
//
// ESP ends the walk: what follows is encrypted. So does a fragment that is not the first: its payload has no header.

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';
import { PROTO } from './numbers.ts';

export const FRAGMENT_LEN = 8;

/** More headers than any sender has reason for; beyond it the chain counts as endless. */
const CHAIN_MAX = 32;
const JUMBO = 0xc2;

/** Where a walk ended. One object serves every walk of its owner. */
export class ExtensionWalk {
  /** The transport's protocol number, or the header that ended the walk. */
  protocol = 0;
  /** Where that header or payload starts. */
  at = 0;
  /** Where the fragment header is; -1 without one. */
  fragmentAt = -1;
  /** True for a fragment that is not the first. */
  laterFragment = false;
  /** Payload length of a jumbogram (RFC 2675); 0 without the option. */
  jumboLength = 0;
  /** True with a router alert option (RFC 2711). */
  routerAlert = false;
  /** What stopped the walk, or 0, and where the faulty header starts. */
  fault: Fault = NO_FAULT;
  faultAt = 0;
  /** Extension headers passed. */
  count = 0;
}

/** True for the protocol numbers that are extension headers. */
export function isExtension(next: number): boolean {
  switch (next) {
    case PROTO.hopByHop:
    case PROTO.routing:
    case PROTO.fragment:
    case PROTO.ah:
    case PROTO.destination:
    case PROTO.mobility:
    case PROTO.hip:
    case PROTO.shim6:
      return true;
    default:
      return false;
  }
}

/** Bytes of the extension header at `at`; 0 when not even its length can be read. */
export function extensionLength(view: DataView, next: number, at: number, end: number): number {
  if (next === PROTO.fragment) return FRAGMENT_LEN;
  if (end - at < 2) return 0;
  const units = view.getUint8(at + 1);
  return next === PROTO.ah ? (units + 2) * 4 : (units + 1) * 8;
}

/** Walks from a next-header value at `at` to the transport. Never throws. */
export function walk(view: DataView, first: number, from: number, end: number, into: ExtensionWalk): void {
  let next = first;
  let at = from;
  into.fragmentAt = -1;
  into.laterFragment = false;
  into.jumboLength = 0;
  into.routerAlert = false;
  into.fault = NO_FAULT;
  into.faultAt = 0;
  into.count = 0;
  while (isExtension(next) && !into.laterFragment) {
    const length = extensionLength(view, next, at, end);
    if (length === 0 || at + length > end) {
      into.fault = fault(
        LAYER.ipv6,
        length === 0 || end - at < 8 ? KIND.short : KIND.overrun,
        Math.max(length, 8),
      );
      into.faultAt = at;
      break;
    }
    if (into.count === CHAIN_MAX) {
      into.fault = fault(LAYER.ipv6, KIND.endless, CHAIN_MAX);
      into.faultAt = at;
      break;
    }
    into.count++;
    if (next === PROTO.fragment) {
      into.fragmentAt = at;
      into.laterFragment = fragmentOffset(view, at) !== 0;
    } else if (next === PROTO.hopByHop) {
      readOptions(view, at + 2, at + length, into);
    }
    next = view.getUint8(at);
    at += length;
  }
  into.protocol = next;
  into.at = at;
}

function readOptions(view: DataView, from: number, end: number, into: ExtensionWalk): void {
  let at = from;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === 0) {
      at++;
      continue;
    }
    if (at + 2 > end) return;
    const length = view.getUint8(at + 1);
    if (at + 2 + length > end) return;
    if (type === JUMBO && length === 4) into.jumboLength = view.getUint32(at + 2);
    if (type === 5) into.routerAlert = true;
    at += 2 + length;
  }
}

/** Offset in bytes of the fragment whose header is at `at`. */
export function fragmentOffset(view: DataView, at: number): number {
  return view.getUint16(at + 2) & 0xfff8;
}

export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint16(at + 2) & 1) !== 0;
}

export function fragmentId(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** @param offset in bytes, a multiple of 8 */
export function writeFragment(
  view: DataView,
  at: number,
  next: number,
  offset: number,
  more: boolean,
  identification: number,
): void {
  view.setUint16(at, next << 8);
  view.setUint16(at + 2, (offset & 0xfff8) | (more ? 1 : 0));
  view.setUint32(at + 4, identification);
}

/** Hop-by-hop with the router alert for MLD (RFC 2711, RFC 9777 s.5): eight bytes. */
export function writeRouterAlert(view: DataView, at: number, next: number): void {
  view.setUint32(at, (next << 24) | 0x0502);
  view.setUint32(at + 4, 0x00000100);
}
