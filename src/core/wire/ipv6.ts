// IPv6, RFC 8200 s.3. Extension headers are in ipv6-extensions.ts.
//
//    0       4               12                                     31
//   +-------+---------------+---------------------------------------+
//   |version| traffic class |              flow label               |
//   +-------+---------------+-------+---------------+---------------+
//   |        payload length         |  next header  |   hop limit   |
//   +-------------------------------+---------------+---------------+
//   |          source (16 bytes), then destination (16 bytes)       |
//   +---------------------------------------------------------------+
//
// A payload length of 0 is not judged here: a jumbogram says its length in an option (RFC 2675), and captures of
// offload-sized packets have it too; `payloadEnd` then takes all that is there.

import type { Ip6 } from './address.ts';
import { readIp6, writeIp6 } from './address.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 40;

export interface Ipv6Header {
  readonly version: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly src: Ip6;
  readonly dst: Ip6;
}

/** 0, or what keeps [at, end) from being an IPv6 packet. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.ipv6, KIND.short, HEADER_LEN);
  const v = view.getUint8(at) >>> 4;
  if (v !== 6) return fault(LAYER.ipv6, KIND.version, v);
  const needed = HEADER_LEN + view.getUint16(at + 4);
  return needed > end - at ? fault(LAYER.ipv6, KIND.overrun, needed) : NO_FAULT;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4;
}

export function trafficClass(view: DataView, at: number): number {
  return (view.getUint16(at) >>> 4) & 0xff;
}

export function ecn(view: DataView, at: number): number {
  return (view.getUint16(at) >>> 4) & 3;
}

export function flowLabel(view: DataView, at: number): number {
  return view.getUint32(at) & 0xfffff;
}

export function payloadLength(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** The first extension header or the transport. */
export function nextHeader(view: DataView, at: number): number {
  return view.getUint8(at + 6);
}

export function hopLimit(view: DataView, at: number): number {
  return view.getUint8(at + 7);
}

export function src(view: DataView, at: number): Ip6 {
  return readIp6(view, at + 8);
}

export function dst(view: DataView, at: number): Ip6 {
  return readIp6(view, at + 24);
}

/** Where the addresses stand, for look-ups that read them in place. */
export function srcAt(at: number): number {
  return at + 8;
}

export function dstAt(at: number): number {
  return at + 24;
}

/** Where the payload ends: what follows is padding. Only after `check`. */
export function payloadEnd(view: DataView, at: number, end: number): number {
  const payload = view.getUint16(at + 4);
  return payload === 0 && view.getUint8(at + 6) !== 59 ? end : at + HEADER_LEN + payload;
}

export function setEcn(view: DataView, at: number, value: number): void {
  view.setUint16(at, (view.getUint16(at) & 0xffcf) | ((value & 3) << 4));
}

/** Takes one off the hop limit, which must not be 0. */
export function decrementHopLimit(view: DataView, at: number): void {
  view.setUint8(at + 7, view.getUint8(at + 7) - 1);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): Ipv6Header {
  return {
    version: version(view, at),
    trafficClass: trafficClass(view, at),
    flowLabel: flowLabel(view, at),
    payloadLength: payloadLength(view, at),
    nextHeader: nextHeader(view, at),
    hopLimit: hopLimit(view, at),
    src: src(view, at),
    dst: dst(view, at),
  };
}

/** Writes a header whose payload stands at [at + 40, end); sets the payload length. */
export function write(
  view: DataView,
  at: number,
  end: number,
  from: Ip6,
  to: Ip6,
  next: number,
  hops: number,
  classOfTraffic: number,
  label: number,
): void {
  view.setUint32(at, 0x60000000 + (classOfTraffic << 20) + label);
  view.setUint16(at + 4, end - at - HEADER_LEN);
  view.setUint8(at + 6, next);
  view.setUint8(at + 7, hops);
  writeIp6(view, at + 8, from);
  writeIp6(view, at + 24, to);
}

/** Writes every field as told, sense or nonsense. */
export function writeRaw(view: DataView, at: number, h: Ipv6Header): void {
  view.setUint32(at, ((h.version & 0x0f) << 28) | ((h.trafficClass & 0xff) << 20) | (h.flowLabel & 0xfffff));
  view.setUint16(at + 4, h.payloadLength);
  view.setUint8(at + 6, h.nextHeader);
  view.setUint8(at + 7, h.hopLimit);
  writeIp6(view, at + 8, h.src);
  writeIp6(view, at + 24, h.dst);
}
