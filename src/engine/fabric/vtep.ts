// A VXLAN tunnel endpoint for one VNI: a port of a bridge on one side, an underlay on the other (RFC 7348 s.4).
//
//   bridge ─ send ─► [proxy or suppress ARP/ND] ─► look up the peer, or the flood list ─► push 8 bytes ─► underlay
//   bridge ◄ receive ─ learn the inner source ◄─ checks ◄─ pull 8 bytes ◄─ input ─ VNI demultiplexer ◄─ underlay
//
// Order and reasons of the checks are Linux's (drivers/net/vxlan/vxlan_core.c); where Linux is stricter than the RFC an
// option says which is meant. What came out of a tunnel never goes back into one: the bridge does not send to the port
// that a frame came from, and a VTEP is one port.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Mac } from '../../core/wire/address.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as vlan from '../../core/wire/vlan.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { Clock } from '../time/clock.ts';
import { Counters } from '../trace/counters.ts';
import type { DropReason } from '../trace/drop.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE, VIA } from '../trace/event.ts';
import { FLOOD } from './bridge.ts';
import { innerEcn, ipAt, outerEcn, setEcn, tosAt } from './ecn.ts';
import { entropyOf } from './entropy.ts';
import { Fdb, LEARN } from './fdb.ts';
import type { PeerDb } from './peer-db.ts';
import type { PeerId } from './peers.ts';
import { NO_PEER } from './peers.ts';
import { pmtuReply } from './pmtu-reply.ts';
import type { Port, PortId, Sink } from './port.ts';
import { answerTo, NO_ANSWER, writeAnswer } from './proxy.ts';
import type { TunnelReceiver, Underlay } from './underlay.ts';
import { stripTags } from './vlan-tag.ts';

export interface VtepOptions {
  readonly vni: number;
  readonly mtu: number;
  /** This VTEP's own number among the peers. */
  readonly own: PeerId;
  /** The device's own MAC, high and low part. */
  readonly macHi: number;
  readonly macLo: number;
  /** Learn inner source MAC to outer source address from received frames (Linux: [no]learning). */
  readonly learning: boolean;
  /**
   * What happens to ARP requests and neighbour solicitations from the bridge: `forward` treats them as any frame;
   * `proxy` answers from the control plane's rows and swallows what it cannot answer (Linux: proxy); `suppress` answers
   * what it can and floods the rest (Linux: bridge port neigh_suppress).
   */
  readonly neighbours: 'forward' | 'proxy' | 'suppress';
  /** RFC 7348 s.5 ignores reserved bits on receipt; Linux drops such packets. */
  readonly reservedBits: 'ignore' | 'drop';
  /** RFC 7348 s.6.1 strips inner tags when sending and discards tagged frames on receipt; Linux lets both pass. */
  readonly innerVlan: 'pass' | 'discard';
  /** Answer an inner packet that does not fit with an ICMP error, as Linux does for bridged tunnels. */
  readonly pmtuReplies: boolean;
  /** FDB ageing in nanoseconds and entries at most (0: no bound). */
  readonly ageing: number;
  readonly maxEntries: number;
  /** FDB entries at most behind one peer; 0 or left out: no bound. */
  readonly maxPerPeer?: number;
  /** What becomes of a frame whose source may not be learned any more; default `forward`, as Linux does. */
  readonly whenFull?: 'forward' | 'drop';
}

const NOBODY: Sink = { receive: (frame) => frame.release() };

export class Vtep implements Port, TunnelReceiver {
  readonly id: ElementId;
  readonly name: string;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly options: VtepOptions;
  /** Learned and locally pinned entries; the control plane's shared rows are in `db`. */
  readonly fdb: Fdb;
  readonly #clock: Clock;
  readonly #pool: FramePool;
  readonly #underlay: Underlay;
  /** The control plane's rows for this network, shared by its VTEPs. */
  db: PeerDb | null = null;
  /** Where BUM frames go: peers (head-end replication) or one group. */
  #flood: readonly PeerId[] = [];
  #floodVia: number = VIA.replicate;
  up = true;
  sink: Sink = NOBODY;
  port: PortId = 0;

  constructor(
    id: ElementId,
    name: string,
    options: VtepOptions,
    ground: { readonly clock: Clock; readonly pool: FramePool; readonly trace: TraceSink },
    underlay: Underlay,
  ) {
    this.id = id;
    this.name = name;
    this.options = options;
    this.trace = ground.trace;
    this.#clock = ground.clock;
    this.#pool = ground.pool;
    this.#underlay = underlay;
    const { ageing, maxEntries: max, maxPerPeer: maxPerDest = 0 } = options;
    this.fdb = new Fdb({ ageing, max, maxPerDest });
  }

  get mtu(): number {
    return this.options.mtu;
  }

  get floodList(): readonly PeerId[] {
    return this.#flood;
  }

  /** Says who owns this port: the bridge and the number it gave. */
  plug(sink: Sink, port: PortId): void {
    this.sink = sink;
    this.port = port;
  }

  /** BUM frames go to each of these VTEPs (head-end replication); the own address is left out. A group is left. */
  floodTo(peers: readonly PeerId[]): void {
    this.#leaveGroup();
    this.#flood = peers.filter((peer) => peer !== this.options.own);
    this.#floodVia = VIA.replicate;
  }

  /** BUM frames go to this multicast group, which is joined (RFC 7348 s.4.2); the one before is left. */
  floodToGroup(group: PeerId): void {
    if (this.#floodVia === VIA.group && this.#flood[0] === group) return;
    this.#leaveGroup();
    this.#flood = [group];
    this.#floodVia = VIA.group;
    this.#underlay.join(group);
  }

  #leaveGroup(): void {
    if (this.#floodVia === VIA.group) this.#underlay.leave(this.#flood[0] as PeerId);
  }

  /** From the bridge into the tunnel. */
  send(given: Frame): void {
    let frame = given;
    const options = this.options;
    const trace = this.trace;
    if (!this.up) return drop(this, frame, DROP.linkDown);
    if (frame.end - frame.start < ethernet.HEADER_LEN) {
      return drop(this, frame, DROP.invalidHeader, ethernet.check(frame.view, frame.start, frame.end));
    }
    if (options.innerVlan === 'discard' && vlan.isTag(ethernet.etherType(frame.view, frame.start))) {
      frame = frame.own();
      stripTags(frame);
    }
    const db = this.db;
    if (options.neighbours !== 'forward' && db !== null) {
      const mac = answerTo(frame, db, options.own);
      if (mac >= 0) return this.#answer(frame, mac);
      if (mac === NO_ANSWER && options.neighbours === 'proxy') return drop(this, frame, DROP.neighbourMiss);
    }
    const view = frame.view;
    const at = frame.start;
    const dstHi = ethernet.dstHi(view, at);
    if ((dstHi & 0x0100) === 0) {
      const dstLo = ethernet.dstLo(view, at);
      let via: number = VIA.pinned;
      let peer = db === null ? NO_PEER : db.peerOf(dstHi, dstLo);
      if (peer === options.own) peer = NO_PEER;
      if (peer < 0) {
        peer = this.fdb.lookup(dstHi, dstLo, this.#clock.now);
        via = trace.on && this.fdb.isPinned(dstHi, dstLo) ? VIA.pinned : VIA.learned;
      }
      if (peer >= 0) return this.#encapsulate(frame, peer, via);
    }
    const flood = this.#flood;
    if (flood.length === 0) return drop(this, frame, DROP.noRemote);
    if (trace.on) {
      const broadcast = dstHi === 0xffff && ethernet.dstLo(view, at) === 0xffffffff;
      const why = (dstHi & 0x0100) === 0 ? FLOOD.unknown : broadcast ? FLOOD.broadcast : FLOOD.multicast;
      trace.emit(this.id, TRACE.flood, frame, flood.length, why);
    }
    for (let i = flood.length - 1; i > 0; i--) {
      this.#encapsulate(this.#pool.copyOf(frame), flood[i] as PeerId, this.#floodVia);
    }
    this.#encapsulate(frame, flood[0] as PeerId, this.#floodVia);
  }

  /** From the underlay, with the VXLAN header in front; the demultiplexer has matched the VNI. */
  input(given: Frame, peer: PeerId, tos: number): void {
    const options = this.options;
    if (!this.up) return drop(this, given, DROP.linkDown);
    if (options.reservedBits === 'drop' && vxlan.reservedSet(given.view, given.start)) {
      return drop(this, given, DROP.reservedBits, vxlan.firstWord(given.view, given.start));
    }
    const frame = given.own();
    const at = frame.pull(vxlan.HEADER_LEN);
    const view = frame.view;
    if (frame.end - at < ethernet.HEADER_LEN) {
      return drop(this, frame, DROP.invalidHeader, ethernet.check(view, at, frame.end));
    }
    const srcHi = ethernet.srcHi(view, at);
    const srcLo = ethernet.srcLo(view, at);
    if (srcHi === options.macHi && srcLo === options.macLo) return drop(this, frame, DROP.localMac);
    if ((srcHi & 0x0100) !== 0 || (srcHi === 0 && srcLo === 0))
      return drop(this, frame, DROP.invalidSourceMac);
    if (options.innerVlan === 'discard' && vlan.isTag(ethernet.etherType(view, at))) {
      return drop(this, frame, DROP.innerVlan);
    }
    if (options.learning) {
      const refused = this.#learn(srcHi, srcLo, peer, frame);
      if (refused >= 0) return drop(this, frame, refused as DropReason, peer);
    }
    if ((tos & 3) !== 0 && !mark(frame, tos)) return drop(this, frame, DROP.ecnError, tos & 3);
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - at;
    if (this.trace.on) this.trace.emit(this.id, TRACE.decapsulate, frame, peer, options.vni);
    this.sink.receive(frame, this.port);
  }

  /** The reason to drop the frame, or -1: a pinned entry may hold the MAC behind another VTEP, the table may be full. */
  #learn(hi: number, lo: number, peer: PeerId, frame: Frame): number {
    const db = this.db;
    if (db !== null) {
      const pinned = db.peerOf(hi, lo);
      if (pinned >= 0) return pinned === peer ? -1 : DROP.entryExists;
    }
    const result = this.fdb.learn(hi, lo, peer, this.#clock.now);
    if (this.trace.on) this.trace.emit(this.id, TRACE.learn, frame, result, peer);
    if (result === LEARN.full) return this.options.whenFull === 'drop' ? DROP.learnLimit : -1;
    return result !== LEARN.pinned || this.fdb.lookup(hi, lo, this.#clock.now) === peer
      ? -1
      : DROP.entryExists;
  }

  /** The question goes back as its answer. */
  #answer(question: Frame, mac: Mac): void {
    const reply = question.own();
    writeAnswer(reply, mac);
    const trace = this.trace;
    if (trace.on) {
      const asked = reply.id;
      reply.id = trace.nextId();
      trace.emit(this.id, TRACE.answer, reply, 1, asked);
    }
    this.sink.receive(reply, this.port);
  }

  #encapsulate(given: Frame, peer: PeerId, via: number): void {
    const inner = given.end - given.start;
    // A frame that stands for several is cut by the underlay (Linux: is_skb_forwardable).
    if (given.segment === 0 && inner + vxlan.HEADER_LEN > this.#underlay.room(peer, this.options.vni))
      return this.#tooLong(given, peer);
    const frame = given.own();
    const view = frame.view;
    const tos = outerEcn(tosAt(view, ipAt(view, frame.start, frame.end)));
    const entropy = entropyOf(view, frame.start, frame.end);
    if (this.trace.on) this.trace.emit(this.id, TRACE.encapsulate, frame, peer, via);
    vxlan.write(view, frame.push(vxlan.HEADER_LEN), this.options.vni);
    this.counters.txPackets++;
    this.counters.txBytes += inner;
    this.#underlay.sendTo(peer, entropy, tos, frame);
  }

  /** RFC 7348 s.4.3: never fragmented here; the inner sender is told, if it can be. */
  #tooLong(frame: Frame, peer: PeerId): void {
    if (this.options.pmtuReplies) {
      const mtu = this.#underlay.room(peer, this.options.vni) - vxlan.HEADER_LEN - ethernet.HEADER_LEN;
      const reply = pmtuReply(this.#pool, frame, mtu);
      if (reply !== null) {
        if (this.trace.on) this.trace.emit(this.id, TRACE.answer, reply, 3, frame.id);
        drop(this, frame, DROP.mtuExceeded, mtu);
        this.sink.receive(reply, this.port);
        return;
      }
    }
    drop(this, frame, DROP.mtuExceeded, frame.end - frame.start);
  }
}

/** Combines the outer mark with the inner one; false when the packet must be dropped (RFC 6040 s.4.2). */
function mark(frame: Frame, outer: number): boolean {
  const view = frame.view;
  const ip = ipAt(view, frame.start, frame.end);
  if (ip < 0) return true;
  const inner = tosAt(view, ip) & 3;
  const result = innerEcn(inner, outer);
  if (result < 0) return false;
  if (result !== inner) setEcn(view, ip, result);
  return true;
}
