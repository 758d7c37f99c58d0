// Frames made by hand, for tests to hand to a host.

import type { Ip4, Ip6 } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import { finish, finishUdp, pseudo4, pseudo6, sum } from '../../../src/core/wire/checksum.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import { parseIp4, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { viewOf } from '../../support/bytes.ts';

export interface Head {
  readonly to: number;
  readonly from: number;
}

/** An Ethernet frame around bytes. */
export function frame(head: Head, type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(14 + payload.length);
  ethernet.write(viewOf(bytes), 0, head.to, head.from, type);
  bytes.set(payload, 14);
  return bytes;
}

export function arpFrame(
  head: Head,
  op: number,
  senderMac: number,
  senderIp: string,
  targetMac: number,
  targetIp: string,
): Uint8Array {
  const bytes = new Uint8Array(28);
  arp.write(viewOf(bytes), 0, op, senderMac, parseIp4(senderIp), targetMac, parseIp4(targetIp));
  return frame(head, 0x0806, bytes);
}

export interface Packet4 {
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  readonly ttl?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly offset?: number;
  readonly more?: boolean;
  readonly tos?: number;
}

export function packet4(head: Head, p: Packet4, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  const view = viewOf(bytes);
  bytes.set(payload, 20);
  const src: Ip4 = parseIp4(p.src);
  const dst: Ip4 = parseIp4(p.dst);
  const length = bytes.length;
  ipv4.write(view, 0, length, src, dst, p.proto, p.ttl ?? 64, p.tos ?? 0, p.id ?? 1, p.dontFragment ?? false);
  if (p.offset !== undefined || p.more === true)
    ipv4.setFragment(view, 0, length, p.offset ?? 0, p.more ?? false);
  return frame(head, 0x0800, bytes);
}

export interface Packet6 {
  readonly src: string;
  readonly dst: string;
  readonly next: number;
  readonly hops?: number;
}

export function packet6(head: Head, p: Packet6, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length);
  bytes.set(payload, 40);
  const src: Ip6 = parseIp6(p.src);
  const dst: Ip6 = parseIp6(p.dst);
  ipv6.write(viewOf(bytes), 0, bytes.length, src, dst, p.next, p.hops ?? 64, 0, 0);
  return frame(head, 0x86dd, bytes);
}

/** A UDP datagram with its checksum for these addresses. */
export function udpBytes(
  src: string,
  dst: string,
  srcPort: number,
  dstPort: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = viewOf(bytes);
  view.setUint16(0, srcPort);
  view.setUint16(2, dstPort);
  view.setUint16(4, bytes.length);
  bytes.set(payload, 8);
  view.setUint16(6, finishUdp(sum(view, 0, bytes.length, pseudoOf(src, dst, 17, bytes.length))));
  return bytes;
}

/** An ICMPv6 message with its checksum for these addresses. */
export function icmp6Bytes(
  src: string,
  dst: string,
  type: number,
  code: number,
  rest: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(4 + rest.length);
  const view = viewOf(bytes);
  bytes[0] = type;
  bytes[1] = code;
  bytes.set(rest, 4);
  view.setUint16(2, finish(sum(view, 0, bytes.length, pseudoOf(src, dst, 58, bytes.length))));
  return bytes;
}

/** An ICMP message with its checksum. */
export function icmpBytes(type: number, code: number, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + rest.length);
  const view = viewOf(bytes);
  bytes[0] = type;
  bytes[1] = code;
  bytes.set(rest, 4);
  view.setUint16(2, finish(sum(view, 0, bytes.length)));
  return bytes;
}

/** Bytes one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function pseudoOf(src: string, dst: string, proto: number, length: number): number {
  if (!src.includes(':')) return pseudo4(parseIp4(src), parseIp4(dst), proto, length);
  const head = new Uint8Array(40);
  ipv6.write(viewOf(head), 0, 40, parseIp6(src), parseIp6(dst), proto, 0, 0, 0);
  return pseudo6(viewOf(head), 0, proto, length);
}
