// Who lives behind which VTEP of one network, as the control plane knows it: libnetwork's peerdb.
//
// Docker's nodes gossip this table and every node ends up with the same rows; each pins them as permanent FDB and
// neighbour entries, its own endpoints excepted. Here the nodes of a world share one table, and a VTEP passes over the
// rows that carry its own number: a network of two thousand endpoints on a thousand nodes then costs two thousand rows.

import type { Ip, Ip4, Mac } from '../../core/wire/address.ts';
import { macHi, macLo } from '../../core/wire/address.ts';
import { Fdb } from './fdb.ts';
import { IpMap } from './ip-map.ts';
import type { PeerId } from './peers.ts';
import { NO_PEER } from './peers.ts';

export interface PeerRow {
  readonly mac: Mac;
  readonly ips: readonly Ip[];
  readonly peer: PeerId;
}

export const NO_MAC: Mac = -1;

export class PeerDb {
  readonly #rows: Map<Mac, PeerRow> = new Map();
  readonly #fdb: Fdb = new Fdb({ ageing: 0 });
  readonly #neighbours: IpMap<Mac> = new IpMap();

  get size(): number {
    return this.#rows.size;
  }

  /** Enters an endpoint; a row with the same MAC is replaced. */
  set(mac: Mac, ips: readonly Ip[], peer: PeerId): void {
    this.delete(mac);
    this.#rows.set(mac, { mac, ips, peer });
    this.#fdb.pin(macHi(mac), macLo(mac), peer);
    for (const ip of ips) this.#neighbours.set(ip, mac);
  }

  delete(mac: Mac): boolean {
    const row = this.#rows.get(mac);
    if (row === undefined) return false;
    this.#rows.delete(mac);
    this.#fdb.remove(macHi(mac), macLo(mac));
    // Two endpoints may claim one address for a moment while a task moves; the later claim stays.
    for (const ip of row.ips) if (this.#neighbours.get(ip) === mac) this.#neighbours.delete(ip);
    return true;
  }

  /** Takes out everything behind one VTEP: what happens everywhere at once when a node is declared failed. */
  deletePeer(peer: PeerId): number {
    const gone = [...this.#rows.values()].filter((row) => row.peer === peer);
    for (const row of gone) this.delete(row.mac);
    return gone.length;
  }

  /** The VTEP behind which a MAC lives, or NO_PEER. Packet path. */
  peerOf(hi: number, lo: number): PeerId {
    const peer = this.#fdb.lookup(hi, lo, 0);
    return peer < 0 ? NO_PEER : peer;
  }

  /** The MAC of an address, or NO_MAC. */
  macOf4(ip: Ip4): Mac {
    return this.#neighbours.get4(ip) ?? NO_MAC;
  }

  macOf6(view: DataView, at: number): Mac {
    return this.#neighbours.get6(view, at) ?? NO_MAC;
  }

  row(mac: Mac): PeerRow | undefined {
    return this.#rows.get(mac);
  }

  /** Every row, ordered by MAC. */
  rows(): PeerRow[] {
    return [...this.#rows.values()].sort((x, y) => x.mac - y.mac);
  }
}
