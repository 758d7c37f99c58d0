// ICMPv6, RFC 4443: the header that all its messages share, echo, and the error messages. Neighbour discovery is in
// nd.ts and listener discovery in mld.ts, which read the same first four bytes.
//
//    0              8              16                             31
//   +--------------+--------------+--------------------------------+
//   |     type     |     code     |            checksum            |
//   +--------------+--------------+--------------------------------+
//   |  echo: identifier           |  echo: sequence number         |
//   |  packet too big: MTU; parameter problem: pointer; else 0     |
//   +--------------+--------------+--------------------------------+
//
// The smallest message is four bytes, but every type in use has eight. The checksum covers the IPv6 pseudo header
// (RFC 8200 s.8.1), so a message over IPv6 is never without one. Types below 128 are errors.

import { finish, sum, update16, verifies } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 8;

/** Message types (IANA icmpv6-parameters). */
export const TYPE = {
  unreachable: 1,
  tooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echo: 128,
  echoReply: 129,
  mldQuery: 130,
  mldReport: 131,
  mldDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
  mldReportV2: 143,
} as const;

/** Codes of `unreachable` (RFC 4443 s.3.1). */
export const CODE = {
  noRoute: 0,
  admin: 1,
  scope: 2,
  address: 3,
  port: 4,
  policy: 5,
  reject: 6,
} as const;

/** Codes of `timeExceeded`. */
export const TIME_CODE = { hopLimit: 0, reassembly: 1 } as const;

/** Codes of `parameterProblem`. */
export const PROBLEM_CODE = { field: 0, nextHeader: 1, option: 2 } as const;

export interface Icmpv6Header {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** Bytes 4 to 7 as one number, 0 to 2^32 - 1. */
  readonly rest: number;
}

/** 0, or the fault of being shorter than eight bytes. Never throws. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.icmpv6, KIND.short, HEADER_LEN) : NO_FAULT;
}

export function type(view: DataView, at: number): number {
  return view.getUint8(at);
}

export function code(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Bytes 4 to 7 as one number. */
export function rest(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** The identifier of an echo message. */
export function id(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** The sequence number of an echo message. */
export function seq(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** The MTU in bytes that a packet-too-big message reports. */
export function nextHopMtu(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** The byte of the quoted packet that a parameter problem points at. */
export function pointer(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** True for error messages, which must never be answered by another (RFC 4443 s.2.4 e). */
export function isError(messageType: number): boolean {
  return messageType < 128;
}

export function setType(view: DataView, at: number, value: number): void {
  view.setUint8(at, value);
}

export function setCode(view: DataView, at: number, value: number): void {
  view.setUint8(at + 1, value);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

export function setId(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

export function setSeq(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

/** @param pseudo the IPv6 pseudo header's sum for `end - at` bytes */
export function checksumOk(view: DataView, at: number, end: number, pseudo: number): boolean {
  return verifies(view, at, end, pseudo);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): Icmpv6Header {
  return {
    type: type(view, at),
    code: code(view, at),
    checksum: checksum(view, at),
    rest: rest(view, at),
  };
}

/**
 * Writes an echo or echo reply whose payload already stands at [at + 8, end); sets the checksum.
 * @param pseudo the IPv6 pseudo header's sum for `end - at` bytes
 */
export function writeEcho(
  view: DataView,
  at: number,
  end: number,
  messageType: number,
  identifier: number,
  sequence: number,
  pseudo: number,
): void {
  view.setUint32(at, messageType << 24);
  view.setUint16(at + 4, identifier);
  view.setUint16(at + 6, sequence);
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

/**
 * Writes an error whose quoted packet already stands at [at + 8, end); sets the checksum.
 * @param word bytes 4 to 7: the MTU of a packet-too-big, the pointer of a parameter problem, or 0
 * @param pseudo the IPv6 pseudo header's sum for `end - at` bytes
 */
export function writeError(
  view: DataView,
  at: number,
  end: number,
  messageType: number,
  messageCode: number,
  word: number,
  pseudo: number,
): void {
  view.setUint32(at, (messageType << 24) | (messageCode << 16));
  view.setUint32(at + 4, word);
  view.setUint16(at + 2, finish(sum(view, at, end, pseudo)));
}

/**
 * Turns an echo into its reply where it stands: the type and, incrementally, the checksum (RFC 1624). Swapping the two
 * addresses leaves the pseudo header's sum alone; a reply from another address than the echo went to needs `writeEcho`.
 */
export function turnIntoReply(view: DataView, at: number): void {
  const before = view.getUint16(at);
  const after = (TYPE.echoReply << 8) | (before & 0xff);
  view.setUint16(at, after);
  view.setUint16(at + 2, update16(view.getUint16(at + 2), before, after));
}

/** Writes every field as told, sense or nonsense. */
export function writeRaw(view: DataView, at: number, h: Icmpv6Header): void {
  view.setUint8(at, h.type);
  view.setUint8(at + 1, h.code);
  view.setUint16(at + 2, h.checksum);
  view.setUint32(at + 4, h.rest);
}
