// Which names an address of an overlay has: those that were given where it is; failing that, those that were given elsewhere
// (on the underlay, in another network), when no other network has the same address.

import type { Ledger } from '../ledger.ts';
import type { GivenName } from '../names.ts';
import type { NameSource, OverlayName } from '../overlay.ts';
import type { Place } from '../parties.ts';
import { OWN } from '../parties.ts';

const ORDER: readonly NameSource[] = ['dns', 'ptr', 'host'];

export function namesOf(ledger: Ledger): (place: Place) => OverlayName[] {
  const given = new Map<number, GivenName[]>();
  for (const name of ledger.names.given.values) {
    const list = given.get(name.address);
    if (list === undefined) given.set(name.address, [name]);
    else list.push(name);
  }
  /** In how many overlay networks an address is somebody's own. */
  const homes = new Map<number, number>();
  for (const { net, address, bits } of ledger.links.places.values) {
    if (net.vni >= 0 && (bits & OWN) !== 0) homes.set(address, (homes.get(address) ?? 0) + 1);
  }
  return (place) => {
    const all = given.get(place.address) ?? [];
    const here = all.filter(({ net }) => net === place.net);
    const chosen = here.length > 0 ? here : homes.get(place.address) === 1 ? all : [];
    const address = ledger.book.text(place.address);
    const rows = chosen.map(({ name, source }): OverlayName => ({ name, address, source }));
    const distinct = new Map(rows.map((row) => [`${row.source} ${row.name}`, row]));
    return [...distinct.values()].sort(
      (x, y) => ORDER.indexOf(x.source) - ORDER.indexOf(y.source) || (x.name < y.name ? -1 : 1),
    );
  };
}
