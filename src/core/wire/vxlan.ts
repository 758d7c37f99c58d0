// VXLAN, RFC 7348 s.5, with the group-policy (draft-smith-vxlan-group-policy) and generic-protocol
// (draft-ietf-nvo3-vxlan-gpe) variants of the same eight bytes.
//
//    0               8               16                             31
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |G|R|V V|I|P|B|O|R|D|R|R|A|R|R|R|  group policy id / reserved,   |
//   |               |               |  GPE: next protocol in the last|
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                      VNI                      |    reserved    |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// `check` asks only for the eight bytes: a clear I flag or a set reserved bit is shown by the getters and judged by
// whoever receives (RFC 7348: the I flag must be set, all reserved bits are ignored; Linux drops on reserved bits).

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';
import { VNI_MAX, VxlabError } from './numbers.ts';

export const HEADER_LEN = 8;

/** The I flag: the VNI is valid. Byte 0. */
export const FLAG_I = 0x08;
/** GBP's G flag: bytes 2 and 3 hold a group policy id. Byte 0. */
export const FLAG_G = 0x80;
/** GPE's P flag: byte 3 holds the next protocol. Byte 0. */
export const FLAG_P = 0x04;
/** GPE's O flag: an OAM packet. Byte 0. */
export const FLAG_O = 0x01;
/** GBP's D flag: do not learn. Byte 1. */
export const FLAG_D = 0x40;
/** GBP's A flag: policy already applied. Byte 1. (0x08, not 0x80: the draft numbers bits from the left.) */
export const FLAG_A = 0x08;

/** GPE next protocols. */
export const GPE_NEXT = { ipv4: 1, ipv6: 2, ethernet: 3, nsh: 4, mpls: 5 } as const;

/** The first word of a plain RFC 7348 header. */
export const FIRST_WORD = 0x08000000;

export interface VxlanHeader {
  /** Byte 0 as it stands. */
  readonly flags: number;
  readonly vniValid: boolean;
  readonly vni: number;
  /** Bytes 1 to 3 as they stand, 24 bits. */
  readonly reserved1: number;
  /** Byte 7 as it stands. */
  readonly reserved2: number;
  /** The group policy fields when G is set. */
  readonly gbp: { readonly group: number; readonly dontLearn: boolean; readonly applied: boolean } | null;
  /** The next protocol when P is set. */
  readonly nextProtocol: number | null;
}

/** 0, or the fault of being shorter than eight bytes. Never throws. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.vxlan, KIND.short, HEADER_LEN) : NO_FAULT;
}

export function flags(view: DataView, at: number): number {
  return view.getUint8(at);
}

/** Bytes 0 to 3: flags and the first reserved field. */
export function firstWord(view: DataView, at: number): number {
  return view.getUint32(at);
}

export function vniValid(view: DataView, at: number): boolean {
  return (view.getUint8(at) & FLAG_I) !== 0;
}

export function vni(view: DataView, at: number): number {
  return view.getUint32(at + 4) >>> 8;
}

export function reserved2(view: DataView, at: number): number {
  return view.getUint8(at + 7);
}

/** GBP's group policy id; means something only with FLAG_G. */
export function group(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** GPE's next protocol; means something only with FLAG_P. */
export function nextProtocol(view: DataView, at: number): number {
  return view.getUint8(at + 3);
}

/** True when some bit that RFC 7348 reserves is set. */
export function reservedSet(view: DataView, at: number): boolean {
  return (view.getUint32(at) & ~FIRST_WORD) !== 0 || view.getUint8(at + 7) !== 0;
}

export function setVni(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, ((value << 8) | view.getUint8(at + 7)) >>> 0);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): VxlanHeader {
  const f = flags(view, at);
  const second = view.getUint8(at + 1);
  return {
    flags: f,
    vniValid: (f & FLAG_I) !== 0,
    vni: vni(view, at),
    reserved1: firstWord(view, at) & 0xffffff,
    reserved2: reserved2(view, at),
    gbp:
      (f & FLAG_G) === 0
        ? null
        : { group: group(view, at), dontLearn: (second & FLAG_D) !== 0, applied: (second & FLAG_A) !== 0 },
    nextProtocol: (f & FLAG_P) === 0 ? null : nextProtocol(view, at),
  };
}

/** Writes the RFC's header: I set, every reserved bit 0. The packet path's writer; `value` is not checked. */
export function write(view: DataView, at: number, value: number): void {
  view.setUint32(at, FIRST_WORD);
  view.setUint32(at + 4, value << 8);
}

/** Writes a group-policy header. `group` is 16 bits. */
export function writeGbp(
  view: DataView,
  at: number,
  value: number,
  groupId: number,
  dontLearn = false,
  applied = false,
): void {
  view.setUint8(at, FLAG_I | FLAG_G);
  view.setUint8(at + 1, (dontLearn ? FLAG_D : 0) | (applied ? FLAG_A : 0));
  view.setUint16(at + 2, groupId);
  view.setUint32(at + 4, value << 8);
}

/** Writes a GPE header; `next` is one of GPE_NEXT. */
export function writeGpe(view: DataView, at: number, value: number, next: number): void {
  view.setUint32(at, (((FLAG_I | FLAG_P) << 24) | next) >>> 0);
  view.setUint32(at + 4, value << 8);
}

/** Writes all 64 bits as told, sense or nonsense. */
export function writeRaw(
  view: DataView,
  at: number,
  h: Pick<VxlanHeader, 'flags' | 'reserved1' | 'vni' | 'reserved2'>,
): void {
  view.setUint32(at, ((h.flags << 24) | (h.reserved1 & 0xffffff)) >>> 0);
  view.setUint32(at + 4, ((h.vni << 8) | (h.reserved2 & 0xff)) >>> 0);
}

/**
 * The value as a VNI.
 * @throws VxlabError BAD_VNI unless it is a whole number from 0 to 16777215
 */
export function asVni(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > VNI_MAX) {
    throw new VxlabError('BAD_VNI', `${value} is not a VNI; it must be a whole number from 0 to ${VNI_MAX}`);
  }
  return value;
}
