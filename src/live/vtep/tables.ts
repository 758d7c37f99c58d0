// The tables of a live VTEP, row by row as a lab's are, so that `vxlab show` prints both alike.

import type { Mac } from '../../core/wire/address.ts';
import { formatIp, formatMac, mac as joined } from '../../core/wire/address.ts';
import type { Port } from '../../engine/fabric/port.ts';
import { VethEnd } from '../../engine/fabric/veth.ts';
import { STATE_NAMES } from '../../engine/host/neighbour.ts';
import { SECOND } from '../../engine/time/clock.ts';
import type { Counters } from '../../engine/trace/counters.ts';
import type { LiveVtep } from './live-vtep.ts';
import type { Segment } from './segment.ts';

type Row = Readonly<Record<string, unknown>>;

/** What `show` can ask for. */
export const VTEP_TABLES = ['fdb', 'links', 'peers', 'neigh'] as const;
export type VtepTable = (typeof VTEP_TABLES)[number];

/** Where BUM frames go, in `bridge fdb`. */
const DEFAULT_MAC: Mac = 0;

export function rowsOf(live: LiveVtep, table: VtepTable): Row[] {
  live.clock.tick();
  const rows = { fdb: fdbRows, links: linkRows, peers: peerRows, neigh: neighRows }[table];
  return live.segments.flatMap((segment) => rows(live, segment));
}

function place(live: LiveVtep, segment: Segment): Row {
  return { node: formatIp(live.config.local), namespace: segment.place, network: '' };
}

function fdbRows(live: LiveVtep, segment: Segment): Row[] {
  const { vtep, bridge } = segment;
  const { peers } = live.ground;
  const here = place(live, segment);
  const { now } = live.clock;
  const device = (mac: Mac, peer: number, permanent: boolean, age: number): Row => {
    const dst = formatIp(peers.addressOf(peer));
    return { ...here, mac: formatMac(mac), dev: vtep.name, dst, master: null, permanent, age };
  };
  const pinned = (vtep.db?.rows() ?? []).filter(({ peer }) => peer >= 0);
  return [
    ...vtep.floodList.map((peer) => device(DEFAULT_MAC, peer, true, 0)),
    ...pinned.map(({ mac, peer }) => device(mac, peer, true, 0)),
    ...vtep.fdb
      .entries(now)
      .map((entry) => device(entry.mac, entry.dest, entry.pinned, Math.floor(entry.age / SECOND))),
    ...bridge.fdb.entries(now).map((entry) => ({
      ...here,
      mac: formatMac(entry.mac),
      dev: bridge.port(entry.dest)?.name ?? '?',
      dst: null,
      master: bridge.name,
      permanent: entry.pinned,
      age: Math.floor(entry.age / SECOND),
    })),
  ];
}

function neighRows(live: LiveVtep, segment: Segment): Row[] {
  const node = formatIp(live.config.local);
  const hosts = segment.hosts.flatMap((host) =>
    host.neighbours.entries().map((one) => ({
      node,
      namespace: `${segment.place}/${host.name}`,
      address: formatIp(one.ip),
      dev: one.dev.name,
      mac: one.macHi === 0 && one.macLo === 0 ? null : formatMac(joined(one.macHi, one.macLo)),
      state: STATE_NAMES[one.state],
    })),
  );
  const answered = (segment.vtep.db?.rows() ?? []).flatMap(({ mac, ips }) =>
    ips.map((ip) => ({
      node,
      namespace: segment.place,
      address: formatIp(ip),
      dev: segment.vtep.name,
      mac: formatMac(mac),
      state: 'PERMANENT',
    })),
  );
  return [...answered, ...hosts];
}

function peerRows(live: LiveVtep, segment: Segment): Row[] {
  const { local, port } = live.config;
  const { peers } = live.ground;
  return [
    {
      network: segment.place,
      vni: segment.config.vni,
      node: live.device ?? '-',
      vtep: formatIp(local),
      port,
      flood: segment.vtep.floodList.map((peer) => formatIp(peers.addressOf(peer))),
      endpoints: segment.config.hosts.map(({ ip, prefix, mac }, i) => ({
        name: `host${i + 1}`,
        address: `${formatIp(ip)}/${prefix}`,
        mac: formatMac(mac),
      })),
    },
  ];
}

function linkRows(live: LiveVtep, segment: Segment): Row[] {
  const { bridge, vtep, config } = segment;
  const here = place(live, segment);
  const plain = {
    ...here,
    up: true,
    mtu: live.mtu,
    master: null,
    peer: null,
    mac: null,
    addresses: [],
    vxlan: null,
  };
  const { local, port, sourcePorts, learning } = live.config;
  const { macHi, macLo, ageing, neighbours } = vtep.options;
  return [
    { ...plain, name: bridge.name, kind: 'bridge', ...counted(bridge.counters) },
    {
      ...plain,
      name: vtep.name,
      kind: 'vxlan',
      master: bridge.name,
      mac: formatMac(joined(macHi, macLo)),
      vxlan: {
        id: config.vni,
        group: config.group === null ? null : formatIp(config.group),
        sourcePorts,
        dstPort: port,
        learning,
        proxy: neighbours === 'proxy',
        ageing: ageing / SECOND,
        udpChecksum: typeof local !== 'number',
      },
      ...counted(vtep.counters),
    },
    ...segment.localPorts.map(({ port: end }) => ({
      ...plain,
      name: end.name,
      kind: end instanceof VethEnd ? 'veth' : 'ether',
      master: bridge.name,
      peer: end instanceof VethEnd ? `eth0 of ${segment.hosts[bridgeSlot(segment, end)]?.name ?? '?'}` : null,
      ...counted(countersOf(end)),
    })),
    ...segment.hosts.flatMap((host) =>
      host.interfaces.map((dev) => ({
        ...plain,
        namespace: `${segment.place}/${host.name}`,
        name: dev.name,
        kind: 'ether',
        mac: formatMac(dev.mac),
        addresses: dev.addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`),
        ...counted(dev.counters),
      })),
    ),
  ];
}

/** The place of a veth end among the hosts: they were made in the same order. */
function bridgeSlot(segment: Segment, end: Port): number {
  return segment.localPorts
    .filter(({ port }) => port instanceof VethEnd)
    .findIndex(({ port }) => port === end);
}

function countersOf(port: Port): Counters | null {
  return 'counters' in port ? (port.counters as Counters) : null;
}

function counted(counters: Counters | null): Row {
  const { rxPackets = 0, rxBytes = 0, txPackets = 0, txBytes = 0 } = counters ?? {};
  return { rxPackets, rxBytes, txPackets, txBytes, dropped: counters?.dropped() ?? 0 };
}
