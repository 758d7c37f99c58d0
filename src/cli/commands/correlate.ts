// `vxlab correlate A B ...`: the same frames at several taps, the delay of each hop, and where frames died.

import { Command } from 'commander';
import { WalkOptions } from '../../core/dissect/ports.ts';
import type { Correlation, FollowedFrame } from '../../core/edit/correlate/correlate.ts';
import { Correlator, WINDOW_DEFAULT } from '../../core/edit/correlate/correlate.ts';
import type { FrameKey } from '../../core/edit/correlate/frame-key.ts';
import type { MergeSink } from '../../core/edit/merge.ts';
import { summarize } from '../../core/inspect/summary.ts';
import type { AnyReader } from '../../core/pcap/reader.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import { readMerged, shortNames } from '../edit/merged-source.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { MakeOpener } from '../inspect/keys.ts';
import { keysOf, tellOpened } from '../inspect/keys.ts';
import type { SourceFile } from '../inspect/source.ts';
import { filterOf, tellCutShort } from '../inspect/source.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions, salt, walkSettings } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { frameLine, frameObject, renderCorrelation, tellCorrelation } from '../render/correlation.ts';
import { span, whole } from '../units.ts';

interface CorrelateArguments extends SourceArguments {
  readonly window: number;
  readonly routed?: true;
  readonly bytes?: number;
  readonly frames?: true;
  readonly json?: true;
}

/** A place where packets were captured: an interface of a file. */
export interface NamedTap {
  readonly name: string;
  readonly file: string;
}

/** Frames that --frames can list: their ways are judged at the end. */
const FRAMES_MAX = 1_000_000;

export function correlateCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('correlate')
    .summary('the same frame at several taps: delay of each hop, and where it died')
    .description(
      'Finds the same inner frame in several captures, or at several interfaces of one, inside and outside of tunnels. Shows each hop with the ' +
        'frames that passed, those that were lost on it, and the delay; and the ways that frames took. A frame is lost where others ' +
        'between the same two stations went on. Times are taken as they stand: clocks that differ show in the delays.',
    )
    .argument('<FILE...>', 'captures; one of them may be - for standard input')
    .option('--frames', 'one line for each frame: where it was, when, and where it died')
    .option(
      '--window <TIME>',
      'how long a frame takes from its first tap to its last at most',
      span,
      WINDOW_DEFAULT,
    )
    .option(
      '--routed',
      'recognise frames behind routers: compare from the IP header on, without TTL and traffic class',
    )
    .option(
      '--bytes <N>',
      'compare the first N bytes of a frame, and its length, where taps have snap lengths',
      whole(20, 0x10000),
    )
    .option(
      '--json',
      'one JSON document: docs/schema/correlate.schema.json; with --frames one object a line',
    );
  addSourceOptions(command);
  return withExamples(command, [
    'vxlab correlate worker1.pcap worker2.pcap',
    'vxlab correlate worker1.pcap worker2.pcap --frames -Y icmp',
  ]).action(async (files: string[], given: CorrelateArguments) => end(await correlate(io, files, given)));
}

async function correlate(io: Io, names: readonly string[], given: CorrelateArguments): Promise<ExitCode> {
  if (given.follow)
    throw usage('correlate judges a frame when all taps had their chance: it reads to the end, not --follow');
  const run = new CorrelateRun(given, names, await keysOf(io, given));
  const filters = await Promise.all(names.map(() => filterOf(given)));
  const files = await readMerged(
    io,
    names,
    (readers) => run.sink(readers, (input, sight, meta) => filters[input]?.matches(sight, meta) ?? true),
    { ended: (input, last) => run.ended(input, last) },
  );
  const found = run.correlator.finish();
  show(io, given, run, files, found);
  return io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

function show(
  io: Io,
  given: CorrelateArguments,
  run: CorrelateRun,
  files: readonly SourceFile[],
  found: Correlation,
): void {
  for (const file of files) tellCutShort(io, file);
  tellOpened(io, run.opener);
  if (run.untold > 0) io.err(`${run.untold} frames more than --frames lists were followed\n`);
  if (given.frames) {
    for (const frame of run.frames) {
      if (given.json) io.out(`${JSON.stringify(frameObject(frame, run.taps, found))}\n`);
      else io.out(frameLine(frame, run.taps, found));
    }
  } else if (given.json) {
    const tapOf = (tap: number): string => run.taps[tap]?.name ?? '';
    printJson(io, {
      schema: 'vxlab.correlate/1',
      window: given.window,
      routed: given.routed ?? false,
      taps: found.taps.map((counts, i) => ({ ...run.taps[i], ...counts })),
      frames: found.frames,
      lost: found.lost,
      unjudged: found.unjudged,
      early: found.early,
      hops: found.hops.map((hop) => ({ ...hop, from: tapOf(hop.from), to: tapOf(hop.to) })),
      ways: found.ways.map((way) => ({ ...way, taps: way.taps.map(tapOf) })),
      interrupted: io.signal.aborted,
    });
  } else io.out(renderCorrelation(run.taps, found, io.paint));
  tellCorrelation(io, found);
}

/** Taps as they turn up, and the frames that are to be listed. */
class CorrelateRun {
  readonly correlator: Correlator;
  readonly taps: NamedTap[] = [];
  /** For all taps. */
  readonly opener: ReturnType<MakeOpener>;
  readonly frames: FollowedFrame[] = [];
  untold = 0;
  readonly #options: WalkOptions;
  readonly #names: readonly string[];

  constructor(given: CorrelateArguments, names: readonly string[], makeOpener: MakeOpener) {
    this.opener = makeOpener();
    this.#options = new WalkOptions(walkSettings(given));
    this.#names = shortNames(names);
    this.correlator = new Correlator({
      window: given.window,
      routed: given.routed ?? false,
      salt: salt(),
      ...(given.bytes === undefined ? {} : { bytes: given.bytes }),
      ...(given.frames ? { each: (frame: FollowedFrame) => this.#keep(frame), describe } : {}),
    });
    for (const _ of names) this.correlator.file();
  }

  sink(
    readers: readonly AnyReader[],
    passes: (input: number, ...packet: Parameters<DisplayMatch>) => boolean,
  ): MergeSink {
    const taps: { readonly tap: number; readonly sight: Sight }[][] = readers.map(() => []);
    return (input, view, start, end, meta) => {
      const own = taps[input] as { readonly tap: number; readonly sight: Sight }[];
      own[meta.interfaceId] ??= {
        tap: this.#tap(readers[input] as AnyReader, input, meta.interfaceId),
        sight: new Sight(this.#options, {}, this.opener),
      };
      const { tap, sight } = own[meta.interfaceId] as { readonly tap: number; readonly sight: Sight };
      sight.read(view, start, end, meta);
      if (passes(input, sight, meta)) this.correlator.packet(tap, sight, meta);
    };
  }

  ended(input: number, last: { readonly seconds: number; readonly nanos: number } | null): void {
    if (last === null) this.correlator.empty(input);
    else this.correlator.ended(input, last.seconds, last.nanos);
  }

  #tap(reader: AnyReader, input: number, interfaceId: number): number {
    const file = this.#names[input] as string;
    const own = reader.interfaces[interfaceId]?.name ?? '';
    const alone = this.#names.length === 1;
    const name =
      own === '' ? (interfaceId === 0 ? file : `${file}/${interfaceId}`) : alone ? own : `${file}/${own}`;
    this.taps.push({ name, file });
    return this.correlator.tap(input);
  }

  #keep(frame: FollowedFrame): void {
    if (this.frames.length < FRAMES_MAX) this.frames.push(frame);
    else this.untold++;
  }
}

type DisplayMatch = (sight: Sight, meta: Parameters<MergeSink>[4]) => boolean;

function describe({ part }: FrameKey): string {
  if (part === null) return '';
  const { source, destination, protocol, info } = summarize(part.view, part.d);
  return `${source} > ${destination} ${protocol} ${info}`;
}
