// The way from a bridge into a VNI's tunnels, with a limit for what is sent to every peer: one broadcast of a local program
// becomes as many datagrams as there are remotes.

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import type { Port } from '../../engine/fabric/port.ts';
import type { Vtep } from '../../engine/fabric/vtep.ts';
import type { Clock } from '../../engine/time/clock.ts';
import { DROP, drop } from '../../engine/trace/drop.ts';
import { TokenBucket } from '../underlay/token-bucket.ts';

/** How many packets a frame stands for. */
export function packetsOf(frame: Frame): number {
  return frame.segment === 0 ? 1 : Math.ceil((frame.end - frame.start) / frame.segment);
}

export class FloodGate implements Port {
  readonly #vtep: Vtep;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;

  /** @param rate frames a second, which may all come at once */
  constructor(vtep: Vtep, clock: Clock, rate: number) {
    this.#vtep = vtep;
    this.#clock = clock;
    this.#bucket = new TokenBucket(rate, rate, clock.now);
  }

  get name(): string {
    return this.#vtep.name;
  }

  get mtu(): number {
    return this.#vtep.mtu;
  }

  send(frame: Frame): void {
    const { now } = this.#clock;
    if (this.#floods(frame, now) && !this.#bucket.take(packetsOf(frame), now))
      return drop(this.#vtep, frame, DROP.floodLimit);
    this.#vtep.send(frame);
  }

  #floods(frame: Frame, now: number): boolean {
    if (frame.end - frame.start < ethernet.HEADER_LEN) return false;
    const hi = ethernet.dstHi(frame.view, frame.start);
    if ((hi & 0x0100) !== 0) return true;
    const lo = ethernet.dstLo(frame.view, frame.start);
    return (this.#vtep.db?.peerOf(hi, lo) ?? -1) < 0 && this.#vtep.fdb.lookup(hi, lo, now) < 0;
  }
}
