// Captures as the commands that look at them read them: to the end, packet by packet, and what is said when a file ends before
// its end.

import { stat } from 'node:fs/promises';
import { WalkOptions } from '../../core/dissect/ports.ts';
import type { DisplayFilter } from '../../core/filter/index.ts';
import { AnyReader } from '../../core/pcap/reader.ts';
import type { PacketSink, RecordSweep } from '../../core/pcap/record.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { ReadOptions } from '../../live/capture/pcap-file.ts';
import { readCapture } from '../../live/capture/pcap-file.ts';
import type { Io } from '../io.ts';
import { Progress, readSoFar } from '../progress.ts';
import type { SourceArguments } from './source-options.ts';
import { pathOf, walkSettings } from './source-options.ts';

/** @throws VxlabError BAD_PORT, BAD_DEPTH */
export function walkOptions(given: SourceArguments): WalkOptions {
  return new WalkOptions(walkSettings(given));
}

/**
 * The filter that was asked for, or null. Its language is loaded only then.
 * @throws VxlabError BAD_FILTER
 */
export async function filterOf({ filter }: SourceArguments): Promise<DisplayFilter | null> {
  if (filter === undefined) return null;
  const { compileFilter } = await import('../../core/filter/index.ts');
  return compileFilter(filter);
}

/** What is known of a file once it was read. */
export interface SourceFile {
  readonly name: string;
  readonly reader: AnyReader;
  /** Why reading stopped early, or null. */
  readonly cutShort: { readonly offset: number; readonly reason: string } | null;
}

/**
 * Reads one capture to its end, or until Ctrl-C, into a sink that is made when the reader is there.
 * @param options `between` is awaited after each chunk; `meet`, `chunk` and `chunkBytes` as readCapture has them, `sweep` as AnyReader;
 *   `quiet` for a caller that tells the progress itself
 * @throws VxlabError CAPTURE_UNREADABLE when it cannot be opened, NOT_A_CAPTURE when it is something else
 */
export async function readSource(
  io: Io,
  name: string,
  given: SourceArguments,
  makeSink: (reader: AnyReader) => PacketSink,
  options: Pick<ReadOptions, 'meet' | 'chunkBytes' | 'chunk'> & {
    readonly between?: () => Promise<void>;
    readonly sweep?: RecordSweep | null;
    readonly quiet?: true;
  } = {},
): Promise<SourceFile> {
  const path = pathOf(io, name);
  let sink: PacketSink = () => undefined;
  const reader = new AnyReader(
    (view, start, end, meta) => sink(view, start, end, meta),
    options.sweep ?? null,
  );
  sink = makeSink(reader);
  const total = await sizeOf(path);
  const progress = new Progress(io);
  const { cutShort } = await readCapture(path, reader, {
    name,
    signal: io.signal,
    ...(given.follow ? { follow: true } : {}),
    ...(options.meet === undefined ? {} : { meet: options.meet }),
    ...(options.chunk === undefined ? {} : { chunk: options.chunk }),
    ...(options.sweep ? { chunk: options.sweep.chunk } : {}),
    ...(options.chunkBytes === undefined ? {} : { chunkBytes: options.chunkBytes }),
    progress: (bytes) => {
      if (!options.quiet) progress.say(() => readSoFar(`reading ${shown(name)}`, bytes, total));
      return options.between?.();
    },
  });
  progress.end();
  if (reader.format === null) {
    throw new VxlabError('NOT_A_CAPTURE', `cannot read ${shown(name)}: ${cutShort?.reason ?? 'it is empty'}`);
  }
  return { name: shown(name), reader, cutShort };
}

/** Says on standard error that a file ended before its end. */
export function tellCutShort(
  io: Io,
  { name, reader, cutShort }: SourceFile,
  packets: number = reader.packets,
): void {
  if (cutShort === null) return;
  const count = `${packets} ${packets === 1 ? 'packet' : 'packets'}`;
  io.err(
    `${io.errPaint.yellow('vxlab:')} ${name} was read up to byte ${cutShort.offset} (${count}): ${cutShort.reason}\n`,
  );
}

function shown(name: string): string {
  return name === '-' ? 'standard input' : name;
}

/** Bytes of a regular file, else 0. */
export async function sizeOf(path: string): Promise<number> {
  if (path === '-') return 0;
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : 0;
}
