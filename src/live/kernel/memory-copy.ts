// Packets out of a ring, into frames. Short ones are copied by the engine; for long ones, and from odd places, libc's memcpy is
// several times as fast on shared memory.

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Libc } from './libc.ts';
import { Slabs } from './slabs.ts';

const SHORT = 512;

export class MemoryCopy {
  readonly #libc: Libc;
  readonly #pool: FramePool;
  readonly #frames: Slabs;
  readonly #rings: Slabs;

  constructor(libc: Libc, pool: FramePool) {
    this.#libc = libc;
    this.#pool = pool;
    this.#frames = new Slabs(libc);
    this.#rings = new Slabs(libc);
  }

  /** A frame that holds a copy of [at, at + length). */
  frame(bytes: Uint8Array, at: number, length: number): Frame {
    const frame = this.#pool.take(length);
    this.into(frame, frame.start, bytes, at, length);
    return frame;
  }

  /** Copies [at, at + length) into a frame's slab at `to`. */
  into(frame: Frame, to: number, bytes: Uint8Array, at: number, length: number): void {
    if (length < SHORT) frame.bytes.set(bytes.subarray(at, at + length), to);
    else {
      const target = this.#frames.addressOf(frame.bytes) + to;
      this.#libc.memcpy(target, this.#rings.addressOf(bytes) + at, length);
    }
  }
}
