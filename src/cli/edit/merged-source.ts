// Several captures read at once, as one stream of packets in the order of time (core/edit/merge.ts), with memory for one chunk of
// each. A file is read on only while the merger wants more of it; the others wait meanwhile.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { MergeSink } from '../../core/edit/merge.ts';
import { Merger } from '../../core/edit/merge.ts';
import { AnyReader } from '../../core/pcap/reader.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { readCapture } from '../../live/capture/pcap-file.ts';
import { usage } from '../failure.ts';
import type { SourceFile } from '../inspect/source.ts';
import { pathOf } from '../inspect/source-options.ts';
import type { Io } from '../io.ts';
import { Progress, readSoFar } from '../progress.ts';

/** Bytes that are read of all files together at a time, and of one. */
const CHUNKS_TOTAL = 0x80_0000;
const CHUNK_MIN = 0x4000;
const CHUNK_MAX = 0x4_0000;

/** What else a reading of several captures is told. */
export interface MergedOptions {
  /** Awaited after each chunk. */
  readonly between?: () => Promise<void>;
  /** Told when all of a capture was read, with the time of its last packet, or null without one; packets may still be on their way. */
  readonly ended?: (input: number, last: { readonly seconds: number; readonly nanos: number } | null) => void;
}

/**
 * Reads captures to their ends, or until Ctrl-C, into a sink that is made when the readers are there.
 * @throws VxlabError CAPTURE_UNREADABLE, NOT_A_CAPTURE, USAGE
 */
export async function readMerged(
  io: Io,
  names: readonly string[],
  makeSink: (readers: readonly AnyReader[]) => MergeSink,
  options: MergedOptions = {},
): Promise<SourceFile[]> {
  if (names.filter((name) => name === '-').length > 1) throw usage('standard input can be read once');
  return new MergedReading(io, names, makeSink, options).run();
}

class MergedReading {
  readonly #io: Io;
  readonly #names: readonly string[];
  readonly #options: MergedOptions;
  readonly #readers: AnyReader[];
  readonly #merger: Merger;
  /** Lets a waiting file go on. */
  readonly #wake: ((() => void) | undefined)[] = [];
  /** Bytes read of each. */
  readonly #bytes: number[] = [];
  /** The time of the last packet of each. */
  readonly #last: { seconds: number; nanos: number }[];
  #progress: Progress | null = null;
  #total = 0;
  #failed = false;

  constructor(
    io: Io,
    names: readonly string[],
    makeSink: (readers: readonly AnyReader[]) => MergeSink,
    options: MergedOptions,
  ) {
    this.#io = io;
    this.#names = names;
    this.#options = options;
    this.#readers = names.map(
      (_, input) =>
        new AnyReader((view, start, end, meta) => {
          const last = this.#last[input] as { seconds: number; nanos: number };
          last.seconds = meta.seconds;
          last.nanos = meta.nanos;
          this.#merger.add(input, view, start, end, meta);
        }),
    );
    this.#last = names.map(() => ({ seconds: 0, nanos: 0 }));
    this.#merger = new Merger(names.length, makeSink(this.#readers));
  }

  async run(): Promise<SourceFile[]> {
    const sizes = await Promise.all(this.#names.map((name) => sizeOf(pathOf(this.#io, name))));
    const total = sizes.includes(0) ? 0 : sizes.reduce((sum, size) => sum + size, 0);
    this.#total = total;
    this.#progress = new Progress(this.#io);
    const readings = await Promise.allSettled(this.#names.map((name, input) => this.#read(name, input)));
    this.#progress.end();
    const wrong = readings.find((reading) => reading.status === 'rejected');
    if (wrong !== undefined) throw wrong.reason;
    return readings.flatMap((reading) => (reading.status === 'fulfilled' ? [reading.value] : []));
  }

  async #read(name: string, input: number): Promise<SourceFile> {
    const reader = this.#readers[input] as AnyReader;
    const shown = name === '-' ? 'standard input' : name;
    try {
      const { cutShort } = await readCapture(pathOf(this.#io, name), reader, {
        chunkBytes: Math.max(CHUNK_MIN, Math.min(CHUNK_MAX, Math.floor(CHUNKS_TOTAL / this.#names.length))),
        signal: this.#io.signal,
        progress: (bytes) => this.#turn(input, bytes),
      });
      if (reader.format === null) {
        throw new VxlabError('NOT_A_CAPTURE', `cannot read ${shown}: ${cutShort?.reason ?? 'it is empty'}`);
      }
      this.#options.ended?.(
        input,
        reader.packets === 0 ? null : (this.#last[input] as { seconds: number; nanos: number }),
      );
      this.#merger.finish(input);
      this.#pump();
      return { name: shown, reader, cutShort };
    } catch (error) {
      this.#failed = true;
      for (const other of this.#readers) other.stop();
      this.#pump();
      throw error;
    }
  }

  /** After a chunk of one file: what may go goes, and the file waits until more of it is wanted. */
  async #turn(input: number, bytes: number): Promise<void> {
    this.#bytes[input] = bytes;
    this.#progress?.say(() => {
      const bytes = this.#bytes.reduce((sum, each) => sum + (each ?? 0), 0);
      return readSoFar(`reading ${this.#names.length} captures`, bytes, this.#total);
    });
    this.#pump();
    await this.#options.between?.();
    while (!this.#goesOn(input)) {
      await new Promise<void>((resolve) => {
        this.#wake[input] = resolve;
      });
    }
  }

  #goesOn(input: number): boolean {
    return this.#failed || this.#io.signal.aborted || this.#merger.wants(input);
  }

  #pump(): void {
    if (!this.#failed) this.#merger.drain();
    this.#wake.forEach((wake, input) => {
      if (wake === undefined || !this.#goesOn(input)) return;
      this.#wake[input] = undefined;
      wake();
    });
  }
}

/** Names for captures in a table or a file: without their folders where that leaves them different. */
export function shortNames(names: readonly string[]): string[] {
  const short = names.map((name) => (name === '-' ? 'stdin' : basename(name)));
  return new Set(short).size === short.length ? short : [...names];
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : 0;
}
