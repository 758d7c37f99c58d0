// Where and when a packet was captured, and which way it went there.
//
// A capture of several interfaces, or on `any`, has a packet once for each interface that it passed. A rule that looks
// for packets sent again compares only what one tap saw.

import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';

/** The interface as a number: pcapng's, or the interface index of a cooked capture (LINUX_SLL2). */
export function tapOf(sight: Sight, meta: PacketMeta): number {
  const { view, d } = sight.own;
  const iface = meta.interfaceId;
  if (d.count === 0 || d.kind(0) !== L.sll2 || d.fault(0) !== 0) return iface;
  // Both are small; an index that does not fit is cut, which only merges taps.
  return (iface << 20) | (view.getUint32(d.start(0) + 4) & 0xfffff);
}

/** PACKET_OUTGOING (linux/if_packet.h): the capturing machine sent it. */
const SLL_OUTGOING = 4;
/** PcapNG's epb_flags, as `DIRECTION` in pcap/record.ts has them. */
const INBOUND = 1;
const OUTBOUND = 2;

/** 1 when the capturing machine sent the packet, -1 when it came from elsewhere, 0 when nothing says. */
export function directionOf(sight: Sight, meta: PacketMeta): number {
  if (meta.direction === OUTBOUND) return 1;
  if (meta.direction === INBOUND) return -1;
  const { view, d } = sight.own;
  if (d.count === 0 || d.fault(0) !== 0) return 0;
  if (d.kind(0) === L.sll) return view.getUint16(d.start(0)) === SLL_OUTGOING ? 1 : -1;
  if (d.kind(0) === L.sll2) return view.getUint8(d.start(0) + 10) === SLL_OUTGOING ? 1 : -1;
  return 0;
}

/** Microseconds of a tick. */
export const TICK = 64;

/** Times since the first packet with one: exact in microseconds, and in ticks that fit a small integer for 38 hours. */
export class Stopwatch {
  #base = -1;
  /** Of the packet that was read last; packets without a time take that of the one before. */
  now = 0;
  /** The same in ticks; differences are right modulo 2^32. */
  ticks = 0;

  read(meta: PacketMeta): number {
    if (!meta.timed) return this.now;
    if (this.#base < 0) this.#base = meta.seconds;
    this.now = (meta.seconds - this.#base) * 1e6 + meta.nanos / 1e3;
    this.ticks = Math.floor(this.now / TICK) | 0;
    return this.now;
  }
}
