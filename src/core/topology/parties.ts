// What an atlas keeps: networks, the VTEPs between which they are stretched, and on each network's link the stations (MACs),
// the places (IP addresses) and who holds which.
//
//   Tunnel --src, dst--> Vtep --place--> Place --owner--> Station --vtep--> Vtep
//   Seat   --net, vtep                     `--root: places that were seen to share a link are one tree
//
// The underlay is a network as well, number 0: its link shows where the VTEPs are.

import type { Ip6, Mac } from '../wire/address.ts';
import { mac } from '../wire/address.ts';

/** Numbers of small sets, in the order in which they came; what is past `most` is left out. */
export class Few {
  readonly values: number[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: number): void {
    const { values } = this;
    if (!values.includes(value) && values.length < this.#most) values.push(value);
  }

  sorted(): number[] {
    return this.values.toSorted((x, y) => x - y);
  }
}

export interface AdvertisedPrefix {
  readonly ip: Ip6;
  readonly bits: number;
}

const PORTS_MAX = 64;
const POLICIES_MAX = 1024;
const VLANS_MAX = 4096;
const PREFIXES_MAX = 64;
const ASKED_MAX = 64;

export class Net {
  readonly id: number;
  /** -1 for the underlay. */
  readonly vni: number;
  readonly level: number;
  /** The network around it. */
  readonly parent: Net | null;
  readonly key: string;
  packets = 0;
  bytes = 0;
  /** The longest IP packet, and the longest of TCP that nothing says is too long. */
  longest = 0;
  longestTcp = 0;
  /** The MTU that the least MSS speaks of; 0 without one. */
  mtu = 0;
  gpe = false;
  readonly ports: Few = new Few(PORTS_MAX);
  readonly policies: Few = new Few(POLICIES_MAX);
  readonly vlans: Few = new Few(VLANS_MAX);
  readonly prefixes: AdvertisedPrefix[] = [];

  constructor(id: number, vni: number, level: number, parent: Net | null) {
    this.id = id;
    this.vni = vni;
    this.level = level;
    this.parent = parent;
    this.key = parent !== null ? `${parent.key}/${vni}` : level > 0 ? `~/${vni}` : String(vni);
  }

  advertise(prefix: AdvertisedPrefix): void {
    const { prefixes } = this;
    const known = prefixes.some(
      ({ ip, bits }) =>
        bits === prefix.bits &&
        ip.a === prefix.ip.a &&
        ip.b === prefix.ip.b &&
        ip.c === prefix.ip.c &&
        ip.d === prefix.ip.d,
    );
    if (!known && prefixes.length < PREFIXES_MAX) prefixes.push(prefix);
  }
}

/** What is known of a place, or of who holds it. */
export const KNOWN = {
  /** ARP or neighbour discovery says that somebody has it. */
  claimed: 1,
  /** Packets from it had an undiminished TTL: no router was between. */
  fresh: 2,
  /** Packets from it had passed a router. */
  aged: 4,
  /** Somebody asked for it on the link. */
  sought: 8,
  /** A broadcast was sent to it. */
  broadcast: 16,
} as const;

/** Bits that make an address its holder's own. */
export const OWN: number = KNOWN.claimed | KNOWN.fresh;

/** An IP address on a network. */
export class Place {
  readonly net: Net;
  /** A number of the AddressBook. */
  readonly address: number;
  bits = 0;
  owner: Station | null = null;
  /** Routers between it and the capture point; -1 when not known. */
  hops = -1;
  up: Place;

  constructor(net: Net, address: number) {
    this.net = net;
    this.address = address;
    this.up = this;
  }

  /** What stands for all places that share its link. */
  get root(): Place {
    let place: Place = this;
    while (place.up !== place) {
      place.up = place.up.up;
      place = place.up;
    }
    return place;
  }

  /** Notes that the two share a link. */
  join(other: Place): void {
    const mine = this.root;
    const theirs = other.root;
    if (mine !== theirs) theirs.up = mine;
  }
}

/** A MAC on a network's link; where frames have none, an IP address. */
export class Station {
  readonly net: Net;
  readonly mac: Mac | -1;
  /** The VTEP that it was last seen behind; null on the underlay. */
  vtep: Vtep | null = null;
  readonly before: Vtep[] = [];
  packets = 0;
  first = 0;
  last = 0;
  router = false;
  /** The last IPv4 destination beyond the station that it was given a packet for; 0 for none. */
  beyond = 0;
  readonly vlans: Few = new Few(VLANS_MAX);
  /** Names, by number, that it asked for. */
  readonly asked: Few = new Few(ASKED_MAX);
  readonly holdings: Holding[] = [];

  constructor(net: Net, hi: number, lo: number) {
    this.net = net;
    this.mac = hi < 0 ? -1 : mac(hi, lo);
  }

  seen(vtep: Vtep | null, number: number): void {
    if (this.packets++ === 0) this.first = number;
    this.last = number;
    if (this.vtep === vtep || vtep === null) return;
    const { before } = this;
    if (this.vtep !== null && !before.includes(this.vtep) && before.length < PORTS_MAX)
      before.push(this.vtep);
    this.vtep = vtep;
  }
}

/** That a station sent packets of a place. */
export class Holding {
  readonly station: Station;
  readonly place: Place;
  bits = 0;

  constructor(station: Station, place: Place) {
    this.station = station;
    this.place = place;
  }
}

/** Where tunnels start or end: an address on the network that carries them. A multicast group counts as one. */
export class Vtep {
  readonly id: number;
  readonly place: Place;
  readonly group: boolean;
  sent = 0;
  received = 0;
  readonly ports: Few = new Few(PORTS_MAX);

  constructor(id: number, place: Place, group: boolean) {
    this.id = id;
    this.place = place;
    this.group = group;
  }
}

/** A network's presence at a VTEP. */
export class Seat {
  readonly net: Net;
  readonly vtep: Vtep;
  /** The last frame from here: a hash, and the tunnel that it took. */
  hash = 0;
  tunnel: Tunnel | null = null;
  replicates = false;

  constructor(net: Net, vtep: Vtep) {
    this.net = net;
    this.vtep = vtep;
  }
}

export class Tunnel {
  readonly net: Net;
  readonly src: Vtep;
  readonly dst: Vtep;
  readonly seat: Seat;
  packets = 0;
  bytes = 0;
  flooded = 0;

  constructor(net: Net, src: Vtep, dst: Vtep, seat: Seat) {
    this.net = net;
    this.src = src;
    this.dst = dst;
    this.seat = seat;
  }
}
