// One datagram being collected from its fragments (RFC 791 s.3.2, RFC 8200 s.4.5).
//
// Bytes stand at their place in one buffer; beside it every unit of eight bytes, the grain of fragment offsets, has the
// number of the packet that brought it. Bytes that come again are passed over, since one capture may have been taken at
// two taps. Bytes that come again and differ, or that lie past the last fragment's end, make the whole datagram void, as
// in Linux and RFC 5722: no two receivers agree on what such a datagram says.

/** What became of a fragment. */
export const TAKEN = {
  /** It brought something, and something is still missing. */
  more: 0,
  /** The datagram is whole. */
  whole: 1,
  /** All of it was there already. */
  again: 2,
  /** It contradicts what was there: the datagram is void. */
  overlap: 3,
} as const;

const UNIT = 8;
const UNIT_BITS = 3;
/** Room at first; a full Ethernet frame in two fragments fits. */
const ROOM_MIN = 2048;
/** Bytes kept beside a buffer of `room` bytes: four a unit. */
const BESIDE = 1.5;
/** What an empty Fragments and its place in a table take, about. */
const EMPTY = 256;

export class Fragments {
  /** Seconds, in the capture's time, when the first of its fragments to come came; NaN without time. */
  readonly started: number;
  /** What the first fragment says follows the fragment header; -1 before it came. Of no use to IPv4. */
  next = -1;
  /** True once it was void or too long: nothing is kept of it any more. */
  refused = false;
  /** Bytes of payload, known once the last fragment came; -1 before. */
  length = -1;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The packet that brought each unit, plus 1; 0 where it is missing. */
  #packets: Uint32Array = new Uint32Array(0);
  #filled = 0;
  /** Where the fragments so far end. */
  #top = 0;

  constructor(started: number) {
    this.started = started;
  }

  /** Bytes of memory that it takes. */
  get held(): number {
    return EMPTY + this.#bytes.length * BESIDE;
  }

  /** The payload, once it is whole; good as long as this object is. */
  get payload(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Numbers of the packets that brought it, each once, in the order of their offsets. */
  get packets(): number[] {
    const numbers = new Set<number>();
    for (let unit = 0; unit < this.#packets.length; unit++) {
      const packet = this.#packets[unit] as number;
      if (packet !== 0) numbers.add(packet - 1);
    }
    return [...numbers];
  }

  /**
   * Takes a fragment whose payload is bytes [at, at + length) of the view.
   * @param offset in bytes, a multiple of 8
   * @param length at least 1; a multiple of 8 unless it is the last; `offset + length` at most 65535
   * @param more false for the last fragment
   * @param packet its packet's number, 0 to 2^32 - 2
   * @returns one of TAKEN
   */
  add(view: DataView, at: number, offset: number, length: number, more: boolean, packet: number): number {
    const end = offset + length;
    if (!this.#endFits(end, more)) return TAKEN.overlap;
    this.#grow(end);
    const had = this.#filled;
    const known = this.length;
    if (offset >= this.#top) this.#append(view, at, offset, length, packet);
    else if (!this.#mix(view, at, offset, end, packet)) return TAKEN.overlap;
    if (end > this.#top) this.#top = end;
    if (!more) this.length = end;
    if (this.length >= 0 && this.#filled << UNIT_BITS >= this.length) return TAKEN.whole;
    return this.#filled === had && this.length === known ? TAKEN.again : TAKEN.more;
  }

  /** Takes bytes behind all that are there. */
  #append(view: DataView, at: number, offset: number, length: number, packet: number): void {
    const from = offset >> UNIT_BITS;
    const to = (offset + length + UNIT - 1) >> UNIT_BITS;
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset + at, length), offset);
    this.#packets.fill(packet + 1, from, to);
    this.#filled += to - from;
  }

  /** Takes the bytes that are missing; false when one that is there is another. */
  #mix(view: DataView, at: number, offset: number, end: number, packet: number): boolean {
    for (let from = offset; from < end; from += UNIT) {
      const to = Math.min(from + UNIT, end);
      const unit = from >> UNIT_BITS;
      if (this.#packets[unit] === 0) {
        this.#packets[unit] = packet + 1;
        this.#filled++;
        for (let i = from; i < to; i++) this.#bytes[i] = view.getUint8(at + i - offset);
      } else if (!this.#same(view, at - offset, from, to)) return false;
    }
    return true;
  }

  /** Lets its bytes go and takes no more. */
  refuse(): void {
    this.refused = true;
    this.#bytes = new Uint8Array(0);
    this.#packets = new Uint32Array(0);
  }

  /** False for a fragment that ends past the last one, and for a last one before the end of another. */
  #endFits(end: number, more: boolean): boolean {
    if (this.length >= 0) return more ? end <= this.length : end === this.length;
    return more || end >= this.#top;
  }

  #same(view: DataView, shift: number, from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (view.getUint8(shift + i) !== this.#bytes[i]) return false;
    return true;
  }

  #grow(end: number): void {
    let room = Math.max(ROOM_MIN, this.#bytes.length);
    while (room < end) room *= 2;
    if (room === this.#bytes.length) return;
    const bytes = new Uint8Array(room);
    const packets = new Uint32Array(room >> UNIT_BITS);
    bytes.set(this.#bytes);
    packets.set(this.#packets);
    this.#bytes = bytes;
    this.#packets = packets;
  }
}
