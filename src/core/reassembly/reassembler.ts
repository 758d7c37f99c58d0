// The datagrams in progress: each fragment finds its datagram here, within limits (RFC 791 s.3.2, RFC 8200 s.4.5, Linux
// net/ipv4/ip_fragment.c and net/ipv6/reassembly.c).
//
// Time is the capture's. A datagram that was void stays in the table, without bytes, until its time is up, so that what
// comes of it later does not start another (RFC 5722 s.4).

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG } from '../dissect/layer.ts';
import type { PacketMeta } from '../pcap/record.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { fragmentOffset, moreFragments } from '../wire/ipv6-extensions.ts';
import { Fragments, TAKEN } from './fragments.ts';
import { datagramKey } from './key.ts';
import type { ReassemblyCounts, ReassemblyLimits } from './limits.ts';
import { reassemblyLimits } from './limits.ts';

/** The most that IPv4's total length and IPv6's payload length can say. */
const LENGTH_MAX = 0xffff;
/** Fragment offsets count units of eight bytes. */
const GRAIN = 7;

export class Reassembler {
  readonly limits: ReassemblyLimits;
  readonly #counts: ReassemblyCounts = {
    fragments: 0,
    repeated: 0,
    completed: 0,
    timedOut: 0,
    evicted: 0,
    overlapping: 0,
    oversize: 0,
  };
  /** In the order in which they were begun. */
  readonly #datagrams: Map<string, Fragments> = new Map();
  #bytes = 0;

  /** @throws VxlabError BAD_LIMIT */
  constructor(limits: Partial<ReassemblyLimits> = {}) {
    this.limits = reassemblyLimits(limits);
  }

  get counts(): Readonly<ReassemblyCounts> {
    return this.#counts;
  }

  /** Datagrams in progress, void ones included. */
  get waiting(): number {
    return this.#datagrams.size;
  }

  /** Bytes of memory that they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes the fragment that the packet is: what row `d.fragment` carries. Answers with its datagram when that is whole now.
   * Never throws.
   */
  offer(view: DataView, d: Dissection, meta: PacketMeta): Fragments | null {
    const row = d.fragment;
    const ip = d.kind(row) === L.ipv4 ? row : innermost6(d, row);
    if (ip < 0 || !isWhole(view, d, row, ip)) return null;
    const at = d.start(row);
    const four = row === ip;
    const more = four ? ipv4.moreFragments(view, at) : moreFragments(view, at);
    const offset = four ? ipv4.fragmentOffset(view, at) : fragmentOffset(view, at);
    let length = d.end(row) - d.head(row);
    if (more && (length & GRAIN) !== 0) {
      // Linux cuts the odd bytes off with IPv4 and refuses the packet with IPv6.
      if (!four) return null;
      length &= ~GRAIN;
    }
    if (length <= 0) return null;
    this.#counts.fragments++;
    const now = meta.timed ? meta.seconds + meta.nanos / 1e9 : Number.NaN;
    this.#expire(now);
    const key = datagramKey(view, d, row, ip);
    const datagram = this.#find(key, now);
    if (datagram.refused) return null;
    // IPv4 counts its header, IPv6 the extension headers in front of the fragment header.
    const before = four ? d.head(row) - at : at - d.head(ip);
    if (before + offset + length > LENGTH_MAX) {
      this.#counts.oversize++;
      this.#refuse(datagram);
      return null;
    }
    if (offset === 0 && !four && datagram.next < 0) datagram.next = view.getUint8(at);
    return this.#add(key, datagram, view, d.head(row), offset, length, more, meta.number);
  }

  #add(
    key: string,
    datagram: Fragments,
    view: DataView,
    at: number,
    offset: number,
    length: number,
    more: boolean,
    packet: number,
  ): Fragments | null {
    const held = datagram.held;
    const taken = datagram.add(view, at, offset, length, more, packet);
    this.#bytes += datagram.held - held;
    if (taken === TAKEN.whole) {
      this.#counts.completed++;
      this.#forget(key, datagram);
      return datagram;
    }
    if (taken === TAKEN.again) this.#counts.repeated++;
    if (taken === TAKEN.overlap) {
      this.#counts.overlapping++;
      this.#refuse(datagram);
    }
    while (this.#bytes > this.limits.bytes) this.#evict();
    return null;
  }

  #find(key: string, now: number): Fragments {
    const known = this.#datagrams.get(key);
    if (known !== undefined) {
      if (!this.#isOld(known, now)) return known;
      this.#timeOut(key, known);
    }
    if (this.#datagrams.size >= this.limits.datagrams) this.#evict();
    const datagram = new Fragments(now);
    this.#datagrams.set(key, datagram);
    this.#bytes += datagram.held;
    return datagram;
  }

  /** Files that were joined may go back in time: what is far in the future is as old as what is long past. */
  #isOld(datagram: Fragments, now: number): boolean {
    return Math.abs(now - datagram.started) > this.limits.seconds;
  }

  #expire(now: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (!this.#isOld(datagram, now)) return;
      this.#timeOut(key, datagram);
    }
  }

  #timeOut(key: string, datagram: Fragments): void {
    if (!datagram.refused) this.#counts.timedOut++;
    this.#forget(key, datagram);
  }

  /** Gives the oldest up. */
  #evict(): void {
    for (const [key, datagram] of this.#datagrams) {
      if (!datagram.refused) this.#counts.evicted++;
      this.#forget(key, datagram);
      return;
    }
  }

  #refuse(datagram: Fragments): void {
    this.#bytes -= datagram.held;
    datagram.refuse();
    this.#bytes += datagram.held;
  }

  #forget(key: string, datagram: Fragments): void {
    this.#datagrams.delete(key);
    this.#bytes -= datagram.held;
  }
}

/** The IPv6 row that a fragment header belongs to, or -1 (IPv4 can carry protocol 44, which means nothing there). */
function innermost6(d: Dissection, row: number): number {
  const ip = d.below(row, L.ipv4, L.ipv6);
  return ip >= 0 && d.kind(ip) === L.ipv6 ? ip : -1;
}

/** False when bytes of the fragment are missing or nothing says where it ends. */
function isWhole(view: DataView, d: Dissection, row: number, ip: number): boolean {
  if ((d.flags(ip) & LAYER_FLAG.cut) !== 0 || (d.flags(row) & LAYER_FLAG.cut) !== 0) return false;
  if (d.fault(ip) !== NO_FAULT || d.end(row) !== d.limit(row)) return false;
  const at = d.start(ip);
  return (row === ip ? ipv4.totalLength(view, at) : ipv6.payloadLength(view, at)) !== 0;
}
