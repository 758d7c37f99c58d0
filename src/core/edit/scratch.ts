// Room for one packet in the making, used again for the next: it grows to the longest packet that came and stays there.

import { copyBytes } from '../pcap/copy.ts';

const LEAST = 0x1_0000;

export class Scratch {
  view: DataView = new DataView(new ArrayBuffer(0));
  bytes: Uint8Array = new Uint8Array(0);

  /** Makes sure of `length` bytes from 0 on. True when they are new and all zero, else they are as they were. */
  room(length: number): boolean {
    if (length <= this.bytes.length) return false;
    this.bytes = new Uint8Array(Math.max(LEAST, length, 2 * this.bytes.length));
    this.view = new DataView(this.bytes.buffer);
    return true;
  }

  /** Copies bytes [start, end) of another view to `at`. There must be room. */
  copy(at: number, from: DataView, start: number, end: number): void {
    copyBytes(this.view, at, from, start, end);
  }
}
