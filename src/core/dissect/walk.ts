// The walk: from the first byte of a packet to its innermost layer, in one pass and without allocating.
//
// Every step reads one header with its codec, adds a row to the Dissection and names what follows as a small number:
// an EtherType, an IP protocol or one of GO. A step that cannot go on adds the bytes that are left and stops. Each step
// adds a row and rows are bounded, so the walk ends on any bytes; codecs check before they read, so none is read that
// is not there. tshark's reading is the model, with two exceptions: length fields of 0 are taken for what they are in a
// capture of BIG TCP or segmentation offload, and ports are judged by destination first.

import * as arp from '../wire/arp.ts';
import * as esp from '../wire/esp.ts';
import * as ethernet from '../wire/ethernet.ts';
import { fault, faultKind, KIND, LAYER, NO_FAULT } from '../wire/fault.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as llc from '../wire/llc.ts';
import * as loopback from '../wire/loopback.ts';
import { ETHERTYPE } from '../wire/numbers.ts';
import * as sll from '../wire/sll.ts';
import * as vlan from '../wire/vlan.ts';
import type { Dissection, LayerKind } from './layer.ts';
import { BOUND, L } from './layer.ts';
import { enterTunnel, FAMILY, GO, stopAt } from './next.ts';
import type { WalkOptions } from './ports.ts';
import { DEFAULT_WALK } from './ports.ts';
import { ipv6Step } from './walk-ip6.ts';
import { transportStep } from './walk-transport.ts';
import { mplsStep, nshStep } from './walk-tunnel.ts';

/** Link types (tcpdump.org/linktypes.html). 12 and 14 are RAW as some systems wrote it. */
export const LINK_TYPE = {
  null: 0,
  ethernet: 1,
  raw12: 12,
  raw14: 14,
  raw: 101,
  loop: 108,
  sll: 113,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;

/** SPI, sequence number and the IV of AES-GCM (RFC 4303 s.2, RFC 4106 s.3). */
const ESP_OPENED = esp.HEADER_LEN + 8;

/** The smallest EtherType (IEEE 802.3); what is below is a length, or on a cooked capture Linux's own number. */
const ETHERTYPE_MIN = 0x600;

/**
 * Fills `into` with the layers of the packet in [start, end). Never throws, always ends.
 * @param linkType what the packet starts with; bytes of a type that is not in LINK_TYPE become one payload row
 * @param original the packet's length on the wire; more than `end - start` where a snap length cut it
 */
export function dissect(
  view: DataView,
  start: number,
  end: number,
  linkType: number,
  into: Dissection,
  options: WalkOptions = DEFAULT_WALK,
  original: number = end - start,
): void {
  into.reset(start, end, original, linkType);
  follow(view, into, linkStep(view, into, linkType), options);
}

/**
 * Fills `into` with the layers of a datagram that was put together from fragments: bytes [0, end) are the headers of the
 * packet that `from` tells of, up to row `last`, which is IPv4 or IPv6's fragment header, and all that it carries. Never
 * throws, always ends.
 */
export function resume(
  view: DataView,
  end: number,
  from: Dissection,
  last: number,
  into: Dissection,
  options: WalkOptions = DEFAULT_WALK,
): void {
  into.follow(from, last, end);
  const at = into.start(last);
  const protocol = into.kind(last) === L.ipv4 ? ipv4.protocol(view, at) : view.getUint8(at);
  follow(view, into, FAMILY.ip | protocol, options);
}

/**
 * Fills `into` with the layers of an ESP packet that was opened: bytes [0, end) are the headers of the packet that `from` tells
 * of, up to row `row`, which is ESP, and then the ESP packet with its payload and trailer in the clear. The caller has checked
 * that the pad length fits. Never throws, always ends.
 */
export function resumeOpened(
  view: DataView,
  end: number,
  from: Dissection,
  row: number,
  icvLength: number,
  into: Dissection,
  options: WalkOptions = DEFAULT_WALK,
): void {
  into.follow(from, row - 1, end);
  const trailer = end - icvLength - esp.TRAILER_LEN;
  if (!into.opened(ESP_OPENED, trailer - view.getUint8(trailer), icvLength)) return;
  follow(view, into, FAMILY.ip | view.getUint8(trailer + 1), options);
}

function follow(view: DataView, d: Dissection, first: number, options: WalkOptions): void {
  let next = first;
  while (next !== GO.payload) {
    if (next === GO.stop) return;
    const value = next & 0xffff;
    if (next >= FAMILY.other) next = otherStep(view, d, next, options);
    else if (next >= FAMILY.ip) next = transportStep(view, d, value, options);
    else next = etherStep(view, d, value);
  }
  d.rest();
}

function linkStep(view: DataView, d: Dissection, linkType: number): number {
  switch (linkType) {
    case LINK_TYPE.ethernet:
      return GO.ethernet;
    case LINK_TYPE.raw:
    case LINK_TYPE.raw12:
    case LINK_TYPE.raw14:
      d.push(L.raw, 0);
      return GO.ipByVersion;
    case LINK_TYPE.ipv4:
      return GO.ipv4;
    case LINK_TYPE.ipv6:
      return GO.ipv6;
    case LINK_TYPE.null:
    case LINK_TYPE.loop:
      return loopbackStep(view, d);
    case LINK_TYPE.sll:
      return sllStep(view, d);
    case LINK_TYPE.sll2:
      return sll2Step(view, d);
    default:
      return GO.payload;
  }
}

function loopbackStep(view: DataView, d: Dissection): number {
  const f = loopback.check(view, d.at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.loopback, f);
  const family = loopback.family(view, d.at);
  const type = loopback.etherType(view, d.at);
  d.push(L.loopback, loopback.HEADER_LEN);
  if (loopback.isIp4(family)) return GO.ipv4;
  if (loopback.isIp6(family)) return GO.ipv6;
  return type === 0 ? GO.payload : FAMILY.ether | type;
}

function sllStep(view: DataView, d: Dissection): number {
  const f = sll.check(view, d.at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.sll, f);
  const protocol = sll.protocol(view, d.at);
  d.push(L.sll, sll.HEADER_LEN);
  return sllNext(protocol);
}

function sll2Step(view: DataView, d: Dissection): number {
  const f = sll.check2(view, d.at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.sll2, f);
  const protocol = sll.protocol2(view, d.at);
  d.push(L.sll2, sll.HEADER_LEN_2);
  return sllNext(protocol);
}

function sllNext(protocol: number): number {
  if (protocol >= ETHERTYPE_MIN) return FAMILY.ether | protocol;
  return protocol === sll.PROTOCOL_LLC ? GO.llc : GO.payload;
}

function otherStep(view: DataView, d: Dissection, next: number, options: WalkOptions): number {
  switch (next) {
    case GO.ethernet:
      return ethernetStep(view, d);
    case GO.innerEthernet:
      return enterTunnel(d, options) ? ethernetStep(view, d) : GO.stop;
    case GO.llc:
      return llcStep(view, d);
    default:
      return ipByVersion(view, d);
  }
}

function ipByVersion(view: DataView, d: Dissection): number {
  if (d.at >= d.atEnd) return GO.ipv4;
  return view.getUint8(d.at) >> 4 === 6 ? GO.ipv6 : GO.ipv4;
}

function ethernetStep(view: DataView, d: Dissection): number {
  const at = d.at;
  const f = ethernet.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.ethernet, f);
  const type = ethernet.etherType(view, at);
  if (!d.push(L.ethernet, ethernet.HEADER_LEN)) return GO.stop;
  return type >= ETHERTYPE_MIN ? FAMILY.ether | type : lengthStep(view, d, type);
}

function vlanStep(view: DataView, d: Dissection, kind: LayerKind): number {
  const at = d.at;
  const f = vlan.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, kind, f);
  const type = vlan.etherType(view, at);
  if (!d.push(kind, vlan.HEADER_LEN)) return GO.stop;
  return type >= ETHERTYPE_MIN ? FAMILY.ether | type : lengthStep(view, d, type);
}

/** What follows an 802.3 length: LLC, or raw IPX, which begins with 0xffff and is not read. */
function lengthStep(view: DataView, d: Dissection, length: number): number {
  if (!ethernet.isLength(length)) return GO.payload;
  const i = d.count - 1;
  const end = d.at + length;
  if (end > d.atEnd) d.blame(i, fault(LAYER.ethernet, KIND.overrun, end - d.start(i)));
  d.narrow(end, BOUND.ethernetLength);
  if (d.atEnd - d.at >= 2 && view.getUint16(d.at) === 0xffff) return GO.payload;
  return GO.llc;
}

function llcStep(view: DataView, d: Dissection): number {
  const at = d.at;
  const f = llc.check(view, at, d.atEnd);
  if (f !== NO_FAULT) return stopAt(d, L.llc, f);
  const length = llc.headerLength(view, at);
  if (!d.push(L.llc, length)) return GO.stop;
  if (llc.isSnap(view, at)) {
    const organization = llc.snapOrganization(view, at);
    return organization === 0 || organization === 0xf8
      ? FAMILY.ether | llc.snapProtocol(view, at)
      : GO.payload;
  }
  if (llc.dsap(view, at) === llc.SAP.stp && d.at < d.atEnd) {
    d.push(L.stp, d.atEnd - d.at);
    return GO.stop;
  }
  return GO.payload;
}

function etherStep(view: DataView, d: Dissection, type: number): number {
  switch (type) {
    case ETHERTYPE.ipv4:
      return ipv4Step(view, d);
    case ETHERTYPE.ipv6:
      return ipv6Step(view, d);
    case ETHERTYPE.arp:
    case 0x8035: // RARP, the same layout (RFC 903)
      return arpStep(view, d);
    case ETHERTYPE.vlan:
    case ETHERTYPE.qinqOld:
      return vlanStep(view, d, L.vlan);
    case ETHERTYPE.qinq:
      return vlanStep(view, d, L.serviceVlan);
    case ETHERTYPE.teb:
      return GO.innerEthernet;
    case ETHERTYPE.mpls:
    case ETHERTYPE.mplsMulticast:
      return mplsStep(view, d);
    case ETHERTYPE.nsh:
      return nshStep(view, d);
    default:
      return GO.payload;
  }
}

function arpStep(view: DataView, d: Dissection): number {
  const f = arp.check(view, d.at, d.atEnd);
  // Other address sizes than Ethernet's and IPv4's are rare, not wrong.
  if (f !== NO_FAULT && faultKind(f) !== KIND.value) return stopAt(d, L.arp, f);
  const i = d.count;
  const length = 8 + 2 * view.getUint8(d.at + 4) + 2 * view.getUint8(d.at + 5);
  if (!d.push(L.arp, length)) return GO.stop;
  d.endAtHead(i);
  if (!d.quoted(i)) {
    d.network = i;
    d.transport = -1;
  }
  return GO.stop;
}

function ipv4Step(view: DataView, d: Dissection): number {
  const at = d.at;
  const f = ipv4.check(view, at, d.atEnd);
  if (f !== NO_FAULT && faultKind(f) !== KIND.overrun) return stopAt(d, L.ipv4, f);
  const length = ipv4.headerLength(view, at);
  if (length > d.atEnd - at) return stopAt(d, L.ipv4, f);
  const i = d.count;
  if (!d.push(L.ipv4, length)) return GO.stop;
  if (f !== NO_FAULT) d.blame(i, f);
  if (!d.quoted(i)) {
    d.network = i;
    d.transport = -1;
  }
  const total = ipv4.totalLength(view, at);
  if (total !== 0) d.narrow(at + total, BOUND.ipv4Total);
  if (ipv4.isFragment(view, at)) {
    d.fragmented();
    if (ipv4.fragmentOffset(view, at) !== 0) return GO.payload;
  }
  return FAMILY.ip | ipv4.protocol(view, at);
}
