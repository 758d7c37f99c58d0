// `inspect --packets`, `-V` and `-x`: every packet that the filter takes, as it comes.

import { Crossing } from '../../core/dissect/crossing.ts';
import type { Opener } from '../../core/esp/opener.ts';
import type { DisplayFilter } from '../../core/filter/index.ts';
import type { AnyReader } from '../../core/pcap/reader.ts';
import type { PacketMeta, PacketSink } from '../../core/pcap/record.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT } from '../io.ts';
import { ByteWriter } from '../render/byte-writer.ts';
import { LineMemory } from '../render/line-memory.ts';
import { packetHex, packetLine, packetRow, packetTree } from '../render/packet.ts';
import { PacketTime } from '../render/packet-time.ts';
import { PlainLine } from '../render/plain-line.ts';
import { keysOf, tellOpened } from './keys.ts';
import { filterOf, readSource, tellCutShort, walkOptions } from './source.ts';
import type { SourceArguments } from './source-options.ts';

export interface PacketArguments extends SourceArguments {
  readonly packets?: true;
  readonly verbose?: true;
  readonly hex?: true;
  readonly json?: true;
}

export async function inspectPackets(
  io: Io,
  files: readonly string[],
  given: PacketArguments,
): Promise<ExitCode> {
  const filter = await filterOf(given);
  const makeOpener = await keysOf(io, given);
  for (const name of files) {
    const printer = new PacketPrinter(io, given, filter, { opener: makeOpener() });
    if (files.length > 1 && !given.json) io.out(`${io.paint.bold(name)}\n`);
    const file = await readSource(io, name, given, (reader) => printer.open(reader), {
      between: () => printer.flush(),
      ...(printer.chunk === null ? {} : { chunk: printer.chunk }),
    });
    await printer.flush();
    tellCutShort(io, file);
    printer.tellOpened();
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
  /** For lines alone, of all packets; null where something else is asked for. */
  readonly #plain: PlainLine | null;
  /** Where to read a file's bytes to, so that plain packets lie where their lines are made. */
  readonly chunk: Uint8Array | null;
  readonly #crossing = new Crossing();
  readonly #writer: ByteWriter;
  readonly #quiet: boolean;
  #clock: PacketTime | null = null;

  /** @param how `quiet` only filters; `opener` opens ESP */
  constructor(
    io: Io,
    given: PacketArguments,
    filter: DisplayFilter | null,
    { quiet = false, opener = null }: { readonly quiet?: boolean; readonly opener?: Opener | null } = {},
  ) {
    const walk = walkOptions(given);
    this.#io = io;
    this.#given = given;
    this.#filter = filter;
    this.#sight = new Sight(walk, {}, opener);
    this.#quiet = quiet;
    const bare = !quiet && filter === null && !given.json && !given.verbose && !given.hex;
    const memory = bare ? LineMemory.make() : null;
    this.#plain = memory === null ? null : new PlainLine(walk, memory);
    this.#writer = new ByteWriter(memory?.text);
    this.chunk = memory?.chunk ?? null;
  }

  /** The sink for a reader's packets. */
  open(reader: AnyReader): PacketSink {
    this.#clock = null;
    return (view, start, end, meta) => {
      this.#clock ??= new PacketTime(meta, placesOf(reader, meta));
      this.take(view, start, end, meta);
    };
  }

  /** Prints one packet; false when the filter does not take it. */
  take(view: DataView, start: number, end: number, meta: PacketMeta): boolean {
    this.#clock ??= new PacketTime(meta, 6);
    const clock = this.#clock;
    const writer = this.#writer;
    if (this.#plain?.write(writer, view, start, end, meta, clock)) return true;
    this.#sight.read(view, start, end, meta);
    if (this.#filter !== null && !this.#filter.matches(this.#sight, meta)) return false;
    if (!this.#quiet) writer.text(this.#textOf(meta, clock));
    return true;
  }

  /** Says how many ESP packets stayed closed although there were keys. */
  tellOpened(): void {
    tellOpened(this.#io, this.#sight.opener);
  }

  /** Resolves when all that was printed so far is with the stream. */
  async flush(): Promise<void> {
    await this.#writer.flush((bytes) => this.#io.write(bytes));
  }

  #textOf(meta: PacketMeta, clock: PacketTime): string {
    const { json, verbose, hex } = this.#given;
    const sight = this.#sight;
    if (json) return `${JSON.stringify(packetRow(sight, meta, this.#crossing))}\n`;
    let text = verbose
      ? packetTree(sight, meta, this.#io.paint)
      : packetLine(sight, meta, this.#crossing, clock.text(meta));
    if (hex) text += packetHex(sight, this.#io.paint);
    return text;
  }
}

/** Decimal places of an interface's clock that are worth showing. */
function placesOf(reader: AnyReader, { interfaceId }: PacketMeta): 6 | 9 {
  const resolution = reader.interfaces[interfaceId]?.resolution;
  return resolution !== undefined && resolution.base ** resolution.exponent > 1e6 ? 9 : 6;
}
