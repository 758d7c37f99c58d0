// Where the last bytes of a run stand in the capture, and what they are: a canary is known when its last byte has come, and
// then its first one is asked for.

import type { Within } from '../streams/listener.ts';

interface Step {
  /** Position of its first byte in the run. */
  readonly position: number;
  readonly packet: number;
  readonly offset: number;
  readonly within: Within;
}

export class Trail {
  readonly #reach: number;
  readonly #ring: Uint8Array;
  #steps: Step[] = [];
  #end = 0;

  /** @param reach bytes back that are asked for at most */
  constructor(reach: number) {
    this.#reach = reach;
    this.#ring = new Uint8Array(reach);
  }

  /** Bytes [from, to) come next; the first of them stands at `offset` of the packet. */
  step(bytes: Uint8Array, from: number, to: number, packet: number, offset: number, within: Within): void {
    const reach = this.#reach;
    this.#steps.push({ position: this.#end, packet, offset, within });
    for (let at = Math.max(from, to - reach); at < to; at++) {
      this.#ring[(this.#end + at - from) % reach] = bytes[at] as number;
    }
    this.#end += to - from;
    const oldest = this.#end - reach;
    const first = this.#steps.findLastIndex(({ position }) => position <= oldest);
    if (first > 0) this.#steps = this.#steps.slice(first);
  }

  /** Where the byte at a position stands; null for one out of reach. */
  place(
    position: number,
  ): { readonly packet: number; readonly offset: number; readonly within: Within } | null {
    const step = this.#steps.findLast((one) => one.position <= position);
    if (step === undefined) return null;
    return { packet: step.packet, offset: step.offset + position - step.position, within: step.within };
  }

  /** A copy of what is within reach of bytes [from, to). */
  bytes(from: number, to: number): Uint8Array {
    const first = Math.max(from, this.#end - this.#reach, 0);
    const bytes = new Uint8Array(Math.max(0, Math.min(to, this.#end) - first));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#ring[(first + i) % this.#reach] as number;
    return bytes;
  }
}
