// Trace events in one growing typed array, eight numbers an event; nothing is formatted until somebody reads.
//
//   | time hi | time lo | where | what | frame id | a | b | frame length |

import type { Frame } from '../../core/frame/frame.ts';
import type { Clock, Instant } from '../time/clock.ts';
import type { ElementId, TraceKind, TraceSink } from './event.ts';

export interface TraceEvent {
  readonly time: Instant;
  readonly where: ElementId;
  readonly what: TraceKind;
  readonly frame: number;
  readonly a: number;
  readonly b: number;
  /** The frame's length in bytes at that moment. */
  readonly length: number;
  /** What was kept of its bytes. */
  readonly bytes: DataView;
}

const STRIDE = 8;
const TWO_32 = 0x1_0000_0000;

export interface RecorderOptions {
  /** Events kept at most; further ones are counted, not kept. Default one million. */
  readonly max?: number;
  /** Bytes kept of each event's frame, from its start at that moment; default 0. */
  readonly snap?: number;
}

export class Recorder implements TraceSink {
  on = true;
  /** Events that came when the recording was full. */
  missed = 0;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #snap: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #events: Int32Array = new Int32Array(1024 * STRIDE);
  #count = 0;
  #frames = 0;

  constructor(clock: Clock, options: RecorderOptions = {}) {
    this.#clock = clock;
    this.#max = options.max ?? 1_000_000;
    this.#snap = options.snap ?? 0;
  }

  get length(): number {
    return this.#count;
  }

  nextId(): number {
    return ++this.#frames;
  }

  emit(where: ElementId, what: TraceKind, frame: Frame, a: number, b: number): void {
    if (this.#count >= this.#max) {
      this.missed++;
      return;
    }
    let at = this.#count * STRIDE;
    if (at >= this.#events.length) {
      const larger = new Int32Array(this.#events.length * 2);
      larger.set(this.#events);
      this.#events = larger;
    }
    if (this.#snap > 0) this.#keep(frame);
    this.#count++;
    const events = this.#events;
    const now = this.#clock.now;
    events[at++] = Math.floor(now / TWO_32);
    events[at++] = (now % TWO_32) | 0;
    events[at++] = where;
    events[at++] = what;
    events[at++] = frame.id;
    events[at++] = a;
    events[at++] = b;
    events[at] = frame.end - frame.start;
  }

  /** @param i 0 to length - 1 */
  at(i: number): TraceEvent {
    const word = (n: number): number => this.#events[i * STRIDE + n] as number;
    return {
      time: word(0) * TWO_32 + (word(1) >>> 0),
      where: word(2),
      what: word(3) as TraceKind,
      frame: word(4),
      a: word(5),
      b: word(6),
      length: word(7),
      bytes: new DataView(this.#bytes.buffer, i * this.#snap, Math.min(word(7), this.#snap)),
    };
  }

  /** Everything one frame went through, in order. */
  journey(frame: number): TraceEvent[] {
    const found: TraceEvent[] = [];
    for (let i = 0; i < this.#count; i++) {
      if (this.#events[i * STRIDE + 4] === frame) found.push(this.at(i));
    }
    return found;
  }

  clear(): void {
    this.#count = 0;
    this.missed = 0;
  }

  #keep(frame: Frame): void {
    const at = this.#count * this.#snap;
    if (at + this.#snap > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(1024 * this.#snap, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const end = Math.min(frame.end, frame.start + this.#snap);
    this.#bytes.set(frame.bytes.subarray(frame.start, end), at);
  }
}
