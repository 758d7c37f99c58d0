// What a VNI of a live VTEP takes from its tunnels, between the VNI demultiplexer and the VTEP:
//
//   a member of the VNI? ─► not one of our own hosts' addresses? ─► not a pinned address from elsewhere? ─► too much to flood? ─► VTEP
//
// Everything that is refused is a counted reason. Forwarding from tunnel to tunnel needs no check: the VTEP is one port of
// its bridge, and a bridge never sends to the port that a frame came from.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Mac } from '../../core/wire/address.ts';
import { macHi, macLo } from '../../core/wire/address.ts';
import * as arp from '../../core/wire/arp.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import * as nd from '../../core/wire/nd.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { Bridge } from '../../engine/fabric/bridge.ts';
import { Fdb } from '../../engine/fabric/fdb.ts';
import { IpMap } from '../../engine/fabric/ip-map.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { TunnelReceiver } from '../../engine/fabric/underlay.ts';
import type { Vtep } from '../../engine/fabric/vtep.ts';
import type { Clock } from '../../engine/time/clock.ts';
import { Counters } from '../../engine/trace/counters.ts';
import type { DropReason } from '../../engine/trace/drop.ts';
import { DROP, drop } from '../../engine/trace/drop.ts';
import type { ElementId, TraceSink } from '../../engine/trace/event.ts';
import { TokenBucket } from '../underlay/token-bucket.ts';
import { packetsOf } from './flood-gate.ts';

/** What `claims` holds for an address of an own host: no MAC may claim it from outside. */
const OURS = -1;
/** A second's worth may come at once. */
const BURST_SECONDS = 1;

export interface GuardOptions {
  /** Who may send in this VNI; null for everybody who came through the door. */
  readonly members: ReadonlySet<PeerId> | null;
  /** Frames a second of each peer that the bridge would flood; 0 for no limit. */
  readonly flood: number;
}

export class SegmentGuard implements TunnelReceiver {
  readonly id: ElementId;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #clock: Clock;
  readonly #vtep: Vtep;
  readonly #next: TunnelReceiver;
  readonly #bridge: Bridge;
  readonly #options: GuardOptions;
  /** MACs of own hosts. */
  readonly #own: Fdb = new Fdb({ ageing: 0 });
  /** Which MAC an address may be claimed by. */
  readonly #claims: IpMap<Mac> = new IpMap();
  readonly #buckets: (TokenBucket | undefined)[] = [];

  /** @param next gets what may pass: the VTEP, or what stands before it */
  constructor(
    id: ElementId,
    ground: { readonly clock: Clock; readonly trace: TraceSink },
    vtep: Vtep,
    bridge: Bridge,
    options: GuardOptions,
    next: TunnelReceiver = vtep,
  ) {
    this.id = id;
    this.trace = ground.trace;
    this.#clock = ground.clock;
    this.#vtep = vtep;
    this.#next = next;
    this.#bridge = bridge;
    this.#options = options;
  }

  /** No frame from a tunnel may have these addresses as its source. */
  protect(mac: Mac, ips: readonly Ip[]): void {
    this.#own.pin(macHi(mac), macLo(mac), 0);
    for (const ip of ips) this.#claims.set(ip, OURS);
  }

  /** This address belongs to this MAC and to no other. */
  pinNeighbour(ip: Ip, mac: Mac): void {
    if (this.#claims.get(ip) !== OURS) this.#claims.set(ip, mac);
  }

  input(frame: Frame, peer: PeerId, tos: number): void {
    const { members } = this.#options;
    if (members !== null && !members.has(peer)) return drop(this, frame, DROP.unknownPeer, peer);
    const at = frame.start + vxlan.HEADER_LEN;
    // The VTEP counts what is too short.
    if (frame.end - at >= ethernet.HEADER_LEN) {
      const refused = this.#refusal(frame, at, peer);
      if (refused >= 0) return drop(this, frame, refused as DropReason, peer);
    }
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - frame.start;
    this.#next.input(frame, peer, tos);
  }

  /** The reason to drop a frame whose Ethernet header is at `at`, or -1. */
  #refusal(frame: Frame, at: number, peer: PeerId): number {
    const { view, end } = frame;
    const hi = ethernet.srcHi(view, at);
    const lo = ethernet.srcLo(view, at);
    if (this.#own.lookup(hi, lo, 0) >= 0) return DROP.ownAddress;
    const pinned = this.#vtep.db?.peerOf(hi, lo) ?? -1;
    if (pinned >= 0 && pinned !== peer) return DROP.entryExists;
    if (this.#claims.size > 0) {
      const refused = this.#claimed(view, at, end);
      if (refused >= 0) return refused;
    }
    return this.#floods(view, at) && !this.#mayFlood(peer, packetsOf(frame)) ? DROP.floodLimit : -1;
  }

  /** Whether the sender says that it is somebody else: in IP, ARP or neighbour discovery. */
  #claimed(view: DataView, at: number, end: number): number {
    const type = ethernet.etherType(view, at);
    const l3 = at + ethernet.HEADER_LEN;
    const mac = ethernet.src(view, at);
    if (type === ETHERTYPE.ipv4) {
      return end - l3 < ipv4.HEADER_LEN ? -1 : judge(this.#claims.get4(ipv4.src(view, l3)), mac);
    }
    if (type === ETHERTYPE.arp) {
      if (arp.check(view, l3, end) !== 0) return -1;
      return judge(this.#claims.get4(arp.senderIp(view, l3)), arp.senderMac(view, l3));
    }
    if (type !== ETHERTYPE.ipv6 || end - l3 < ipv6.HEADER_LEN) return -1;
    const source = judge(this.#claims.get6(view, ipv6.srcAt(l3)), mac);
    if (source >= 0) return source;
    const icmp = l3 + ipv6.HEADER_LEN;
    const advertised =
      ipv6.nextHeader(view, l3) === PROTO.icmpv6 &&
      end - icmp >= nd.ADVERTISEMENT_LEN &&
      view.getUint8(icmp) === nd.TYPE.neighbourAdvertisement;
    if (!advertised) return -1;
    const told = nd.linkAddress(view, icmp, end, nd.OPTION.targetLink);
    return judge(this.#claims.get6(view, icmp + 8), told < 0 ? mac : told);
  }

  #floods(view: DataView, at: number): boolean {
    const hi = ethernet.dstHi(view, at);
    if ((hi & 0x0100) !== 0) return true;
    return this.#bridge.fdb.lookup(hi, ethernet.dstLo(view, at), this.#clock.now) < 0;
  }

  #mayFlood(peer: PeerId, packets: number): boolean {
    const { flood } = this.#options;
    if (flood === 0) return true;
    const { now } = this.#clock;
    this.#buckets[peer] ??= new TokenBucket(flood, flood * BURST_SECONDS, now);
    return (this.#buckets[peer] as TokenBucket).take(packets, now);
  }
}

function judge(claim: Mac | undefined, mac: Mac): number {
  if (claim === undefined || claim === mac) return -1;
  return claim === OURS ? DROP.ownAddress : DROP.entryExists;
}
