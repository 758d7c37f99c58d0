// Puts headers in front of a packet, or into it behind its IP header, with lengths that fit: so deep that no single damage gets
// there. And takes a packet apart into fragments, which come in any order.
//
// Headers are built from the documents here, not by the writers of core/wire: a mistake there would hide itself.

import type { Chance } from './chance.ts';
import type { ScenePacket } from './input.ts';
import { joined } from './mutator.ts';

const ETHERNET = 1;
const IP6_HEAD = 40;

/** A packet in something more. What is not Ethernet stays as it is. */
export function stacked(packet: ScenePacket, chance: Chance): ScenePacket {
  if (packet.linkType !== ETHERNET || packet.bytes.length > 60_000) return packet;
  const bytes = chance.pick(STACKS)(packet.bytes, chance);
  return { ...packet, bytes, original: bytes.length + Math.max(0, packet.original - packet.bytes.length) };
}

type Stack = (frame: Uint8Array, chance: Chance) => Uint8Array;

const STACKS: readonly Stack[] = [
  (frame, chance) => inUdp(joined(vxlanHeader(chance), frame), chance.pick([4789, 8472]), chance),
  (frame, chance) => inUdp(joined(vxlanHeader(chance), frame), chance.pick([4789, 8472]), chance),
  // VXLAN-GPE: the next protocol is any.
  (frame, chance) => inUdp(joined(bytesOf(0x0c, 0, 0, chance.below(7), 0, 0, 9, 0), frame), 4790, chance),
  (frame, chance) => {
    const options = chance.below(4);
    const head = bytesOf(options, 0, 0x65, 0x58, 0, 0, chance.below(256), 0);
    return inUdp(joined(head, filled(options * 4, chance), frame), 6081, chance);
  },
  (frame, chance) => {
    const flags = chance.pick([0, 0x20, 0xb0, 0x10]);
    const words = [0x80, 0x20, 0x10].filter((bit) => (flags & bit) !== 0).length;
    return inIp(joined(bytesOf(flags, 0, 0x65, 0x58), filled(words * 4, chance), frame), 47, chance);
  },
  // ERSPAN type II in GRE, with a sequence number.
  (frame, chance) =>
    inIp(joined(bytesOf(0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0), frame), 47, chance),
  (frame, chance) => inIp(frame.subarray(14), chance.pick([4, 41]), chance),
  (frame, chance) => {
    // An ICMP error of either family quotes the packet behind its Ethernet header.
    const type = chance.pick([3, 5, 11, 12]);
    return inIp(joined(bytesOf(type, chance.below(6), 0, 0, 0, 0, 5, 0xdc), frame.subarray(14)), 1, chance);
  },
  tagged,
  tagged,
  (frame, chance) =>
    joined(frame.subarray(0, 12), bytesOf(0x88, 0x47, 0, 1, chance.pick([0, 1]), 64), frame.subarray(12)),
  extended,
  extended,
];

function tagged(frame: Uint8Array, chance: Chance): Uint8Array {
  const tags = chance.oneIn(4) ? 1 + chance.below(60) : 1;
  const tag = bytesOf(
    ...chance.pick([
      [0x81, 0],
      [0x88, 0xa8],
    ]),
    chance.below(256),
    chance.below(256),
  );
  return joined(frame.subarray(0, 12), ...Array.from({ length: tags }, () => tag), frame.subarray(12));
}

/** An extension header, or many, behind an IPv6 header. */
function extended(frame: Uint8Array, chance: Chance): Uint8Array {
  const at = 14 + IP6_HEAD;
  if (frame.length < at || frame[12] !== 0x86 || frame[13] !== 0xdd)
    return inIp6(frame.subarray(14), 59, chance);
  const result = frame.slice();
  const heads: Uint8Array[] = [];
  let next = result[20] as number;
  const count = chance.oneIn(4) ? 1 + chance.below(50) : 1;
  for (let i = 0; i < count; i++) {
    const kind = chance.pick([0, 43, 44, 51, 60, 60]);
    const units = kind === 44 ? 0 : chance.below(3);
    const head = filled(kind === 51 ? (units + 2) * 4 : 8 * (units + 1), chance);
    head[0] = next;
    head[1] = kind === 44 ? 0 : units;
    // An atomic fragment, or one of two.
    if (kind === 44) head.set([0, chance.below(2)], 2);
    heads.unshift(head);
    next = kind;
  }
  result[20] = next;
  const length = frame.length - at + heads.reduce((sum, head) => sum + head.length, 0);
  new DataView(result.buffer).setUint16(18, length);
  return joined(result.subarray(0, at), ...heads, result.subarray(at));
}

function vxlanHeader(chance: Chance): Uint8Array {
  const flags = chance.oneIn(4) ? chance.below(256) : 8;
  const group = chance.oneIn(4) ? [0x80 | flags, 0x48, 0, 7] : [flags, 0, 0, 0];
  return bytesOf(...group, 0, chance.below(2), chance.below(4), chance.oneIn(8) ? 1 : 0);
}

function inUdp(payload: Uint8Array, port: number, chance: Chance): Uint8Array {
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint16(0, 49152 + chance.below(8));
  view.setUint16(2, port);
  view.setUint16(4, head.length + payload.length);
  return inIp(joined(head, payload), 17, chance);
}

function inIp(payload: Uint8Array, protocol: number, chance: Chance): Uint8Array {
  if (chance.oneIn(3)) return inIp6(payload, protocol, chance);
  const ip = new Uint8Array(20);
  const view = new DataView(ip.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, ip.length + payload.length);
  view.setUint16(4, chance.below(4));
  view.setUint8(8, chance.pick([1, 64]));
  view.setUint8(9, protocol);
  view.setUint32(12, 0xc000_0201 + chance.below(4));
  view.setUint32(16, 0xc000_0201 + chance.below(4));
  view.setUint16(10, ~folded(ip));
  return joined(link(0x0800, chance), ip, payload);
}

function inIp6(payload: Uint8Array, next: number, chance: Chance): Uint8Array {
  const ip = new Uint8Array(IP6_HEAD);
  const view = new DataView(ip.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, payload.length);
  view.setUint8(6, next);
  view.setUint8(7, 64);
  for (const at of [8, 24]) {
    view.setUint32(at, 0x2001_0db8);
    view.setUint32(at + 12, 1 + chance.below(4));
  }
  return joined(link(0x86dd, chance), ip, payload);
}

function link(type: number, chance: Chance): Uint8Array {
  return bytesOf(2, 0, 0, 0, 0, chance.below(4), 2, 0, 0, 0, 0, chance.below(4), type >> 8, type & 0xff);
}

/** The one's complement sum of a header's words (RFC 1071). */
function folded(header: Uint8Array): number {
  const view = new DataView(header.buffer);
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/**
 * The fragments of an Ethernet packet with an untagged IPv4 header without options, in any order, now and then with one that is missing,
 * repeated or too long; null for any other packet.
 */
export function fragmented(packet: ScenePacket, chance: Chance): ScenePacket[] | null {
  const { bytes, linkType } = packet;
  if (
    linkType !== ETHERNET ||
    bytes.length < 14 + 20 + 16 ||
    bytes[12] !== 8 ||
    bytes[13] !== 0 ||
    bytes[14] !== 0x45
  )
    return null;
  const head = bytes.subarray(0, 34);
  const payload = bytes.subarray(34);
  const step = 8 * (1 + chance.below(Math.max(1, Math.min(payload.length >> 3, 80))));
  const pieces: ScenePacket[] = [];
  const id = chance.below(0x1_0000);
  for (let offset = 0; offset < payload.length && pieces.length < 24; offset += step) {
    const overlap = chance.oneIn(16) ? 8 : 0;
    const part = payload.subarray(offset, offset + step + overlap);
    const whole = joined(head, part);
    const view = new DataView(whole.buffer);
    view.setUint16(16, 20 + part.length);
    view.setUint16(18, id);
    view.setUint16(20, (offset >> 3) | (offset + step < payload.length ? 0x2000 : 0));
    view.setUint16(24, 0);
    view.setUint16(24, ~folded(whole.slice(14, 34)));
    if (!chance.oneIn(16)) pieces.push({ ...packet, bytes: whole, original: whole.length });
    if (chance.oneIn(16)) pieces.push({ ...packet, bytes: whole, original: whole.length });
  }
  if (chance.oneIn(2)) pieces.reverse();
  return pieces;
}

function filled(length: number, chance: Chance): Uint8Array {
  return Uint8Array.from({ length }, () => (chance.oneIn(2) ? 0 : chance.below(256)));
}

function bytesOf(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}
