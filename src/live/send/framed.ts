// UDP payloads as frames of a pool, for roads whose sockets read them later, or that put headers in front.

import type { Frame } from '../../core/frame/frame.ts';
import { FramePool } from '../../core/frame/frame-pool.ts';
import { copyBytes } from '../../core/pcap/copy.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import { ipAt, outerEcn, tosAt } from '../../engine/fabric/ecn.ts';
import { entropyOf } from '../../engine/fabric/entropy.ts';
import type { Memory } from './road.ts';

/** Frames that may be out before a sender waits. */
const OUT_MAX = 1024;

export class Framed {
  readonly pool: FramePool = new FramePool();
  #awaited: (() => void) | null = null;

  /** A copy, with room in front for headers. */
  take({ view }: Memory, start: number, end: number): Frame {
    const frame = this.pool.take(end - start);
    copyBytes(frame.view, frame.start, view, start, end);
    return frame;
  }

  /** To be called when a frame came home. */
  home(): void {
    if (this.#awaited === null || this.pool.out > OUT_MAX / 2) return;
    const go = this.#awaited;
    this.#awaited = null;
    go();
  }

  /** Null when there is room for more frames. */
  ready(): Promise<void> | null {
    if (this.pool.out < OUT_MAX) return null;
    return new Promise((resolve) => {
      this.#awaited = resolve;
    });
  }
}

/** 31 bits of the flow in a frame that begins with its VXLAN header. */
export function innerEntropy({ view, start, end }: Frame): number {
  return entropyOf(view, Math.min(end, start + vxlan.HEADER_LEN), end);
}

/** The ECN bits that the outer header has for such a frame (RFC 6040). */
export function ecnFor({ view, start, end }: Frame): number {
  return outerEcn(tosAt(view, ipAt(view, start + vxlan.HEADER_LEN, end)));
}
