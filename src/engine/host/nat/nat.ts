// A host's translation of addresses: conntrack with the rules of iptables' nat table and of IPVS, in the order in which the
// kernel asks them. A packet of a known flow costs one look-up; only a flow's first packet asks the rules.
//
//   comes in ─► known flow? ─ yes ───────────────────────────────────► rewritten, routed or delivered
//                  └ no ─► destination rules ─► route ─► source rules ─► the flow is noted
//
// Errors that the host itself tells about a packet (hop limit, too long) quote it as its sender knows it: ip4.ts and ip6.ts
// judge first and have it rewritten last.

import type { Frame } from '../../../core/frame/frame.ts';
import type { Ip } from '../../../core/wire/address.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import * as tcp from '../../../core/wire/tcp.ts';
import { DROP, drop } from '../../trace/drop.ts';
import { TRACE } from '../../trace/event.ts';
import { REACH } from '../destination.ts';
import type { Interface } from '../interface.ts';
import type { NatFace, Stack } from '../stack.ts';
import type { Flow, Verdict, Way } from './flow.ts';
import { REFUSED } from './flow.ts';
import type { Busy } from './flow-table.ts';
import { FlowTable } from './flow-table.ts';
import { rewrite, rewriteError } from './rewrite.ts';
import type { DestinationRule, SourceRule } from './rule.ts';
import { Opening } from './rule.ts';
import { SEEN, Sighting } from './sighting.ts';

export interface NatRules {
  /** Asked in this order until one decides. */
  readonly destination?: readonly DestinationRule[];
  readonly source?: readonly SourceRule[];
  /** Flows at most; default FLOWS_MAX. */
  readonly max?: number;
  /** UDP to this port of the host passes by (raw table, NOTRACK): the tunnel's, of which there is much. */
  readonly untracked?: number;
}

export class Nat implements NatFace {
  readonly table: FlowTable;
  readonly #host: Stack;
  readonly #destination: readonly DestinationRule[];
  readonly #source: readonly SourceRule[];
  readonly #untracked: number;
  readonly #seen: Sighting = new Sighting();
  readonly #opening: Opening = new Opening();
  /** Flows that end here have answers to put right on their way out. */
  #endsHere = false;

  constructor(host: Stack, rules: NatRules) {
    this.#host = host;
    this.#destination = rules.destination ?? [];
    this.#source = rules.source ?? [];
    this.#untracked = rules.untracked ?? -1;
    const busy: Busy = (proto, { src, srcPort, dst, dstPort }) =>
      proto === PROTO.udp
        ? host.udp.uses(srcPort)
        : proto === PROTO.tcp && host.tcp.has(src, srcPort, dst, dstPort);
    this.table = new FlowTable(host.ground.clock, busy, rules.max);
  }

  /** Translations in use. */
  get size(): number {
    return this.table.size;
  }

  arriving(frame: Frame, ip: number, dev: Interface, local: boolean): Verdict {
    const seen = this.#seen;
    if (local && isUdpTo(frame, ip, this.#untracked)) return null;
    const kind = seen.read(frame.view, ip, frame.end);
    if (kind === SEEN.nothing) return local ? null : this.#unfollowed(frame, ip, dev);
    const way = this.table.find(seen);
    if (way === null) {
      if (kind === SEEN.packet) return this.#begin(frame, ip, dev, local);
      return local ? null : this.#unfollowed(frame, ip, dev);
    }
    if (kind === SEEN.error) return way;
    const { flow } = way;
    if (way.out && flow.server !== null) {
      if (flow.server.gone) {
        // net.ipv4.vs.expire_nodest_conn, which Docker sets: the entry goes, and the packet with it.
        this.table.remove(flow);
        drop(this.#host, frame, DROP.noServer);
        return REFUSED;
      }
      if (flow.server.weight <= 0 && begins(seen)) {
        this.table.remove(flow);
        return this.#begin(frame, ip, dev, local);
      }
    }
    flow.follow(seen, way.out, this.#host.ground.clock.now);
    return way;
  }

  apply(frame: Frame, ip: number, way: Way): void {
    const seen = this.#seen;
    const host = this.#host;
    const kind = seen.read(frame.view, ip, frame.end);
    if (kind === SEEN.error) rewriteError(seen, way, ip);
    else rewrite(seen, way);
    const { server } = way.flow;
    if (server !== null) {
      if (way.out) {
        server.inPackets++;
        server.inBytes += seen.end - ip;
      } else {
        server.outPackets++;
        server.outBytes += seen.end - ip;
      }
    }
    if (host.trace.on) host.trace.emit(host.id, TRACE.translate, frame, way.out ? 1 : 0, ip - frame.start);
  }

  departing(frame: Frame): void {
    if (!this.#endsHere) return;
    const seen = this.#seen;
    const kind = seen.read(frame.view, frame.start, frame.end);
    if (kind === SEEN.nothing) return;
    const way = this.table.find(seen);
    if (way === null || way.out) return;
    if (kind !== SEEN.error) way.flow.follow(seen, false, this.#host.ground.clock.now);
    this.apply(frame, frame.start, way);
  }

  holds(proto: number, localIp: Ip, localPort: number, remoteIp: Ip, remotePort: number): boolean {
    return this.table.expects(proto, {
      src: remoteIp,
      srcPort: remotePort,
      dst: localIp,
      dstPort: localPort,
    });
  }

  holdsPort(proto: number, localPort: number): boolean {
    return this.table.live().some((flow) => flow.proto === proto && flow.back.dstPort === localPort);
  }

  /** The rules' turn. `local` is true when the packet is for the host as it stands. */
  #begin(frame: Frame, ip: number, dev: Interface, local: boolean): Verdict {
    const host = this.#host;
    const seen = this.#seen;
    const opening = this.#opening;
    opening.reset();
    if (local) {
      if (!this.#diverted(dev)) return null;
      if (opening.refuse !== -1) {
        if (opening.code >= 0) this.#tell(frame, ip, dev, opening.code);
        drop(host, frame, opening.refuse);
        return REFUSED;
      }
      if (opening.dst === null) return null;
    }
    const dst = opening.dst ?? seen.dst;
    const ends = host.isLocal(dst);
    if (!ends) {
      const to = host.destination(dst);
      // Without a way there the packet goes on as it is, and the host says so.
      if (to === null || to.reach !== REACH.unicast) return null;
      for (const rule of this.#source) if (rule.disguise(seen, dev, to.dev, opening)) break;
    }
    const dstPort = opening.dst === null ? seen.dstPort : opening.dstPort;
    if (opening.src === null && opening.dst === null) return null;
    if (ends && opening.src === null && dstPort === seen.dstPort) return null;
    const src = opening.src ?? seen.src;
    const came = { src: seen.src, srcPort: seen.srcPort, dst: seen.dst, dstPort: seen.dstPort };
    const leaves = { src, srcPort: seen.srcPort, dst, dstPort };
    const lodger = opening.src !== null && !host.isLocal(came.src);
    const { lifetimes, server } = opening;
    const flow = this.table.open(seen.proto, came, leaves, lifetimes, server, lodger);
    if (flow === null) {
      drop(host, frame, DROP.noRoute);
      return REFUSED;
    }
    return this.#opened(flow, frame, ends);
  }

  #opened(flow: Flow, frame: Frame, ends: boolean): Way {
    const host = this.#host;
    const { server } = flow;
    if (ends) this.#endsHere = true;
    if (server !== null) server.connections++;
    if (server !== null && host.trace.on && !this.#seen.six) {
      host.trace.emit(host.id, TRACE.balance, frame, flow.out.dst as number, server.ip as number);
    }
    flow.follow(this.#seen, true, host.ground.clock.now);
    return flow.out;
  }

  #diverted(dev: Interface): boolean {
    for (const rule of this.#destination) if (rule.divert(this.#seen, dev, this.#opening)) return true;
    return false;
  }

  /** A packet that is routed and has no flow: where its source would have to be hidden it may not leave. */
  #unfollowed(frame: Frame, ip: number, dev: Interface): Verdict {
    const host = this.#host;
    const seen = this.#seen;
    const opening = this.#opening;
    // An error's quotation was read last: back to the packet's own addresses.
    seen.srcAt = ip + (seen.six ? 8 : 12);
    seen.dstAt = ip + (seen.six ? 24 : 16);
    const to = host.destination(seen.dst);
    if (to === null) return null;
    opening.reset();
    for (const rule of this.#source) if (rule.disguise(seen, dev, to.dev, opening)) break;
    if (opening.src === null) return null;
    drop(host, frame, DROP.noRoute);
    return REFUSED;
  }

  #tell(frame: Frame, ip: number, dev: Interface, code: number): void {
    const { ip4, ip6 } = this.#host;
    if (this.#seen.six) ip6.icmp.portUnreachable(frame, ip, dev);
    else ip4.icmp.unreachable(frame, ip, dev, code);
  }
}

/** True for a UDP datagram in an IPv4 packet of twenty bytes of header to a port. */
function isUdpTo({ view, end }: Frame, ip: number, port: number): boolean {
  if (view.getUint8(ip) !== 0x45 || view.getUint8(ip + 9) !== PROTO.udp) return false;
  return end - ip >= 28 && view.getUint16(ip + 22) === port;
}

/** True for a TCP segment that asks for a new connection. */
function begins(seen: Sighting): boolean {
  return (
    seen.proto === PROTO.tcp &&
    (tcp.flags(seen.view, seen.at) & (tcp.FLAG.SYN | tcp.FLAG.ACK)) === tcp.FLAG.SYN
  );
}
