// An interface that carries VLANs: what comes in is told apart by its 802.1Q tag, as VXLAN datagrams are by VNI. What
// stands behind a VLAN id is a VLAN interface of a host (vlan-port.ts) or a gateway into a VNI (vlan-gateway.ts).
//
//   cable ─ receive ─► tag? ─► VID ─► member, the tag still on          (IEEE 802.1Q s.6.9; Linux: vlan_do_receive)
//         ◄─ out ──────────────────── member, the tag on already
//
// A priority tag (VID 0) names no VLAN: the frame counts as untagged. Untagged frames go to whoever is plugged in for
// them, as to a Linux interface under its VLAN interfaces; with nobody there they are dropped.

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { ETHERTYPE, VxlabError } from '../../core/wire/numbers.ts';
import * as vlan from '../../core/wire/vlan.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import type { Port, PortId, Sink } from './port.ts';
import { pullTag, tciOf } from './vlan-tag.ts';

/** What stands behind a VLAN id. */
export interface VlanMember {
  /** Takes over a frame whose first tag is whole and has the member's VID. Others may hold the frame. */
  input(frame: Frame): void;
}

export class VlanTrunk implements Sink {
  readonly id: ElementId;
  readonly name: string;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #members: Map<number, VlanMember> = new Map();
  /** The interface below, which takes the tagged frames away. */
  out: Port;
  #untagged: Sink | null = null;
  #port: PortId = 0;

  constructor(id: ElementId, name: string, out: Port, trace: TraceSink) {
    this.id = id;
    this.name = name;
    this.out = out;
    this.trace = trace;
  }

  /** Says who gets untagged frames, and by which number it knows this interface. */
  plug(sink: Sink, port: PortId): void {
    this.#untagged = sink;
    this.#port = port;
  }

  /** @throws VxlabError BAD_VID outside 1 to 4094; VID_IN_USE when the trunk has the VLAN already */
  add(vid: number, member: VlanMember): void {
    tciOf(vid, 0);
    if (this.#members.has(vid)) throw new VxlabError('VID_IN_USE', `${this.name} already has VLAN ${vid}`);
    this.#members.set(vid, member);
  }

  remove(vid: number): boolean {
    return this.#members.delete(vid);
  }

  get vids(): number[] {
    return [...this.#members.keys()].sort((x, y) => x - y);
  }

  receive(frame: Frame): void {
    const { view, start, end } = frame;
    if (end - start < ethernet.HEADER_LEN)
      return drop(this, frame, DROP.invalidHeader, ethernet.check(view, start, end));
    const type = ethernet.etherType(view, start);
    if (!vlan.isTag(type)) return this.#native(frame);
    const at = start + ethernet.HEADER_LEN;
    if (end - at < vlan.HEADER_LEN) return drop(this, frame, DROP.invalidHeader, vlan.check(view, at, end));
    const vid = vlan.vid(view, at);
    // A service tag (802.1ad) is of another VLAN space than a customer tag of the same number.
    const member = type === ETHERTYPE.vlan ? this.#members.get(vid) : undefined;
    if (member !== undefined) {
      this.counters.rxPackets++;
      this.counters.rxBytes += end - start;
      return member.input(frame);
    }
    if (vid !== 0 || type !== ETHERTYPE.vlan) return drop(this, frame, DROP.vlanNotFound, vid);
    const own = frame.own();
    pullTag(own);
    this.#native(own);
  }

  #native(frame: Frame): void {
    const sink = this.#untagged;
    if (sink === null) return drop(this, frame, DROP.untagged, ethernet.etherType(frame.view, frame.start));
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - frame.start;
    sink.receive(frame, this.#port);
  }

  /** A tagged frame on its way out. Members call it. */
  send(frame: Frame): void {
    this.counters.txPackets++;
    this.counters.txBytes += frame.end - frame.start;
    this.out.send(frame);
  }
}
