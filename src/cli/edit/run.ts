// What every verb that takes captures and writes captures has in common: the file is read with progress on standard error,
// packets go through an Editor, files are written as fast as the disk takes them, and one line, or with --json one document,
// says what became of the packets.
//
// An output file is made when its first bytes are there, so that an input that is no capture leaves nothing behind. Chunks
// end between packets: what was written up to Ctrl-C or a fault is a whole file.

import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { Option } from 'commander';
import { WalkOptions } from '../../core/dissect/ports.ts';
import type { EditCounts, Editor } from '../../core/edit/editor.ts';
import { Outlet } from '../../core/edit/outlet.ts';
import type { CaptureFormat, CaptureReader } from '../../core/pcap/record.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import { CaptureFile } from '../../live/capture/pcap-file.ts';
import { usage } from '../failure.ts';
import { keysOf, tellOpened } from '../inspect/keys.ts';
import type { SourceFile } from '../inspect/source.ts';
import { filterOf, readSource, tellCutShort } from '../inspect/source.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { pathOf, walkSettings } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { count } from '../units.ts';

/** Options that every editing verb has besides those of its source. */
export interface OutputArguments {
  readonly output: string;
  readonly format?: CaptureFormat;
  readonly json?: true;
}

export function addOutputOptions(
  command: Command,
  what: string = 'the capture to write, or - for standard output',
): Command {
  return command
    .requiredOption('-o, --output <OUT>', what)
    .addOption(
      new Option('--format <FORMAT>', "default by OUT's ending: .pcap is pcap, all else pcapng").choices([
        'pcap',
        'pcapng',
      ]),
    )
    .option('--json', 'one JSON document on standard output: docs/schema/edit.schema.json');
}

export interface EditJob {
  readonly verb: string;
  /** A path, or '-' for standard input. */
  readonly input: string;
  readonly source: SourceArguments;
  /** How packets are walked over, where `source` does not say all of it. */
  readonly walk?: WalkOptions;
  readonly output: OutputArguments;
  /** Makes the editor once the reader is there; its outlets come from `outputs.open`. */
  readonly make: (outputs: Outputs, reader: CaptureReader) => Editor;
  /** How the closing line names each of the editor's counts: `100 ` and then these words. */
  readonly words: Readonly<Record<string, string>>;
}

/**
 * Runs one capture through an editor.
 * @throws VxlabError USAGE for an output that is an input or a format that is not written, CAPTURE_UNREADABLE, NOT_A_CAPTURE,
 *   CAPTURE_UNWRITABLE, BAD_FILTER
 */
export async function runEdit(io: Io, job: EditJob): Promise<ExitCode> {
  const outputs = new Outputs(io, job.output, [job.input]);
  const filter = await filterOf(job.source);
  const opener = (await keysOf(io, job.source))();
  const sight = new Sight(job.walk ?? new WalkOptions(walkSettings(job.source)), {}, opener);
  let editor: Editor | null = null;
  let filteredOut = 0;
  try {
    const file = await readSource(
      io,
      job.input,
      job.source,
      (reader) => {
        const made = job.make(outputs, reader);
        editor = made;
        return (view, start, end, meta) => {
          sight.read(view, start, end, meta);
          if (filter === null || filter.matches(sight, meta)) made.packet(sight, meta, view, start, end);
          else filteredOut++;
        };
      },
      { between: () => outputs.drained() },
    );
    const done = editor as Editor | null;
    done?.end();
    outputs.flush();
    await outputs.close();
    tellOpened(io, opener);
    const counts = { ...done?.counts(), ...(filter === null ? {} : { filteredOut }) };
    const words = { ...job.words, filteredOut: 'not taken by the filter' };
    return tellEdit(io, { verb: job.verb, inputs: [file], outputs, counts, words });
  } finally {
    await outputs.close();
  }
}

export interface EditOutcome {
  readonly verb: string;
  readonly inputs: readonly SourceFile[];
  readonly outputs: Outputs;
  readonly counts: EditCounts;
  readonly words: Readonly<Record<string, string>>;
}

/** Says what became of the packets, for a verb that read its files itself too. Answers with the exit code. */
export function tellEdit(io: Io, outcome: EditOutcome): ExitCode {
  const { verb, inputs, outputs, counts, words } = outcome;
  for (const file of inputs) tellCutShort(io, file);
  const read = inputs.reduce((sum, { reader }) => sum + reader.packets, 0);
  if (outputs.given.json) {
    printJson(io, {
      schema: 'vxlab.edit/1',
      verb,
      in: inputs.map(({ name, reader, cutShort }) => ({
        name,
        format: reader.format,
        packets: reader.packets,
        cutShort,
      })),
      out: outputs.report(),
      packets: { read, written: outputs.packets, ...counts, otherLinkType: outputs.refused },
      interrupted: io.signal.aborted,
    });
  } else {
    const told = [`${count(read, 'packet')} read`, `${outputs.packets} written`];
    for (const [name, n] of Object.entries(counts)) {
      if (n > 0) told.push(`${n} ${words[name] ?? name}`);
    }
    if (outputs.refused > 0)
      told.push(`${outputs.refused} left out: their link type does not go into the pcap file`);
    io.err(`${told.join(', ')}\n`);
  }
  return io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

interface OutputFile {
  readonly name: string;
  readonly outlet: Outlet;
  readonly drain: Drain;
}

/** The captures that one run writes. */
export class Outputs {
  readonly given: OutputArguments;
  readonly #io: Io;
  readonly #inputs: readonly string[];
  readonly #files: OutputFile[] = [];

  /** @param inputs what must not be written over */
  constructor(io: Io, given: OutputArguments, inputs: readonly string[]) {
    this.#io = io;
    this.given = given;
    this.#inputs = inputs;
    if (given.json && given.output === '-')
      throw usage('with -o - standard output is the capture: --json needs -o FILE');
    this.#check(given.output);
  }

  /**
   * One more capture to write: `-o`'s, unless another name is given. Nothing is on the disk before its first bytes.
   * @param linkType of a pcap file; default that of its first interface
   * @throws VxlabError USAGE when it is an input
   */
  open(name: string = this.given.output, linkType?: number): Outlet {
    this.#check(name);
    const drain = name === '-' ? new StreamDrain(this.#io) : new FileDrain(pathOf(this.#io, name));
    const outlet = new Outlet((bytes) => drain.write(bytes), this.given.format ?? formatOf(name), linkType);
    this.#files.push({ name, outlet, drain });
    return outlet;
  }

  /** Packets written, and packets that a pcap file's link type kept out. */
  get packets(): number {
    return this.#files.reduce((sum, { outlet }) => sum + outlet.packets, 0);
  }

  get refused(): number {
    return this.#files.reduce((sum, { outlet }) => sum + outlet.refused, 0);
  }

  /**
   * Resolves when there is room for more; for between the chunks of an input.
   * @throws VxlabError CAPTURE_UNWRITABLE
   */
  async drained(): Promise<void> {
    for (const { drain } of this.#files) await drain.drained();
  }

  /** Hands on what the writers still hold. */
  flush(): void {
    for (const { outlet } of this.#files) outlet.flush();
  }

  /**
   * Resolves when every byte is with the operating system. A second call does nothing.
   * @throws VxlabError CAPTURE_UNWRITABLE
   */
  async close(): Promise<void> {
    for (const { drain } of this.#files) await drain.close();
  }

  /** The files for the document. */
  report(): { name: string; format: CaptureFormat; packets: number; bytes: number }[] {
    return this.#files.map(({ name, outlet, drain }) => ({
      name,
      format: outlet.format,
      packets: outlet.packets,
      bytes: drain.bytes,
    }));
  }

  #check(name: string): void {
    if (name === '-') return;
    if (/\.(gz|zst|xz|lz4)$/i.test(name)) {
      throw usage(
        `${name}: captures are written uncompressed; write to -o - and pipe it through the compressor`,
      );
    }
    const path = pathOf(this.#io, name);
    for (const input of this.#inputs) {
      if (input !== '-' && sameFile(path, pathOf(this.#io, input)))
        throw usage(`${name} is the capture that is read; write to another file`);
    }
  }
}

function formatOf(name: string): CaptureFormat {
  return /\.(pcap|cap|dmp)$/i.test(name) ? 'pcap' : 'pcapng';
}

/** True when two paths lead to one regular file. */
export function sameFile(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.isFile() && a.ino === b.ino && a.dev === b.dev;
}

/** Where a writer's chunks go. */
interface Drain {
  /** Taken so far. */
  readonly bytes: number;
  write(bytes: Uint8Array): void;
  drained(): Promise<void>;
  close(): Promise<void>;
}

class FileDrain implements Drain {
  bytes = 0;
  readonly #path: string;
  #file: CaptureFile | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.#file ??= new CaptureFile(this.#path);
    this.#file.write(bytes);
  }

  async drained(): Promise<void> {
    await this.#file?.drained();
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

/** Standard output, as the command was handed it. */
class StreamDrain implements Drain {
  bytes = 0;
  readonly #io: Io;
  #waiting: Uint8Array[] = [];

  constructor(io: Io) {
    this.#io = io;
  }

  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.#waiting.push(bytes);
  }

  async drained(): Promise<void> {
    const chunks = this.#waiting;
    this.#waiting = [];
    for (const chunk of chunks) await this.#io.write(chunk);
  }

  close(): Promise<void> {
    return this.drained();
  }
}
