// `inspect --packets`, `-V` and `-x`: every packet that the filter takes, as it comes.

import { Crossing } from '../../core/dissect/crossing.ts';
import { WalkOptions } from '../../core/dissect/ports.ts';
import type { DisplayFilter } from '../../core/filter/index.ts';
import type { AnyReader } from '../../core/pcap/reader.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT } from '../io.ts';
import { packetHex, packetLine, packetRow, packetTree } from '../render/packet.ts';
import type { SourceArguments } from './source.ts';
import { filterOf, readSource, tellCutShort, walkSettings } from './source.ts';

export interface PacketArguments extends SourceArguments {
  readonly packets?: true;
  readonly verbose?: true;
  readonly hex?: true;
  readonly json?: true;
}

/** What is written at once. */
const BLOCK = 0x1_0000;

export async function inspectPackets(
  io: Io,
  files: readonly string[],
  given: PacketArguments,
): Promise<ExitCode> {
  const filter = await filterOf(given);
  for (const name of files) {
    const printer = new PacketPrinter(io, given, filter);
    if (files.length > 1 && !given.json) io.out(`${io.paint.bold(name)}\n`);
    const file = await readSource(io, name, given, (reader) => printer.open(reader), {
      between: () => printer.flush(),
    });
    await printer.flush();
    tellCutShort(io, file);
    if (io.signal.aborted) return EXIT.interrupted;
  }
  return EXIT.done;
}

/** Turns packets into text, which waits to be written in blocks. */
export class PacketPrinter {
  readonly #io: Io;
  readonly #given: PacketArguments;
  readonly #filter: DisplayFilter | null;
  readonly #sight: Sight;
  readonly #crossing = new Crossing();
  readonly #encoder = new TextEncoder();
  #blocks: Uint8Array[] = [];
  #text = '';
  #clock: RelativeClock | null = null;

  constructor(io: Io, given: PacketArguments, filter: DisplayFilter | null) {
    this.#io = io;
    this.#given = given;
    this.#filter = filter;
    this.#sight = new Sight(new WalkOptions(walkSettings(given)));
  }

  /** The sink for a reader's packets. */
  open(reader: AnyReader): (view: DataView, start: number, end: number, meta: PacketMeta) => void {
    this.#clock = null;
    return (view, start, end, meta) => {
      this.#clock ??= new RelativeClock(
        meta,
        (reader.interfaces[meta.interfaceId]?.resolution.exponent ?? 6) > 6,
      );
      this.#sight.read(view, start, end, meta);
      if (this.#filter !== null && !this.#filter.matches(this.#sight, meta)) return;
      this.#text += this.#textOf(meta, this.#clock);
      if (this.#text.length >= BLOCK) this.#close();
    };
  }

  /** Resolves when all that was printed so far is with the stream. */
  async flush(): Promise<void> {
    this.#close();
    const blocks = this.#blocks;
    this.#blocks = [];
    for (const block of blocks) await this.#io.write(block);
  }

  #textOf(meta: PacketMeta, clock: RelativeClock): string {
    const { json, verbose, hex } = this.#given;
    const sight = this.#sight;
    if (json) return `${JSON.stringify(packetRow(sight, meta, this.#crossing))}\n`;
    let text = verbose ? packetTree(sight, meta, this.#io.paint) : '';
    if (!verbose) text += packetLine(sight, meta, this.#crossing, clock.text(meta));
    if (hex) text += packetHex(sight, this.#io.paint);
    return text;
  }

  #close(): void {
    if (this.#text === '') return;
    this.#blocks.push(this.#encoder.encode(this.#text));
    this.#text = '';
  }
}

/** Seconds since the first packet, with as many places as the file has. */
class RelativeClock {
  readonly #seconds: number;
  readonly #nanos: number;
  readonly #fine: boolean;

  constructor(first: PacketMeta, fine: boolean) {
    this.#seconds = first.seconds;
    this.#nanos = first.nanos;
    this.#fine = fine;
  }

  text({ seconds, nanos, timed }: PacketMeta): string {
    if (!timed) return '';
    let s = seconds - this.#seconds;
    let n = nanos - this.#nanos;
    const carry = Math.floor(n / 1e9);
    s += carry;
    n -= carry * 1e9;
    const negative = s < 0 && n > 0;
    if (negative) {
      s += 1;
      n = 1e9 - n;
    }
    const sign = negative && s === 0 ? '-' : '';
    const fraction = this.#fine ? String(n).padStart(9, '0') : String(Math.floor(n / 1000)).padStart(6, '0');
    return `${sign}${s}.${fraction}`;
  }
}
