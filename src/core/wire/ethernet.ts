// Ethernet II and 802.3 framing (IEEE 802.3 s.3), without preamble and FCS, as captures and tunnels carry it.
//
//   +-------------------+-------------------+-------------+----------
//   |  destination (6)  |    source (6)     | type/length |  payload
//   +-------------------+-------------------+-------------+----------
//
// The last field is an EtherType from 1536 (0x600) on and a payload length up to 1500; what lies between is neither.

import type { Mac } from './address.ts';
import { readMac, writeMac } from './address.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 14;
/** The least EtherType (IEEE 802.3 s.3.2.6). */
export const TYPE_MIN = 0x600;
/** The greatest 802.3 payload length. */
export const LENGTH_MAX = 1500;

export interface EthernetHeader {
  readonly dst: Mac;
  readonly src: Mac;
  readonly etherType: number;
}

/** 0, or the fault of being shorter than a header. Never throws. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.ethernet, KIND.short, HEADER_LEN) : NO_FAULT;
}

/** The destination's upper 16 bits; bit 0x0100 is set for groups. */
export function dstHi(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function dstLo(view: DataView, at: number): number {
  return view.getUint32(at + 2);
}

export function srcHi(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function srcLo(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

export function dst(view: DataView, at: number): Mac {
  return readMac(view, at);
}

export function src(view: DataView, at: number): Mac {
  return readMac(view, at + 6);
}

export function etherType(view: DataView, at: number): number {
  return view.getUint16(at + 12);
}

/** True when the type field is an 802.3 payload length. */
export function isLength(type: number): boolean {
  return type <= LENGTH_MAX;
}

export function setDst(view: DataView, at: number, m: Mac): void {
  writeMac(view, at, m);
}

export function setSrc(view: DataView, at: number, m: Mac): void {
  writeMac(view, at + 6, m);
}

export function setEtherType(view: DataView, at: number, type: number): void {
  view.setUint16(at + 12, type);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): EthernetHeader {
  return { dst: dst(view, at), src: src(view, at), etherType: etherType(view, at) };
}

export function write(view: DataView, at: number, to: Mac, from: Mac, type: number): void {
  writeMac(view, at, to);
  writeMac(view, at + 6, from);
  view.setUint16(at + 12, type);
}

/** As `write`, with each MAC as its high 16 and low 32 bits: the packet path's writer. */
export function writeWords(
  view: DataView,
  at: number,
  toHi: number,
  toLo: number,
  fromHi: number,
  fromLo: number,
  type: number,
): void {
  view.setUint16(at, toHi);
  view.setUint32(at + 2, toLo);
  view.setUint16(at + 6, fromHi);
  view.setUint32(at + 8, fromLo);
  view.setUint16(at + 12, type);
}

/** Writes every field as told; any type will do. */
export function writeRaw(view: DataView, at: number, h: EthernetHeader): void {
  write(view, at, h.dst, h.src, h.etherType);
}
