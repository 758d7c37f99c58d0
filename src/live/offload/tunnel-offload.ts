// Frames from a tunnel over a virtual cable, made as a wire would have them: the sending kernel left checksums and the cutting of
// long TCP segments to a network card that never came, and the datagram holds the frame as it was.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { TunnelReceiver } from '../../engine/fabric/underlay.ts';
import type { OffloadCounters, Pieces } from './offload.ts';
import { Offload } from './offload.ts';

export class TunnelOffload implements TunnelReceiver, Pieces {
  /** What there is to tell the user, each sentence once. */
  readonly notices: string[] = [];
  readonly #vni: number;
  readonly #mtu: number;
  readonly #whole: boolean;
  readonly #next: TunnelReceiver;
  readonly #offload: Offload;
  #told = false;
  #peer: PeerId = 0;
  #tos = 0;

  /** @param whole whether frames may stand for several: then they are not cut here */
  constructor(pool: FramePool, vni: number, mtu: number, whole: boolean, next: TunnelReceiver) {
    this.#offload = new Offload(pool);
    this.#vni = vni;
    this.#mtu = mtu;
    this.#whole = whole;
    this.#next = next;
  }

  get counters(): OffloadCounters {
    return this.#offload.counters;
  }

  input(given: Frame, peer: PeerId, tos: number): void {
    const inner = given.end - given.start - vxlan.HEADER_LEN;
    if (inner < ethernet.HEADER_LEN) return this.#next.input(given, peer, tos);
    const frame = given.own();
    frame.pull(vxlan.HEADER_LEN);
    if (frame.segment > 0) {
      frame.push(vxlan.HEADER_LEN);
      return this.#next.input(frame, peer, tos);
    }
    if (inner <= this.#mtu + ethernet.HEADER_LEN) {
      this.#offload.complete(frame);
      frame.push(vxlan.HEADER_LEN);
      return this.#next.input(frame, peer, tos);
    }
    if (!this.#told) {
      this.#told = true;
      this.notices.push(
        `VNI ${this.#vni}: segments longer than the MTU come through the tunnel${this.#whole ? '' : ' and are cut'}: their sender left the cutting to a network card`,
      );
    }
    if (this.#whole && this.#offload.mark(frame, this.#mtu, 0)) {
      frame.push(vxlan.HEADER_LEN);
      return this.#next.input(frame, peer, tos);
    }
    this.#peer = peer;
    this.#tos = tos;
    this.#offload.cut(frame, this.#mtu, 0, this);
  }

  piece(frame: Frame): void {
    vxlan.write(frame.view, frame.push(vxlan.HEADER_LEN), this.#vni);
    this.#next.input(frame, this.#peer, this.#tos);
  }
}
