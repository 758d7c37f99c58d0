// Plain packets of a pcap file counted record after record in one loop: what Survey does for each packet, without a call for
// each. A file of a gigabyte has eight million of them, and calls and objects would cost as much again.
//
// The tests of dissect/plain.ts stand here a second time, and the look-up of key-table.ts, so that everything a packet needs is
// in registers. Whatever is not usual ends the loop, and the reader hands that record on as a packet: a lane that is new, a time
// stamp in another second than the latest, any shape that is not plain. A path inside the loop that is hardly ever taken would
// have the compiled loop thrown away when it is.

import { CARRIES } from '../dissect/ports.ts';
import type { RecordSweep } from '../pcap/record.ts';
import { ETHERTYPE, PROTO } from '../wire/numbers.ts';
import { ROW_WORDS } from './key-table.ts';
import type { Lanes } from './lanes.ts';
import { INNER_WORD, LANE, PACKETS_WORD, WHOLE_WORD } from './lanes.ts';

/** What a sweep counts into. */
export interface SweepTotals {
  readonly lanes: Lanes;
  /** 1 by UDP destination port. */
  readonly ports: Uint8Array;
  /** The latest time stamp. */
  readonly lastSeconds: number;
  lastNanos: number;
  /** So many packets more, all of them VXLAN, and their bytes on the wire. */
  swept(packets: number, bytes: number): void;
}

const ETHERNET = 1;
/** A record's header; where in it the two lengths stand. */
const HEAD = 16;
const CAPTURED = 8;
const ORIGINAL = 12;
/** As in dissect/plain.ts. */
const OUTER = 50;
const SHORTEST = 92;
const TAG = 4;
const IP4_TYPE = 0x08_0045;
const ARP_TYPE = 0x08_0600;

export class Sweep implements RecordSweep {
  taken = 0;
  readonly #totals: SweepTotals;
  readonly #carries: Uint8Array;

  /** @param carries CARRIES by UDP port (WalkOptions.ports) */
  constructor(totals: SweepTotals, carries: Uint8Array) {
    this.#totals = totals;
    this.#carries = carries;
  }

  records(view: DataView, from: number, end: number, linkType: number, unit: number): number {
    this.taken = 0;
    if (linkType !== ETHERNET) return from;
    const totals = this.#totals;
    const carries = this.#carries;
    const ports = totals.ports;
    const keys = totals.lanes.keys;
    const { k1, k2, k3, k4 } = keys;
    const { rows, slots, mask } = keys;
    const lastSeconds = totals.lastSeconds;
    let lastNanos = totals.lastNanos;
    let packets = 0;
    let bytes = 0;
    let at = from;
    while (at + HEAD + SHORTEST <= end) {
      const length = view.getInt32(at + CAPTURED, true);
      const p = at + HEAD;
      const nanos = view.getUint32(at + 4, true) * unit;
      if (view.getUint32(at, true) !== lastSeconds || nanos < lastNanos) break;
      if (length < SHORTEST || length > end - p || view.getInt32(at + ORIGINAL, true) !== length) break;

      // Outer IPv4, UDP and VXLAN.
      if (view.getInt32(p + 12) >>> 8 !== IP4_TYPE || view.getUint16(p + 16) !== length - 14) break;
      if ((view.getInt32(p + 20) & 0x3fff_00ff) !== PROTO.udp) break;
      const port = view.getUint16(p + 36);
      if (view.getUint16(p + 38) !== length - 34 || carries[port] !== CARRIES.vxlan) break;
      if (view.getInt32(p + 42) !== 0x0800_0000) break;
      let d = view.getInt32(p + 46);
      if ((d & 0xff) !== 0) break;

      // The inner frame.
      const tag = view.getUint16(p + 62) === ETHERTYPE.vlan ? TAG : 0;
      if (length < SHORTEST + tag) break;
      const net = p + 64 + tag;
      const type = view.getInt32(net - 2) >>> 8;
      let a = 0;
      let b = 0;
      let c = 0;
      let h = view.getUint16(p + 56);
      if (type === IP4_TYPE) {
        const word = view.getInt32(net + 6);
        const total = view.getUint16(net + 2);
        if ((word & 0x3fff_0000) !== 0 || total > p + length - net || total < 28) break;
        const protocol = word & 0xff;
        if (protocol === PROTO.tcp) {
          const header = (view.getUint8(net + 32) >> 4) * 4;
          if (total < 40 || header < 20 || header > total - 20) break;
          c = view.getInt32(net + 20);
        } else if (protocol === PROTO.udp) {
          c = view.getInt32(net + 20);
          if (carries[c & 0xffff] !== 0 || carries[c >>> 16] !== 0) break;
          if (view.getUint16(net + 24) !== total - 20) break;
          if (total !== 28 && (view.getUint8(net + 28) & 0x7f) === 0x08) break;
        } else if (protocol !== PROTO.icmp) break;
        d |= protocol;
        a = view.getInt32(net + 12);
        b = view.getInt32(net + 16);
      } else {
        if (type !== ARP_TYPE || view.getInt32(net) !== 0x0001_0800 || view.getUint16(net + 4) !== 0x0604)
          break;
        a = view.getInt32(net + 14);
        b = view.getInt32(net + 24);
        h |= LANE.arp;
      }
      const e = view.getInt32(p + 26);
      const f = view.getInt32(p + 30);
      const g = view.getInt32(p + 58);

      // The lane.
      const y = b ^ e;
      const z = c ^ f;
      const w = d ^ g ^ (h << 8);
      let hash =
        Math.imul(a ^ (a >>> 15), k1) ^
        Math.imul(y ^ (y >>> 13), k2) ^
        Math.imul(z ^ (z >>> 16), k3) ^
        Math.imul(w ^ (w >>> 14), k4);
      hash = (hash ^ (hash >>> 15) ^ (hash >>> 7)) & mask;
      let o = ((slots[hash] as number) - 1) * ROW_WORDS;
      while (
        o >= 0 &&
        (rows[o] !== a ||
          rows[o + 1] !== b ||
          rows[o + 2] !== c ||
          rows[o + 3] !== d ||
          rows[o + 4] !== e ||
          rows[o + 5] !== f ||
          rows[o + 6] !== g ||
          rows[o + 7] !== h)
      ) {
        hash = (hash + 1) & mask;
        o = ((slots[hash] as number) - 1) * ROW_WORDS;
      }
      if (o < 0) break;
      rows[o + PACKETS_WORD] = (rows[o + PACKETS_WORD] as number) + 1;
      const inner = ((rows[o + INNER_WORD] as number) + length - OUTER) | 0;
      rows[o + INNER_WORD] = inner;
      const carry = inner >>> 0 < length - OUTER ? 1 : 0;
      rows[o + INNER_WORD + 1] = (rows[o + INNER_WORD + 1] as number) + carry;
      const whole = ((rows[o + WHOLE_WORD] as number) + length) | 0;
      rows[o + WHOLE_WORD] = whole;
      const more = whole >>> 0 < length ? 1 : 0;
      rows[o + WHOLE_WORD + 1] = (rows[o + WHOLE_WORD + 1] as number) + more;
      ports[port] = 1;
      lastNanos = nanos;
      packets++;
      bytes += length;
      at = p + length;
    }
    totals.lastNanos = lastNanos;
    totals.swept(packets, bytes);
    this.taken = packets;
    return at;
  }
}
