// A veth pair: what goes into one end comes out of the other, at once. MTU and link state are the sender's, as in
// drivers/net/veth.c; frames wait their turn in the backlog, not in virtual time.

import type { Frame } from '../../core/frame/frame.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE } from '../trace/event.ts';
import type { Backlog } from './backlog.ts';
import type { Port, PortId, Sink } from './port.ts';
import { LINK_SLACK } from './port.ts';

const NOBODY: Sink = { receive: (frame) => frame.release() };

export class VethEnd implements Port {
  readonly id: ElementId;
  readonly name: string;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #backlog: Backlog;
  mtu: number;
  up = true;
  /** The other end; set by `veth`. */
  peer: VethEnd = this;
  /** Who receives what comes out here. */
  sink: Sink = NOBODY;
  port: PortId = 0;

  constructor(id: ElementId, name: string, mtu: number, backlog: Backlog, trace: TraceSink) {
    this.id = id;
    this.name = name;
    this.mtu = mtu;
    this.trace = trace;
    this.#backlog = backlog;
  }

  /** Says who owns this end and by which number it knows it. */
  plug(sink: Sink, port: PortId): void {
    this.sink = sink;
    this.port = port;
  }

  send(frame: Frame): void {
    const length = frame.end - frame.start;
    const peer = this.peer;
    if (!this.up || !peer.up) return drop(this, frame, DROP.linkDown);
    if (length > this.mtu + LINK_SLACK) return drop(this, frame, DROP.mtuExceeded, length);
    this.counters.txPackets++;
    this.counters.txBytes += length;
    peer.counters.rxPackets++;
    peer.counters.rxBytes += length;
    if (this.trace.on) this.trace.emit(this.id, TRACE.transmit, frame, peer.id, length);
    this.#backlog.push(frame, peer.sink, peer.port);
  }
}

/** Joins two ends. */
export function veth(a: VethEnd, b: VethEnd): void {
  a.peer = b;
  b.peer = a;
}
