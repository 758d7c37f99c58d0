// Packets that leave with one sendmmsg(2), from where they lie. Unlike a forwarding VTEP, which drops what the kernel has no room
// for, it waits: what is replayed should arrive. Each packet that the kernel refuses is counted with the reason.

import { VxlabError } from '../../core/wire/numbers.ts';
import type { Libc } from '../kernel/libc.ts';
import { IOVEC_LEN, MMSGHDR_LEN } from '../kernel/libc.ts';
import type { RoadCounters } from './road.ts';
import { fail } from './road.ts';

/** Packets of one call. */
export const BATCH = 64;
const MSG_DONTWAIT = 0x40;
const POLLOUT = 4;
/** Milliseconds that one look for room takes at most, and how many looks there are before the packets are given up. */
const LOOK = 1;
const LOOKS = 500;
/** What a socket says when its interface went down or away. */
const GONE: readonly string[] = ['ENETDOWN', 'ENXIO', 'ENODEV'];

export class MessageBatch {
  /** Packets that wait. */
  count = 0;
  broken: VxlabError | null = null;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #place: string;
  readonly #counters: RoadCounters;
  readonly #overhead: number;
  readonly #headers: Uint8Array = new Uint8Array(BATCH * (MMSGHDR_LEN + IOVEC_LEN));
  readonly #words: Uint32Array = new Uint32Array(this.#headers.buffer);
  readonly #at: number;
  readonly #poll: Int32Array;
  readonly #pollAt: number;
  readonly #bell: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  /** Where the bytes of each stretch of memory are. */
  readonly #places: Map<Uint8Array, number> = new Map();
  #last: Uint8Array = new Uint8Array(0);
  #lastAt = 0;

  /**
   * @param place what a sentence about the socket names
   * @param overhead bytes of each packet that are not counted
   */
  constructor(libc: Libc, fd: number, place: string, counters: RoadCounters, overhead = 0) {
    this.#libc = libc;
    this.#fd = fd;
    this.#place = place;
    this.#counters = counters;
    this.#overhead = overhead;
    this.#at = libc.addressOf(this.#headers);
    this.#poll = Int32Array.of(fd, POLLOUT);
    this.#pollAt = libc.addressOf(this.#poll);
    const view = new DataView(this.#headers.buffer);
    for (let i = 0; i < BATCH; i++) {
      const iovec = BATCH * MMSGHDR_LEN + i * IOVEC_LEN;
      view.setBigUint64(i * MMSGHDR_LEN + 16, BigInt(this.#at + iovec), true);
      view.setBigUint64(i * MMSGHDR_LEN + 24, 1n, true);
    }
  }

  /** One more packet; with BATCH of them the next thing is `flush`. @param name where a socket address is */
  push(bytes: Uint8Array, start: number, end: number, name = 0, nameLength = 0): void {
    const words = this.#words;
    const header = (this.count * MMSGHDR_LEN) >> 2;
    setAddress(words, header, name);
    words[header + 2] = nameLength;
    const iovec = (BATCH * MMSGHDR_LEN + this.count * IOVEC_LEN) >> 2;
    setAddress(words, iovec, this.#placeOf(bytes) + start);
    words[iovec + 2] = end - start;
    this.count++;
  }

  flush(): void {
    const { count } = this;
    let looks = 0;
    for (let from = 0; from < count && this.broken === null; ) {
      const sent = this.#libc.sendmmsg(this.#fd, this.#at + from * MMSGHDR_LEN, count - from, MSG_DONTWAIT);
      if (sent > 0) {
        for (let i = from; i < from + sent; i++) this.#counters.bytes += this.#lengthOf(i);
        this.#counters.sent += sent;
        from += sent;
        looks = 0;
        continue;
      }
      const error = this.#libc.error();
      if (error === 'EINTR') continue;
      if ((error === 'EAGAIN' || error === 'ENOBUFS') && looks < LOOKS) {
        looks++;
        this.#wait(error);
      } else if (error === 'EAGAIN' || error === 'ENOBUFS') {
        fail(this.#counters, 'noRoom', count - from);
        break;
      } else if (GONE.includes(error)) {
        this.broken = new VxlabError('INTERFACE_DOWN', `${this.#place} went down`);
        fail(this.#counters, 'interfaceDown', count - from);
      } else {
        // The first of them is at fault.
        fail(this.#counters, error === 'EMSGSIZE' ? 'tooLong' : error);
        from++;
      }
    }
    this.count = 0;
  }

  #wait(error: string): void {
    this.#counters.waits++;
    // A full device queue says so at once, for it is not the socket that is full.
    if (error === 'ENOBUFS') Atomics.wait(this.#bell, 0, 0, LOOK);
    else this.#libc.poll(this.#pollAt, 1, LOOK);
  }

  #lengthOf(i: number): number {
    return (this.#words[((BATCH * MMSGHDR_LEN + i * IOVEC_LEN) >> 2) + 2] as number) - this.#overhead;
  }

  #placeOf(bytes: Uint8Array): number {
    if (bytes === this.#last) return this.#lastAt;
    let at = this.#places.get(bytes);
    if (at === undefined) {
      at = this.#libc.addressOf(bytes);
      this.#places.set(bytes, at);
    }
    this.#last = bytes;
    this.#lastAt = at;
    return at;
  }
}

/** An address of 64 bits as two words. */
function setAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address >>> 0;
  words[at + 1] = Math.floor(address / 0x1_0000_0000);
}
