// What one frame says of the link that it is on: who sent it, which addresses that MAC has, and which share the link.
//
// An address is a MAC's own when ARP (RFC 826) or neighbour discovery (RFC 4861) says so, when Docker made the MAC of it, or
// when its packets have a TTL that systems begin with: no router was between. Two addresses share a link when one asks for
// the other, or sends it a packet straight to the MAC whose own it is.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { isMulticastIp4, MAC_BROADCAST, macLo, readIp6, readMac } from '../wire/address.ts';
import * as arp from '../wire/arp.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as nd from '../wire/nd.ts';
import * as vlan from '../wire/vlan.ts';
import type { AddressBook } from './address-book.ts';
import { NOWHERE } from './address-book.ts';
import type { AtlasLimits } from './limits.ts';
import type { Net, Vtep } from './parties.ts';
import { Holding, KNOWN, OWN, Place, Station } from './parties.ts';
import { Register } from './register.ts';
import { has, isIp } from './rows.ts';

/** A frame's rows; -1 where there is none, as in Crossing. */
export interface FrameRows {
  readonly link: number;
  readonly vlan: number;
  readonly network: number;
  readonly transport: number;
}

/** The upper 16 bits of a MAC that Docker made of an IPv4 address. */
const DOCKER_HI = 0x0242;
/** Stands for the upper 16 bits where there is no MAC. */
const NO_MAC = -1;
const ETHERNET_LEN = 14;
const ND_HOP_LIMIT = 255;
const LAST_IP4 = 0xffff_ffff;

export class Links {
  readonly places: Register<Place>;
  readonly stations: Register<Station>;
  readonly holdings: Register<Holding>;
  readonly #book: AddressBook;

  constructor(book: AddressBook, limits: AtlasLimits, salt: number) {
    this.#book = book;
    this.places = new Register(limits.places, salt);
    this.stations = new Register(limits.endpoints, salt);
    this.holdings = new Register(limits.places, salt);
  }

  /** The place of an address; null when there is no room. */
  place(net: Net, address: number): Place | null {
    if (address === NOWHERE) return null;
    const known = this.places.find(net.id, address);
    if (known !== undefined) return known;
    const made = new Place(net, address);
    return this.places.add(made, net.id, address) ? made : null;
  }

  placeOf(net: Net, address: number): Place | undefined {
    return this.places.find(net.id, address);
  }

  /**
   * Takes a frame of network `net` that came from `vtep`, or the underlay's own with null.
   * @param number the packet's
   * @returns who sent it; null for a frame without a usable sender
   */
  frame(
    net: Net,
    vtep: Vtep | null,
    view: DataView,
    d: Dissection,
    rows: FrameRows,
    number: number,
  ): Station | null {
    const { link, network } = rows;
    const at = link < 0 ? -1 : d.start(link);
    if (at >= 0 && !has(d, link, ETHERNET_LEN)) return null;
    const from = at < 0 ? this.#bare(net, view, d, network) : this.#station(net, view, at + 6);
    if (from !== null) {
      from.seen(vtep, number);
      if (has(d, rows.vlan, vlan.HEADER_LEN)) from.vlans.add(vlan.vid(view, d.start(rows.vlan)));
    }
    if (network < 0) return from;
    if (d.kind(network) === L.arp) this.#arp(net, from, view, d, network);
    else if (!isIp(d, network)) return from;
    else if (d.kind(network) === L.ipv4) this.#ip4(net, from, view, d, at, network);
    else this.#ip6(net, from, view, d, at, rows);
    return from;
  }

  #station(net: Net, view: DataView, at: number): Station | null {
    const hi = view.getUint16(at);
    const lo = view.getInt32(at + 2);
    if ((hi & 0x0100) !== 0 || (hi === 0 && lo === 0)) return null;
    return this.#make(net, hi, lo);
  }

  /** A sender without Ethernet: VXLAN-GPE around IP, or a capture without a link layer. */
  #bare(net: Net, view: DataView, d: Dissection, network: number): Station | null {
    if (!isIp(d, network)) return null;
    const address =
      d.kind(network) === L.ipv4
        ? this.#book.number4(view, d.start(network) + 12)
        : this.#book.number6(view, d.start(network) + 8);
    return address === NOWHERE ? null : this.#make(net, NO_MAC, address);
  }

  #make(net: Net, hi: number, lo: number): Station | null {
    const known = this.stations.find(net.id, hi, lo);
    if (known !== undefined) return known;
    const made = new Station(net, hi, lo);
    return this.stations.add(made, net.id, hi, lo) ? made : null;
  }

  #arp(net: Net, from: Station | null, view: DataView, d: Dissection, network: number): void {
    const at = d.start(network);
    if (!has(d, network, arp.HEADER_LEN) || arp.check(view, at, d.end(network)) !== NO_FAULT) return;
    const op = arp.op(view, at);
    if (op !== arp.OP.request && op !== arp.OP.reply) return;
    const senderIp = arp.senderIp(view, at);
    if (senderIp === 0 || isMulticastIp4(senderIp) || senderIp === LAST_IP4) return;
    const sender = this.place(net, this.#book.number4(view, at + 14));
    if (sender === null) return;
    if (from !== null && arp.senderMac(view, at) === from.mac) this.#claim(from, sender);
    const targetIp = arp.targetIp(view, at);
    if (targetIp === 0 || targetIp === senderIp || isMulticastIp4(targetIp) || targetIp === LAST_IP4) return;
    const target = this.place(net, this.#book.number4(view, at + 24));
    if (target === null) return;
    target.bits |= KNOWN.sought;
    sender.join(target);
  }

  #ip4(net: Net, from: Station | null, view: DataView, d: Dissection, at: number, network: number): void {
    const start = d.start(network);
    const source = view.getUint32(start + 12);
    if (source === 0 || isMulticastIp4(source) || source === LAST_IP4) return;
    const target = view.getUint32(start + 16);
    const place = this.place(net, this.#book.number4(view, start + 12));
    if (place === null) return;
    const made =
      from !== null && macLo(from.mac) === source && Math.floor(from.mac / 0x1_0000_0000) === DOCKER_HI;
    this.#sent(from, place, view.getUint8(start + 8), made, isMulticastIp4(target));
    if (at < 0 || isMulticastIp4(target) || target === LAST_IP4) return;
    if (readMac(view, at) === MAC_BROADCAST) {
      if (place.owner !== from || from === null) return;
      const last = this.place(net, this.#book.number4(view, start + 16));
      if (last === null) return;
      last.bits |= KNOWN.broadcast;
      place.join(last);
      return;
    }
    const to = this.stations.find(net.id, view.getUint16(at), view.getInt32(at + 2));
    if (to === undefined) return;
    const other = this.#bookmark4(net, view, start + 16);
    if (other?.owner === to) {
      if (place.owner === from && from !== null) place.join(other);
    } else {
      to.beyond = target;
    }
  }

  /** The place of an IPv4 address that is known already. */
  #bookmark4(net: Net, view: DataView, at: number): Place | undefined {
    const number = this.#book.known4(view, at);
    return number === NOWHERE ? undefined : this.placeOf(net, number);
  }

  #ip6(
    net: Net,
    from: Station | null,
    view: DataView,
    d: Dissection,
    at: number,
    { network, transport }: FrameRows,
  ): void {
    const start = d.start(network);
    const source = readable6(view, start + 8);
    const hopLimit = view.getUint8(start + 7);
    const place = source ? this.place(net, this.#book.number6(view, start + 8)) : null;
    const toGroup = view.getUint8(start + 24) === 0xff;
    if (place !== null) this.#sent(from, place, hopLimit, false, toGroup);
    if (transport >= 0 && d.kind(transport) === L.icmpv6 && hopLimit === ND_HOP_LIMIT) {
      this.#discovery(net, from, place, view, d, transport);
    }
    if (at < 0 || toGroup || place === null || from === null) return;
    const to = this.stations.find(net.id, view.getUint16(at), view.getInt32(at + 2));
    const number = this.#book.known6(view, start + 24);
    const other = number === NOWHERE ? undefined : this.placeOf(net, number);
    if (to !== undefined && other?.owner === to && place.owner === from) place.join(other);
  }

  #discovery(
    net: Net,
    from: Station | null,
    place: Place | null,
    view: DataView,
    d: Dissection,
    transport: number,
  ): void {
    const at = d.start(transport);
    const end = d.end(transport);
    if (nd.check(view, at, end) !== NO_FAULT) return;
    switch (view.getUint8(at)) {
      case nd.TYPE.neighbourSolicitation: {
        if (place === null || !readable6(view, at + 8)) return;
        if (from !== null && nd.linkAddress(view, at, end, nd.OPTION.sourceLink) === from.mac) {
          this.#claim(from, place);
        }
        const target = this.place(net, this.#book.number6(view, at + 8));
        if (target === null) return;
        target.bits |= KNOWN.sought;
        place.join(target);
        return;
      }
      case nd.TYPE.neighbourAdvertisement: {
        if (from === null || !readable6(view, at + 8)) return;
        const said = nd.linkAddress(view, at, end, nd.OPTION.targetLink);
        const target = this.place(net, this.#book.number6(view, at + 8));
        if (target !== null && (said < 0 || said === from.mac)) this.#claim(from, target);
        return;
      }
      case nd.TYPE.routerAdvertisement:
        if (from !== null) from.router = true;
        this.#prefix(net, view, at, end);
        return;
      default:
    }
  }

  #prefix(net: Net, view: DataView, at: number, end: number): void {
    const o = nd.findOption(view, at, end, nd.OPTION.prefix);
    if (o < 0 || view.getUint8(o + 1) !== 4) return;
    const bits = view.getUint8(o + 2);
    const isOnLink = (view.getUint8(o + 3) & nd.PREFIX_FLAG.onLink) !== 0;
    if (isOnLink && bits > 0 && bits <= 128) net.advertise({ ip: readIp6(view, o + 16), bits });
  }

  /** A packet with this source and TTL. */
  #sent(from: Station | null, place: Place, ttl: number, made: boolean, toGroup: boolean): void {
    const fresh = isInitial(ttl) || (toGroup && ttl === 1);
    noteHops(place, ttl);
    const bit = made ? KNOWN.claimed : fresh ? KNOWN.fresh : KNOWN.aged;
    place.bits |= bit;
    if (from === null) return;
    if ((bit & OWN) !== 0) place.owner = from;
    this.#hold(from, place, bit);
  }

  #claim(from: Station, place: Place): void {
    place.bits |= KNOWN.claimed;
    place.owner = from;
    place.hops = 0;
    this.#hold(from, place, KNOWN.claimed);
  }

  #hold(station: Station, place: Place, bit: number): void {
    // The places of one station are few, and the last one is mostly the one.
    const { holdings } = station;
    const last = holdings[holdings.length - 1];
    if (last?.place === place) {
      last.bits |= bit;
      return;
    }
    const hi = station.mac < 0 ? NO_MAC : Math.floor(station.mac / 0x1_0000_0000);
    const lo = station.mac < 0 ? place.address : macLo(station.mac);
    const known = this.holdings.find(station.net.id, hi, lo, place.address);
    if (known !== undefined) {
      known.bits |= bit;
      return;
    }
    const made = new Holding(station, place);
    made.bits = bit;
    if (this.holdings.add(made, station.net.id, hi, lo, place.address)) holdings.push(made);
  }
}

/** TTLs and hop limits that systems begin with. */
function isInitial(ttl: number): boolean {
  return ttl === 64 || ttl === 128 || ttl === 255;
}

/** A TTL of 32 or less may have begun anywhere: traceroute, or a VTEP that was told `ttl 5`. */
const TTL_TOLD = 32;

function noteHops(place: Place, ttl: number): void {
  if (ttl <= TTL_TOLD) return;
  const hops = (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl;
  if (place.hops < 0 || hops < place.hops) place.hops = hops;
}

/** False for `::` and groups. */
function readable6(view: DataView, at: number): boolean {
  const first = view.getUint32(at);
  if (first >>> 24 === 0xff) return false;
  return (
    first !== 0 ||
    view.getUint32(at + 4) !== 0 ||
    view.getUint32(at + 8) !== 0 ||
    view.getUint32(at + 12) !== 0
  );
}
