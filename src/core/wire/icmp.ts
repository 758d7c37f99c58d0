// ICMP, RFC 792, with the next-hop MTU of RFC 1191 s.4.
//
//    0              8              16                             31
//   +--------------+--------------+--------------------------------+
//   |     type     |     code     |            checksum            |
//   +--------------+--------------+--------------------------------+
//   |  echo: identifier           |  echo: sequence number         |
//   |  unreachable, code 4: 0     |  unreachable, code 4: MTU      |
//   |  redirect: gateway address; parameter problem: pointer, 0 0 0|
//   +--------------+--------------+--------------------------------+
//   |  echo: payload; error: the IP header and the first bytes of the packet that caused it
//
// The checksum covers header and payload without a pseudo header.

import { finish, sum, update16, verifies } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 8;

/** Message types (IANA icmp-parameters). */
export const TYPE = {
  echoReply: 0,
  unreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echo: 8,
  routerAdvertisement: 9,
  routerSolicitation: 10,
  timeExceeded: 11,
  parameterProblem: 12,
  timestamp: 13,
  timestampReply: 14,
} as const;

/** Codes of `unreachable` (RFC 792; RFC 1122 s.3.2.2.1; RFC 1812 s.5.2.7.1). */
export const CODE = {
  net: 0,
  host: 1,
  protocol: 2,
  port: 3,
  /** Fragmentation needed and DF set; carries the next-hop MTU. */
  fragNeeded: 4,
  sourceRoute: 5,
  netUnknown: 6,
  hostUnknown: 7,
  netProhibited: 9,
  hostProhibited: 10,
  /** Communication administratively prohibited. */
  admin: 13,
} as const;

/** Codes of `timeExceeded`. */
export const TIME_CODE = { ttl: 0, reassembly: 1 } as const;

export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** Bytes 4 to 7 as one number, 0 to 2^32 - 1. */
  readonly rest: number;
}

/** 0, or the fault of being shorter than eight bytes. Never throws. */
export function check(_view: DataView, at: number, end: number): Fault {
  return end - at < HEADER_LEN ? fault(LAYER.icmp, KIND.short, HEADER_LEN) : NO_FAULT;
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

/** Bytes 4 to 7 as one number; a redirect's gateway stands here. */
export function rest(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** The identifier of an echo or timestamp message. */
export function id(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** The sequence number of an echo or timestamp message. */
export function seq(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** The MTU in bytes that `unreachable` with `fragNeeded` reports; 0 from routers older than RFC 1191. */
export function nextHopMtu(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** The byte of the quoted packet that a parameter problem points at. */
export function pointer(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

/** True for the types that report an error, which must never be answered by another (RFC 1122 s.3.2.2). */
export function isError(messageType: number): boolean {
  return (
    messageType === TYPE.unreachable ||
    messageType === TYPE.timeExceeded ||
    messageType === TYPE.parameterProblem ||
    messageType === TYPE.sourceQuench ||
    messageType === TYPE.redirect
  );
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

export function checksumOk(view: DataView, at: number, end: number): boolean {
  return verifies(view, at, end);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): IcmpHeader {
  return {
    type: type(view, at),
    code: code(view, at),
    checksum: checksum(view, at),
    rest: rest(view, at),
  };
}

/**
 * Writes an echo, echo reply or timestamp header whose payload already stands at [at + 8, end); sets the checksum.
 * @param messageType one of TYPE
 */
export function writeEcho(
  view: DataView,
  at: number,
  end: number,
  messageType: number,
  identifier: number,
  sequence: number,
): void {
  view.setUint32(at, messageType << 24);
  view.setUint16(at + 4, identifier);
  view.setUint16(at + 6, sequence);
  view.setUint16(at + 2, finish(sum(view, at, end)));
}

/**
 * Writes an error whose quoted packet already stands at [at + 8, end); sets the checksum.
 * @param word bytes 4 to 7: the next-hop MTU, a gateway, a pointer in the top byte, or 0
 */
export function writeError(
  view: DataView,
  at: number,
  end: number,
  messageType: number,
  messageCode: number,
  word: number,
): void {
  view.setUint32(at, (messageType << 24) | (messageCode << 16));
  view.setUint32(at + 4, word);
  view.setUint16(at + 2, finish(sum(view, at, end)));
}

/** Turns an echo into its reply where it stands: the type and, incrementally, the checksum (RFC 1624). */
export function turnIntoReply(view: DataView, at: number): void {
  const before = view.getUint16(at);
  const after = (TYPE.echoReply << 8) | (before & 0xff);
  view.setUint16(at, after);
  view.setUint16(at + 2, update16(view.getUint16(at + 2), before, after));
}

/** Writes every field as told, sense or nonsense. */
export function writeRaw(view: DataView, at: number, h: IcmpHeader): void {
  view.setUint8(at, h.type);
  view.setUint8(at + 1, h.code);
  view.setUint16(at + 2, h.checksum);
  view.setUint32(at + 4, h.rest);
}
