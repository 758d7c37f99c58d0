// Counts what a capture holds: packets, VXLAN packets, and of every tunnelled frame its lane (see lanes.ts).
//
// A plain packet (dissect/plain.ts) is counted from fixed places; any other goes the long way over Sight and Crossing, which
// counts the same.

import { Crossing } from '../dissect/crossing.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG } from '../dissect/layer.ts';
import { PLAIN_OUTER, PlainPacket } from '../dissect/plain.ts';
import type { WalkOptions } from '../dissect/ports.ts';
import { DEFAULT_WALK } from '../dissect/ports.ts';
import type { Opener } from '../esp/opener.ts';
import type { PacketMeta } from '../pcap/record.ts';
import { Sight } from '../reassembly/sight.ts';
import * as ethernet from '../wire/ethernet.ts';
import { PROTO } from '../wire/numbers.ts';
import * as vxlan from '../wire/vxlan.ts';
import { Addresses } from './addresses.ts';
import { LANE, Lanes, PACKETS_WORD } from './lanes.ts';
import type { SweepTotals } from './sweep.ts';
import { Sweep } from './sweep.ts';
import { SweepMemory } from './sweep-memory.ts';

export interface SurveyOptions {
  readonly walk?: WalkOptions;
  /** One-way flows that are told apart; more are counted by tunnel only. Default 1,000,000, some 80 MB. */
  readonly maxFlows?: number;
  /** A secret 32-bit number, so that nobody can choose flows that collide; default 0. */
  readonly salt?: number;
  /** False takes the long way for every packet: for tests. */
  readonly plain?: boolean;
  /** Whether to have a `sweep`, where that is possible; its memory takes addresses for `maxFlows` at once. Default false. */
  readonly bulk?: boolean;
  /** Opens ESP; null, as by default, leaves it closed. */
  readonly opener?: Opener | null;
  /** One that has read each packet before it is handed over; else the survey has its own, with `opener`. */
  readonly seen?: Sight;
}

export const MAX_FLOWS = 1_000_000;
/** Tunnels and MACs that are told apart when the flows are used up. */
const SPARE = 65_536;
const ADDRESSES = 4_000_000;

const ETHERNET = 1;
/** Where the outer addresses of a plain packet stand. */
const VTEPS = 26;

export class Survey implements SweepTotals {
  packets = 0;
  /** On the wire, not captured. */
  bytes = 0;
  /** Packets with a VXLAN header that any conforming receiver would take. */
  vxlanPackets = 0;
  vxlanBytes = 0;
  /** Packets on a VXLAN port that no conforming receiver would take: too short, or the I flag clear. */
  malformed = 0;
  /** Packets whose flow, or whose tunnel, was not told apart because the room was used up. */
  withoutFlow = 0;
  withoutTunnel = 0;
  /** The earliest and the latest time stamp: seconds and nanoseconds; infinitely late and early without any. */
  firstSeconds: number = Number.POSITIVE_INFINITY;
  firstNanos = 0;
  lastSeconds: number = Number.NEGATIVE_INFINITY;
  lastNanos = 0;
  /** 1 by UDP destination port that carried VXLAN. */
  readonly ports: Uint8Array;
  readonly lanes: Lanes;
  /** Where frames are counted whose flow found no room. */
  readonly spare: Lanes;
  readonly addresses: Addresses;
  readonly linkTypes: Set<number> = new Set();
  /** Counts plain packets of a pcap file in bulk: for a reader of this survey's file; null without `bulk`. */
  readonly sweep: Sweep | null;
  readonly #sight: Sight;
  readonly #frame: PlainPacket = new PlainPacket();
  readonly #crossing: Crossing = new Crossing();
  readonly #carries: Uint8Array;
  readonly #plainWay: boolean;
  readonly #isSeen: boolean;
  #linkType = -1;

  constructor(options: SurveyOptions = {}) {
    const walk = options.walk ?? DEFAULT_WALK;
    const salt = options.salt ?? 0;
    // A plain packet has a tunnel, which nobody looks into who follows none.
    this.#plainWay = (options.plain ?? true) && walk.depth > 0;
    const most = options.maxFlows ?? MAX_FLOWS;
    const memory = options.bulk === true && this.#plainWay ? SweepMemory.make(most, walk.ports) : null;
    this.ports = memory?.seen ?? new Uint8Array(0x1_0000);
    this.lanes = new Lanes(most, salt, memory ?? undefined);
    this.spare = new Lanes(SPARE, salt);
    this.addresses = new Addresses(ADDRESSES, salt);
    this.#sight = options.seen ?? new Sight(walk, {}, options.opener ?? null);
    this.#isSeen = options.seen !== undefined;
    this.#carries = walk.ports;
    this.sweep = memory === null ? null : new Sweep(this, memory);
  }

  /** Counts one packet: a PacketSink. */
  readonly packet = (view: DataView, start: number, end: number, meta: PacketMeta): void => {
    const length = meta.originalLength;
    this.packets++;
    this.bytes += length;
    if (meta.seconds !== this.lastSeconds || meta.nanos < this.lastNanos) this.#time(meta);
    else this.lastNanos = meta.nanos;
    if (meta.linkType !== this.#linkType) {
      this.#linkType = meta.linkType;
      this.linkTypes.add(meta.linkType);
    }
    if (
      this.#plainWay &&
      end - start === length &&
      meta.linkType === ETHERNET &&
      this.#plain(view, start, length)
    )
      return;
    this.#long(view, start, end, meta);
  };

  /** Datagrams in fragments that were given up because others needed their room. */
  get evicted(): number {
    return this.#sight.reassembler.counts.evicted;
  }

  /** True when a datagram in fragments waits for more: what follows must be counted here too. */
  get waiting(): boolean {
    return this.#sight.reassembler.waiting > 0;
  }

  swept(packets: number, bytes: number): void {
    this.packets += packets;
    this.bytes += bytes;
    this.vxlanPackets += packets;
    this.vxlanBytes += bytes;
    if (packets > 0) this.linkTypes.add(ETHERNET);
  }

  #time(meta: PacketMeta): void {
    if (!meta.timed) return;
    const { seconds, nanos } = meta;
    if (seconds < this.firstSeconds || (seconds === this.firstSeconds && nanos < this.firstNanos)) {
      this.firstSeconds = seconds;
      this.firstNanos = nanos;
    }
    if (seconds > this.lastSeconds || (seconds === this.lastSeconds && nanos > this.lastNanos)) {
      this.lastSeconds = seconds;
      this.lastNanos = nanos;
    }
  }

  /** Counts a packet that looks as nearly all do; false when it does not, and then nothing was counted. */
  #plain(view: DataView, at: number, length: number): boolean {
    const plain = this.#frame;
    if (!plain.read(view, at, length, this.#carries)) return false;
    const { net, protocol, isArp } = plain;
    const source = view.getInt32(isArp ? net + 14 : net + 12);
    const target = view.getInt32(isArp ? net + 24 : net + 16);
    const ports = protocol === PROTO.tcp || protocol === PROTO.udp ? view.getInt32(net + 20) : 0;
    const network = plain.vniWord | protocol;
    const e = view.getInt32(at + VTEPS);
    const f = view.getInt32(at + VTEPS + 4);
    const g = view.getInt32(at + PLAIN_OUTER + 8);
    const h = view.getUint16(at + PLAIN_OUTER + 6) | (isArp ? LANE.arp : 0);
    const innerLength = length - PLAIN_OUTER;
    this.vxlanPackets++;
    this.vxlanBytes += length;
    this.ports[plain.port] = 1;
    if (!this.lanes.add(source, target, ports, network, e, f, g, h, length, innerLength)) {
      this.#aside(network, e, f, g, h, length, innerLength);
    }
    return true;
  }

  /** Counts any packet. */
  #long(view: DataView, start: number, end: number, meta: PacketMeta): void {
    const sight = this.#sight;
    if (!this.#isSeen) sight.read(view, start, end, meta);
    const { view: bytes, d } = sight.last;
    const crossing = this.#crossing;
    let row = 0;
    let taken = false;
    let refused = false;
    for (; crossing.find(bytes, d, row); row = crossing.vxlan + 1) {
      if ((vxlan.flags(bytes, d.start(crossing.vxlan)) & vxlan.FLAG_I) === 0) {
        refused = true;
        continue;
      }
      taken = true;
      if (crossing.udp >= 0) this.ports[bytes.getUint16(d.start(crossing.udp) + 2)] = 1;
      this.#cross(d, meta.originalLength);
    }
    if (taken) {
      this.vxlanPackets++;
      this.vxlanBytes += meta.originalLength;
    } else if (refused || tooShort(d)) this.malformed++;
  }

  /** Counts the frame that the crossing stands at. */
  #cross(d: Dissection, length: number): void {
    const { view, ip, link, network, transport, vni } = this.#crossing;
    let flags: number = LANE.noMac;
    let g = 0;
    if (link >= 0 && d.end(link) - d.start(link) >= ethernet.HEADER_LEN) {
      flags = view.getUint16(d.start(link) + 6);
      g = view.getInt32(d.start(link) + 8);
    }
    let e = 0;
    let f = 0;
    if (ip >= 0) {
      const at = d.start(ip);
      if (d.kind(ip) === L.ipv6) {
        flags |= LANE.outer6;
        e = this.addresses.number6(view, at + 8);
        f = this.addresses.number6(view, at + 24);
      } else {
        e = view.getInt32(at + 12);
        f = view.getInt32(at + 16);
      }
    }
    const head = d.head(this.#crossing.vxlan);
    const innerLength = Math.max(0, d.limit(this.#crossing.vxlan) - head);
    let word = vni << 8;
    if (network < 0 || !inFlow(d, view, network)) {
      this.#aside(word, e, f, g, flags, length, innerLength, false);
      return;
    }
    const at = d.start(network);
    let a: number;
    let b: number;
    let ports = 0;
    if (d.kind(network) === L.arp) {
      a = view.getInt32(at + 14);
      b = view.getInt32(at + 24);
      flags |= LANE.arp;
    } else if (d.kind(network) === L.ipv4) {
      a = view.getInt32(at + 12);
      b = view.getInt32(at + 16);
      word |= view.getUint8(at + 9);
    } else {
      a = this.addresses.number6(view, at + 8);
      b = this.addresses.number6(view, at + 24);
      flags |= LANE.inner6;
      word |= upperProtocol(d, view, network);
    }
    if (transport >= 0 && hasPorts(d, transport)) {
      ports = view.getInt32(d.start(transport));
    }
    if (!this.lanes.add(a, b, ports, word, e, f, g, flags, length, innerLength)) {
      this.#aside(word, e, f, g, flags, length, innerLength);
    }
  }

  /** Adds a lane that was counted elsewhere: the sixteen words at `o`, see lanes.ts. They may be changed. */
  addRow(words: Int32Array, o: number): void {
    const flags = words[o + 7] as number;
    if ((flags & LANE.bare) === 0) {
      if (this.lanes.addRow(words, o)) return;
      this.withoutFlow += (words[o + PACKETS_WORD] as number) >>> 0;
      words.fill(0, o, o + 3);
      words[o + 3] = (words[o + 3] as number) & 0xffff_ff00;
      words[o + 7] = (flags & ~(LANE.inner6 | LANE.arp)) | LANE.bare;
    }
    if (this.spare.addRow(words, o)) return;
    words[o + 6] = 0;
    words[o + 7] = (flags & LANE.outer6) | LANE.bare | LANE.noMac;
    if (!this.spare.addRow(words, o)) this.withoutTunnel += (words[o + PACKETS_WORD] as number) >>> 0;
  }

  /** Counts a frame without its flow, if need be without its MAC. */
  #aside(
    word: number,
    e: number,
    f: number,
    g: number,
    flags: number,
    length: number,
    innerLength: number,
    noRoom = true,
  ): void {
    if (noRoom) this.withoutFlow++;
    const vni = word & 0xffff_ff00;
    const plain = (flags & ~(LANE.inner6 | LANE.arp)) | LANE.bare;
    if (this.spare.add(0, 0, 0, vni, e, f, g, plain, length, innerLength)) return;
    const noMac = (plain & LANE.outer6) | LANE.bare | LANE.noMac;
    if (!this.spare.add(0, 0, 0, vni, e, f, 0, noMac, length, innerLength)) this.withoutTunnel++;
  }
}

/** True when the row is an address header that is whole: IPv4, IPv6, or ARP for IPv4 on Ethernet. */
function inFlow(d: Dissection, view: DataView, row: number): boolean {
  const length = d.head(row) - d.start(row);
  if (d.kind(row) === L.ipv6) return length >= 40;
  if (d.kind(row) === L.ipv4) return length >= 20;
  return (
    length >= 28 && view.getUint16(d.start(row) + 2) === 0x0800 && view.getUint16(d.start(row) + 4) === 0x0604
  );
}

/** True for TCP and UDP that is whole or put together; what only a first fragment says is not counted. */
function hasPorts(d: Dissection, row: number): boolean {
  const kind = d.kind(row);
  if (kind !== L.tcp && kind !== L.udp) return false;
  return (d.flags(row) & LAYER_FLAG.fragment) === 0 && d.head(row) - d.start(row) >= 8;
}

/** The protocol behind IPv6's extension headers. */
function upperProtocol(d: Dissection, view: DataView, row: number): number {
  let next = view.getUint8(d.start(row) + 6);
  for (let i = row + 1; i < d.count && EXTENSIONS.has(d.kind(i)) && d.head(i) > d.start(i); i++) {
    next = view.getUint8(d.start(i));
  }
  return next;
}

const EXTENSIONS: ReadonlySet<number> = new Set([L.hopByHop, L.routing, L.fragment, L.destination, L.ah]);

/** True when a VXLAN header was expected and its eight bytes are not there. */
function tooShort(d: Dissection): boolean {
  for (let row = 0; row < d.count; row++) {
    const kind = d.kind(row);
    if ((kind === L.vxlan || kind === L.gpe) && d.fault(row) !== 0 && !d.quoted(row)) return true;
  }
  return false;
}
