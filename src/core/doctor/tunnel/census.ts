// Who and what crosses tunnels, as the tunnel rules see it. See parties.ts for what is kept of whom.
//
// The doctor calls `read` once a packet and `enter` once a crossing, before the rules: they then find the crossing in
// hand here and need not look up anything. Keys are numbers; every table has a bound and forgets what was not heard of for
// the longest time.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { isMulticastIp4, isMulticastIp6, mac, readIp6, readMac } from '../../wire/address.ts';
import * as nd from '../../wire/nd.ts';
import * as vxlan from '../../wire/vxlan.ts';
import { Table } from '../table.ts';
import { Stopwatch } from '../traffic/tap.ts';
import { addressedKind, MANNER, mannerOf } from './manner.ts';
import { Claim, isMirror, Network, Pair, Path, Station, Tunnel, tunnelPort, Vtep } from './parties.ts';
import { NO_TWIN, RecentFrames } from './recent-frames.ts';

const VTEPS_MAX = 0x2000;
const PAIRS_MAX = 0x4000;
const PATHS_MAX = 0x2000;
const NETWORKS_MAX = 0x1000;
const STATIONS_MAX = 0x8000;
const CLAIMS_MAX = 0x2000;

/** A place in a table, filled when its key is first met. */
class Cell<T> {
  of: T | null = null;
}

const NOBODY = new Vtep(0, 0, false);

export class Census {
  readonly #clock = new Stopwatch();
  readonly #frames = new RecentFrames();
  readonly #vteps = new Table<Cell<Vtep>>(5, VTEPS_MAX, () => new Cell());
  readonly #pairs = new Table<Cell<Pair>>(3, PAIRS_MAX, () => new Cell());
  readonly #paths = new Table<Cell<Path>>(2, PATHS_MAX, () => new Cell());
  readonly #networks = new Table<Cell<Network>>(1, NETWORKS_MAX, () => new Cell());
  readonly #stations = new Table<Cell<Station>>(3, STATIONS_MAX, () => new Cell());
  readonly #claims = new Table<Cell<Claim>>(5, CLAIMS_MAX, () => new Cell());
  #serial = 0;

  /** Microseconds since the first packet with a time, and the packet's number. */
  now = 0;
  number = 0;

  /** The crossing in hand. False when a receiver would not take it, or it is no tunnel between addresses: skip it. */
  valid = false;
  tunnel: Tunnel = new Tunnel(0, NOBODY, NOBODY, new Path(NOBODY, NOBODY));
  /** The same VNI the other way. */
  reverse: Tunnel = this.tunnel;
  network: Network = new Network(0);
  /** Source and destination of the inner frame; null for none, and for a group or a source that cannot be one. */
  from: Station | null = null;
  to: Station | null = null;
  /** True when the inner frame is for a group (or everybody). */
  group = false;
  /** The VTEP that `from` was behind until this packet, when that was another; else null. */
  movedFrom: Vtep | null = null;
  /** What this packet claims by ARP or neighbour discovery, or null; the VTEP and MAC that claimed it before, if both were others. */
  claim: Claim | null = null;
  claimedFrom: Vtep | null = null;
  claimedMac = 0;
  /** True for a claim that nobody asked for. */
  gratuitous = false;
  /** The tunnel that the same frame was in less than 50 ms ago and its packet; null when it was not. */
  twin: Tunnel | null = null;
  twinPacket = 0;
  /** In how many other tunnels of its first sender the same frame was since. */
  copies = 0;

  /** The next packet. */
  read(meta: PacketMeta): void {
    this.now = this.#clock.read(meta);
    this.number = meta.number;
  }

  /** Takes a crossing in hand. */
  enter(crossing: Crossing, sight: Sight): void {
    const { view, ip, udp } = crossing;
    const { d } = sight.last;
    this.valid = ip >= 0 && udp >= 0 && vxlan.vniValid(view, d.start(crossing.vxlan));
    if (!this.valid) return;
    const src = this.vtep(view, d, ip, false);
    this.#enterTunnel(crossing.vni, src, this.vtep(view, d, ip, true));
    if (!sight.isOpened || !isInEsp(d, crossing.vxlan)) this.#enterBare();
    const port = tunnelPort(view, d.start(udp));
    if (this.tunnel.port === 0) this.tunnel.port = port;
    else if (this.tunnel.port !== port) this.tunnel.otherPort = port;
    this.#enterFrame(crossing, d);
    this.#enterManner(crossing, d);
  }

  /** The VTEP whose address is the source or destination of the IP row `row`. */
  vtep(view: DataView, d: Dissection, row: number, destination: boolean): Vtep {
    const six = d.kind(row) === L.ipv6;
    const at = d.start(row) + (six ? (destination ? 24 : 8) : destination ? 16 : 12);
    const { words } = this.#vteps;
    words[0] = six ? 6 : 4;
    words[1] = view.getInt32(at);
    words[2] = six ? view.getInt32(at + 4) : 0;
    words[3] = six ? view.getInt32(at + 8) : 0;
    words[4] = six ? view.getInt32(at + 12) : 0;
    const cell = this.#vteps.value(this.#vteps.seek());
    return cell.of ?? this.#nameVtep(cell, view, at, six);
  }

  path(src: Vtep, dst: Vtep): Path {
    const { words } = this.#paths;
    words[0] = src.serial;
    words[1] = dst.serial;
    const cell = this.#paths.value(this.#paths.seek());
    cell.of ??= new Path(src, dst);
    return cell.of;
  }

  /** The claim to the address of these words in a VNI (IPv4 fills the first); null when nobody made one. */
  claimTo(vni: number, a: number, b: number, c: number, e: number): Claim | null {
    this.#setClaim(vni, a, b, c, e);
    const entry = this.#claims.find();
    return entry < 0 ? null : this.#claims.value(entry).of;
  }

  vteps(): Vtep[] {
    return all(this.#vteps);
  }

  paths(): Path[] {
    return all(this.#paths);
  }

  networks(): Network[] {
    return all(this.#networks);
  }

  pairs(): Pair[] {
    return all(this.#pairs);
  }

  /** VTEPs whose tunnels carry both sides of conversations one way, as traffic mirroring does. */
  mirrors(): Set<Vtep> {
    const found = new Set<Vtep>();
    for (const { one, other } of this.pairs()) {
      if (isMirror(one, other)) found.add(one.src);
      if (isMirror(other, one)) found.add(other.src);
    }
    return found;
  }

  #nameVtep(cell: Cell<Vtep>, view: DataView, at: number, six: boolean): Vtep {
    const ip = six ? readIp6(view, at) : view.getUint32(at);
    const group = typeof ip === 'number' ? isMulticastIp4(ip) : isMulticastIp6(ip);
    cell.of = new Vtep(++this.#serial, ip, group);
    return cell.of;
  }

  #enterTunnel(vni: number, src: Vtep, dst: Vtep): void {
    const first = src.serial <= dst.serial ? src : dst;
    const { words } = this.#pairs;
    words[0] = vni;
    words[1] = first.serial;
    words[2] = first === src ? dst.serial : src.serial;
    const cell = this.#pairs.value(this.#pairs.seek());
    const pair = cell.of ?? this.#namePair(cell, vni, first, first === src ? dst : src);
    this.tunnel = first === src ? pair.one : pair.other;
    this.reverse = first === src ? pair.other : pair.one;
    this.network = pair.network;
    this.tunnel.packets++;
    this.network.packets++;
    this.tunnel.path.plain.add(this.number);
  }

  #enterBare(): void {
    this.tunnel.bare = true;
    this.tunnel.path.bare.add(this.number);
  }

  #namePair(cell: Cell<Pair>, vni: number, a: Vtep, b: Vtep): Pair {
    this.#networks.words[0] = vni;
    const network = this.#networks.value(this.#networks.seek());
    network.of ??= new Network(vni);
    const one = new Tunnel(vni, a, b, this.path(a, b));
    cell.of = new Pair(one, new Tunnel(vni, b, a, this.path(b, a)), network.of);
    return cell.of;
  }

  #enterFrame(crossing: Crossing, d: Dissection): void {
    this.from = null;
    this.to = null;
    this.group = false;
    this.movedFrom = null;
    this.twin = null;
    this.copies = 0;
    const { view, link } = crossing;
    if (link < 0 || d.end(link) - d.start(link) < 14) return;
    const at = d.start(link);
    const twin = this.#enterTwin(view, d, link);
    this.group = (view.getUint8(at) & 1) !== 0;
    if (!this.group) this.to = this.#station(view, at, crossing.vni);
    if ((view.getUint8(at + 6) & 1) === 0) this.from = this.#station(view, at + 6, crossing.vni);
    const { from, to, tunnel } = this;
    if (to !== null) {
      tunnel.unicast++;
      this.network.unicast++;
      if (to.vtep === tunnel.src && to !== from) tunnel.homeward.add(this.number);
    }
    // What somebody else passed on says nothing about where its sender lives.
    if (from === null || (twin !== null && twin.src !== tunnel.src)) return;
    if (from.vtep !== null && from.vtep !== tunnel.src) this.movedFrom = from.vtep;
    from.vtep = tunnel.src;
  }

  #enterTwin(view: DataView, d: Dissection, link: number): Tunnel | null {
    const frames = this.#frames;
    const slot = frames.seek(
      view,
      d.start(link),
      d.end(link),
      d.limit(link),
      this.tunnel,
      this.now,
      this.number,
    );
    if (slot === NO_TWIN) return null;
    this.twin = frames.tunnel(slot);
    this.twinPacket = frames.packet(slot);
    this.copies = frames.copies(slot);
    return this.twin;
  }

  #enterManner(crossing: Crossing, d: Dissection): void {
    this.claim = null;
    this.claimedFrom = null;
    const manner = mannerOf(crossing, d);
    const { tunnel, to } = this;
    if ((manner & MANNER.answer) !== 0) tunnel.answers++;
    if ((manner & MANNER.ask) !== 0 && to !== null) {
      if (tunnel.asks.count === 0) tunnel.askedFirst = this.now;
      tunnel.askedLast = this.now;
      tunnel.asks.add(this.number);
      if (tunnel.asked === null) tunnel.asked = to;
      else if (tunnel.asked !== to) tunnel.askedOthers = true;
    }
    if (this.from !== null && crossing.network >= 0) noteSource(crossing, d, this.from);
    if ((manner & MANNER.claim) !== 0 && this.twin === null) this.#enterClaim(crossing, d);
  }

  #enterClaim(crossing: Crossing, d: Dissection): void {
    const { view, network, transport, vni } = crossing;
    if (d.kind(network) === L.arp) {
      const at = d.start(network);
      this.gratuitous = view.getUint32(at + 14) === view.getUint32(at + 24);
      this.#setClaim(vni, view.getInt32(at + 14), 0, 0, 0);
      this.#makeClaim(view, at + 14, false, readMac(view, at + 8));
      return;
    }
    // A solicitation claims its source, an advertisement its target.
    const at = d.start(transport);
    const advertised = view.getUint8(at) === nd.TYPE.neighbourAdvertisement;
    const option = advertised ? nd.OPTION.targetLink : nd.OPTION.sourceLink;
    const address = nd.linkAddress(view, at, d.end(transport), option);
    if (address < 0) return;
    const ip = advertised ? at + 8 : d.start(network) + 8;
    this.gratuitous = advertised && (nd.flags(view, at) & nd.FLAG.solicited) === 0;
    this.#setClaim(
      vni,
      view.getInt32(ip),
      view.getInt32(ip + 4),
      view.getInt32(ip + 8),
      view.getInt32(ip + 12),
    );
    this.#makeClaim(view, ip, true, address);
  }

  #makeClaim(view: DataView, ip: number, six: boolean, address: number): void {
    const { src, vni } = this.tunnel;
    const cell = this.#claims.value(this.#claims.seek());
    const claim = cell.of;
    if (claim === null) {
      cell.of = new Claim(vni, six ? readIp6(view, ip) : view.getUint32(ip), address, src);
      cell.of.at = this.now;
      this.claim = cell.of;
      return;
    }
    claim.at = this.now;
    if (claim.vtep !== src && claim.mac !== address) {
      this.claimedFrom = claim.vtep;
      this.claimedMac = claim.mac;
    }
    claim.vtep = src;
    claim.mac = address;
    this.claim = claim;
  }

  #setClaim(vni: number, a: number, b: number, c: number, e: number): void {
    const { words } = this.#claims;
    words[0] = vni;
    words[1] = a;
    words[2] = b;
    words[3] = c;
    words[4] = e;
  }

  #station(view: DataView, at: number, vni: number): Station | null {
    const high = view.getUint16(at);
    const low = view.getInt32(at + 2);
    if (high === 0 && low === 0) return null;
    const { words } = this.#stations;
    words[0] = vni;
    words[1] = high;
    words[2] = low;
    const cell = this.#stations.value(this.#stations.seek());
    cell.of ??= new Station(vni, mac(high, low));
    return cell.of;
  }
}

/** Counts the different source addresses of a station, as far as it matters. */
function noteSource(crossing: Crossing, d: Dissection, from: Station): void {
  const { view, network } = crossing;
  const at = d.start(network);
  const kind = addressedKind(d, network);
  let key = 0;
  if (kind === L.ipv4) key = view.getInt32(at + 12);
  else if (kind === L.ipv6) key = Math.imul(view.getInt32(at + 8), 31) ^ view.getInt32(at + 20);
  else return;
  from.hearFrom(key);
}

/** What a table holds, in the order in which it came. */
function all<T>(table: Table<Cell<T>>): T[] {
  const found: T[] = [];
  for (let entry = 0; entry < table.size; entry++) {
    const { of } = table.value(entry);
    if (of !== null) found.push(of);
  }
  return found;
}

function isInEsp(d: Dissection, vxlanRow: number): boolean {
  return d.below(vxlanRow, L.esp, L.esp) >= 0;
}
