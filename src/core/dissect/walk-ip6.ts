// The steps of the walk through IPv6 and its extension headers. See walk.ts.
//
// A payload length of 0 is a jumbogram when a hop-by-hop option says how long (RFC 2675), and in a capture of BIG TCP it
// is one without saying so: then everything that is there belongs to it.

import type { Fault } from '../wire/fault.ts';
import { fault, faultKind, KIND, LAYER, NO_FAULT } from '../wire/fault.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { extensionLength, fragmentOffset, moreFragments } from '../wire/ipv6-extensions.ts';
import { PROTO } from '../wire/numbers.ts';
import type { Dissection, LayerKind } from './layer.ts';
import { BOUND, L } from './layer.ts';
import { FAMILY, GO, stopAt } from './next.ts';

const JUMBO_OPTION = 0xc2;

export function ipv6Step(view: DataView, d: Dissection): number {
  const at = d.at;
  const f = ipv6.check(view, at, d.atEnd);
  if (f !== NO_FAULT && faultKind(f) !== KIND.overrun) return stopAt(d, L.ipv6, f);
  const i = d.count;
  if (!d.push(L.ipv6, ipv6.HEADER_LEN)) return GO.stop;
  if (f !== NO_FAULT) d.blame(i, f);
  if (!d.quoted(i)) {
    d.network = i;
    d.transport = -1;
  }
  const length = ipv6.payloadLength(view, at);
  const next = ipv6.nextHeader(view, at);
  if (length !== 0 || next === PROTO.none) d.narrow(d.at + length, BOUND.ipv6Payload);
  return FAMILY.ip | next;
}

/** True for the headers that stand between IPv6 and its payload. */
export function isExtension(protocol: number): boolean {
  return (
    protocol === PROTO.hopByHop ||
    protocol === PROTO.routing ||
    protocol === PROTO.fragment ||
    protocol === PROTO.destination ||
    protocol === PROTO.ah
  );
}

function kindOf(protocol: number): LayerKind {
  switch (protocol) {
    case PROTO.hopByHop:
      return L.hopByHop;
    case PROTO.routing:
      return L.routing;
    case PROTO.fragment:
      return L.fragment;
    case PROTO.destination:
      return L.destination;
    default:
      return L.ah;
  }
}

function checkExtension(view: DataView, at: number, end: number, protocol: number): Fault {
  if (end - at < 8) return fault(LAYER.ipv6, KIND.short, 8);
  const needed = extensionLength(view, protocol, at, end);
  return needed > end - at ? fault(LAYER.ipv6, KIND.overrun, needed) : NO_FAULT;
}

/** One extension header. */
export function extensionStep(view: DataView, d: Dissection, protocol: number): number {
  const at = d.at;
  const kind = kindOf(protocol);
  const f = checkExtension(view, at, d.atEnd, protocol);
  if (f !== NO_FAULT) return stopAt(d, kind, f);
  const next = view.getUint8(at);
  const i = d.count;
  if (!d.push(kind, extensionLength(view, protocol, at, d.atEnd))) return GO.stop;
  if (protocol === PROTO.fragment) {
    const offset = fragmentOffset(view, at);
    // A whole datagram in one fragment is no fragment (RFC 6946).
    if (offset !== 0 || moreFragments(view, at)) d.fragmented();
    if (offset !== 0) return GO.payload;
  } else if (protocol === PROTO.hopByHop) jumboLimit(view, d, i);
  return FAMILY.ip | next;
}

/** Ends a jumbogram where its hop-by-hop option says, when it is the header right behind IPv6 with length 0. */
function jumboLimit(view: DataView, d: Dissection, row: number): void {
  const ip = d.start(row - 1);
  if (row === 0 || d.kind(row - 1) !== L.ipv6 || ipv6.payloadLength(view, ip) !== 0) return;
  const head = d.head(row);
  let o = d.start(row) + 2;
  while (o + 2 <= head) {
    const type = view.getUint8(o);
    const length = type === 0 ? 1 : 2 + view.getUint8(o + 1);
    if (type === JUMBO_OPTION && length === 6 && o + 6 <= head) {
      const limit = ip + ipv6.HEADER_LEN + view.getUint32(o + 2);
      if (limit >= head) d.narrow(limit, BOUND.jumbo);
      return;
    }
    o += length;
  }
}
