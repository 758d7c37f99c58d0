// VLAN tags: 802.1Q and 802.1ad (IEEE 802.1Q s.9.6). `at` is the tag control information; the TPID before it is what the
// header in front shows as its EtherType.
//
//    0     2 3 4            15 16                            31
//   +-------+-+---------------+--------------------------------+
//   |  PCP  |D|      VID      |        next EtherType          |
//   +-------+-+---------------+--------------------------------+

import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';
import { ETHERTYPE } from './numbers.ts';

export const HEADER_LEN = 4;

export interface VlanTag {
  /** 0 to 7. */
  readonly pcp: number;
  readonly dei: boolean;
  /** 0 (priority only) to 4095 (reserved). */
  readonly vid: number;
  readonly etherType: number;
}

/** True for the EtherTypes that announce a tag. */
export function isTag(type: number): boolean {
  return type === ETHERTYPE.vlan || type === ETHERTYPE.qinq || type === ETHERTYPE.qinqOld;
}

/** 0, or the fault of being cut short. Never throws. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.vlan, KIND.short, HEADER_LEN) : NO_FAULT;
}

/** All sixteen bits of tag control information. */
export function tci(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function pcp(view: DataView, at: number): number {
  return view.getUint8(at) >>> 5;
}

export function dei(view: DataView, at: number): boolean {
  return (view.getUint8(at) & 0x10) !== 0;
}

export function vid(view: DataView, at: number): number {
  return view.getUint16(at) & 0x0fff;
}

export function etherType(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setVid(view: DataView, at: number, value: number): void {
  view.setUint16(at, (view.getUint16(at) & 0xf000) | (value & 0x0fff));
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): VlanTag {
  return { pcp: pcp(view, at), dei: dei(view, at), vid: vid(view, at), etherType: etherType(view, at) };
}

export function write(
  view: DataView,
  at: number,
  vlanId: number,
  priority: number,
  dropEligible: boolean,
  type: number,
): void {
  view.setUint16(at, ((priority & 7) << 13) | (dropEligible ? 0x1000 : 0) | (vlanId & 0x0fff));
  view.setUint16(at + 2, type);
}

export function writeRaw(view: DataView, at: number, tag: VlanTag): void {
  write(view, at, tag.vid, tag.pcp, tag.dei, tag.etherType);
}
