// The devices of a world, as `ip -d -s link` would list them in each namespace of each node.

import { formatIp, formatMac, mac } from '../core/wire/address.ts';
import type { Bridge } from '../engine/fabric/bridge.ts';
import { VethEnd } from '../engine/fabric/veth.ts';
import type { Vtep } from '../engine/fabric/vtep.ts';
import type { Host } from '../engine/host/host.ts';
import type { Interface } from '../engine/host/interface.ts';
import type { Profile } from '../engine/orchestrate/profile.ts';
import type { World } from '../engine/orchestrate/world.ts';
import { SECOND } from '../engine/time/clock.ts';
import type { Counters } from '../engine/trace/counters.ts';

export interface VxlanSettings {
  readonly id: number;
  /** The multicast group of BUM frames, or null. */
  readonly group: string | null;
  /** UDP source ports; 0 0 means the kernel's own range. */
  readonly sourcePorts: readonly [number, number];
  readonly dstPort: number;
  readonly learning: boolean;
  readonly proxy: boolean;
  /** Seconds. */
  readonly ageing: number;
  readonly udpChecksum: boolean;
}

export interface LinkRow {
  readonly node: string;
  /** Empty for the node's own, else a network sandbox, a container or a load balancer. */
  readonly namespace: string;
  /** The overlay network of a sandbox; empty elsewhere. */
  readonly network: string;
  readonly name: string;
  readonly kind: 'ether' | 'bridge' | 'vxlan' | 'veth';
  readonly up: boolean;
  readonly mtu: number;
  readonly master: string | null;
  /** What is at the other end of a veth pair: `eth0 of <container>`. */
  readonly peer: string | null;
  /** Null where the lab gives a device none: a bridge's side of a veth pair. */
  readonly mac: string | null;
  readonly addresses: readonly string[];
  readonly vxlan: VxlanSettings | null;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly dropped: number;
}

/** Linux's net.ipv4.ip_local_port_range: what `srcport 0 0` stands for. */
const LOCAL_PORTS: readonly [number, number] = [32768, 60999];

export function linkRows(world: World): LinkRow[] {
  const { profile } = world.plan;
  const rows: LinkRow[] = [];
  for (const node of world.nodes.values()) {
    const own = { node: node.name, namespace: '', network: '' };
    const pods = world.pods.get(node.name);
    const outward = node.gatewayBridge(false);
    const bridges = [pods?.bridge, outward?.bridge].filter((bridge) => bridge !== undefined);
    for (const dev of node.host.interfaces) {
      const bridge = bridges.find(({ name }) => name === dev.name);
      if (bridge !== undefined) rows.push(bridgeRow(own, bridge, dev));
      else if (dev.port === pods?.vtep) rows.push(vxlanRow(own, pods.vtep, null, profile, dev));
      else rows.push(hostRow(own, dev));
    }
    for (const bridge of bridges) rows.push(...portRows(own, bridge, world));
    for (const sandbox of node.sandboxes.values()) {
      const { namespace, bridge, vtep } = sandbox;
      const place = { node: node.name, namespace, network: sandbox.network.plan.name };
      rows.push(bridgeRow(place, bridge, sandbox.gateway.interfaces[0] as Interface));
      const group =
        sandbox.network.profile.flood === 'multicast'
          ? world.ground.peers.addressOf(vtep.floodList[0] as number)
          : null;
      rows.push(
        vxlanRow({ ...place, master: bridge.name }, vtep, group === null ? null : formatIp(group), profile),
      );
      rows.push(...portRows(place, bridge, world));
      if (sandbox.balancer !== null) rows.push(...hostRows(node.name, sandbox.balancer));
    }
    for (const container of node.containers.values()) rows.push(...hostRows(node.name, container.host));
  }
  return rows;
}

type Position = Pick<LinkRow, 'node' | 'namespace' | 'network'>;

const PLAIN = { up: true, master: null, peer: null, vxlan: null };

function countersOf(
  counters: Counters,
): Pick<LinkRow, 'rxPackets' | 'rxBytes' | 'txPackets' | 'txBytes' | 'dropped'> {
  const { rxPackets, rxBytes, txPackets, txBytes } = counters;
  return { rxPackets, rxBytes, txPackets, txBytes, dropped: counters.dropped() };
}

function addressesOf(dev: Interface): string[] {
  return dev.addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`);
}

function hostRows(node: string, host: Host): LinkRow[] {
  return host.interfaces.map((dev) => hostRow({ node, namespace: host.name, network: '' }, dev));
}

function hostRow(place: Position, dev: Interface): LinkRow {
  const { name, up, mtu, counters } = dev;
  const text = { mac: formatMac(dev.mac), addresses: addressesOf(dev) };
  return { ...place, ...PLAIN, name, kind: 'ether', up, mtu, ...text, ...countersOf(counters) };
}

function bridgeRow(place: Position, bridge: Bridge, own: Interface): LinkRow {
  const text = { mac: formatMac(own.mac), addresses: addressesOf(own) };
  return {
    ...place,
    ...PLAIN,
    name: bridge.name,
    kind: 'bridge',
    mtu: own.mtu,
    ...text,
    ...countersOf(bridge.counters),
  };
}

/** The veth ends on a bridge, without the one that carries the bridge's own address. */
function portRows(place: Position, bridge: Bridge, world: World): LinkRow[] {
  return bridge
    .ports()
    .map(({ port }) => port)
    .filter((port) => port instanceof VethEnd)
    .filter(({ name }) => name !== bridge.name)
    .map((end) => {
      const { name, up, mtu, counters, peer } = end;
      const owner = world.ground.registry.at(peer.id).place.split('/').slice(1).join('/');
      const ends = { master: bridge.name, peer: `${peer.name} of ${owner}`, mac: null, addresses: [] };
      return { ...place, ...PLAIN, name, kind: 'veth', up, mtu, ...ends, ...countersOf(counters) };
    });
}

function vxlanRow(
  place: Position & { readonly master?: string },
  vtep: Vtep,
  group: string | null,
  profile: Profile,
  dev: Interface | null = null,
): LinkRow {
  const { options, name, up, counters } = vtep;
  const [low, high] = profile.sourcePorts;
  const vxlan: VxlanSettings = {
    id: options.vni,
    group,
    sourcePorts: low === LOCAL_PORTS[0] && high === LOCAL_PORTS[1] ? [0, 0] : [low, high],
    dstPort: profile.port,
    learning: options.learning,
    proxy: options.neighbours === 'proxy',
    ageing: options.ageing / SECOND,
    udpChecksum: profile.udpChecksum,
  };
  return {
    ...place,
    ...PLAIN,
    name,
    kind: 'vxlan',
    up,
    mtu: options.mtu,
    master: place.master ?? null,
    mac: formatMac(mac(options.macHi, options.macLo)),
    addresses: dev === null ? [] : addressesOf(dev),
    vxlan,
    ...countersOf(counters),
  };
}
