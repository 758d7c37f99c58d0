// A VLAN interface: what is sent leaves the interface below with an 802.1Q tag, and what comes in with that VID comes out
// without it. As Linux's `ip link add link eth0 name eth0.5 type vlan id 5` (net/8021q/vlan_dev.c).
//
// A VTEP's node whose underlay interface is one of these sends VXLAN with the outer tag of RFC 7348 s.5, figure 1.

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE } from '../trace/event.ts';
import type { Port, PortId, Sink } from './port.ts';
import { LINK_SLACK } from './port.ts';
import { pullTag, pushTag, tciOf } from './vlan-tag.ts';
import type { VlanMember, VlanTrunk } from './vlan-trunk.ts';

const NOBODY: Sink = { receive: (frame) => frame.release() };

export interface VlanPortOptions {
  /** 1 to 4094. */
  readonly vid: number;
  /** The priority code point of what is sent, 0 to 7; default 0. */
  readonly priority?: number;
  /** Largest IP packet in bytes; default that of the interface below, which it must not pass: the tag comes on top. */
  readonly mtu?: number;
}

export class VlanPort implements Port, VlanMember {
  readonly id: ElementId;
  readonly name: string;
  readonly vid: number;
  readonly mtu: number;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #trunk: VlanTrunk;
  readonly #tci: number;
  up = true;
  /** Who receives what comes out here. */
  sink: Sink = NOBODY;
  port: PortId = 0;

  /** @throws VxlabError BAD_VID, BAD_PRIORITY, VID_IN_USE; BAD_MTU over that of the interface below */
  constructor(id: ElementId, name: string, trunk: VlanTrunk, options: VlanPortOptions) {
    const { vid, priority = 0, mtu = trunk.out.mtu } = options;
    if (mtu > trunk.out.mtu) {
      throw new VxlabError(
        'BAD_MTU',
        `${name} cannot have an MTU of ${mtu}; ${trunk.out.name} has ${trunk.out.mtu}`,
      );
    }
    this.id = id;
    this.name = name;
    this.vid = vid;
    this.mtu = mtu;
    this.trace = trunk.trace;
    this.#trunk = trunk;
    this.#tci = tciOf(vid, priority);
    trunk.add(vid, this);
  }

  /** Says who owns this interface and by which number it knows it. */
  plug(sink: Sink, port: PortId): void {
    this.sink = sink;
    this.port = port;
  }

  send(given: Frame): void {
    const length = given.end - given.start;
    if (!this.up) return drop(this, given, DROP.linkDown);
    if (length < ethernet.HEADER_LEN)
      return drop(this, given, DROP.invalidHeader, ethernet.check(given.view, given.start, given.end));
    if (length > this.mtu + LINK_SLACK) return drop(this, given, DROP.mtuExceeded, length);
    const frame = given.own();
    pushTag(frame, this.#tci);
    this.counters.txPackets++;
    this.counters.txBytes += length;
    if (this.trace.on) this.trace.emit(this.id, TRACE.tag, frame, 1, this.vid);
    this.#trunk.send(frame);
  }

  input(given: Frame): void {
    if (!this.up) return drop(this, given, DROP.linkDown);
    const frame = given.own();
    pullTag(frame);
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - frame.start;
    if (this.trace.on) this.trace.emit(this.id, TRACE.tag, frame, 0, this.vid);
    this.sink.receive(frame, this.port);
  }
}
