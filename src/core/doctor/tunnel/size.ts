// Tunnel packets that do not fit: outer fragments, frames that are too large for the path, and frames as large as offload
// makes them in a capture, which is no fault. RFC 7348 s.4.3.
//
// The path's limit is judged by evidence only: the first fragment is as large as the path allows. A VTEP must not fragment,
// a router may: the TTL tells who it was. Sizes are of IP packets, header included. State: 256 paths, 1024 datagrams in pieces.

import { isOffloaded } from '../../dissect/checksums.ts';
import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import type { Census } from './census.ts';
import type { Path } from './parties.ts';

const PATHS_MAX = 256;
const DATAGRAMS_MAX = 1024;
/** Ethernet's usual MTU, and more than any link's. */
const USUAL = 1500;
const JUMBO = 9216;
/** Packets of exactly 1500 bytes that show that a path ends there. */
const FULL_MIN = 3;
/** UDP, VXLAN and inner Ethernet headers. */
const HEADERS = 30;

const FRAGMENTS: Advice = {
  code: 'VTEP-FRAGMENTS',
  explain:
    'A VTEP sends VXLAN packets in IP fragments. RFC 7348 s.4.3: VTEPs MUST NOT fragment VXLAN packets, and the receiving VTEP may silently discard fragments. Linux and VPP do both fragment and put together; hardware VTEPs drop.',
  cure: 'Make the overlay MTU smaller than the underlay MTU by 50 bytes over IPv4, 70 over IPv6 (4 more for each VLAN tag), or raise the MTU of the underlay.',
};
const ROUTER: Advice = {
  code: 'UNDERLAY-FRAGMENTS',
  explain:
    'A router of the underlay cut VXLAN packets into IP fragments: its next link has a smaller MTU. RFC 7348 s.4.3 allows that and lets the receiving VTEP discard them. A lost fragment loses the whole inner frame.',
  cure: 'Raise the MTU of that link, or make the overlay MTU smaller by the same number of bytes.',
};
const OVERSIZE: Advice = {
  code: 'INNER-OVERSIZE',
  explain:
    'Frames inside the tunnel are larger than the path between the VTEPs carries with the tunnel headers around them (RFC 7348 s.4.3 wants the underlay MTU raised). They are cut, or lost where fragments or an ICMP message are.',
  cure: 'Set the MTU of the overlay interfaces to what fits (ip link set ... mtu; com.docker.network.driver.mtu), or raise the MTU of every link of the underlay.',
};
const OFFLOAD: Advice = {
  code: 'OFFLOAD-SIZED',
  explain:
    'Packets are larger than any link carries, or their checksums are unfinished: the capture was taken on the sending machine before its network card cut them to size (TSO, GSO), or on the receiving one after they were joined (GRO).',
  cure: 'Nothing has to be done. To see the packets as they are on the wire, capture elsewhere or switch offloads off (ethtool -K DEVICE tso off gso off gro off).',
};

/** What is known of a path's sizes. */
class Sizes {
  fragments: Evidence = new Evidence();
  oversize: Evidence = new Evidence();
  byRouter: Evidence = new Evidence();
  /** The largest first fragment, and its tunnel headers' length. */
  limit = 0;
  headers = 0;
  /** The largest outer packet that was needed. */
  needed = 0;
  jumbo: Evidence = new Evidence();
  largest = 0;
  full = 0;
}

export class SizeRule implements Rule {
  readonly #census: Census;
  readonly #sizes: Map<Path, Sizes> = new Map();
  readonly #pieces = new Table<{ sizes: Sizes | null; router: boolean }>(3, DATAGRAMS_MAX, () => ({
    sizes: null,
    router: false,
  }));
  readonly #offload = new Evidence();

  constructor(census: Census) {
    this.#census = census;
  }

  observe(sight: Sight, meta: PacketMeta): void {
    const { view, d } = sight.own;
    const row = d.count - 1;
    if (row < 0 || (d.flags(row) & LAYER_FLAG.fragment) === 0) return;
    const { vxlan } = d;
    if (vxlan >= 0) {
      if ((d.flags(vxlan) & LAYER_FLAG.fragment) !== 0) this.#first(view, d, vxlan, meta.number);
    } else if (d.network >= 0) this.#later(view, d, d.network, meta.number);
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    // What was put together was never as large on the way as its headers now say.
    if (!this.#census.valid || sight.isJoined) return;
    const { d } = sight.last;
    const { view, ip, udp } = crossing;
    const size = d.limit(ip) - d.start(ip);
    // A first fragment is whole only in its own words.
    if (size < USUAL || (d.flags(crossing.vxlan) & LAYER_FLAG.fragment) !== 0) return;
    const sizes = this.#sizesOf(this.#census.tunnel.path);
    if (size === USUAL) sizes.full++;
    else if (isJoined(view, d, crossing, size)) this.#offload.add(meta.number);
    else {
      sizes.jumbo.add(meta.number);
      sizes.largest = Math.max(sizes.largest, size);
      sizes.headers = d.start(udp) - d.start(ip) + HEADERS;
    }
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    const oversize: Finding[] = [];
    for (const [path, sizes] of this.#sizes) {
      const { fragments, byRouter, limit, needed, headers } = sizes;
      const shape = `${path.text}: outer packets of up to ${needed} bytes in pieces of ${limit}`;
      if (fragments.count > 0) found.push(finding(FRAGMENTS, 'warning', shape, fragments));
      if (byRouter.count > 0) found.push(finding(ROUTER, 'note', shape, byRouter));
      if (sizes.oversize.count > 0) {
        const title = `${path.text}: inner packets of ${needed - headers} bytes where ${limit - headers} fit (path ${limit})`;
        oversize.push(finding(OVERSIZE, 'warning', title, sizes.oversize));
      }
    }
    return [...few(found), ...few([...oversize, ...this.#jumbos()]), ...this.#offloads()];
  }

  #first(view: DataView, d: Dissection, vxlan: number, number: number): void {
    const ip = d.below(vxlan, L.ipv4, L.ipv6);
    const udp = vxlan - 1;
    if (ip < 0 || udp <= ip || d.kind(udp) !== L.udp) return;
    const census = this.#census;
    const path = census.path(census.vtep(view, d, ip, false), census.vtep(view, d, ip, true));
    const sizes = this.#sizesOf(path);
    const at = d.start(ip);
    const ttl = view.getUint8(at + (d.kind(ip) === L.ipv4 ? 8 : 7));
    const router = ttl !== 64 && ttl !== 128 && ttl !== 255;
    (router ? sizes.byRouter : sizes.fragments).add(number);
    sizes.oversize.add(number);
    sizes.limit = Math.max(sizes.limit, d.limit(ip) - at);
    // The length field tells of the whole datagram; a fragment header is not in it when it is whole.
    const header = d.kind(ip) === L.ipv4 ? d.head(ip) - at : 40;
    sizes.needed = Math.max(sizes.needed, header + view.getUint16(d.start(udp) + 4));
    sizes.headers = header + HEADERS;
    this.#setPiece(view, d, ip, path);
    const piece = this.#pieces.value(this.#pieces.seek());
    piece.sizes = sizes;
    piece.router = router;
  }

  /** A fragment behind the first counts when its first one was seen. */
  #later(view: DataView, d: Dissection, ip: number, number: number): void {
    if (d.kind(ip) !== L.ipv4 && d.kind(ip) !== L.ipv6) return;
    const census = this.#census;
    const path = census.path(census.vtep(view, d, ip, false), census.vtep(view, d, ip, true));
    if (!this.#sizes.has(path)) return;
    this.#setPiece(view, d, ip, path);
    const entry = this.#pieces.find();
    if (entry < 0) return;
    const { sizes, router } = this.#pieces.value(entry);
    if (sizes !== null) (router ? sizes.byRouter : sizes.fragments).add(number);
  }

  #setPiece(view: DataView, d: Dissection, ip: number, path: Path): void {
    const { words } = this.#pieces;
    words[0] = path.src.serial;
    words[1] = path.dst.serial;
    words[2] = fragmentId(view, d, ip);
  }

  #sizesOf(path: Path): Sizes {
    let sizes = this.#sizes.get(path);
    if (sizes === undefined) {
      if (this.#sizes.size >= PATHS_MAX) this.#sizes.delete(this.#sizes.keys().next().value as Path);
      sizes = new Sizes();
      this.#sizes.set(path, sizes);
    }
    return sizes;
  }

  /** Outer packets over 1500 bytes where others end there exactly: a hint, since a capture may have joined them. */
  #jumbos(): Finding[] {
    let full = 0;
    for (const sizes of this.#sizes.values()) full += sizes.full;
    if (full < FULL_MIN || this.#offload.count > 0) return [];
    const found: Finding[] = [];
    for (const [path, sizes] of this.#sizes) {
      if (sizes.jumbo.count === 0 || sizes.limit > 0) continue;
      const title = `${path.text}: outer packets of up to ${sizes.largest} bytes, while ${many(full, 'other')} end at 1500`;
      const more = 'No packet was seen in pieces: the path may carry them, or the capture joined segments.';
      found.push(finding(OVERSIZE, 'note', title, sizes.jumbo, more));
    }
    return found;
  }

  #offloads(): Finding[] {
    const evidence = this.#offload;
    if (evidence.count === 0) return [];
    const title = `${many(evidence.count, 'packet')} as large as offload leaves them, not as the wire has them`;
    return [finding(OFFLOAD, 'note', title, evidence)];
  }
}

/** True for a packet that no link carries as it is: too large, of length 0 (BIG TCP), or with checksums to be filled in. */
function isJoined(view: DataView, d: Dissection, crossing: Crossing, size: number): boolean {
  const { ip, udp, transport } = crossing;
  if (size > JUMBO) return true;
  if (view.getUint16(d.start(ip) + (d.kind(ip) === L.ipv4 ? 2 : 4)) === 0) return true;
  if (isOffloaded(view, d, udp)) return true;
  if (transport < 0 || (d.kind(transport) !== L.tcp && d.kind(transport) !== L.udp)) return false;
  return d.end(transport) - d.start(transport) >= 20 && isOffloaded(view, d, transport);
}

/** The identification of the datagram that the IP row `ip` is a fragment of. */
function fragmentId(view: DataView, d: Dissection, ip: number): number {
  if (d.kind(ip) === L.ipv4) return view.getUint16(d.start(ip) + 4);
  for (let row = ip + 1; row < d.count; row++) {
    if (d.kind(row) === L.fragment && d.end(row) - d.start(row) >= 8) return view.getInt32(d.start(row) + 4);
  }
  return 0;
}
