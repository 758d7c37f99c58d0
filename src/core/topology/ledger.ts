// Everything that an atlas keeps, each kind with its limit: what chart.ts makes an Overlay of.

import { AddressBook } from './address-book.ts';
import { Joins } from './joins.ts';
import type { AtlasLimits } from './limits.ts';
import { atlasLimits } from './limits.ts';
import { Links } from './links.ts';
import { Names } from './names.ts';
import type { OverlayLimit } from './overlay.ts';
import type { Seat, Tunnel, Vtep } from './parties.ts';
import { Net } from './parties.ts';
import { Register } from './register.ts';

export class Ledger {
  readonly limits: AtlasLimits;
  readonly book: AddressBook;
  readonly links: Links;
  readonly names: Names;
  readonly joins: Joins;
  /** Number 0: the link that carries the outermost tunnels. */
  readonly underlay: Net = new Net(0, -1, -1, null);
  readonly nets: Register<Net>;
  readonly vteps: Register<Vtep>;
  readonly seats: Register<Seat>;
  readonly tunnels: Register<Tunnel>;
  packets = 0;
  crossings = 0;

  /** @throws VxlabError BAD_LIMIT */
  constructor(limits: Partial<AtlasLimits>, salt: number) {
    this.limits = atlasLimits(limits);
    const { addresses, networks, vteps, tunnels, names } = this.limits;
    this.book = new AddressBook(addresses, salt);
    this.links = new Links(this.book, this.limits, salt);
    this.names = new Names(this.book, names, salt);
    this.joins = new Joins(this.book, vteps, salt);
    this.nets = new Register(networks, salt);
    this.vteps = new Register(vteps, salt);
    this.seats = new Register(tunnels, salt);
    this.tunnels = new Register(tunnels, salt);
  }

  /** The tables that were full. */
  reached(): OverlayLimit[] {
    const { limits, links } = this;
    const full: Record<keyof AtlasLimits, boolean> = {
      addresses: this.book.full,
      networks: this.nets.full,
      vteps: this.vteps.full || this.joins.all.full,
      tunnels: this.tunnels.full || this.seats.full,
      endpoints: links.stations.full,
      places: links.places.full || links.holdings.full,
      names: this.names.full,
    };
    return (Object.keys(full) as (keyof AtlasLimits)[])
      .filter((of) => full[of])
      .map((of) => ({ of, most: limits[of] }));
  }
}
