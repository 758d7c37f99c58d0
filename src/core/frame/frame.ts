// A frame is a window [start, end) on a slot of a slab that many frames share.
//
//   slot:  |<--------- headroom --------->|<------ bytes ------>|<- tailroom ->|
//          slot.from                      start                 end            slot.to
//
// Encapsulation moves `start` to the left (`push`) and writes the header there, decapsulation moves it to the right
// (`pull`): nothing is copied or allocated. Whoever is handed a frame owns it and sends it on, holds it, or releases it.
// A frame with more than one holder is read-only: two branches of a flood must not write into one headroom, so whoever
// wants to write calls `own` first and goes on with what it returns.

import { VxlabError } from '../wire/numbers.ts';

/**
 * Room in front of a fresh frame, for what a host and a tunnel put there: UDP 8 + IPv6 40 + two tags 8 + Ethernet 14 = 70
 * inside, VXLAN 8 + UDP 8 + IPv6 40 + 802.1Q 4 + Ethernet 14 = 74 outside, rounded up to a cache line.
 */
export const HEADROOM = 192;

/** Where a frame's slot comes from and goes back to. */
export interface FrameHome {
  /** A copy with the same window in its slot and one holder. */
  copyOf(frame: Frame): Frame;
  /** Takes a frame back whose last holder let go. */
  home(frame: Frame): void;
}

export class Frame {
  /** The slab. */
  readonly bytes: Uint8Array;
  /** The same slab; the fastest way to read and write fields. */
  readonly view: DataView;
  /** The slab as words, for copying. */
  readonly words: Int32Array;
  readonly pool: FrameHome;
  /** The slot's first and one-past-last byte on the slab. */
  readonly from: number;
  readonly to: number;
  /** This slot's number in its pool: what a timer carries as its token. */
  readonly slot: number;

  start: number;
  end: number;
  /** Follows the frame through copies and encapsulation, so that a journey can be told. 0 when nobody traces. */
  id = 0;
  /** How many hold it. 0 means home in the pool. */
  holders = 0;
  /**
   * True while every checksum inside is known to be right because our own code wrote it and nothing has touched the
   * bytes since (Linux: skb->ip_summed). A receiver may then skip verifying. Frames from outside start with false.
   */
  summed = false;
  /** True from where ESP was opened to where the tunnel asks for it (Linux: the sec_path of an skb). */
  secured = false;
  /**
   * Bytes of TCP or UDP payload of each packet that this frame stands for; 0 for a frame that is one packet (Linux: gso_size of
   * an skb). Such a frame is longer than any MTU: IP's lengths are right, and the transport's checksum is for whoever cuts it.
   */
  segment = 0;

  constructor(
    pool: FrameHome,
    bytes: Uint8Array,
    view: DataView,
    words: Int32Array,
    slot: number,
    from: number,
    to: number,
  ) {
    this.pool = pool;
    this.bytes = bytes;
    this.view = view;
    this.words = words;
    this.slot = slot;
    this.from = from;
    this.to = to;
    this.start = from;
    this.end = from;
  }

  get length(): number {
    return this.end - this.start;
  }

  /**
   * Takes `n` bytes of headroom and returns the new start.
   * @throws VxlabError NO_HEADROOM when the slot has less in front
   */
  push(n: number): number {
    const at = this.start - n;
    if (at < this.from)
      throw new VxlabError('NO_HEADROOM', `frame has ${this.start - this.from} bytes of headroom, not ${n}`);
    this.start = at;
    return at;
  }

  /**
   * Drops `n` bytes from the front and returns the new start.
   * @throws VxlabError FRAME_TOO_SHORT when the frame has fewer
   */
  pull(n: number): number {
    const at = this.start + n;
    if (at > this.end) throw new VxlabError('FRAME_TOO_SHORT', `frame has ${this.length} bytes, not ${n}`);
    this.start = at;
    return at;
  }

  /** Adds a holder. */
  retain(): this {
    this.holders++;
    return this;
  }

  /** Takes a holder away; the last one sends the slot home. */
  release(): void {
    if (--this.holders === 0) this.pool.home(this);
    else if (this.holders < 0)
      throw new VxlabError('FRAME_RELEASED', `frame in slot ${this.slot} was released twice`);
  }

  /** This frame if nobody else holds it; else gives up this hold and returns a copy that may be written. */
  own(): Frame {
    if (this.holders === 1) return this;
    const copy = this.pool.copyOf(this);
    this.release();
    return copy;
  }

  /** The bytes as a fresh array: for captures and tests, not for the packet path. */
  toBytes(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }
}
