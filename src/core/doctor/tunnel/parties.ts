// The parties of the doctor's census: VTEPs, paths between two of them, tunnels (a path in one VNI), networks, stations (a
// MAC in a VNI), and which MAC claims which IP address.
//
//   Pair --one, other--> Tunnel --src, dst--> Vtep          Station --vtep--> Vtep
//     `--network--> Network   `--path--> Path                Claim   --vtep--> Vtep
//
// They hold what the census counts of them. Whoever refers to one keeps it, also when the census has forgotten it.

import type { Ip, Mac } from '../../wire/address.ts';
import { formatIp, formatMac } from '../../wire/address.ts';
import { VXLAN_GPE_PORT, VXLAN_PORT, VXLAN_PORT_LINUX } from '../../wire/numbers.ts';
import { Evidence } from '../evidence.ts';

/** Source addresses that are told apart for a station; one with more is a router's. */
export const SOURCES_MAX = 4;

/** An address of the underlay that tunnels start or end at; a multicast group counts as one. */
export class Vtep {
  /** Unlike any other's, from 1. */
  readonly serial: number;
  readonly ip: Ip;
  /** True for a multicast group. */
  readonly group: boolean;
  /** What the underlay's link layer shows of it; see link.ts. */
  mac: Mac | -1 = -1;
  otherMac: Mac | -1 = -1;
  tap = 0;
  returns = 0;

  constructor(serial: number, ip: Ip, group: boolean) {
    this.serial = serial;
    this.ip = ip;
    this.group = group;
  }

  get text(): string {
    return formatIp(this.ip);
  }
}

/** All VXLAN packets from one VTEP to another, in whatever VNI. */
export class Path {
  readonly src: Vtep;
  readonly dst: Vtep;
  /** Every VXLAN packet; those of them that came in no ESP; every ESP packet. */
  readonly plain: Evidence = new Evidence();
  readonly bare: Evidence = new Evidence();
  readonly esp: Evidence = new Evidence();
  /** The source port of all packets so far; -1 when there were several. */
  port = 0;
  /** A bit for each hash of an inner flow. */
  flowsLow = 0;
  flowsHigh = 0;

  constructor(src: Vtep, dst: Vtep) {
    this.src = src;
    this.dst = dst;
  }

  get text(): string {
    return `${this.src.text} > ${this.dst.text}`;
  }
}

/** The packets of one VNI from one VTEP to another. */
export class Tunnel {
  readonly vni: number;
  readonly src: Vtep;
  readonly dst: Vtep;
  readonly path: Path;
  packets = 0;
  /** True once a packet came in no ESP. */
  bare = false;
  /** Frames to one station. */
  unicast = 0;
  /** Frames to one station that expect an answer. */
  readonly asks: Evidence = new Evidence();
  askedFirst = 0;
  askedLast = 0;
  /** The first station asked, and whether there was another. */
  asked: Station | null = null;
  askedOthers = false;
  /** Frames that show that their sender was heard or answered: replies, acknowledgements. */
  answers = 0;
  /** Frames for a station that is known behind their own source. */
  readonly homeward: Evidence = new Evidence();
  /** UDP destination port of the first packet, and of another that had a different one. */
  port = 0;
  otherPort = 0;

  constructor(vni: number, src: Vtep, dst: Vtep, path: Path) {
    this.vni = vni;
    this.src = src;
    this.dst = dst;
    this.path = path;
  }

  get text(): string {
    return `VNI ${this.vni} ${this.src.text} > ${this.dst.text}`;
  }
}

/** A tunnel and the one back. */
export class Pair {
  readonly one: Tunnel;
  readonly other: Tunnel;
  readonly network: Network;

  constructor(one: Tunnel, other: Tunnel, network: Network) {
    this.one = one;
    this.other = other;
    this.network = network;
  }
}

/** All tunnels of a VNI. */
export class Network {
  readonly vni: number;
  packets = 0;
  readonly group: Evidence = new Evidence();
  /** Frames to one station that went to several VTEPs or to a group. */
  readonly flooded: Evidence = new Evidence();
  /** Some of the stations that they were for; null before the first. */
  lost: Set<Station> | null = null;
  floodedFirst = 0;
  floodedLast = 0;
  unicast = 0;

  constructor(vni: number) {
    this.vni = vni;
  }
}

export class Station {
  readonly vni: number;
  readonly mac: Mac;
  /** The VTEP that it was last heard behind; null when it was only written to. */
  vtep: Vtep | null = null;
  /** Different inner source addresses of its frames, counted up to SOURCES_MAX. */
  sources = 0;
  #address = 0;
  #addresses: Int32Array | null = null;

  constructor(vni: number, mac: Mac) {
    this.vni = vni;
    this.mac = mac;
  }

  /** Counts an inner source address, given as a hash. */
  hearFrom(key: number): void {
    const { sources } = this;
    if (sources === 0) this.#address = key;
    else {
      if (this.#address === key) return;
      // Most stations have one address: a list is made for the others only.
      this.#addresses ??= new Int32Array(SOURCES_MAX - 1);
      for (let i = 0; i < sources - 1; i++) if (this.#addresses[i] === key) return;
      if (sources < SOURCES_MAX) this.#addresses[sources - 1] = key;
    }
    if (sources < SOURCES_MAX) this.sources++;
  }

  get text(): string {
    return formatMac(this.mac);
  }
}

/** That a MAC has an IP address, as ARP and neighbour discovery tell. */
export class Claim {
  readonly vni: number;
  readonly ip: Ip;
  mac: Mac;
  vtep: Vtep;
  /** When it was made last, in microseconds. */
  at = 0;

  constructor(vni: number, ip: Ip, mac: Mac, vtep: Vtep) {
    this.vni = vni;
    this.ip = ip;
    this.mac = mac;
    this.vtep = vtep;
  }

  get text(): string {
    return formatIp(this.ip);
  }
}

/** True for the ports that VXLAN (4789; on Linux 8472) and VXLAN-GPE (4790) have unless somebody chooses another. */
export function isTunnelPort(port: number): boolean {
  return port === VXLAN_PORT || port === VXLAN_PORT_LINUX || port === VXLAN_GPE_PORT;
}

/** The UDP port of the tunnel: the destination's, unless only the source port is one of VXLAN's. */
export function tunnelPort(view: DataView, at: number): number {
  const dst = view.getUint16(at + 2);
  const src = view.getUint16(at);
  return !isTunnelPort(dst) && isTunnelPort(src) ? src : dst;
}

/** True when a tunnel carries both sides of its conversations, and nothing comes back. */
export function isMirror(tunnel: Tunnel, reverse: Tunnel): boolean {
  return reverse.unicast === 0 && tunnel.homeward.count >= 2 && tunnel.homeward.count * 10 >= tunnel.unicast;
}
