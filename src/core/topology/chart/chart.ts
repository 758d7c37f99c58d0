// From what an atlas kept to an Overlay: guesses are made here, lists are sorted, and numbers become text.

import { compareIp, formatIp, formatMac } from '../../wire/address.ts';
import type { Join } from '../joins.ts';
import type { Ledger } from '../ledger.ts';
import type {
  Overlay,
  OverlayEndpoint,
  OverlayGroup,
  OverlayNetwork,
  OverlaySeat,
  OverlayTunnel,
  OverlayVtep,
} from '../overlay.ts';
import type { Net, Station, Tunnel, Vtep } from '../parties.ts';
import { OWN } from '../parties.ts';
import { Ground } from './ground.ts';
import { namesOf } from './names.ts';

/** What the atlas has seen so far. */
export function chart(ledger: Ledger): Overlay {
  const { book } = ledger;
  const ground = new Ground(ledger);
  const nameOf = namesOf(ledger);
  const text = (vtep: Vtep): string => book.text(vtep.place.address);
  const byAddress = (x: Vtep, y: Vtep): number =>
    x.place.net.id - y.place.net.id || compareIp(book.ip(x.place.address), book.ip(y.place.address));

  const stations = groupBy(
    ledger.links.stations.values.filter((station) => station.packets > 0),
    (station) => station.net,
  );
  const tunnels = groupBy(ledger.tunnels.values, (tunnel) => tunnel.net);
  const seats = groupBy(ledger.seats.values, (seat) => seat.net);
  const nets = ledger.nets.values.toSorted((x, y) => compareKeys(x.key, y.key));

  const network = (net: Net): OverlayNetwork => {
    const mine = tunnels.get(net) ?? [];
    const groups = [...new Set(mine.map(({ dst }) => dst).filter(({ group }) => group))];
    const longest = Math.max(net.longest, net.longestTcp);
    return {
      key: net.key,
      vni: net.vni,
      level: net.level,
      within: net.parent?.key ?? null,
      packets: net.packets,
      bytes: net.bytes,
      subnets: ground.subnets(net),
      longest: longest > 0 ? longest : null,
      mtu: net.mtu > 0 ? net.mtu : null,
      ports: net.ports.sorted(),
      policies: net.policies.sorted(),
      gpe: net.gpe,
      vlans: net.vlans.sorted(),
      seats: seatsOf(net, mine),
      groups: groups.sort(byAddress).map(text),
    };
  };

  const seatsOf = (net: Net, mine: readonly Tunnel[]): OverlaySeat[] => {
    const behind = groupBy(stations.get(net) ?? [], (station) => station.vtep);
    const from = groupBy(mine, ({ seat }) => seat);
    return (seats.get(net) ?? [])
      .toSorted((x, y) => byAddress(x.vtep, y.vtep))
      .map((seat) => {
        const flooded = (from.get(seat) ?? []).filter(({ dst, flooded: count }) => count > 0 && !dst.group);
        return {
          vtep: text(seat.vtep),
          endpoints: (behind.get(seat.vtep) ?? []).map(endpoint).sort(byMac),
          flood: flooded
            .map(({ dst }) => dst)
            .sort(byAddress)
            .map(text),
          replicates: seat.replicates,
        };
      });
  };

  const endpoint = (station: Station): OverlayEndpoint => {
    const { holdings } = station;
    const own = holdings.filter(({ bits }) => (bits & OWN) !== 0);
    const addresses = (list: typeof holdings): string[] =>
      list
        .map(({ place }) => book.ip(place.address))
        .sort(compareIp)
        .map(formatIp);
    return {
      mac: station.mac < 0 ? null : formatMac(station.mac),
      addresses: addresses(own),
      routed: addresses(holdings.filter(({ bits }) => (bits & OWN) === 0)),
      names: own.flatMap(({ place }) => nameOf(place)),
      asked: station.asked.values.map((number) => ledger.names.text(number)).sort(),
      vlans: station.vlans.sorted(),
      packets: station.packets,
      first: station.first,
      last: station.last,
      moved: station.before
        .filter((vtep) => vtep !== station.vtep)
        .sort(byAddress)
        .map(text),
    };
  };

  const vtep = (one: Vtep): OverlayVtep => {
    const { net, owner, hops } = one.place;
    return {
      ip: text(one),
      within: net.vni < 0 ? null : net.key,
      mac: owner === null || owner.mac < 0 ? null : formatMac(owner.mac),
      ports: one.ports.sorted(),
      sent: one.sent,
      received: one.received,
      subnet: ground.subnetAt(one.place),
      hops: hops < 0 ? null : hops,
    };
  };

  const singles = ledger.vteps.values.filter(({ group }) => !group);
  return {
    packets: ledger.packets,
    crossings: ledger.crossings,
    vteps: singles.sort(byAddress).map(vtep),
    networks: nets.map(network),
    tunnels: nets.flatMap((net) =>
      (tunnels.get(net) ?? [])
        .toSorted((x, y) => byAddress(x.src, y.src) || byAddress(x.dst, y.dst))
        .map(
          (tunnel): OverlayTunnel => ({
            network: net.key,
            src: text(tunnel.src),
            dst: text(tunnel.dst),
            packets: tunnel.packets,
            bytes: tunnel.bytes,
            flooded: tunnel.flooded,
          }),
        ),
    ),
    groups: groupsOf(ledger, nets, tunnels),
    limits: ledger.reached(),
  };
}

/** Groups that carry VXLAN or were joined, by address. */
function groupsOf(
  ledger: Ledger,
  nets: readonly Net[],
  tunnels: ReadonlyMap<Net, readonly Tunnel[]>,
): OverlayGroup[] {
  const { book } = ledger;
  const networks = new Map<number, string[]>();
  const packets = new Map<number, number>();
  for (const net of nets) {
    for (const { dst, packets: count } of tunnels.get(net) ?? []) {
      if (!dst.group) continue;
      const { address } = dst.place;
      const keys = networks.get(address) ?? [];
      if (!keys.includes(net.key)) networks.set(address, [...keys, net.key]);
      packets.set(address, (packets.get(address) ?? 0) + count);
    }
  }
  const joins = groupBy(ledger.joins.all.values, ({ group }) => group);
  const texts = (list: readonly Join[]): string[] =>
    list
      .map(({ member }) => book.ip(member))
      .sort(compareIp)
      .map(formatIp);
  return [...new Set([...networks.keys(), ...joins.keys()])]
    .sort((x, y) => compareIp(book.ip(x), book.ip(y)))
    .map((address) => {
      const joined = joins.get(address) ?? [];
      return {
        ip: book.text(address),
        networks: networks.get(address) ?? [],
        packets: packets.get(address) ?? 0,
        members: texts(joined),
        left: texts(joined.filter(({ joined: still }) => !still)),
      };
    });
}

function byMac(x: OverlayEndpoint, y: OverlayEndpoint): number {
  if (x.mac !== y.mac) return (x.mac ?? '') < (y.mac ?? '') ? -1 : 1;
  return x.first - y.first;
}

/** By VNI, from the outermost one in. */
function compareKeys(x: string, y: string): number {
  const mine = x.split('/');
  const theirs = y.split('/');
  for (let i = 0; i < Math.min(mine.length, theirs.length); i++) {
    const difference = (Number(mine[i]) || -1) - (Number(theirs[i]) || -1);
    if (difference !== 0) return difference;
  }
  return mine.length - theirs.length || (x < y ? -1 : 1);
}

function groupBy<T, K>(list: readonly T[], key: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const one of list) {
    const known = groups.get(key(one));
    if (known === undefined) groups.set(key(one), [one]);
    else known.push(one);
  }
  return groups;
}
