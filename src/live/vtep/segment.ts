// One VNI of a live VTEP: the bridge, VTEP and hosts that the simulation has too, behind a guard.
//
//   emulated hosts, attached interfaces ─ bridge ─ [flood gate] ─ VTEP ─► underlay
//                                            ▲                     ▲
//                                            └──────── VTEP ◄─ guard ◄─ VNI demultiplexer ◄─ underlay

import type { Ip } from '../../core/wire/address.ts';
import { macHi, macLo } from '../../core/wire/address.ts';
import { Bridge } from '../../engine/fabric/bridge.ts';
import { PeerDb } from '../../engine/fabric/peer-db.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import { NO_PEER } from '../../engine/fabric/peers.ts';
import type { Port, PortId } from '../../engine/fabric/port.ts';
import type { Underlay } from '../../engine/fabric/underlay.ts';
import type { VniDemux } from '../../engine/fabric/vni-demux.ts';
import { Vtep } from '../../engine/fabric/vtep.ts';
import type { Host } from '../../engine/host/host.ts';
import { randomLocalMac } from '../../engine/ipam/mac-scheme.ts';
import type { Ground } from '../../engine/orchestrate/ground.ts';
import { attach } from '../attach/attach.ts';
import type { Attachment } from '../attach/attachment.ts';
import { CuttingPort } from '../offload/cutting-port.ts';
import { TunnelOffload } from '../offload/tunnel-offload.ts';
import type { LiveUnderlay } from '../underlay/live-underlay.ts';
import type { WallClock } from '../wall-clock.ts';
import { FloodGate } from './flood-gate.ts';
import { SegmentGuard } from './segment-guard.ts';
import type { EmulatedHost, LiveVtepConfig, SegmentConfig } from './vtep-config.ts';

/** Devices of the overlay are named as Docker's are. */
const BRIDGE = 'br0';
const TUNNEL = 'vxlan0';

/** What every segment of a VTEP stands on. */
export interface SegmentSite {
  readonly ground: Ground;
  readonly clock: Pick<WallClock, 'tick'>;
  readonly demux: VniDemux;
  readonly underlay: Underlay & Pick<LiveUnderlay, 'whole'>;
  /** MTU of the overlay in bytes. */
  readonly mtu: number;
  /** Whether what comes from the tunnel may lack what a network card does. */
  readonly offload: boolean;
  /** Whether frames may stand for several, which are cut as late as can be. */
  readonly whole: boolean;
}

export class Segment {
  readonly config: SegmentConfig;
  readonly place: string;
  readonly bridge: Bridge;
  readonly vtep: Vtep;
  readonly guard: SegmentGuard;
  /** Null where the underlay's card does its work. */
  readonly offload: TunnelOffload | null;
  readonly hosts: Host[] = [];
  readonly attachments: Attachment[] = [];
  readonly #site: SegmentSite;
  readonly #ground: Ground;

  constructor(config: LiveVtepConfig, segment: SegmentConfig, site: SegmentSite) {
    const { mtu, ground, demux, underlay } = site;
    const { vni } = segment;
    const place = `vni${vni}`;
    const { registry, clock, trace, peers } = ground;
    this.config = segment;
    this.place = place;
    this.#site = site;
    this.#ground = ground;
    this.bridge = new Bridge(registry.add('bridge', BRIDGE, place), BRIDGE, clock, trace, {
      ageing: config.ageing,
      maxEntries: config.limits.learnPerVni,
    });
    const random = ground.random.stream(place);
    const mac = randomLocalMac(() => random.uint32());
    this.vtep = new Vtep(
      registry.add('vtep', TUNNEL, place),
      TUNNEL,
      {
        vni,
        mtu,
        own: peers.idOf(config.local),
        macHi: macHi(mac),
        macLo: macLo(mac),
        learning: config.learning,
        neighbours: segment.neighbours.length > 0 ? 'suppress' : 'forward',
        reservedBits: 'ignore',
        innerVlan: 'pass',
        pmtuReplies: true,
        ageing: config.ageing,
        maxEntries: config.limits.learnPerVni,
        maxPerPeer: config.limits.learnPerPeer,
        whenFull: 'drop',
      },
      ground,
      underlay,
    );
    const { flood } = config.limits;
    const gate: Port = flood === 0 ? this.vtep : new FloodGate(this.vtep, clock, flood);
    const way = underlay.whole === true ? gate : new CuttingPort(ground.pool, gate);
    this.vtep.plug(this.bridge, this.bridge.attach(way));
    this.vtep.db = this.#pinned();
    const open = config.acceptAny || config.accept.length > 0;
    const members = new Set(
      [...segment.remotes, ...segment.fdb.map(({ vtep }) => vtep)].map((ip) => peers.idOf(ip)),
    );
    this.offload = site.offload ? new TunnelOffload(ground.pool, vni, mtu, site.whole, this.vtep) : null;
    this.guard = new SegmentGuard(
      registry.add('vtep', 'guard', place),
      ground,
      this.vtep,
      this.bridge,
      { members: open ? null : members, flood },
      this.offload ?? this.vtep,
    );
    for (const { ip, mac: pinned } of segment.neighbours) this.guard.pinNeighbour(ip, pinned);
    demux.add(vni, this.guard);
    if (segment.group !== null) this.vtep.floodToGroup(peers.idOf(segment.group));
    else this.vtep.floodTo(segment.remotes.map((ip) => peers.idOf(ip)));
    for (const host of segment.hosts) this.#host(host);
  }

  /** Every port but the tunnel's: what a frame may be behind here. */
  get localPorts(): readonly { readonly id: PortId; readonly port: Port }[] {
    return this.bridge
      .ports()
      .filter(({ id }) => id !== this.vtep.port)
      .map(({ id, port }) => ({ id, port: port instanceof CuttingPort ? port.port : port }));
  }

  /** Makes and opens the interfaces behind the VTEP. @throws VxlabError ATTACH_MISSING, ATTACH_REFUSED */
  async open(): Promise<void> {
    for (const name of this.config.attach) {
      const { pool, registry, trace } = this.#ground;
      const { clock, mtu, whole } = this.#site;
      const id = registry.add('veth', name, this.place);
      const one = attach(name, mtu, { id, clock, pool, trace, whole });
      this.attachments.push(one);
      if (one.station !== null) this.guard.protect(one.station, []);
      await one.open(this.bridge, this.bridge.attach(one));
    }
  }

  async close(): Promise<void> {
    for (const host of this.hosts) host.close();
    this.vtep.up = false;
    await Promise.all(this.attachments.map((one) => one.close()));
  }

  /** The rows that were given on the command line; null without any. */
  #pinned(): PeerDb | null {
    const { fdb, neighbours } = this.config;
    if (fdb.length + neighbours.length === 0) return null;
    const rows = new Map<number, { ips: Ip[]; peer: PeerId }>();
    for (const { mac, vtep } of fdb) rows.set(mac, { ips: [], peer: this.#ground.peers.idOf(vtep) });
    for (const { ip, mac } of neighbours) {
      const row = rows.get(mac) ?? { ips: [], peer: NO_PEER };
      row.ips.push(ip);
      rows.set(mac, row);
    }
    const db = new PeerDb();
    for (const [mac, { ips, peer }] of rows) db.set(mac, ips, peer);
    return db;
  }

  #host({ ip, prefix, mac }: EmulatedHost): void {
    const name = `host${this.hosts.length + 1}`;
    const host = this.#ground.host(this.place, { name });
    const [outer, inner] = this.#ground.veth(
      this.place,
      `veth${this.hosts.length}`,
      'eth0',
      name,
      this.#site.mtu,
    );
    const dev = host.addInterface(inner, {
      name: 'eth0',
      mac,
      mtu: this.#site.mtu,
      addresses: [{ ip, prefix }],
    });
    inner.plug(host, dev.index);
    outer.plug(this.bridge, this.bridge.attach(new CuttingPort(this.#ground.pool, outer)));
    // Where it is need not be learned, and nobody else can take it away.
    this.bridge.fdb.pin(macHi(mac), macLo(mac), outer.port);
    this.guard.protect(
      mac,
      dev.addresses.map((address) => address.ip),
    );
    for (const neighbour of this.config.neighbours) host.neighbours.pin(neighbour.ip, dev, neighbour.mac);
    this.hosts.push(host);
  }
}
