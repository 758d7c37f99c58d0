// Changes numbers and addresses in packets where they stand: VNIs, VTEPs' addresses, UDP ports of tunnels, MAC and IP addresses
// outside and inside. No packet changes its length; times stay.
//
// Outer is every header that is not inside a VXLAN tunnel, also of packets without one: ARP of the underlay and what else VTEPs
// say follow. Inner is what is inside. The IP header of a tunnel inside a tunnel is both; what is said of VTEPs comes first.
// Addresses in ARP, neighbour discovery, redirects and routing headers follow, and the packet that an ICMP error quotes is
// rewritten like the others. Names, groups that a host joins, and whatever else holds an address as data stay.
//
// A packet whose headers end early, because it is damaged or cut, is rewritten as far as they go. Of a datagram in fragments only
// the first has the headers behind IP; an inner header that begins in a later one stays.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { CaptureReader, PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import type { Ip, Mac } from '../../wire/address.ts';
import { NO_FAULT } from '../../wire/fault.ts';
import { VxlabError } from '../../wire/numbers.ts';
import * as vxlan from '../../wire/vxlan.ts';
import { carryChecksums } from '../carry-checksums.ts';
import type { EditCounts, Editor } from '../editor.ts';
import { fixChecksums } from '../fix-checksums.ts';
import type { Outlet } from '../outlet.ts';
import { SameInterfaces } from '../outlet.ts';
import { Scratch } from '../scratch.ts';
import { Places } from './places.ts';
import type { Pairs } from './substitutes.ts';
import { IpSubstitutes, MacSubstitutes, numberMap } from './substitutes.ts';

export interface RewriteOptions {
  readonly vnis?: Pairs<number>;
  /** Outer IP addresses. */
  readonly vteps?: Pairs<Ip>;
  /** UDP ports of tunnels, source or destination. */
  readonly ports?: Pairs<number>;
  readonly outerMacs?: Pairs<Mac>;
  readonly innerMacs?: Pairs<Mac>;
  readonly innerIps?: Pairs<Ip>;
  /**
   * What becomes of checksums that were wrong: `keep-wrong` leaves them wrong by the same difference, and those that a network
   * card was to finish unfinished; `fix` makes every one right that can be verified. Default `keep-wrong`.
   */
  readonly checksums?: 'keep-wrong' | 'fix';
}

export class Rewrite implements Editor {
  readonly #outlet: Outlet;
  readonly #same: SameInterfaces;
  readonly #vnis: ReadonlyMap<number, number>;
  readonly #ports: ReadonlyMap<number, number>;
  readonly #outer: Places;
  readonly #inner: Places;
  /** IP headers of tunnels in tunnels. */
  readonly #both: Places;
  readonly #fix: boolean;
  readonly #scratch = new Scratch();
  #changed = 0;
  #unchanged = 0;
  #readInPart = 0;

  /** @throws VxlabError BAD_VNI; BAD_REWRITE for a port that is none, or an address that is to become one of the other family */
  constructor(outlet: Outlet, source: CaptureReader, options: RewriteOptions) {
    this.#outlet = outlet;
    this.#same = new SameInterfaces(outlet, source);
    for (const vni of (options.vnis ?? []).flat()) vxlan.asVni(vni);
    this.#vnis = numberMap(options.vnis ?? []);
    this.#ports = portMap(options.ports ?? []);
    const vteps = new IpSubstitutes(options.vteps ?? []);
    const innerIps = new IpSubstitutes(options.innerIps ?? []);
    const innerMacs = new MacSubstitutes(options.innerMacs ?? []);
    this.#outer = new Places([vteps], new MacSubstitutes(options.outerMacs ?? []));
    this.#inner = new Places([innerIps], innerMacs);
    this.#both = new Places([vteps, innerIps], innerMacs);
    this.#fix = options.checksums === 'fix';
  }

  packet(sight: Sight, meta: PacketMeta, view: DataView, start: number, end: number): void {
    const { d } = sight.own;
    const scratch = this.#scratch;
    scratch.room(end);
    scratch.copy(start, view, start, end);
    let changed = this.#headers(scratch.view, d);
    if (changed) carryChecksums(view, scratch.view, d, false);
    if (this.#fix && fixChecksums(scratch.view, d)) changed = true;
    if (isReadInPart(d)) this.#readInPart++;
    const iface = this.#same.of(meta);
    if (!changed) {
      this.#unchanged++;
      this.#outlet.write(iface, view, meta, view, start, end, meta.originalLength);
      return;
    }
    this.#changed++;
    // A frame check sequence would be wrong now.
    const fcs = meta.originalLength > end - start ? 0 : Math.min(meta.fcsLength, end - start);
    this.#outlet.write(iface, view, meta, scratch.view, start, end - fcs, meta.originalLength - fcs);
  }

  end(): void {}

  counts(): EditCounts {
    return { changed: this.#changed, unchanged: this.#unchanged, readInPart: this.#readInPart };
  }

  #headers(view: DataView, d: Dissection): boolean {
    let changed = false;
    let inside = false;
    for (let row = 0; row < d.count; row++) {
      const kind = d.kind(row);
      if (kind === L.vxlan || kind === L.gpe) {
        if (this.#tunnel(view, d, row)) changed = true;
        inside = true;
      } else if (kind === L.udp && carriesVxlan(d, row)) {
        if (this.#udp(view, d, row)) changed = true;
      } else {
        const places = !inside ? this.#outer : isIp(kind) && carriesVxlan(d, row) ? this.#both : this.#inner;
        if (places.row(view, d, row)) changed = true;
      }
    }
    return changed;
  }

  #tunnel(view: DataView, d: Dissection, row: number): boolean {
    if (d.fault(row) !== NO_FAULT || d.end(row) - d.start(row) < vxlan.HEADER_LEN) return false;
    const at = d.start(row);
    const to = this.#vnis.get(vxlan.vni(view, at));
    if (to === undefined) return false;
    vxlan.setVni(view, at, to);
    return true;
  }

  #udp(view: DataView, d: Dissection, row: number): boolean {
    const at = d.start(row);
    if (d.end(row) - at < 4) return false;
    const source = this.#ports.get(view.getUint16(at));
    const destination = this.#ports.get(view.getUint16(at + 2));
    if (source !== undefined) view.setUint16(at, source);
    if (destination !== undefined) view.setUint16(at + 2, destination);
    return source !== undefined || destination !== undefined;
  }
}

function isIp(kind: number): boolean {
  return kind === L.ipv4 || kind === L.ipv6;
}

/** True for a row that the next VXLAN header rides on without another tunnel between. */
function carriesVxlan(d: Dissection, row: number): boolean {
  const depth = d.depth(row);
  for (let i = row + 1; i < d.count && d.depth(i) === depth; i++) {
    if (d.kind(i) === L.vxlan || d.kind(i) === L.gpe) return true;
  }
  return false;
}

/** Bytes that a header has at least, by kind; for others 0. */
const LEAST: Uint8Array = new Uint8Array(64);
LEAST[L.ethernet] = 14;
LEAST[L.vlan] = 4;
LEAST[L.serviceVlan] = 4;
LEAST[L.arp] = 28;
LEAST[L.ipv4] = 20;
LEAST[L.ipv6] = 40;
LEAST[L.udp] = 8;
LEAST[L.tcp] = 20;
LEAST[L.icmp] = 8;
LEAST[L.icmpv6] = 8;
LEAST[L.vxlan] = 8;
LEAST[L.gpe] = 8;

/** True when a header is damaged or not all there, so that nobody knows what it holds. */
function isReadInPart(d: Dissection): boolean {
  if (d.firstFault >= 0) return true;
  const last = d.count - 1;
  return last >= 0 && !d.quoted(last) && d.end(last) - d.start(last) < (LEAST[d.kind(last)] ?? 0);
}

function portMap(pairs: Pairs<number>): Map<number, number> {
  for (const port of pairs.flat()) {
    if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
      throw new VxlabError('BAD_REWRITE', `a UDP port is a whole number from 1 to 65535, not ${port}`);
    }
  }
  return numberMap(pairs);
}
