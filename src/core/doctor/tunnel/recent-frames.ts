// The inner frames of the last moments, to know one that comes again: copies for several VTEPs, and frames that come back.
//
// A frame is known by its length and a hash of its first 96 bytes, which hold the headers up to TCP's and the identification
// and sequence numbers that tell packets apart. One table of fixed size, in which a newer frame takes the place of an
// older one of the same slot. The first sighting stays until it is too old.

import type { Tunnel } from './parties.ts';

/** Microseconds in which two sightings are of one frame. */
export const TWIN_TIME = 50_000;
export const NO_TWIN = -1;

const SLOTS = 0x1000;
const HASHED = 96;

export class RecentFrames {
  readonly #hash: Int32Array = new Int32Array(SLOTS);
  readonly #length: Int32Array = new Int32Array(SLOTS);
  readonly #packet: Int32Array = new Int32Array(SLOTS);
  readonly #copies: Int32Array = new Int32Array(SLOTS);
  readonly #time: Float64Array = new Float64Array(SLOTS).fill(-Infinity);
  readonly #tunnel: (Tunnel | null)[] = new Array<Tunnel | null>(SLOTS).fill(null);

  /** The slot of the same frame in the same VNI seen in the last 50 ms, or NO_TWIN, and then it is noted. */
  seek(
    view: DataView,
    start: number,
    end: number,
    limit: number,
    tunnel: Tunnel,
    now: number,
    packet: number,
  ): number {
    const hash = hashOf(view, start, Math.min(end, start + HASHED)) ^ tunnel.vni;
    const slot = hash & (SLOTS - 1);
    const before = this.#tunnel[slot] ?? null;
    if (
      this.#hash[slot] === hash &&
      this.#length[slot] === limit - start &&
      Math.abs(now - (this.#time[slot] as number)) < TWIN_TIME &&
      before !== null &&
      before.vni === tunnel.vni
    ) {
      if (before.src === tunnel.src && before.dst !== tunnel.dst) {
        this.#copies[slot] = (this.#copies[slot] as number) + 1;
      }
      return slot;
    }
    this.#hash[slot] = hash;
    this.#length[slot] = limit - start;
    this.#packet[slot] = packet;
    this.#copies[slot] = 0;
    this.#time[slot] = now;
    this.#tunnel[slot] = tunnel;
    return NO_TWIN;
  }

  /** Where it was seen first. */
  tunnel(slot: number): Tunnel | null {
    return this.#tunnel[slot] ?? null;
  }

  packet(slot: number): number {
    return this.#packet[slot] as number;
  }

  /** In how many other tunnels of its first sender it was since. */
  copies(slot: number): number {
    return this.#copies[slot] as number;
  }
}

/** Murmur3's steps over whole words; the bytes that make none are left out. */
function hashOf(view: DataView, start: number, end: number): number {
  let h = 0;
  for (let at = start; at + 4 <= end; at += 4) {
    let k = Math.imul(view.getInt32(at), 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
