// The forwarding databases of a world: what `bridge fdb show` prints in each namespace. A VXLAN device's own rows say
// `self`, a bridge's say `master`; the control plane's rows about the node's own endpoints are not on that node.

import type { Mac } from '../core/wire/address.ts';
import { formatIp, formatMac } from '../core/wire/address.ts';
import type { Bridge } from '../engine/fabric/bridge.ts';
import type { PeerDb } from '../engine/fabric/peer-db.ts';
import type { Vtep } from '../engine/fabric/vtep.ts';
import type { World } from '../engine/orchestrate/world.ts';
import { SECOND } from '../engine/time/clock.ts';

export interface FdbRow {
  readonly node: string;
  readonly namespace: string;
  readonly network: string;
  readonly mac: string;
  readonly dev: string;
  /** The VTEP behind which a VXLAN device knows it; null for a bridge's row. */
  readonly dst: string | null;
  readonly master: string | null;
  readonly permanent: boolean;
  /** Seconds since it was last heard of; 0 for a permanent row. */
  readonly age: number;
}

/** What `bridge fdb` shows for the place where frames go whose MAC is not known. */
const DEFAULT_MAC: Mac = 0;

export function fdbRows(world: World): FdbRow[] {
  const rows: FdbRow[] = [];
  for (const node of world.nodes.values()) {
    const pods = world.pods.get(node.name);
    if (pods !== undefined) {
      const place = { node: node.name, namespace: '', network: pods.plan.name };
      rows.push(...vtepRows(place, pods.vtep, null, world), ...bridgeRows(place, pods.bridge, world));
    }
    const outward = node.gatewayBridge(false);
    if (outward !== null)
      rows.push(...bridgeRows({ node: node.name, namespace: '', network: '' }, outward.bridge, world));
    for (const { namespace, network, vtep, bridge } of node.sandboxes.values()) {
      const place = { node: node.name, namespace, network: network.plan.name };
      rows.push(...vtepRows(place, vtep, network.db, world), ...bridgeRows(place, bridge, world));
    }
  }
  return rows;
}

type Position = Pick<FdbRow, 'node' | 'namespace' | 'network'>;

function vtepRows(place: Position, vtep: Vtep, db: PeerDb | null, world: World): FdbRow[] {
  const row = (mac: Mac, peer: number, permanent: boolean, age: number): FdbRow => ({
    ...place,
    mac: formatMac(mac),
    dev: vtep.name,
    dst: formatIp(world.ground.peers.addressOf(peer)),
    master: null,
    permanent,
    age,
  });
  const pinned = db?.rows().filter(({ peer }) => peer !== vtep.options.own) ?? [];
  return [
    ...vtep.floodList.map((peer) => row(DEFAULT_MAC, peer, true, 0)),
    ...pinned.map(({ mac, peer }) => row(mac, peer, true, 0)),
    ...vtep.fdb
      .entries(world.ground.clock.now)
      .map((entry) => row(entry.mac, entry.dest, entry.pinned, seconds(entry.age))),
  ];
}

function bridgeRows(place: Position, bridge: Bridge, world: World): FdbRow[] {
  return bridge.fdb.entries(world.ground.clock.now).map((entry) => ({
    ...place,
    mac: formatMac(entry.mac),
    dev: bridge.port(entry.dest)?.name ?? '?',
    dst: null,
    master: bridge.name,
    permanent: entry.pinned,
    age: seconds(entry.age),
  }));
}

function seconds(age: number): number {
  return Math.floor(age / SECOND);
}
