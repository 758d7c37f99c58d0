// A port in front of one that takes no frames that stand for several: an emulated host's, or a tunnel's whose backend sends
// datagrams as they are. They are cut here.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Port } from '../../engine/fabric/port.ts';
import type { OffloadCounters, Pieces } from './offload.ts';
import { Offload } from './offload.ts';

export class CuttingPort implements Port, Pieces {
  /** The one behind it. */
  readonly port: Port;
  readonly #offload: Offload;

  constructor(pool: FramePool, port: Port) {
    this.port = port;
    this.#offload = new Offload(pool);
  }

  get name(): string {
    return this.port.name;
  }

  get mtu(): number {
    return this.port.mtu;
  }

  get counters(): OffloadCounters {
    return this.#offload.counters;
  }

  send(frame: Frame): void {
    if (frame.segment === 0) this.port.send(frame);
    else this.#offload.cut(frame, this.port.mtu, frame.segment, this);
  }

  piece(frame: Frame): void {
    this.port.send(frame);
  }
}
