// The subnets of each network's link, the underlay's among them, and who leads out of them.

import type { Ip } from '../../wire/address.ts';
import { compareIp, formatIp, formatMac } from '../../wire/address.ts';
import type { Ledger } from '../ledger.ts';
import type { OverlaySubnet } from '../overlay.ts';
import type { Holding, Net, Place, Station } from '../parties.ts';
import { KNOWN, OWN } from '../parties.ts';
import type { Block, Guess } from './subnets.ts';
import {
  blockAround,
  blockText,
  distinct,
  holds,
  ipOf,
  isApart,
  mergeGuesses,
  subnetsOf,
  usualBlock,
} from './subnets.ts';

/** Bits of a place that is on the link. */
const ON_LINK = OWN | KNOWN.sought | KNOWN.broadcast;
/** A VTEP with more blocks behind it leads elsewhere, and they are not the network's. */
const ROUTED_MAX = 16;

export class Ground {
  readonly #ledger: Ledger;
  readonly #places: Map<Net, Place[]> = new Map();
  readonly #stations: Map<Net, Station[]> = new Map();
  readonly #guesses: Map<Net, readonly Guess[]> = new Map();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    for (const place of ledger.links.places.values) add(this.#places, place.net, place);
    for (const station of ledger.links.stations.values) add(this.#stations, station.net, station);
  }

  /** The subnet of the link that an address is on, or null. */
  subnetAt(place: Place): { readonly cidr: string; readonly sure: boolean } | null {
    const ip = this.#ip(place);
    const guess = this.#shared(place.net).find((one) => holds(one, ip));
    return guess === undefined ? null : { cidr: blockText(guess), sure: guess.sure };
  }

  subnets(net: Net): OverlaySubnet[] {
    const routed = this.#isRouted(net) ? this.#behind(net) : [];
    if (routed.length > 0) return routed;
    const guesses = this.#shared(net);
    return guesses.map((guess) => ({
      cidr: blockText(guess),
      sure: guess.sure,
      vtep: null,
      gateway: this.#gateway(net, guess, guesses),
    }));
  }

  /** Subnets across the link, by address. */
  #shared(net: Net): readonly Guess[] {
    const known = this.#guesses.get(net);
    if (known !== undefined) return known;
    const trees = new Map<Place, Place[]>();
    for (const place of this.#places.get(net) ?? []) {
      if ((place.bits & ON_LINK) !== 0 && !isApart(this.#ip(place))) add(trees, place.root, place);
    }
    const guesses: Guess[] = net.prefixes.map(({ ip, bits }) => ({ ...blockAround(ip, bits), sure: true }));
    for (const tree of trees.values()) {
      const ends = tree.filter(({ bits }) => (bits & KNOWN.broadcast) !== 0);
      guesses.push(
        ...subnetsOf(
          tree.map((place) => this.#ip(place)),
          ends.map((place) => this.#ip(place)),
        ),
      );
    }
    const merged = mergeGuesses(guesses);
    this.#guesses.set(net, merged);
    return merged;
  }

  /** True when nobody was seen to talk straight to anybody, but routers behind several VTEPs to one another: flannel's way. */
  #isRouted(net: Net): boolean {
    const straight = (place: Place): boolean => place.root !== place && !isApart(this.#ip(place));
    if ((this.#places.get(net) ?? []).some(straight)) return false;
    const routers = (this.#stations.get(net) ?? []).filter(({ holdings }) =>
      holdings.some(({ bits, place }) => (bits & OWN) === 0 && !isApart(this.#ip(place))),
    );
    return new Set(routers.map(({ vtep }) => vtep)).size > 1;
  }

  #behind(net: Net): OverlaySubnet[] {
    const blocks = new Map<string, { readonly block: Block; readonly vtep: string }>();
    const byVtep = new Map<string, Ip[]>();
    for (const { vtep, holdings } of this.#stations.get(net) ?? []) {
      if (vtep === null) continue;
      for (const { place } of holdings) {
        const ip = this.#ip(place);
        if (!isApart(ip)) add(byVtep, this.#ledger.book.text(vtep.place.address), ip);
      }
    }
    for (const [vtep, ips] of byVtep) {
      const mine = distinct(ips.map(usualBlock));
      if (mine.length > ROUTED_MAX) continue;
      for (const block of mine) blocks.set(`${blockText(block)} ${vtep}`, { block, vtep });
    }
    return [...blocks.values()]
      .sort((x, y) => x.block.bits - y.block.bits || (x.block.base < y.block.base ? -1 : 1))
      .map(({ block, vtep }) => ({ cidr: blockText(block), sure: false, vtep, gateway: null }));
  }

  #gateway(net: Net, subnet: Guess, all: readonly Guess[]): OverlaySubnet['gateway'] {
    const leading = (this.#stations.get(net) ?? []).filter((station) => this.#leadsOut(station, all));
    const found: { readonly ip: Ip; readonly station: Station }[] = [];
    for (const station of leading) {
      for (const { bits, place } of station.holdings) {
        const ip = this.#ip(place);
        if ((bits & OWN) !== 0 && holds(subnet, ip)) found.push({ ip, station });
      }
    }
    const [first] = found.sort((x, y) => compareIp(x.ip, y.ip));
    if (first !== undefined) return { ip: formatIp(first.ip), mac: macText(first.station), sure: true };
    if (subnet.prefix > subnet.bits - 2) return null;
    const ip = ipOf(subnet.base + 1n, subnet.bits);
    const place = this.#ledger.links.placeOf(net, this.#ledger.book.known(ip));
    if (place !== undefined && place.owner !== null) return null;
    // Of somebody who leads out without a word of its own only the MAC is known.
    const [only, another] = leading;
    const mac = only === undefined || another !== undefined ? null : macText(only);
    return { ip: formatIp(ip), mac, sure: false };
  }

  /** True for a station that passes packets on between the subnets and elsewhere. */
  #leadsOut(station: Station, all: readonly Guess[]): boolean {
    if (station.router) return true;
    const outside = (ip: Ip): boolean => !isApart(ip) && all.every((one) => !holds(one, ip));
    if (station.beyond !== 0 && outside(station.beyond)) return true;
    const isForeign = ({ bits, place }: Holding): boolean => (bits & OWN) === 0 && outside(this.#ip(place));
    return station.holdings.some(isForeign);
  }

  #ip(place: Place): Ip {
    return this.#ledger.book.ip(place.address);
  }
}

function macText({ mac }: Station): string | null {
  return mac < 0 ? null : formatMac(mac);
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
