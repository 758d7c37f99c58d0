// A learning bridge as Linux's br0 with the defaults Docker uses: no VLAN filtering, no spanning tree, no hairpin.
//
// It knows ports and an FDB, nothing of tunnels. Learning moves a station that turns up at another port, refreshes one
// that is heard again, and never moves a pinned one; the groups 01:80:c2:00:00:00 to 0f are kept, not forwarded
// (IEEE 802.1D s.7.12.6; Linux: group_fwd_mask 0, except :00, which a bridge without STP floods).

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Clock } from '../time/clock.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE } from '../trace/event.ts';
import { Fdb } from './fdb.ts';
import type { Port, PortId, Sink } from './port.ts';

/** How a flood came about: `b` of a TRACE.flood event. */
export const FLOOD = { broadcast: 1, multicast: 2, unknown: 3 } as const;

export interface BridgeOptions {
  /** FDB ageing in nanoseconds; default 300 s. */
  readonly ageing?: number;
  /** FDB entries at most; 0 means no bound. */
  readonly maxEntries?: number;
}

export class Bridge implements Sink {
  readonly id: ElementId;
  readonly name: string;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly fdb: Fdb;
  readonly #clock: Clock;
  readonly #ports: (Port | null)[] = [];
  readonly #learning: boolean[] = [];
  readonly #isolated: boolean[] = [];

  constructor(id: ElementId, name: string, clock: Clock, trace: TraceSink, options: BridgeOptions = {}) {
    this.id = id;
    this.name = name;
    this.trace = trace;
    this.#clock = clock;
    this.fdb = new Fdb({ ageing: options.ageing ?? 300_000_000_000, max: options.maxEntries ?? 0 });
  }

  /**
   * Adds a port and returns its number; numbers of detached ports are given again.
   * @param isolated frames pass between it and other ports, not between it and another isolated one
   */
  attach(port: Port, learning = true, isolated = false): PortId {
    const hole = this.#ports.indexOf(null);
    const id = hole < 0 ? this.#ports.length : hole;
    this.#ports[id] = port;
    this.#learning[id] = learning;
    this.#isolated[id] = isolated;
    return id;
  }

  /**
   * Takes a port away and forgets what is behind it, pinned entries too: its number is given again.
   * @throws VxlabError NO_SUCH_PORT
   */
  detach(id: PortId): void {
    if (this.port(id) === null) throw new VxlabError('NO_SUCH_PORT', `${this.name} has no port ${id}`);
    this.#ports[id] = null;
    this.fdb.removeDest(id, true);
  }

  port(id: PortId): Port | null {
    return this.#ports[id] ?? null;
  }

  /** The attached ports with their numbers. */
  ports(): { readonly id: PortId; readonly port: Port }[] {
    return this.#ports.flatMap((port, id) => (port === null ? [] : [{ id, port }]));
  }

  receive(frame: Frame, from: PortId): void {
    const view = frame.view;
    const at = frame.start;
    if (frame.end - at < ethernet.HEADER_LEN) {
      return drop(this, frame, DROP.invalidHeader, ethernet.check(view, at, frame.end));
    }
    const now = this.#clock.now;
    const trace = this.trace;
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - at;
    const srcHi = ethernet.srcHi(view, at);
    if ((srcHi & 0x0100) !== 0 || (srcHi === 0 && ethernet.srcLo(view, at) === 0)) {
      return drop(this, frame, DROP.invalidSourceMac);
    }
    if (trace.on) trace.emit(this.id, TRACE.receive, frame, from, frame.end - at);
    if (this.#learning[from] === true) {
      const learned = this.fdb.learn(srcHi, ethernet.srcLo(view, at), from, now);
      if (trace.on) trace.emit(this.id, TRACE.learn, frame, learned, from);
    }
    const dstHi = ethernet.dstHi(view, at);
    const dstLo = ethernet.dstLo(view, at);
    if ((dstHi & 0x0100) !== 0) {
      if (dstHi === 0x0180 && dstLo >>> 4 === 0xc200000 && dstLo !== 0xc2000000) {
        return drop(this, frame, DROP.linkLocalGroup);
      }
      const broadcast = dstHi === 0xffff && dstLo === 0xffffffff;
      return this.#flood(frame, from, broadcast ? FLOOD.broadcast : FLOOD.multicast);
    }
    const out = this.fdb.lookup(dstHi, dstLo, now);
    if (out === from) return drop(this, frame, DROP.sameport, from);
    const port = out < 0 ? null : (this.#ports[out] as Port | null);
    if (port === null) return this.#flood(frame, from, FLOOD.unknown);
    if (this.#isolated[from] === true && this.#isolated[out] === true)
      return drop(this, frame, DROP.isolated, out);
    this.counters.txPackets++;
    this.counters.txBytes += frame.end - at;
    if (trace.on) trace.emit(this.id, TRACE.forward, frame, out, from);
    port.send(frame);
  }

  #flood(frame: Frame, from: PortId, why: number): void {
    const ports = this.#ports;
    let copies = 0;
    let last = -1;
    for (let id = 0; id < ports.length; id++) {
      if (!this.#reaches(from, id)) continue;
      copies++;
      last = id;
    }
    if (this.trace.on) this.trace.emit(this.id, TRACE.flood, frame, copies, why);
    if (last < 0) {
      frame.release();
      return;
    }
    this.counters.txPackets += copies;
    this.counters.txBytes += copies * (frame.end - frame.start);
    for (let id = 0; id < last; id++) {
      if (this.#reaches(from, id)) (ports[id] as Port).send(frame.retain());
    }
    (ports[last] as Port).send(frame);
  }

  /** True when a flood from one port goes out of another. */
  #reaches(from: PortId, to: PortId): boolean {
    if (to === from || this.#ports[to] === null) return false;
    return this.#isolated[from] !== true || this.#isolated[to] !== true;
  }
}
