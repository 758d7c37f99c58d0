// Bytes of memory that many hold together: what is taken and given back is counted in one place, so that one bound can hold
// for all of them. Some of what is given back is kept for the next one, so that buffers need not be made anew for every packet.

/** Buffers kept of one size. */
const SPARE_MAX = 8;

export class Purse {
  /** Bytes held now, and the most that ever were. */
  held = 0;
  highest = 0;
  readonly most: number;
  /** By size; speeches ask for a few sizes only. */
  readonly #spare: Map<number, Uint8Array[]> = new Map();

  constructor(most: number) {
    this.most = most;
  }

  /** More is held than should be: somebody has to give. */
  get overdrawn(): boolean {
    return this.held > this.most;
  }

  take(bytes: number): void {
    this.held += bytes;
    if (this.held > this.highest) this.highest = this.held;
  }

  give(bytes: number): void {
    this.held -= bytes;
  }

  /** A buffer of this many bytes, with anything in it. */
  takeBuffer(size: number): Uint8Array {
    this.take(size);
    return this.#spare.get(size)?.pop() ?? new Uint8Array(size);
  }

  giveBuffer(buffer: Uint8Array): void {
    const size = buffer.length;
    if (size === 0) return;
    this.give(size);
    const list = this.#spare.get(size);
    if (list === undefined) this.#spare.set(size, [buffer]);
    else if (list.length < SPARE_MAX) list.push(buffer);
  }
}
