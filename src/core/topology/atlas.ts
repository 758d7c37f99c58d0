// The overlay rebuilt from packets: VTEPs, networks, endpoints, subnets, names, flood lists, groups.
//
//   const atlas = new Atlas();
//   ... for each packet: sight.read(view, start, end, meta); atlas.observe(sight, meta);
//   atlas.overlay();
//
// Packets are kept as numbers and shared objects; text is made in `overlay` (see chart.ts). Every table has a limit.

import { Crossing } from '../dissect/crossing.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_FLAG } from '../dissect/layer.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as udp from '../wire/udp.ts';
import * as vxlan from '../wire/vxlan.ts';
import { NOWHERE } from './address-book.ts';
import { chart } from './chart/chart.ts';
import { Ledger } from './ledger.ts';
import type { AtlasLimits } from './limits.ts';
import { measure } from './measure.ts';
import type { Overlay } from './overlay.ts';
import type { Station } from './parties.ts';
import { Net, Seat, Tunnel, Vtep } from './parties.ts';
import { has, isIp } from './rows.ts';

/** Bytes of a frame that tell it from others, with its length. */
const HASHED = 64;

export class Atlas {
  readonly #ledger: Ledger;
  readonly #crossing: Crossing = new Crossing();
  /** Rows of a frame of the underlay, filled again. */
  readonly #rows = { link: -1, vlan: -1, network: -1, transport: -1 };

  /**
   * @param salt any 32-bit number; a secret one keeps whoever made a capture from slowing the tables down
   * @throws VxlabError BAD_LIMIT
   */
  constructor(limits: Partial<AtlasLimits> = {}, salt = 0) {
    this.#ledger = new Ledger(limits, salt);
  }

  /** Looks at the packet that the sight has read last. Never throws. */
  observe(sight: Sight, meta: PacketMeta): void {
    this.#ledger.packets++;
    const { view, d } = sight.last;
    let station: Station | null = null;
    let net: Net = this.#ledger.underlay;
    const crossing = this.#crossing;
    if (d.vxlan >= 0) {
      for (let row = 0; crossing.find(view, d, row); row = crossing.vxlan + 1) {
        if (!isIp(d, crossing.ip) || !has(d, crossing.udp, 8) || !has(d, crossing.vxlan, 8)) continue;
        if (!vxlan.vniValid(view, d.start(crossing.vxlan))) continue;
        if (net === this.#ledger.underlay) this.#outside(view, d, crossing.ip, meta);
        const inner = this.#net(
          crossing.vni,
          d.depth(crossing.vxlan),
          net === this.#ledger.underlay ? null : net,
        );
        if (inner === null) break;
        station = this.#cross(inner, net, crossing, sight, meta);
        net = inner;
      }
    }
    if (net === this.#ledger.underlay) this.#onUnderlay(view, d, meta);
    this.#name(net, station, view, d);
  }

  overlay(): Overlay {
    return chart(this.#ledger);
  }

  #net(vni: number, level: number, parent: Net | null): Net | null {
    const around = parent === null ? 0 : parent.id;
    const known = this.#ledger.nets.find(vni, level, around);
    if (known !== undefined) return known;
    const made = new Net(this.#ledger.nets.values.length + 1, vni, level, parent);
    return this.#ledger.nets.add(made, vni, level, around) ? made : null;
  }

  #vtep(net: Net, view: DataView, d: Dissection, ip: number, destination: boolean): Vtep | null {
    const at = d.start(ip);
    const six = d.kind(ip) === L.ipv6;
    const address = six
      ? this.#ledger.book.number6(view, at + (destination ? 24 : 8))
      : this.#ledger.book.number4(view, at + (destination ? 16 : 12));
    if (address === NOWHERE) return null;
    const known = this.#ledger.vteps.find(net.id, address);
    if (known !== undefined) return known;
    const place = this.#ledger.links.place(net, address);
    if (place === null) return null;
    const made = new Vtep(this.#ledger.vteps.values.length, place, this.#ledger.book.isGroup(address));
    return this.#ledger.vteps.add(made, net.id, address) ? made : null;
  }

  #tunnel(net: Net, src: Vtep, dst: Vtep): Tunnel | null {
    const known = this.#ledger.tunnels.find(net.id, src.id, dst.id);
    if (known !== undefined) return known;
    const seat = this.#seat(net, src);
    if (!dst.group) this.#seat(net, dst);
    if (seat === null) return null;
    const made = new Tunnel(net, src, dst, seat);
    return this.#ledger.tunnels.add(made, net.id, src.id, dst.id) ? made : null;
  }

  #seat(net: Net, vtep: Vtep): Seat | null {
    const known = this.#ledger.seats.find(net.id, vtep.id);
    if (known !== undefined) return known;
    const made = new Seat(net, vtep);
    return this.#ledger.seats.add(made, net.id, vtep.id) ? made : null;
  }

  /** A VXLAN header: the tunnel, and the frame in it. */
  #cross(net: Net, carrier: Net, crossing: Crossing, sight: Sight, meta: PacketMeta): Station | null {
    const { view, d } = sight.last;
    this.#ledger.crossings++;
    net.packets++;
    net.bytes += meta.originalLength;
    const header = d.start(crossing.vxlan);
    const port = udp.dstPort(view, d.start(crossing.udp));
    net.ports.add(port);
    const flags = vxlan.flags(view, header);
    if ((flags & vxlan.FLAG_P) !== 0) net.gpe = true;
    if ((flags & vxlan.FLAG_G) !== 0) net.policies.add(vxlan.group(view, header));
    this.#tags(net, view, d, crossing);
    const src = this.#vtep(carrier, view, d, crossing.ip, false);
    const dst = this.#vtep(carrier, view, d, crossing.ip, true);
    if (src === null || dst === null) return null;
    src.sent++;
    src.ports.add(port);
    dst.received++;
    dst.ports.add(port);
    const tunnel = this.#tunnel(net, src, dst);
    if (tunnel !== null) {
      tunnel.packets++;
      tunnel.bytes += meta.originalLength;
      noteFlood(tunnel, view, d, crossing);
    }
    measure(net, crossing, sight);
    return this.#ledger.links.frame(net, src, view, d, crossing, meta.number);
  }

  /** All VLAN tags of the inner frame. */
  #tags(net: Net, view: DataView, d: Dissection, { vlan }: Crossing): void {
    for (let row = vlan; row >= 0 && row < d.count; row++) {
      if ((d.kind(row) !== L.vlan && d.kind(row) !== L.serviceVlan) || !has(d, row, 4)) return;
      const vid = view.getUint16(d.start(row)) & 0xfff;
      // A priority tag names no VLAN (IEEE 802.1Q s.9.6).
      if (vid !== 0) net.vlans.add(vid);
    }
  }

  /** The underlay's frame around the outermost tunnel. */
  #outside(view: DataView, d: Dissection, ip: number, meta: PacketMeta): void {
    const rows = this.#rows;
    rows.link = linkOf(d, ip);
    rows.network = ip;
    rows.transport = -1;
    this.#ledger.links.frame(this.#ledger.underlay, null, view, d, rows, meta.number);
  }

  /** A packet without VXLAN: ARP, neighbour discovery and listener reports tell of the underlay. */
  #onUnderlay(view: DataView, d: Dissection, meta: PacketMeta): void {
    const { network, transport } = d;
    if (network < 0 || d.depth(network) > 0 || (d.flags(network) & LAYER_FLAG.fragment) !== 0) return;
    const kind = transport < 0 ? L.none : d.kind(transport);
    const isListener = kind === L.igmp || kind === L.icmpv6;
    if (isListener && isIp(d, network) && d.fault(transport) === NO_FAULT)
      this.#ledger.joins.observe(view, d, network, transport);
    if (d.kind(network) !== L.arp && kind !== L.icmpv6) return;
    const rows = this.#rows;
    rows.link = linkOf(d, network);
    rows.network = network;
    rows.transport = transport;
    this.#ledger.links.frame(this.#ledger.underlay, null, view, d, rows, meta.number);
  }

  #name(net: Net, station: Station | null, view: DataView, d: Dissection): void {
    const { network, transport } = d;
    if (transport < 0 || !isIp(d, network) || d.fault(transport) !== NO_FAULT) return;
    this.#ledger.names.observe(net, station, view, d, network, transport);
  }
}

/** The Ethernet row that an IP or ARP row stands on, or -1. */
function linkOf(d: Dissection, row: number): number {
  for (let i = row - 1; i >= 0; i--) {
    const kind = d.kind(i);
    if (kind === L.ethernet) return d.depth(i) === d.depth(row) ? i : -1;
    if (kind !== L.vlan && kind !== L.serviceVlan && kind !== L.mpls) return -1;
  }
  return -1;
}

/** Notes a frame that its VTEP sent to more than the one who should have it. */
function noteFlood(tunnel: Tunnel, view: DataView, d: Dissection, { link }: Crossing): void {
  if (!has(d, link, 14)) return;
  const { seat } = tunnel;
  const hash = hashOf(view, d.start(link), d.end(link));
  const group = (view.getUint8(d.start(link)) & 1) !== 0;
  if (seat.hash === hash && seat.tunnel !== null && seat.tunnel !== tunnel) {
    seat.replicates = true;
    // An unknown unicast frame: the first copy was flooded as well.
    if (!group) {
      if (seat.tunnel.flooded === 0) seat.tunnel.flooded++;
      tunnel.flooded++;
    }
  }
  if (group) tunnel.flooded++;
  seat.hash = hash;
  seat.tunnel = tunnel;
}

function hashOf(view: DataView, at: number, end: number): number {
  let hash = end - at;
  const last = Math.min(end, at + HASHED) - 3;
  for (let i = at; i < last; i += 4) {
    hash = Math.imul(hash ^ view.getInt32(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
