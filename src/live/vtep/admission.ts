// Who may send to a live VTEP at all. RFC 7348 s.7 warns that any station that reaches the UDP port can put frames into an
// overlay; here a datagram of a stranger ends at the door: nothing is allocated, parsed or remembered for it.

import type { Ip, Ip4 } from '../../core/wire/address.ts';
import { readIp6, sameIp } from '../../core/wire/address.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import { IpMap } from '../../engine/fabric/ip-map.ts';
import type { PeerId, Peers } from '../../engine/fabric/peers.ts';
import { NO_PEER } from '../../engine/fabric/peers.ts';
import type { Cidr } from '../../engine/ipam/cidr.ts';
import { contains } from '../../engine/ipam/cidr.ts';
import type { Counters } from '../../engine/trace/counters.ts';
import { DROP } from '../../engine/trace/drop.ts';
import type { Door } from '../underlay/live-underlay.ts';

/** Senders known by a subnet or by the open door, at most: who forges sources fills no more than this. */
const GUESTS_MAX = 4096;
/** Addresses as text whose numbers are kept. */
const TEXTS_MAX = 4096;

export interface AdmissionOptions {
  readonly own: Ip;
  /** VTEPs known by name. */
  readonly known: readonly Ip[];
  readonly accept: readonly Cidr[];
  readonly acceptAny: boolean;
}

export class Admission implements Door {
  readonly #peers: Peers;
  readonly #counters: Counters;
  readonly #options: AdmissionOptions;
  readonly #admitted: IpMap<PeerId> = new IpMap();
  readonly #texts: Map<string, Ip> = new Map();
  #guests = 0;

  /** @param counters get `unknown peer` and `martian address` */
  constructor(peers: Peers, counters: Counters, options: AdmissionOptions) {
    this.#peers = peers;
    this.#counters = counters;
    this.#options = options;
    for (const ip of options.known) this.#admitted.set(ip, peers.idOf(ip));
  }

  peerOf(address: string): PeerId {
    let ip = this.#texts.get(address);
    if (ip === undefined) {
      ip = parseIp(address.replace(/%.*$/, ''));
      if (this.#texts.size >= TEXTS_MAX) this.#texts.clear();
      this.#texts.set(address, ip);
    }
    return this.#admitted.get(ip) ?? this.#guest(ip);
  }

  peer4(ip: Ip4): PeerId {
    return this.#admitted.get4(ip) ?? this.#guest(ip);
  }

  peer6(view: DataView, at: number): PeerId {
    return this.#admitted.get6(view, at) ?? this.#guest(readIp6(view, at));
  }

  #guest(ip: Ip): PeerId {
    const { own, accept, acceptAny } = this.#options;
    if (sameIp(ip, own)) {
      this.#counters.drop(DROP.martian);
      return NO_PEER;
    }
    const welcome = acceptAny || accept.some((subnet) => contains(subnet, ip));
    if (!welcome || this.#guests >= GUESTS_MAX) {
      this.#counters.drop(DROP.unknownPeer);
      return NO_PEER;
    }
    this.#guests++;
    const id = this.#peers.idOf(ip);
    this.#admitted.set(ip, id);
    return id;
  }
}
