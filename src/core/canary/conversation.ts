// A TCP connection in which a canary is looked for: what each side says is one run of bytes, wherever its segments end.

import type { Side, Within } from '../streams/listener.ts';
import type { StreamOwner } from '../streams/streams.ts';
import { SPAN_MAX } from './needles.ts';
import type { Unpacker } from './packed.ts';
import { Packed, sinkOf } from './packed.ts';
import type { CanaryEncoding, CanaryPlace, Whereabouts } from './place.ts';
import type { Wanted } from './scan.ts';
import { Scan } from './scan.ts';
import { Trail } from './trail.ts';

type Tell = (place: CanaryPlace) => void;

/** What one side says. */
class Run {
  readonly #trail: Trail = new Trail(2 * SPAN_MAX);
  readonly #scan: Scan;
  readonly #packed: Packed<Whereabouts | null> | null;

  constructor(wanted: Wanted, unpacker: Unpacker | null, tell: Tell) {
    const trail = this.#trail;
    const found = (at: Whereabouts | null, bytes: Uint8Array, encoding: CanaryEncoding): void => {
      if (at !== null) tell({ ...at, encoding, bytes });
    };
    this.#packed =
      unpacker === null
        ? null
        : new Packed(unpacker, { place: (position: number) => trail.place(position), found });
    const sink = sinkOf(
      (from, to, encoding) => found(trail.place(from), trail.bytes(from, to), encoding),
      this.#packed,
    );
    this.#scan = new Scan(wanted, sink);
  }

  hear(bytes: Uint8Array, from: number, to: number, packet: number, offset: number, within: Within): void {
    // Piece by piece: when a canary's last byte has come, its first one must be within reach.
    for (let at = from; at < to; at += SPAN_MAX) {
      const end = Math.min(to, at + SPAN_MAX);
      this.#trail.step(bytes, at, end, packet, offset + at - from, within);
      this.#scan.feed(bytes, at, end);
    }
  }

  /** What comes next does not follow what came, or nothing comes. */
  breakOff(): void {
    this.#scan.reset();
    this.#packed?.end();
  }
}

export class Conversation implements StreamOwner {
  readonly #wanted: Wanted;
  readonly #unpacker: Unpacker | null;
  readonly #tell: Tell;
  readonly #runs: [Run | null, Run | null] = [null, null];

  constructor(wanted: Wanted, unpacker: Unpacker | null, tell: Tell) {
    this.#wanted = wanted;
    this.#unpacker = unpacker;
    this.#tell = tell;
  }

  wants(): boolean {
    return true;
  }

  hear(
    side: Side,
    bytes: Uint8Array,
    from: number,
    to: number,
    packet: number,
    offset: number,
    within: Within,
  ): void {
    this.#runs[side] ??= new Run(this.#wanted, this.#unpacker, this.#tell);
    this.#runs[side].hear(bytes, from, to, packet, offset, within);
  }

  pass(side: Side): void {
    this.#runs[side]?.breakOff();
  }

  miss(side: Side): void {
    this.#runs[side]?.breakOff();
  }

  close(side: Side): void {
    this.#runs[side]?.breakOff();
    this.#runs[side] = null;
  }

  gone(): void {
    this.close(0);
    this.close(1);
  }

  packet(): void {}

  datagram(): void {}

  tunnelled(): void {}
}
