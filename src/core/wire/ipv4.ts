// IPv4, RFC 791; the type of service as RFC 2474 (DSCP) and RFC 3168 (ECN) divide it.
//
//    0       4       8               16    19                       31
//   +-------+-------+---------------+-------------------------------+
//   |version|  IHL  |      TOS      |         total length          |
//   +-------+-------+---------------+-----+-------------------------+
//   |        identification         |0|D|M|     fragment offset     |
//   +---------------+---------------+-----+-------------------------+
//   |      TTL      |   protocol    |        header checksum        |
//   +---------------+---------------+-------------------------------+
//   |                     source, then destination                  |
//   +---------------------------------------------------------------+
//   |                     options, up to 40 bytes                   |
//
// A total length of 0 is not judged here: captures of offload-sized packets (BIG TCP) hold it, and `payloadEnd` then
// takes all that is there.

import type { Ip4 } from './address.ts';
import { finish, fold, sum, update16, update32 } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

/** Without options. */
export const HEADER_LEN = 20;
export const MAX_HEADER_LEN = 60;

const DF = 0x4000;
const MF = 0x2000;

/** Router alert (RFC 2113): four bytes, value 0. */
export const ROUTER_ALERT = 0x94040000;

export interface Ipv4Header {
  readonly version: number;
  /** Bytes of header, options included. */
  readonly headerLength: number;
  readonly tos: number;
  readonly totalLength: number;
  readonly id: number;
  /** The bit that must be zero (RFC 791). */
  readonly reserved: boolean;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly src: Ip4;
  readonly dst: Ip4;
}

export interface Ipv4Option {
  readonly type: number;
  /** Where the option starts, and its whole length in bytes. */
  readonly at: number;
  readonly length: number;
}

/** 0, or what keeps [at, end) from being an IPv4 packet. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  const had = end - at;
  if (had < HEADER_LEN) return fault(LAYER.ipv4, KIND.short, HEADER_LEN);
  const first = view.getUint8(at);
  if (first >>> 4 !== 4) return fault(LAYER.ipv4, KIND.version, first >>> 4);
  const header = (first & 0x0f) * 4;
  if (header < HEADER_LEN) return fault(LAYER.ipv4, KIND.underrun, header);
  if (header > had) return fault(LAYER.ipv4, KIND.overrun, header);
  const total = view.getUint16(at + 2);
  if (total === 0) return NO_FAULT;
  if (total < header) return fault(LAYER.ipv4, KIND.underrun, total);
  return total > had ? fault(LAYER.ipv4, KIND.overrun, total) : NO_FAULT;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4;
}

/** Bytes of header, options included. */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at) & 0x0f) * 4;
}

export function tos(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function dscp(view: DataView, at: number): number {
  return view.getUint8(at + 1) >>> 2;
}

export function ecn(view: DataView, at: number): number {
  return view.getUint8(at + 1) & 3;
}

export function totalLength(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function id(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function dontFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & DF) !== 0;
}

export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & MF) !== 0;
}

/** In bytes. */
export function fragmentOffset(view: DataView, at: number): number {
  return (view.getUint16(at + 6) & 0x1fff) * 8;
}

/** True for every piece of a fragmented packet, the first included. */
export function isFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & 0x3fff) !== 0;
}

export function ttl(view: DataView, at: number): number {
  return view.getUint8(at + 8);
}

export function protocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 10);
}

export function src(view: DataView, at: number): Ip4 {
  return view.getUint32(at + 12);
}

export function dst(view: DataView, at: number): Ip4 {
  return view.getUint32(at + 16);
}

/** Where the payload ends: what follows is padding. Only after `check`. */
export function payloadEnd(view: DataView, at: number, end: number): number {
  const total = view.getUint16(at + 2);
  return total === 0 ? end : at + total;
}

/** True when the header adds up. Only after `check`. */
export function checksumOk(view: DataView, at: number): boolean {
  return fold(sum(view, at, at + headerLength(view, at))) === 0xffff;
}

export function setEcn(view: DataView, at: number, value: number): void {
  const before = view.getUint16(at);
  const after = (before & 0xfffc) | (value & 3);
  view.setUint16(at, after);
  view.setUint16(at + 10, update16(view.getUint16(at + 10), before, after));
}

/** Takes one off the TTL, checksum included (RFC 1141). The TTL must not be 0. */
export function decrementTtl(view: DataView, at: number): void {
  const before = view.getUint16(at + 8);
  const after = before - 0x100;
  view.setUint16(at + 8, after);
  view.setUint16(at + 10, update16(view.getUint16(at + 10), before, after));
}

/** Sets the source; keeps the header's checksum right, not a transport's. */
export function setSrc(view: DataView, at: number, ip: Ip4): void {
  view.setUint16(at + 10, update32(view.getUint16(at + 10), view.getUint32(at + 12), ip));
  view.setUint32(at + 12, ip);
}

/** Sets the destination; keeps the header's checksum right, not a transport's. */
export function setDst(view: DataView, at: number, ip: Ip4): void {
  view.setUint16(at + 10, update32(view.getUint16(at + 10), view.getUint32(at + 16), ip));
  view.setUint32(at + 16, ip);
}

/**
 * Makes the packet [at, end) a fragment, or with offset 0 and no more to come a whole one: sets length, offset and
 * checksum, clears DF.
 * @param offset in bytes, a multiple of 8
 */
export function setFragment(view: DataView, at: number, end: number, offset: number, more: boolean): void {
  view.setUint16(at + 2, end - at);
  view.setUint16(at + 6, (more ? MF : 0) | (offset >>> 3));
  setChecksum(view, at);
}

function setChecksum(view: DataView, at: number): void {
  view.setUint16(at + 10, 0);
  view.setUint16(at + 10, finish(sum(view, at, at + headerLength(view, at))));
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): Ipv4Header {
  return {
    version: version(view, at),
    headerLength: headerLength(view, at),
    tos: tos(view, at),
    totalLength: totalLength(view, at),
    id: id(view, at),
    reserved: (view.getUint16(at + 6) & 0x8000) !== 0,
    dontFragment: dontFragment(view, at),
    moreFragments: moreFragments(view, at),
    fragmentOffset: fragmentOffset(view, at),
    ttl: ttl(view, at),
    protocol: protocol(view, at),
    checksum: checksum(view, at),
    src: src(view, at),
    dst: dst(view, at),
  };
}

/** The options up to the end of the list, or up to the first whose length lies. Only after `check`. */
export function readOptions(view: DataView, at: number): Ipv4Option[] {
  const options: Ipv4Option[] = [];
  const end = at + headerLength(view, at);
  let o = at + HEADER_LEN;
  while (o < end) {
    const type = view.getUint8(o);
    if (type === 0) break;
    const length = type === 1 ? 1 : o + 1 < end ? view.getUint8(o + 1) : 0;
    if (length === 0 || (type !== 1 && length < 2) || o + length > end) break;
    options.push({ type, at: o, length });
    o += length;
  }
  return options;
}

/**
 * Writes a 20-byte header whose payload stands at [at + 20, end); sets total length and checksum. Packet path: the
 * checksum comes from the values, not from the bytes.
 */
export function write(
  view: DataView,
  at: number,
  end: number,
  from: Ip4,
  to: Ip4,
  proto: number,
  timeToLive: number,
  typeOfService: number,
  identification: number,
  noFragments: boolean,
): void {
  const word0 = 0x45000000 + (typeOfService << 16) + (end - at);
  const word1 = identification * 0x10000 + (noFragments ? DF : 0);
  const word2 = timeToLive * 0x1000000 + (proto << 16);
  const c = finish(word0 + word1 + word2 + (from >>> 0) + (to >>> 0));
  view.setUint32(at, word0);
  view.setUint32(at + 4, word1);
  view.setUint32(at + 8, word2 + c);
  view.setUint32(at + 12, from);
  view.setUint32(at + 16, to);
}

/** As `write` with the router alert option: a header of 24 bytes. */
export function writeAlert(
  view: DataView,
  at: number,
  end: number,
  from: Ip4,
  to: Ip4,
  proto: number,
  timeToLive: number,
  typeOfService: number,
  identification: number,
): void {
  write(view, at, end, from, to, proto, timeToLive, typeOfService, identification, true);
  view.setUint8(at, 0x46);
  view.setUint32(at + HEADER_LEN, ROUTER_ALERT);
  setChecksum(view, at);
}

/** Writes every field as told, sense or nonsense; options are not touched. */
export function writeRaw(view: DataView, at: number, h: Ipv4Header): void {
  view.setUint8(at, ((h.version & 0x0f) << 4) | ((h.headerLength >>> 2) & 0x0f));
  view.setUint8(at + 1, h.tos);
  view.setUint16(at + 2, h.totalLength);
  view.setUint16(at + 4, h.id);
  const bits = (h.reserved ? 0x8000 : 0) | (h.dontFragment ? DF : 0) | (h.moreFragments ? MF : 0);
  view.setUint16(at + 6, bits | ((h.fragmentOffset >>> 3) & 0x1fff));
  view.setUint8(at + 8, h.ttl);
  view.setUint8(at + 9, h.protocol);
  view.setUint16(at + 10, h.checksum);
  view.setUint32(at + 12, h.src);
  view.setUint32(at + 16, h.dst);
}
