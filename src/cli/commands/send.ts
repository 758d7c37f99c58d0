// `vxlab send FILE`: a capture's frames onto an interface, its VXLAN datagrams to a VTEP, or its frames through a new tunnel, at the
// recorded speed, a rate or as fast as it goes.

import { Command, Option } from 'commander';
import type { AnyReader } from '../../core/pcap/reader.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { Held } from '../../live/send/held.ts';
import type { CutRule } from '../../live/send/pick.ts';
import { Pick } from '../../live/send/pick.ts';
import { sendClock } from '../../live/send/send-clock.ts';
import { reportOf } from '../../live/send/send-report.ts';
import { Sender } from '../../live/send/sender.ts';
import { ipAddress, vni } from '../edit/options.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { keysOf, tellOpened } from '../inspect/keys.ts';
import type { SourceFile } from '../inspect/source.ts';
import { filterOf, readSource, tellCutShort, walkOptions } from '../inspect/source.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { Progress } from '../progress.ts';
import type { Place, PlaceArguments } from '../send/place.ts';
import { destination, MEANS, openPlace, sourcePorts } from '../send/place.ts';
import type { SpeedArguments } from '../send/speed.ts';
import { addSpeedOptions, paceOf } from '../send/speed.ts';
import { codeOf, soFar, tellSent } from '../send/tell.ts';
import { span, whole } from '../units.ts';
import { interfaceName, tosByte } from '../vtep/options.ts';

interface SendArguments extends SourceArguments, PlaceArguments, SpeedArguments {
  readonly inner?: true;
  readonly loop: number;
  readonly limit?: number;
  readonly for?: number;
  readonly truncated: CutRule;
  readonly json?: true;
}

/** Of a compressed file less is read at a time, for nobody knows how much comes out. */
const CHUNK = 0x4_0000;
const PACKED_CHUNK = 0x8000;
const MANY = Number.MAX_SAFE_INTEGER;

export function sendCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('send')
    .summary("a capture's frames or datagrams onto an interface or through a tunnel")
    .description(
      'Sends a capture: with --dev whole frames onto an interface; with --to the UDP payloads of its VXLAN datagrams to a VTEP; with --vni and --remote its frames in a new tunnel. ' +
        'At the recorded speed, unless another is asked for. Onto an interface it needs root or CAP_NET_RAW, and the optional package koffi or cap.',
    )
    .argument('<IN>', 'a capture, or - for standard input')
    .option(
      '--dev <IFACE>',
      'onto this interface; with --to or --remote the underlay interface',
      interfaceName,
    )
    .option(
      '--to <IP[:PORT]>',
      'the datagrams of the captured tunnels, to this VTEP; default port 4789',
      destination,
    )
    .option('--vni <N>', 'frames in a tunnel of this VNI', vni)
    .option(
      '--remote <IP[:PORT]>',
      'the VTEP or multicast group at its other end; default port 4789',
      destination,
    )
    .option('--local <IP>', 'the address to send from; default the one on the way', ipAddress)
    .addOption(new Option('--backend <NAME>', 'how packets are sent').choices(MEANS).default('auto'))
    .option(
      '--source-port <PORTS>',
      'UDP source port, MIN-MAX that flows are spread over, or recorded, with --to',
      sourcePorts,
    )
    .option('--ttl <N>', 'outer TTL or hop limit; default 64', whole(1, 255))
    .option('--tos <N>', "outer TOS, or inherit for the inner packet's DSCP; batch and raw only", tosByte)
    .option('--no-df', 'allow routers to fragment outer IPv4; batch and raw only')
    .option('--inner', 'the frames that the capture carries in tunnels, in place of its own')
    .addOption(
      new Option('--truncated <RULE>', 'packets that were cut short: leave out, send, or pad with zeros')
        .choices(['skip', 'send', 'pad'])
        .default('skip'),
    );
  addSpeedOptions(command)
    .option('--loop <N>', 'the whole capture so often, 0 for until Ctrl-C', whole(0, MANY), 1)
    .option('--limit <N>', 'end after N packets', whole(1, MANY))
    .option('--for <TIME>', 'end after so long, such as 10s', span);
  addSourceOptions(command).option('--json', 'one JSON document at the end: docs/schema/send.schema.json');
  return withExamples(command, [
    'vxlab send capture.pcap --to 127.0.0.1:24789 --top',
    'vxlab send inner.pcap --vni 42 --remote 127.0.0.1:24789 --pps 1000 -Y icmp',
  ]).action(async (input: string, given: SendArguments) => end(await send(io, input, given)));
}

async function send(io: Io, input: string, given: SendArguments): Promise<ExitCode> {
  if (input === '-' && given.loop !== 1) throw usage('standard input is read once: --loop needs a file');
  if (given.follow && given.loop !== 1) throw usage('--follow has no end that --loop could go back from');
  if (given.inner && given.to !== undefined) {
    throw usage('--to sends the datagrams with their tunnel: --inner goes with --dev or --remote');
  }
  const pace = paceOf(given, { kind: 'recorded', factor: 1 });
  const filter = await filterOf(given);
  const makeOpener = await keysOf(io, given);
  const place = await openPlace(given);
  const progress = new Progress(io);
  const sender = new Sender(place.road, pace, sendClock, {
    ...(given.limit === undefined ? {} : { limit: given.limit }),
    progress: () => progress.say(() => soFar(sender)),
  });
  const run = { io, input, given, place, sender, filter, opener: makeOpener() };
  const stop = stopper(io, given.for);
  try {
    const { pick, file, read, passes } = await passesOf({ ...run, io: { ...io, signal: stop.signal } });
    await sender.settle();
    progress.end();
    tellCutShort(io, file);
    tellOpened(io, run.opener);
    const report = reportOf(sender, pick);
    if (given.json) {
      printJson(io, {
        schema: 'vxlab.send/1',
        in: { name: file.name, format: file.reader.format, cutShort: file.cutShort },
        to: place.report,
        passes,
        ...report,
        packets: { read, ...report.packets },
        interrupted: io.signal.aborted,
      });
    } else tellSent(io, report, place.words, place.road.room);
    if (place.road.broken !== null && !io.signal.aborted) throw place.road.broken;
    return codeOf(io, report);
  } catch (error) {
    // Who stops it before anything was read has no report to wait for.
    const unread = error instanceof VxlabError && error.code === 'NOT_A_CAPTURE';
    if (unread && io.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    progress.end();
    stop.done();
    await place.road.close();
  }
}

interface Run {
  readonly io: Io;
  readonly input: string;
  readonly given: SendArguments;
  readonly place: Place;
  readonly sender: Sender;
  readonly filter: Awaited<ReturnType<typeof filterOf>>;
  readonly opener: ReturnType<Awaited<ReturnType<typeof keysOf>>>;
}

interface Pass {
  readonly pick: Pick;
  readonly file: SourceFile;
}

interface Passes extends Pass {
  /** Packets of all passes. */
  readonly read: number;
  /** Those that no limit and no Ctrl-C ended. */
  readonly passes: number;
}

/** Reads the capture as often as wanted, and sends. */
async function passesOf(run: Run): Promise<Passes> {
  const { io, given, sender } = run;
  const held = new Held();
  const last = given.loop === 0 ? Number.POSITIVE_INFINITY : given.loop;
  const skipped = new Map<string, number>();
  for (let read = 0, passes = 1; ; passes++) {
    const { pick, file } = await onePass(run, held, skipped);
    read += file.reader.packets;
    const ended = !sender.done && !io.signal.aborted;
    // A capture with nothing to send would go round for ever.
    if (!ended || passes >= last || sender.packets === 0) {
      return { pick, file, read, passes: ended ? passes : passes - 1 };
    }
    sender.again();
  }
}

async function onePass(
  { io, input, given, place, sender, filter, opener }: Run,
  held: Held,
  skipped: Map<string, number>,
): Promise<Pass> {
  const sight = new Sight(walkOptions(given), {}, opener);
  let pick: Pick | null = null;
  let reader: AnyReader | null = null;
  const sendHeld = async (): Promise<void> => {
    await sender.send(held, io.signal);
    if (sender.done) reader?.stop();
  };
  const what = given.to !== undefined ? 'datagrams' : given.inner ? 'inner' : 'frames';
  const file = await readSource(
    io,
    input,
    given,
    (made) => {
      reader = made;
      const chosen = new Pick(held, made, skipped, {
        what,
        begins: place.begins,
        vni: given.vni ?? null,
        cut: given.truncated,
        from: input === '-' ? 'standard input' : input,
        to: place.words.replace(/^\w+ /, ''),
      });
      pick = chosen;
      const looks = filter !== null || chosen.needsSight;
      return (view, start, end, meta) => {
        if (looks) sight.read(view, start, end, meta);
        if (filter !== null && !filter.matches(sight, meta)) chosen.skip('filteredOut');
        else chosen.packet(sight, meta, view, start, end);
      };
    },
    { between: sendHeld, quiet: true, chunkBytes: /\.gz$/i.test(input) ? PACKED_CHUNK : CHUNK },
  );
  // The last packets of compressed data come behind the last chunk.
  await sendHeld();
  const chosen = pick as Pick | null;
  if (chosen === null) throw new Error('the reader was not made');
  chosen.end();
  return { pick: chosen, file };
}

/** A signal that comes with Ctrl-C, or when the time is up. */
function stopper(io: Io, time: number | undefined): { readonly signal: AbortSignal; done(): void } {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  if (io.signal.aborted) abort();
  io.signal.addEventListener('abort', abort);
  const timer = time === undefined ? undefined : setTimeout(abort, Math.ceil(time / 1e6));
  return {
    signal: stop.signal,
    done: () => {
      clearTimeout(timer);
      io.signal.removeEventListener('abort', abort);
    },
  };
}
