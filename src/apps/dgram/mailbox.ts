// Datagrams that wait for their program: a receive buffer of bounded size, as the kernel keeps for each socket.

import type { AddressInfo } from '../net/addresses.ts';

export interface RemoteInfo extends AddressInfo {
  /** Bytes of the datagram. */
  readonly size: number;
}

export interface Mail {
  readonly bytes: Buffer;
  readonly from: RemoteInfo;
}

/** Bytes that may wait (Linux: net.core.rmem_default). */
const ROOM = 212_992;
/** What the kernel counts for a datagram besides its bytes, about: its sk_buff, and the rest of the page. */
const TRUESIZE = 768;

export class Mailbox {
  readonly #waiting: Mail[] = [];
  #used = 0;
  room: number;
  /** Datagrams that found no room. */
  dropped = 0;

  constructor(room: number = ROOM) {
    this.room = room;
  }

  /** Keeps a datagram, whose bytes it takes over; false, and counted, when the room is used up. One always fits. */
  put(bytes: Uint8Array, from: RemoteInfo): boolean {
    if (this.#used > 0 && this.#used + bytes.length + TRUESIZE > this.room) {
      this.dropped++;
      return false;
    }
    this.#used += bytes.length + TRUESIZE;
    this.#waiting.push({ bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), from });
    return true;
  }

  take(): Mail | null {
    const next = this.#waiting.shift();
    if (next === undefined) return null;
    this.#used -= next.bytes.length + TRUESIZE;
    return next;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#used = 0;
  }
}
