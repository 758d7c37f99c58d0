// ARP for IPv4 over Ethernet, RFC 826.
//
//    0               8               16                             31
//   +-------------------------------+-------------------------------+
//   |      hardware type (1)        |     protocol type (0x0800)    |
//   +---------------+---------------+-------------------------------+
//   |  h length (6) |  p length (4) |           operation           |
//   +---------------+---------------+-------------------------------+
//   | sender MAC (6), sender IP (4), target MAC (6), target IP (4)  |
//   +---------------------------------------------------------------+
//
// Other hardware or protocols are a `value` fault: their addresses have other places.

import type { Ip4, Mac } from './address.ts';
import { readMac, writeMac } from './address.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 28;
/** Bytes before the addresses. */
const FIXED_LEN = 8;

export const OP = { request: 1, reply: 2, rarpRequest: 3, rarpReply: 4 } as const;

export interface ArpPacket {
  readonly hardware: number;
  readonly protocol: number;
  readonly hardwareLength: number;
  readonly protocolLength: number;
  readonly op: number;
  readonly senderMac: Mac;
  readonly senderIp: Ip4;
  readonly targetMac: Mac;
  readonly targetIp: Ip4;
}

/** 0, or what keeps [at, end) from being ARP for IPv4 over Ethernet. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < FIXED_LEN) return fault(LAYER.arp, KIND.short, HEADER_LEN);
  const hardwareLength = view.getUint8(at + 4);
  const protocolLength = view.getUint8(at + 5);
  const needed = headerLength(view, at);
  if (needed > end - at) return fault(LAYER.arp, KIND.overrun, needed);
  if (view.getUint16(at) !== 1) return fault(LAYER.arp, KIND.value, view.getUint16(at));
  if (view.getUint16(at + 2) !== 0x0800) return fault(LAYER.arp, KIND.value, view.getUint16(at + 2));
  if (hardwareLength !== 6) return fault(LAYER.arp, KIND.value, hardwareLength);
  if (protocolLength !== 4) return fault(LAYER.arp, KIND.value, protocolLength);
  return NO_FAULT;
}

/** Bytes of header for the address lengths that the packet states. Only when the first eight bytes are there. */
export function headerLength(view: DataView, at: number): number {
  return FIXED_LEN + 2 * view.getUint8(at + 4) + 2 * view.getUint8(at + 5);
}

export function op(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function senderMac(view: DataView, at: number): Mac {
  return readMac(view, at + 8);
}

export function senderIp(view: DataView, at: number): Ip4 {
  return view.getUint32(at + 14);
}

export function targetMac(view: DataView, at: number): Mac {
  return readMac(view, at + 18);
}

export function targetIp(view: DataView, at: number): Ip4 {
  return view.getUint32(at + 24);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): ArpPacket {
  return {
    hardware: view.getUint16(at),
    protocol: view.getUint16(at + 2),
    hardwareLength: view.getUint8(at + 4),
    protocolLength: view.getUint8(at + 5),
    op: op(view, at),
    senderMac: senderMac(view, at),
    senderIp: senderIp(view, at),
    targetMac: targetMac(view, at),
    targetIp: targetIp(view, at),
  };
}

export function write(
  view: DataView,
  at: number,
  operation: number,
  fromMac: Mac,
  fromIp: Ip4,
  toMac: Mac,
  toIp: Ip4,
): void {
  view.setUint32(at, 0x00010800);
  view.setUint16(at + 4, 0x0604);
  view.setUint16(at + 6, operation);
  writeMac(view, at + 8, fromMac);
  view.setUint32(at + 14, fromIp);
  writeMac(view, at + 18, toMac);
  view.setUint32(at + 24, toIp);
}

/** Writes every field as told, sense or nonsense; the addresses keep their usual places. */
export function writeRaw(view: DataView, at: number, p: ArpPacket): void {
  write(view, at, p.op, p.senderMac, p.senderIp, p.targetMac, p.targetIp);
  view.setUint16(at, p.hardware);
  view.setUint16(at + 2, p.protocol);
  view.setUint8(at + 4, p.hardwareLength);
  view.setUint8(at + 5, p.protocolLength);
}
