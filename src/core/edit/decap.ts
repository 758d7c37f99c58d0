// Takes tunnels off: each packet of a VXLAN tunnel becomes the frame that it carried, with the packet's time stamp.
//
// A datagram that came in fragments gives its frame with the packet that completes it. A frame inside that is itself a fragment
// stays one. What a snap length cut off is missing in the frame too; its original length is then what the headers outside say.
// The I flag and reserved bits are not asked, as Wireshark does not ask them.
//
// VXLAN-GPE may carry bare IP: in pcapng that is a packet of link type RAW, on an interface of its own; a pcap file has one link
// type, so there an Ethernet header with all-zero addresses is put in front. MPLS and NSH get one in either format, since no link
// type names them as they stand.

import { Crossing } from '../dissect/crossing.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { DEPTH_MAX } from '../dissect/ports.ts';
import { LINKTYPE } from '../pcap/linktype.ts';
import type { CaptureReader, PacketMeta } from '../pcap/record.ts';
import type { Part, Sight } from '../reassembly/sight.ts';
import * as ethernet from '../wire/ethernet.ts';
import { ETHERTYPE } from '../wire/numbers.ts';
import * as vxlan from '../wire/vxlan.ts';
import type { EditCounts, Editor } from './editor.ts';
import { FragmentMemory } from './fragment-memory.ts';
import type { Outlet } from './outlet.ts';
import { NO_INTERFACE, SameInterfaces } from './outlet.ts';
import { Scratch } from './scratch.ts';

export interface DecapOptions {
  /** Tunnels of other VNIs are left alone; default all. */
  readonly vnis?: ReadonlySet<number>;
  /** Of tunnels within one another take off all up to the innermost; default the outermost alone. */
  readonly innermost?: boolean;
  /** Tunnels, of any kind, within one another that are looked into; default as many as the walk follows. */
  readonly depth?: number;
  /** Write packets without such a tunnel as they are; default they are left out. */
  readonly keepOthers?: boolean;
}

/** Interfaces for VNIs that a pcapng file gets; the VNIs that come after share one. Bounds what a hostile capture can cost. */
const INTERFACES_MAX = 4096;

/** What the bytes behind a tunnel header are: an Ethernet frame, bare IP, or what needs an Ethernet header of this type. */
const FRAME = 0;
const NOT_KNOWN = -1;

export class Decap implements Editor {
  readonly #outlet: Outlet;
  readonly #source: CaptureReader;
  readonly #same: SameInterfaces;
  readonly #vnis: ReadonlySet<number> | null;
  readonly #innermost: boolean;
  readonly #depth: number;
  readonly #keepOthers: boolean;
  readonly #crossing = new Crossing();
  readonly #scratch = new Scratch();
  readonly #fragments = new FragmentMemory();
  /** The outlet's interfaces by source interface, then by VNI * 2, + 1 for RAW. */
  readonly #interfaces: Map<number, number>[] = [];
  #interfacesMade = 0;
  #kept = 0;
  #withoutTunnel = 0;
  #otherVni = 0;
  #inFragments = 0;
  #madeEthernet = 0;
  #noFrame = 0;

  /** @param outlet if it is a pcap file, one of link type Ethernet */
  constructor(outlet: Outlet, source: CaptureReader, options: DecapOptions = {}) {
    this.#outlet = outlet;
    this.#source = source;
    this.#same = new SameInterfaces(outlet, source);
    this.#vnis = options.vnis ?? null;
    this.#innermost = options.innermost ?? false;
    this.#depth = options.depth ?? DEPTH_MAX;
    this.#keepOthers = options.keepOthers ?? false;
  }

  packet(sight: Sight, meta: PacketMeta, view: DataView, start: number, end: number): void {
    const part = this.#innermost ? this.#lastOf(sight) : this.#firstOf(sight);
    if (part !== null) this.#frame(part, meta, view);
    else if (this.#willComplete(sight.own)) this.#inFragments++;
    else {
      if (this.#keepOthers) {
        const iface = this.#same.of(meta);
        if (iface !== NO_INTERFACE) this.#kept++;
        this.#outlet.write(iface, view, meta, view, start, end, meta.originalLength);
      } else if (hasTunnel(sight)) this.#otherVni++;
      else this.#withoutTunnel++;
    }
  }

  end(): void {}

  counts(): EditCounts {
    return {
      withoutTunnel: this.#withoutTunnel,
      otherVni: this.#otherVni,
      kept: this.#kept,
      fragments: this.#inFragments,
      madeEthernet: this.#madeEthernet,
      noFrame: this.#noFrame,
    };
  }

  /** The part with the outermost tunnel that is asked for, which #crossing then stands on; null when there is none. */
  #firstOf({ parts }: Sight): Part | null {
    for (const part of parts) {
      // Rows before `from` are copies of what an earlier part has as it was sent.
      let from = part.from;
      while (this.#crossing.find(part.view, part.d, from)) {
        if (this.#wanted(part)) return part;
        from = this.#crossing.vxlan + 1;
      }
    }
    return null;
  }

  /** The same for the innermost one. */
  #lastOf({ parts }: Sight): Part | null {
    for (let i = parts.length - 1; i >= 0; i--) {
      const part = parts[i] as Part;
      let last = -1;
      let from = part.from;
      while (this.#crossing.find(part.view, part.d, from)) {
        if (this.#wanted(part)) last = this.#crossing.vxlan;
        from = this.#crossing.vxlan + 1;
      }
      if (last >= 0) {
        this.#crossing.find(part.view, part.d, last);
        return part;
      }
    }
    return null;
  }

  #wanted({ d }: Part): boolean {
    if (d.depth(this.#crossing.vxlan) >= this.#depth) return false;
    return this.#vnis === null || this.#vnis.has(this.#crossing.vni);
  }

  /** True for a fragment whose datagram is known to be one of a tunnel's that is asked for. */
  #willComplete({ view, d }: Part): boolean {
    if (d.fragment < 0) return false;
    const row = d.vxlan;
    const known = row > d.fragment && d.fault(row) === 0;
    if (!known) return this.#fragments.has(view, d);
    if (this.#vnis !== null && !this.#vnis.has(vxlan.vni(view, d.start(row)))) return false;
    this.#fragments.add(view, d);
    return true;
  }

  #frame({ view: bytes, d }: Part, meta: PacketMeta, view: DataView): void {
    const row = this.#crossing.vxlan;
    const type = contents(bytes, d, row);
    const start = d.head(row);
    const end = d.end(row);
    const length = d.limit(row) - start;
    if (type === NOT_KNOWN) this.#noFrame++;
    else if (type === FRAME || (isIp(type) && this.#outlet.format === 'pcapng')) {
      const iface = this.#interface(meta, type !== FRAME);
      this.#outlet.write(iface, view, meta, bytes, start, end, length);
    } else {
      this.#madeEthernet++;
      const scratch = this.#scratch;
      scratch.room(ethernet.HEADER_LEN + end - start);
      ethernet.write(scratch.view, 0, 0, 0, type);
      scratch.copy(ethernet.HEADER_LEN, bytes, start, end);
      const made = ethernet.HEADER_LEN;
      const iface = this.#interface(meta, false);
      this.#outlet.write(iface, view, meta, scratch.view, 0, made + end - start, made + length);
    }
  }

  #interface(meta: PacketMeta, raw: boolean): number {
    const { interfaceId } = meta;
    const known = this.#interfaces[interfaceId];
    const numbers = known ?? new Map<number, number>();
    if (known === undefined) this.#interfaces[interfaceId] = numbers;
    const { vni } = this.#crossing;
    const key = vni * 2 + (raw ? 1 : 0);
    return numbers.get(key) ?? this.#declare(numbers, interfaceId, vni, raw);
  }

  #declare(numbers: Map<number, number>, interfaceId: number, vni: number, raw: boolean): number {
    const full = this.#interfacesMade >= INTERFACES_MAX;
    const key = full ? (raw ? -1 : -2) : vni * 2 + (raw ? 1 : 0);
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const from = this.#source.interfaces[interfaceId]?.name ?? '';
    const number = this.#outlet.open({
      linkType: raw ? LINKTYPE.raw : LINKTYPE.ethernet,
      name: full ? 'vni-others' : `vni${vni}`,
      description: `${full ? 'VNIs' : `VNI ${vni}`}${from === '' ? '' : ` on ${from}`}${raw ? ', bare IP' : ''}`,
    });
    numbers.set(key, number);
    this.#interfacesMade++;
    return number;
  }
}

function hasTunnel({ parts }: Sight): boolean {
  for (const { d } of parts) {
    if (d.vxlan >= 0 && d.fault(d.vxlan) === 0) return true;
  }
  return false;
}

function isIp(type: number): boolean {
  return type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6;
}

/** FRAME, NOT_KNOWN, or the EtherType of what row `row` carries. Mirrors the walk's reading of VXLAN-GPE. */
function contents(view: DataView, d: Dissection, row: number): number {
  if (d.kind(row) === L.vxlan) return FRAME;
  const at = d.start(row);
  switch (vxlan.nextProtocol(view, at)) {
    case vxlan.GPE_NEXT.ethernet:
      return FRAME;
    case vxlan.GPE_NEXT.ipv4:
      return ETHERTYPE.ipv4;
    case vxlan.GPE_NEXT.ipv6:
      return ETHERTYPE.ipv6;
    case vxlan.GPE_NEXT.nsh:
      return ETHERTYPE.nsh;
    case vxlan.GPE_NEXT.mpls:
      return ETHERTYPE.mpls;
    case 0:
      return (vxlan.flags(view, at) & vxlan.FLAG_P) === 0 ? FRAME : NOT_KNOWN;
    default:
      return NOT_KNOWN;
  }
}
