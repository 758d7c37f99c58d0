// A VXLAN gateway (RFC 7348 s.6): VLANs of a trunk on one side, VNIs on the other, one for one.
//
//   trunk ─ VID v ─► tag off, unless carried ─► bridge of VNI n ─► its VTEP ─► tunnel
//         ◄─ VID v ─ tag on ◄─ tagged inside? discarded, unless passed ◄─ bridge ◄─ VTEP ◄─ tunnel
//
// Every mapping is a port of the bridge that the VNI's VTEP stands on, so that the bridge learns which stations are on the
// VLAN side and keeps their frames among themselves (in Linux: eth0.10 and vxlan10 on one bridge). A VID without a mapping
// ends at the trunk. By default no tag enters or leaves the tunnel; the two exceptions that the RFC allows are set for
// each mapping:
//
//   tag: 'carry'       the VLAN's tag stays on inside the tunnel; the other gateway finds priority and tag there
//   innerTag: 'pass'   a frame that comes out of the tunnel with a tag goes on. Where tags are carried that tag is the
//                      VLAN's own and gets the VID mapped here; else it is the payload's, and the VLAN's goes before it

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { ETHERTYPE, VxlabError } from '../../core/wire/numbers.ts';
import * as vlan from '../../core/wire/vlan.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import { TRACE } from '../trace/event.ts';
import type { Bridge } from './bridge.ts';
import type { Port, PortId } from './port.ts';
import { pullTag, pushTag, TAGGED_LEN, tciOf } from './vlan-tag.ts';
import type { VlanMember, VlanTrunk } from './vlan-trunk.ts';
import type { Vtep } from './vtep.ts';

/** A VNI's presence here: a bridge and the VTEP that stands on it. */
export interface Segment {
  readonly bridge: Bridge;
  readonly vtep: Vtep;
}

export interface MappingOptions {
  /** What becomes of the VLAN's tag before encapsulation; default `strip`. */
  readonly tag?: 'strip' | 'carry';
  /** What becomes of a decapsulated frame that has a tag; default `discard`. */
  readonly innerTag?: 'discard' | 'pass';
  /** The priority code point of tags that are put on here, 0 to 7; default 0. */
  readonly priority?: number;
}

/** One VLAN and its VNI: a port of the VNI's bridge, a member of the trunk. */
export class GatewayPort implements Port, VlanMember {
  readonly id: ElementId;
  readonly name: string;
  readonly vid: number;
  readonly vni: number;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #trunk: VlanTrunk;
  readonly #bridge: Bridge;
  readonly #port: PortId;
  readonly #tci: number;
  readonly #carry: boolean;
  readonly #pass: boolean;

  constructor(id: ElementId, trunk: VlanTrunk, vid: number, to: Segment, options: MappingOptions) {
    this.id = id;
    this.name = `${trunk.name}.${vid}`;
    this.vid = vid;
    this.vni = to.vtep.options.vni;
    this.trace = trunk.trace;
    this.#trunk = trunk;
    this.#bridge = to.bridge;
    this.#tci = tciOf(vid, options.priority ?? 0);
    this.#carry = options.tag === 'carry';
    this.#pass = options.innerTag === 'pass';
    trunk.add(vid, this);
    this.#port = to.bridge.attach(this);
  }

  get mtu(): number {
    return this.#trunk.out.mtu;
  }

  /** From the VLAN side. */
  input(given: Frame): void {
    let frame = given;
    if (!this.#carry) {
      frame = given.own();
      pullTag(frame);
      if (this.trace.on) this.trace.emit(this.id, TRACE.tag, frame, 0, this.vid);
    }
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - frame.start;
    this.#bridge.receive(frame, this.#port);
  }

  /** From the VNI's side. */
  send(given: Frame): void {
    const length = given.end - given.start;
    if (length < ethernet.HEADER_LEN)
      return drop(this, given, DROP.invalidHeader, ethernet.check(given.view, given.start, given.end));
    const type = ethernet.etherType(given.view, given.start);
    const tagged = vlan.isTag(type);
    if (tagged && !this.#pass) return drop(this, given, DROP.innerVlan, type);
    const frame = given.own();
    if (tagged && this.#carry && type === ETHERTYPE.vlan && length >= TAGGED_LEN) {
      vlan.setVid(frame.view, frame.start + ethernet.HEADER_LEN, this.vid);
    } else {
      pushTag(frame, this.#tci);
      if (this.trace.on) this.trace.emit(this.id, TRACE.tag, frame, 1, this.vid);
    }
    this.counters.txPackets++;
    this.counters.txBytes += length;
    this.#trunk.send(frame);
  }

  /** Leaves the bridge and the trunk. */
  close(): void {
    this.#bridge.detach(this.#port);
    this.#trunk.remove(this.vid);
  }
}

export class VlanGateway {
  readonly id: ElementId;
  readonly name: string;
  readonly trunk: VlanTrunk;
  readonly #ports: Map<number, GatewayPort> = new Map();

  /** @param trunk the VLAN side; it may have VLAN interfaces besides */
  constructor(id: ElementId, name: string, trunk: VlanTrunk) {
    this.id = id;
    this.name = name;
    this.trunk = trunk;
  }

  /**
   * Maps a VLAN to the VNI of a segment, for both directions.
   * @throws VxlabError BAD_VID, BAD_PRIORITY, VID_IN_USE; VNI_IN_USE when another VLAN has the VNI: frames of a VNI leave
   *   in one VLAN; TAGS_DISCARDED when tags are to be carried or passed and the VTEP discards them (`innerVlan`)
   */
  map(vid: number, to: Segment, options: MappingOptions = {}): GatewayPort {
    const { vni, innerVlan } = to.vtep.options;
    for (const port of this.#ports.values()) {
      if (port.vni === vni)
        throw new VxlabError('VNI_IN_USE', `${this.name} maps VNI ${vni} to VLAN ${port.vid} already`);
    }
    if (innerVlan === 'discard' && (options.tag === 'carry' || options.innerTag === 'pass')) {
      throw new VxlabError(
        'TAGS_DISCARDED',
        `${to.vtep.name} of VNI ${vni} discards inner tags; ${this.name} cannot carry or pass them for VLAN ${vid}`,
      );
    }
    const port = new GatewayPort(this.id, this.trunk, vid, to, options);
    this.#ports.set(vid, port);
    return port;
  }

  /** Takes a mapping away; false when there is none. What the bridge learned behind it is forgotten. */
  unmap(vid: number): boolean {
    const port = this.#ports.get(vid);
    if (port === undefined) return false;
    this.#ports.delete(vid);
    port.close();
    return true;
  }

  /** The mappings by VLAN id. */
  mappings(): GatewayPort[] {
    return [...this.#ports.values()].sort((x, y) => x.vid - y.vid);
  }
}
