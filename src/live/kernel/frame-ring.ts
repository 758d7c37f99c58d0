// A ring of packets that one thread fills and another empties, in memory that both see. The kernel writes packets into the slots
// themselves; the reader copies each once, into a frame.
//
//   state     head, tail, sleeping reader, sleeping writer        4 words
//   facts     bytes, bytes of ancillary data, flags, unused        4 words a slot
//   names     the sender's socket address                         32 bytes a slot
//   control   ancillary data (cmsg(3))                            64 bytes a slot
//   slots     the packets
//
// `head` counts what was ever put in and `tail` what was taken out, modulo 2^32; slots are a power of two.

export interface RingShape {
  /** A power of two. */
  readonly slots: number;
  /** Bytes of a slot, a multiple of 8. */
  readonly slotBytes: number;
  /** Bytes that are left free at a slot's beginning, so that what follows a header is aligned. */
  readonly lead: number;
}

const HEAD = 0;
const TAIL = 1;
const READER_SLEEPS = 2;
const WRITER_SLEEPS = 3;
const STATE_WORDS = 4;
const FACT_WORDS = 4;

export const NAME_LEN = 32;
export const CONTROL_LEN = 64;

/** The words of `facts`. */
export const FACT = { length: 0, control: 1, flags: 2 } as const;

export class FrameRing {
  readonly memory: SharedArrayBuffer;
  readonly shape: RingShape;
  readonly state: Int32Array;
  readonly facts: Int32Array;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly namesAt: number;
  readonly controlAt: number;
  readonly slotsAt: number;

  /** @param memory that another thread made a ring of */
  constructor(shape: RingShape, memory?: SharedArrayBuffer) {
    const { slots, slotBytes } = shape;
    const factsAt = STATE_WORDS * 4;
    this.namesAt = factsAt + slots * FACT_WORDS * 4;
    this.controlAt = this.namesAt + slots * NAME_LEN;
    this.slotsAt = this.controlAt + slots * CONTROL_LEN;
    this.shape = shape;
    this.memory = memory ?? new SharedArrayBuffer(this.slotsAt + slots * slotBytes);
    this.state = new Int32Array(this.memory, 0, STATE_WORDS);
    this.facts = new Int32Array(this.memory, factsAt, slots * FACT_WORDS);
    this.bytes = new Uint8Array(this.memory);
    this.view = new DataView(this.memory);
  }

  /** Bytes of a packet at most. */
  get packetBytes(): number {
    return this.shape.slotBytes - this.shape.lead;
  }

  /** Where a slot's packet begins. */
  slotAt(slot: number): number {
    return this.slotsAt + slot * this.shape.slotBytes + this.shape.lead;
  }

  fact(slot: number, which: number): number {
    return this.facts[slot * FACT_WORDS + which] as number;
  }

  setFacts(slot: number, length: number, control: number, flags: number): void {
    const at = slot * FACT_WORDS;
    this.facts[at + FACT.length] = length;
    this.facts[at + FACT.control] = control;
    this.facts[at + FACT.flags] = flags;
  }

  /** For the writer: the slot to fill next, and how many follow in one piece before the ring's end or what is not read yet. */
  get head(): number {
    return (this.state[HEAD] as number) & (this.shape.slots - 1);
  }

  get free(): number {
    const { slots } = this.shape;
    const waiting = ((this.state[HEAD] as number) - Atomics.load(this.state, TAIL)) >>> 0;
    return Math.min(slots - waiting, slots - this.head);
  }

  /** The writer has filled so many slots; true when the reader sleeps and must be woken. */
  filled(count: number): boolean {
    Atomics.store(this.state, HEAD, ((this.state[HEAD] as number) + count) | 0);
    return Atomics.exchange(this.state, READER_SLEEPS, 0) === 1;
  }

  /** Waits for a free slot, or so many milliseconds. */
  waitForRoom(milliseconds: number): void {
    const tail = Atomics.load(this.state, TAIL);
    Atomics.store(this.state, WRITER_SLEEPS, 1);
    if (this.free === 0) Atomics.wait(this.state, TAIL, tail, milliseconds);
    Atomics.store(this.state, WRITER_SLEEPS, 0);
  }

  /** For the reader: how many slots are filled. */
  get waiting(): number {
    return (Atomics.load(this.state, HEAD) - (this.state[TAIL] as number)) >>> 0;
  }

  /** The slot to read next. */
  get tail(): number {
    return (this.state[TAIL] as number) & (this.shape.slots - 1);
  }

  /** The reader is done with one slot. */
  taken(): void {
    Atomics.store(this.state, TAIL, ((this.state[TAIL] as number) + 1) | 0);
  }

  /** Wakes a writer that waits for room. */
  wakeWriter(): void {
    if (Atomics.load(this.state, WRITER_SLEEPS) === 1) Atomics.notify(this.state, TAIL);
  }

  /** The reader goes to sleep; false when something came meanwhile. */
  sleep(): boolean {
    Atomics.store(this.state, READER_SLEEPS, 1);
    if (this.waiting === 0) return true;
    return Atomics.exchange(this.state, READER_SLEEPS, 0) === 0;
  }
}
