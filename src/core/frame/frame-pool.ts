// Slots of three sizes on slabs that are allocated as they are needed and never given back.
//
//   small   2 kB   every frame of a 1500-byte network
//   jumbo  10 kB   9000-byte underlays
//   huge   66 kB   reassembled datagrams, offload-sized frames
//
// Free slots wait on a stack per size. A slot keeps its Frame object for life, so taking one allocates nothing.
// A leak shows as `out` that does not return to 0; `away()` lists the frames.

import { VxlabError } from '../wire/numbers.ts';
import type { FrameHome } from './frame.ts';
import { Frame, HEADROOM } from './frame.ts';

const SIZES = [2048, 10240, 66048] as const;
const SLOTS_A_SLAB = [256, 32, 8] as const;

export interface FramePoolOptions {
  /** Bytes of slab at most; default 1 GiB. */
  readonly maxBytes?: number;
}

export class FramePool implements FrameHome {
  /** Every frame by slot number. */
  readonly #frames: Frame[] = [];
  readonly #free: [Frame[], Frame[], Frame[]] = [[], [], []];
  readonly #maxBytes: number;
  #bytes = 0;
  #out = 0;

  constructor(options: FramePoolOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 0x4000_0000;
  }

  /** Frames taken and not yet home. */
  get out(): number {
    return this.#out;
  }

  /** Bytes of slab allocated so far. */
  get allocated(): number {
    return this.#bytes;
  }

  /**
   * A frame of `length` bytes behind HEADROOM, contents undefined, with one holder.
   * @throws VxlabError FRAME_TOO_LONG over 65856 bytes; POOL_EMPTY when the pool may not grow
   */
  take(length: number): Frame {
    const room = length + HEADROOM;
    const size = room <= SIZES[0] ? 0 : room <= SIZES[1] ? 1 : 2;
    if (room > SIZES[2]) throw new VxlabError('FRAME_TOO_LONG', `a frame of ${length} bytes fits no slot`);
    const f = this.#free[size].pop() ?? this.#grow(size);
    this.#out++;
    f.holders = 1;
    f.start = f.from + HEADROOM;
    f.end = f.start + length;
    f.id = 0;
    f.summed = false;
    f.secured = false;
    f.segment = 0;
    return f;
  }

  /** A frame that holds a copy of `bytes`. */
  from(bytes: Uint8Array): Frame {
    const f = this.take(bytes.length);
    f.bytes.set(bytes, f.start);
    return f;
  }

  /** The frame in a slot; what a timer's token leads back to. */
  at(slot: number): Frame {
    return this.#frames[slot] as Frame;
  }

  /** A copy with the same window in its slot and one holder. */
  copyOf(f: Frame): Frame {
    const size = f.to - f.from;
    const kind = size === SIZES[0] ? 0 : size === SIZES[1] ? 1 : 2;
    const copy = this.#free[kind].pop() ?? this.#grow(kind);
    this.#out++;
    copy.holders = 1;
    copy.start = copy.from + (f.start - f.from);
    copy.end = copy.from + (f.end - f.from);
    copy.id = f.id;
    copy.summed = f.summed;
    copy.secured = f.secured;
    copy.segment = f.segment;
    // Slots begin on word borders, so both windows have the same alignment and whole words may be copied.
    const source = f.words;
    const target = copy.words;
    const last = (f.end + 3) >> 2;
    const shift = (copy.from - f.from) >> 2;
    for (let i = f.start >> 2; i < last; i++) target[i + shift] = source[i] as number;
    return copy;
  }

  /** Takes a frame back. Called by Frame.release only. */
  home(f: Frame): void {
    this.#out--;
    const size = f.to - f.from;
    this.#free[size === SIZES[0] ? 0 : size === SIZES[1] ? 1 : 2].push(f);
  }

  /** The frames that are out: for a test that ends with one missing. */
  away(): Frame[] {
    return this.#frames.filter((f) => f.holders > 0);
  }

  #grow(size: 0 | 1 | 2): Frame {
    const slotBytes = SIZES[size];
    const count = SLOTS_A_SLAB[size];
    const total = slotBytes * count;
    if (this.#bytes + total > this.#maxBytes) {
      throw new VxlabError(
        'POOL_EMPTY',
        `${this.#out} frames are out and the pool may not grow past ${this.#maxBytes} bytes`,
      );
    }
    this.#bytes += total;
    const slab = new ArrayBuffer(total);
    const bytes = new Uint8Array(slab);
    const view = new DataView(slab);
    const words = new Int32Array(slab);
    const free = this.#free[size];
    for (let i = count - 1; i >= 0; i--) {
      const slot = this.#frames.length;
      const f = new Frame(this, bytes, view, words, slot, i * slotBytes, (i + 1) * slotBytes);
      this.#frames.push(f);
      free.push(f);
    }
    return free.pop() as Frame;
  }
}
