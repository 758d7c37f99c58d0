// Captures as the commands that look at them take them: which files, which ports, how deep, which packets, and what is said
// when a file ends before its end.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { WalkSettings } from '../../core/dissect/ports.ts';
import { DEPTH_MAX, WalkOptions } from '../../core/dissect/ports.ts';
import type { DisplayFilter } from '../../core/filter/index.ts';
import { AnyReader } from '../../core/pcap/reader.ts';
import type { PacketSink, RecordSweep } from '../../core/pcap/record.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { ReadOptions } from '../../live/capture/pcap-file.ts';
import { readCapture } from '../../live/capture/pcap-file.ts';
import type { Io } from '../io.ts';
import { Progress, readSoFar } from '../progress.ts';
import { whole } from '../units.ts';

export interface SourceArguments {
  readonly port?: readonly number[];
  readonly depth?: number;
  readonly heuristics?: boolean;
  readonly follow?: true;
  readonly filter?: string;
  /** A file of ESP keys. */
  readonly keys?: string;
}

/** A secret for tables that are filled with what strangers sent: nobody sees what it gives. Node's `crypto` takes 5 ms to load. */
export function salt(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}

/** @param files false for what reads no files */
export function addSourceOptions(command: Command, files = true): Command {
  command
    .option('-Y, --filter <FILTER>', "only these packets: a display filter in Wireshark's words")
    .option('--port <P,...>', 'UDP ports of VXLAN; default 4789, 8472, and 4790 for VXLAN-GPE', ports)
    .option('--no-heuristics', 'read by ports alone: no VXLAN and no DNS by its looks')
    .option('--depth <N>', 'tunnels within one another that are followed; default 8', whole(0, DEPTH_MAX))
    .option('--keys <FILE>', "keys that open ESP packets, in the form of Wireshark's file esp_sa");
  return files ? command.option('--follow', 'wait for more at the end of the file, until Ctrl-C') : command;
}

function ports(text: string): number[] {
  const list = text.split(',').map(Number);
  if (list.some((port) => !Number.isInteger(port) || port < 1 || port > 0xffff)) {
    throw new InvalidArgumentError('Ports are whole numbers from 1 to 65535, joined by commas: 4789,8472.');
  }
  return list;
}

export function walkSettings({ port, depth, heuristics }: SourceArguments): WalkSettings {
  return {
    ...(port === undefined ? {} : { vxlan: port }),
    ...(depth === undefined ? {} : { depth }),
    ...(heuristics === undefined ? {} : { heuristics }),
  };
}

/** @throws VxlabError BAD_PORT, BAD_DEPTH */
export function walkOptions(given: SourceArguments): WalkOptions {
  return new WalkOptions(walkSettings(given));
}

/** A file's place on disk, or '-'. */
export function pathOf(io: Io, name: string): string {
  return name === '-' ? name : resolve(io.cwd, name);
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
 * @param options `between` is awaited after each chunk; `meet` and `chunkBytes` as readCapture has them, `sweep` as AnyReader;
 *   `quiet` for a caller that tells the progress itself
 * @throws VxlabError CAPTURE_UNREADABLE when it cannot be opened, NOT_A_CAPTURE when it is something else
 */
export async function readSource(
  io: Io,
  name: string,
  given: SourceArguments,
  makeSink: (reader: AnyReader) => PacketSink,
  options: Pick<ReadOptions, 'meet' | 'chunkBytes'> & {
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
