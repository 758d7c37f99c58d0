// TCP's header, RFC 9293 s.3.1; the options are in tcp-options.ts.
//
//    0                               16                             31
//   +-------------------------------+-------------------------------+
//   |          source port          |       destination port        |
//   +-------------------------------+-------------------------------+
//   |                        sequence number                        |
//   +---------------------------------------------------------------+
//   |                     acknowledgment number                     |
//   +-------+-----+-----------------+-------------------------------+
//   | offset| 0 0 |A C E U A P R S F|            window             |
//   +-------+-----+-----------------+-------------------------------+
//   |           checksum            |         urgent pointer        |
//   +-------------------------------+-------------------------------+
//
// The data offset counts 32-bit words; everything here speaks of bytes.

import { finish, sum, verifies } from './checksum.ts';
import type { Fault } from './fault.ts';
import { fault, KIND, LAYER, NO_FAULT } from './fault.ts';

export const HEADER_LEN = 20;
/** The longest header: fifteen words, forty bytes of options. */
export const HEADER_LEN_MAX = 60;

/** Control bits. AE is the bit that was NS (RFC 9768; RFC 8311 made NS historic). */
export const FLAG = {
  FIN: 0x001,
  SYN: 0x002,
  RST: 0x004,
  PSH: 0x008,
  ACK: 0x010,
  URG: 0x020,
  ECE: 0x040,
  CWR: 0x080,
  AE: 0x100,
} as const;

export interface TcpHeader {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  /** Bytes of header and options, 0 to 60 in steps of 4. */
  readonly dataOffset: number;
  /** The three bits between the offset and the flags; 0 in every packet that means no harm. */
  readonly reserved: number;
  /** Nine bits, see FLAG. */
  readonly flags: number;
  /** As it stands, not scaled. */
  readonly window: number;
  readonly checksum: number;
  readonly urgent: number;
}

/** 0, or what keeps [at, end) from being a TCP segment. Never throws. */
export function check(view: DataView, at: number, end: number): Fault {
  if (end - at < HEADER_LEN) return fault(LAYER.tcp, KIND.short, HEADER_LEN);
  const claimed = dataOffset(view, at);
  if (claimed < HEADER_LEN) return fault(LAYER.tcp, KIND.underrun, claimed);
  if (claimed > end - at) return fault(LAYER.tcp, KIND.overrun, claimed);
  return NO_FAULT;
}

export function srcPort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function dstPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function seq(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

export function ack(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

/** Bytes of header and options. */
export function dataOffset(view: DataView, at: number): number {
  return (view.getUint8(at + 12) >>> 4) << 2;
}

/** Where the payload starts. Only after `check`. */
export function payloadAt(view: DataView, at: number): number {
  return at + dataOffset(view, at);
}

/** Nine bits, see FLAG. */
export function flags(view: DataView, at: number): number {
  return view.getUint16(at + 12) & 0x1ff;
}

/** As it stands, not scaled. */
export function window(view: DataView, at: number): number {
  return view.getUint16(at + 14);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 16);
}

export function urgent(view: DataView, at: number): number {
  return view.getUint16(at + 18);
}

export function setSrcPort(view: DataView, at: number, port: number): void {
  view.setUint16(at, port);
}

export function setDstPort(view: DataView, at: number, port: number): void {
  view.setUint16(at + 2, port);
}

export function setSeq(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, value);
}

export function setAck(view: DataView, at: number, value: number): void {
  view.setUint32(at + 8, value);
}

/** @param bytes header and options, a multiple of 4 from 20 to 60 */
export function setDataOffset(view: DataView, at: number, bytes: number): void {
  view.setUint8(at + 12, (view.getUint8(at + 12) & 0x0f) | ((bytes >>> 2) << 4));
}

export function setFlags(view: DataView, at: number, value: number): void {
  view.setUint16(at + 12, (view.getUint16(at + 12) & 0xfe00) | (value & 0x1ff));
}

export function setWindow(view: DataView, at: number, value: number): void {
  view.setUint16(at + 14, value);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 16, value);
}

export function setUrgent(view: DataView, at: number, value: number): void {
  view.setUint16(at + 18, value);
}

/** @param pseudo the pseudo header's sum for `end - at` bytes */
export function checksumOk(view: DataView, at: number, end: number, pseudo: number): boolean {
  return verifies(view, at, end, pseudo);
}

/** A plain object, for the cold path. Only after `check`. */
export function read(view: DataView, at: number): TcpHeader {
  return {
    srcPort: srcPort(view, at),
    dstPort: dstPort(view, at),
    seq: seq(view, at),
    ack: ack(view, at),
    dataOffset: dataOffset(view, at),
    reserved: (view.getUint8(at + 12) >>> 1) & 7,
    flags: flags(view, at),
    window: window(view, at),
    checksum: checksum(view, at),
    urgent: urgent(view, at),
  };
}

/**
 * Writes a header whose options and payload already stand at [at + 20, end); sets offset and checksum, urgent 0.
 * @param headerLen bytes of header and options, a multiple of 4 from 20 to 60
 * @param pseudo the pseudo header's sum for `end - at` bytes
 */
export function write(
  view: DataView,
  at: number,
  end: number,
  src: number,
  dst: number,
  sequence: number,
  acknowledgment: number,
  bits: number,
  windowSize: number,
  headerLen: number,
  pseudo: number,
): void {
  view.setUint16(at, src);
  view.setUint16(at + 2, dst);
  view.setUint32(at + 4, sequence);
  view.setUint32(at + 8, acknowledgment);
  view.setUint16(at + 12, (headerLen << 10) | (bits & 0x1ff));
  view.setUint16(at + 14, windowSize);
  view.setUint32(at + 16, 0);
  view.setUint16(at + 16, finish(sum(view, at, end, pseudo)));
}

/**
 * As `write`, of a segment whose payload is summed already: only header and options are read.
 * @param known the sums of pseudo header and payload
 */
export function writeKnown(
  view: DataView,
  at: number,
  src: number,
  dst: number,
  sequence: number,
  acknowledgment: number,
  bits: number,
  windowSize: number,
  headerLen: number,
  known: number,
): void {
  write(view, at, at + headerLen, src, dst, sequence, acknowledgment, bits, windowSize, headerLen, known);
}

/** Writes every field as told, sense or nonsense; of the offset only what four bits of words can hold. */
export function writeRaw(view: DataView, at: number, h: TcpHeader): void {
  view.setUint16(at, h.srcPort);
  view.setUint16(at + 2, h.dstPort);
  view.setUint32(at + 4, h.seq);
  view.setUint32(at + 8, h.ack);
  view.setUint16(at + 12, ((h.dataOffset >>> 2) << 12) | ((h.reserved & 7) << 9) | (h.flags & 0x1ff));
  view.setUint16(at + 14, h.window);
  view.setUint16(at + 16, h.checksum);
  view.setUint16(at + 18, h.urgent);
}
