// Packets that leave with one system call: collected while others are worked on, sent when there are many or when Node's turn
// ends. The kernel reads them where they lie; a frame goes home when the call has returned.

import type { Frame } from '../../core/frame/frame.ts';
import type { Libc } from './libc.ts';
import { IOVEC_LEN, MMSGHDR_LEN, setAddress } from './libc.ts';
import { Slabs } from './slabs.ts';

/** Packets of one call. */
const BATCH = 64;
const MSG_DONTWAIT = 0x40;

export interface BatchCounters {
  /** Packets that the kernel had no room for. */
  queueFull: number;
  /** Packets that it refused. */
  sendErrors: number;
}

export class SendBatch {
  readonly counters: BatchCounters;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #frames: Frame[] = [];
  readonly #headers: Uint8Array = new Uint8Array(BATCH * (MMSGHDR_LEN + IOVEC_LEN));
  readonly #view: DataView = new DataView(this.#headers.buffer);
  readonly #words: Uint32Array = new Uint32Array(this.#headers.buffer);
  readonly #at: number;
  readonly #slabs: Slabs;
  #awaited = false;

  constructor(libc: Libc, fd: number, counters: BatchCounters = { queueFull: 0, sendErrors: 0 }) {
    this.counters = counters;
    this.#libc = libc;
    this.#fd = fd;
    this.#slabs = new Slabs(libc);
    this.#at = libc.addressOf(this.#headers);
    for (let i = 0; i < BATCH; i++) {
      const iovec = BATCH * MMSGHDR_LEN + i * IOVEC_LEN;
      this.#view.setBigUint64(i * MMSGHDR_LEN + 16, BigInt(this.#at + iovec), true);
      this.#view.setBigUint64(i * MMSGHDR_LEN + 24, 1n, true);
    }
  }

  /** Takes the frame over. The socket address, if there is one, must stay where it is until the turn ends. */
  push(frame: Frame, name = 0, nameLength = 0, control = 0, controlLength = 0): void {
    const i = this.#frames.length;
    const words = this.#words;
    const header = (i * MMSGHDR_LEN) >> 2;
    setAddress(words, header, name);
    words[header + 2] = nameLength;
    setAddress(words, header + 8, control);
    words[header + 10] = controlLength;
    const iovec = (BATCH * MMSGHDR_LEN + i * IOVEC_LEN) >> 2;
    setAddress(words, iovec, this.#slabs.addressOf(frame.bytes) + frame.start);
    words[iovec + 2] = frame.end - frame.start;
    this.#frames.push(frame);
    if (i + 1 === BATCH) this.flush();
    else if (!this.#awaited) {
      this.#awaited = true;
      queueMicrotask(this.flush);
    }
  }

  readonly flush = (): void => {
    this.#awaited = false;
    const frames = this.#frames;
    for (let from = 0; from < frames.length; ) {
      const at = this.#at + from * MMSGHDR_LEN;
      const sent = this.#libc.sendmmsg(this.#fd, at, frames.length - from, MSG_DONTWAIT);
      if (sent > 0) {
        from += sent;
        continue;
      }
      const error = this.#libc.error();
      if (error === 'EINTR') continue;
      if (error === 'EAGAIN' || error === 'ENOBUFS') {
        this.counters.queueFull += frames.length - from;
        break;
      }
      // The first of them is at fault.
      this.counters.sendErrors++;
      from++;
    }
    for (const frame of frames) frame.release();
    frames.length = 0;
  };
}
