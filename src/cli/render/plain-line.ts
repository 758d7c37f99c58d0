// The line of a plain packet (core/dissect/plain.ts), written as bytes by assembly/line.ts: what `packetLine` says of it,
// character for character. What it does not know it leaves to `packetLine`.

import type { WalkOptions } from '../../core/dissect/ports.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { LineMemory } from './line-memory.ts';
import type { PacketTime } from './packet-time.ts';

const ETHERNET = 1;
const NUMBER_MAX = 99_999_999;

export class PlainLine {
  readonly #memory: LineMemory;
  /** False where no tunnel is entered. */
  readonly #enters: boolean;

  /** @param memory that the lines are written in; nobody else's meanwhile */
  constructor(options: WalkOptions, memory: LineMemory) {
    this.#memory = memory;
    this.#enters = options.depth > 0;
    memory.setCarries(options.ports);
  }

  /**
   * Writes the line of the packet in [start, end); false when it is not plain, what it carries needs more words, or its time or
   * number has a form of its own, and then nothing was written.
   * @param writer writes into the memory's text
   */
  write(
    writer: ByteWriter,
    view: DataView,
    start: number,
    end: number,
    meta: PacketMeta,
    clock: PacketTime,
  ): boolean {
    const length = end - start;
    const whole = length === meta.originalLength && meta.linkType === ETHERNET;
    if (!this.#enters || !whole || meta.number > NUMBER_MAX) return false;
    if (!clock.measure(meta) || !writer.room()) return false;
    const { packet, text, line } = this.#memory;
    let at = view.byteOffset + start;
    if (view.buffer !== text.buffer) {
      if (length > packet.length) return false;
      packet.set(new Uint8Array(view.buffer, at, length));
      at = packet.byteOffset;
    }
    const out = text.byteOffset + writer.at;
    const { seconds, fraction, places } = clock;
    const written = line(at, length, out, meta.number, seconds, fraction, places);
    if (written === 0) return false;
    writer.at = written - text.byteOffset;
    return true;
  }
}
