// What stands behind one UDP port of one node: datagrams are told apart by VNI (RFC 7348 s.4.1). The order of the checks
// and their reasons are Linux's vxlan_rcv.

import type { Frame } from '../../core/frame/frame.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import { Counters } from '../trace/counters.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { ElementId, TraceSink } from '../trace/event.ts';
import type { PeerId } from './peers.ts';
import type { TunnelReceiver } from './underlay.ts';

export class VniDemux implements TunnelReceiver {
  readonly id: ElementId;
  readonly counters: Counters = new Counters();
  readonly trace: TraceSink;
  readonly #receivers: Map<number, TunnelReceiver> = new Map();

  constructor(id: ElementId, trace: TraceSink) {
    this.id = id;
    this.trace = trace;
  }

  /** @throws VxlabError VNI_IN_USE when the port already serves the VNI; BAD_VNI outside 0 to 16777215 */
  add(vni: number, receiver: TunnelReceiver): void {
    vxlan.asVni(vni);
    if (this.#receivers.has(vni)) {
      throw new VxlabError(
        'VNI_IN_USE',
        `VNI ${vni} already has a VTEP on this port; a VNI has one VTEP a node`,
      );
    }
    this.#receivers.set(vni, receiver);
  }

  remove(vni: number): boolean {
    return this.#receivers.delete(vni);
  }

  get vnis(): number[] {
    return [...this.#receivers.keys()].sort((x, y) => x - y);
  }

  input(frame: Frame, peer: PeerId, tos: number): void {
    const fault = vxlan.check(frame.view, frame.start, frame.end);
    if (fault !== 0) return drop(this, frame, DROP.invalidHeader, fault);
    if (!vxlan.vniValid(frame.view, frame.start)) {
      return drop(this, frame, DROP.invalidHeader, vxlan.firstWord(frame.view, frame.start));
    }
    const vni = vxlan.vni(frame.view, frame.start);
    const receiver = this.#receivers.get(vni);
    if (receiver === undefined) return drop(this, frame, DROP.vniNotFound, vni);
    this.counters.rxPackets++;
    this.counters.rxBytes += frame.end - frame.start;
    receiver.input(frame, peer, tos);
  }
}
