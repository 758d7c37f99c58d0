// `vxlab exec TASK -- PROGRAM [ARG...]`: a program in a container, as `docker exec` runs one: in a lab that runs, or in one that is
// brought up for it and taken down again.

import { Command } from 'commander';
import { execute } from '../../apps/exec/execute.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { callLab } from '../../live/control/client.ts';
import { controlFolder, runningLabs } from '../../live/control/folder.ts';
import type { ControlFrame } from '../../live/control/wire.ts';
import { bytesOf } from '../../live/control/wire.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { LivingLab } from '../living-lab.ts';
import type { ClusterArguments, StackOptions } from '../options.ts';
import { addClusterOptions, addStackOptions, clusterOptions } from '../options.ts';
import { manifestHere, stackHere, stackOf } from '../stack.ts';
import { durationText, span } from '../units.ts';

interface ExecArguments extends ClusterArguments, StackOptions {
  readonly lab?: string;
  readonly interactive?: true;
  readonly for?: number;
  readonly capture?: string;
  readonly json?: true;
}

/** `vxlab.exec/1`, described in docs/schema/exec.schema.json. Times are nanoseconds of the lab's clock. */
interface ExecDocument {
  readonly schema: 'vxlab.exec/1';
  readonly task: string;
  readonly argv: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly started: number;
  readonly duration: number;
}

/** What came of a program: its exit code, and where and when it ran. */
interface Outcome {
  readonly task: string;
  readonly exit: number;
  readonly started: number;
  readonly duration: number;
}

/**
 * Virtual time for a program that goes on until it is interrupted, where nobody may be there to do it: half a second short of
 * ten, so that what is sent once a second is answered by then.
 */
const ENDLESS = 9.5e9;
/** Virtual time for any other: what does not end by then never will. */
const LIMIT = 3600e9;
/** Virtual time that an interrupted program gets for its last words. */
const GRACE = 5e9;
/** Bytes of standard input that are handed on at a time, so that a pipe's own pieces do not show on the wire. */
const PIECE = 64 * 1024;
/** Options that say what a lab is like: with one of them no running lab is asked. */
const OF_A_LAB = [
  'file',
  'nodes',
  'racks',
  'profile',
  'seed',
  'ipv6Underlay',
  'mtu',
  'vlan',
  'loss',
  'delay',
  'jitter',
  'duplicate',
  'reorder',
  'rate',
  'capture',
  'for',
];

export function execCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('exec')
    .summary('run a program in a container')
    .description(
      'Runs curl, ping, dig, nc, iperf3, ip and others in a container (or on a node) over the emulated network, with their ' +
        'options and their output. Where a lab of this stack runs (vxlab up without --for) the program runs in it; else, and ' +
        'with any option that describes a lab, the stack is brought up for it on virtual time and taken down afterwards.',
    )
    .argument('TASK', 'container, service (its first task) or node')
    .argument(
      '<PROGRAM...>',
      'after --, the program and its arguments; one that is not there tells which are',
    )
    .passThroughOptions()
    .option('--lab <NAME>', 'the running lab of this name')
    .option('-i, --interactive', "pass a terminal's input on too; time then follows the wall clock")
    .option(
      '--for <TIME>',
      'interrupt the program after so much virtual time; default 9.5s for one without an end',
      span,
    )
    .option('--capture <FILE>', 'write a pcapng file of the underlay')
    .option('--json', 'one JSON document: docs/schema/exec.schema.json');
  addClusterOptions(addStackOptions(command));
  command.addHelpText(
    'after',
    "\nThe exit code is the program's own, 127 for one that is not there. When vxlab itself cannot run it, standard error " +
      'says so in a line that begins with "vxlab:", and the exit codes are those of every command.',
  );
  return withExamples(command, [
    'vxlab exec webserver -- ping -c 3 appserver',
    'vxlab exec webserver.1 -- dig +noall +answer tasks.appserver',
  ]).action(async (task: string, words: string[], given: ExecArguments) => {
    const argv = programOf(words);
    const own = OF_A_LAB.some((name) => command.getOptionValueSource(name) === 'cli');
    // The program's own code, whatever it is.
    end((await exec(io, task, argv, given, own)) as ExitCode);
  });
}

async function exec(
  io: Io,
  task: string,
  argv: readonly string[],
  given: ExecArguments,
  own: boolean,
): Promise<number> {
  if (given.lab !== undefined && own)
    throw usage('--lab chooses a lab that runs already: options that describe one do not go with it');
  if (given.capture === '-') throw usage("--capture needs a file: standard output is the program's");
  const collected: { out: Uint8Array[]; err: string } = { out: [], err: '' };
  const streams = {
    out: given.json
      ? (bytes: Uint8Array): Promise<void> => {
          collected.out.push(bytes);
          return Promise.resolve();
        }
      : (bytes: Uint8Array): Promise<void> => io.write(bytes),
    err: given.json
      ? (text: string): void => {
          collected.err += text;
        }
      : (text: string): void => io.err(text),
  };
  const lab = own ? null : await labFor(io, given);
  const outcome =
    lab === null
      ? await inOwnLab(io, task, argv, given, streams)
      : await inRunningLab(io, lab, task, argv, given, streams);
  io.input.close();
  if (given.json) {
    const { exit, started, duration } = outcome;
    const stdout = Buffer.concat(collected.out).toString('utf8');
    const document: ExecDocument = {
      schema: 'vxlab.exec/1',
      task: outcome.task,
      argv,
      exit,
      stdout,
      stderr: collected.err,
      started,
      duration,
    };
    printJson(io, document);
  }
  return outcome.exit;
}

/** @throws VxlabError USAGE where there is none, or an option of vxlab's stands in its place */
function programOf(words: readonly string[]): readonly string[] {
  const argv = words[0] === '--' ? words.slice(1) : words;
  const [program] = argv;
  if (program === undefined)
    throw usage('a program stands behind --: vxlab exec TASK -- curl http://appserver/');
  if (words[0] !== '--' && program.startsWith('-')) {
    throw usage(`options stand before TASK, the program behind it: vxlab exec ${program} TASK -- PROGRAM`);
  }
  return argv;
}

interface Streams {
  out(bytes: Uint8Array): Promise<void>;
  err(text: string): void;
}

/** The running lab that is meant; null for none. @throws VxlabError NO_SUCH_LAB */
async function labFor(io: Io, given: ExecArguments): Promise<string | null> {
  const labs = await runningLabs(controlFolder(io.env));
  if (given.lab !== undefined) {
    if (labs.includes(given.lab)) return given.lab;
    const there = labs.length === 0 ? 'none runs' : `there are ${labs.join(', ')}`;
    throw new VxlabError('NO_SUCH_LAB', `no lab named ${given.lab} is running; ${there}`);
  }
  const here = await stackHere(io, given);
  return labs.includes(here) ? here : null;
}

/** What a terminal says is passed on only where it was asked for. */
function inputOf(io: Io, given: ExecArguments): AsyncIterable<Uint8Array> | null {
  return io.input.terminal && given.interactive !== true ? null : io.input.chunks();
}

async function inRunningLab(
  io: Io,
  lab: string,
  task: string,
  argv: readonly string[],
  given: ExecArguments,
  streams: Streams,
): Promise<Outcome> {
  let outcome: Outcome = { task, exit: EXIT.fault, started: 0, duration: 0 };
  let written: Promise<void> = Promise.resolve();
  const answer = (frame: ControlFrame): void => {
    const out = bytesOf(frame, 'stdout');
    if (out !== null) written = streams.out(out);
    const err = bytesOf(frame, 'stderr');
    if (err !== null) streams.err(Buffer.from(err).toString('utf8'));
    for (const key of ['task', 'exit', 'started', 'duration'] as const) {
      if (key in frame) outcome = { ...outcome, [key]: frame[key] };
    }
  };
  await callLab({
    folder: controlFolder(io.env),
    lab,
    request: { op: 'exec', task, argv },
    input: inputOf(io, given),
    signal: io.signal,
    answer,
  });
  await written;
  return outcome;
}

async function inOwnLab(
  io: Io,
  task: string,
  argv: readonly string[],
  given: ExecArguments,
  streams: Streams,
): Promise<Outcome> {
  const manifest = given.file ?? (await manifestHere(io));
  const spec = await stackOf(io, given.file, given, given.nodes);
  const living = new LivingLab(io, spec, {
    cluster: clusterOptions(given),
    profile: given.profile,
    seed: given.seed,
    manifest: manifest === '-' ? null : manifest,
    ...(given.capture === undefined ? {} : { capture: { file: given.capture, taps: 'out' } }),
  });
  try {
    await living.start(true);
    return await runIn(io, living, task, argv, given, streams);
  } finally {
    await living.close();
  }
}

async function runIn(
  io: Io,
  living: LivingLab,
  task: string,
  argv: readonly string[],
  given: ExecArguments,
  streams: Streams,
): Promise<Outcome> {
  const live = given.interactive === true && io.input.terminal;
  const input = inputOf(io, given);
  const started = living.now;
  let limit = given.for ?? LIMIT;
  const execution = execute(living.lab.sim.world, living.runtime, task, argv, {
    // Time stands while whoever reads the output takes it.
    out: (bytes) => (live ? streams.out(bytes) : living.pace.inbox.hold(streams.out(bytes))),
    err: streams.err,
    input: input === null ? nothing() : live ? input : whole(living, input, io.signal),
    endless: () => {
      limit = given.for ?? ENDLESS;
    },
  });
  const stop = (): void => {
    execution.stop();
    limit = Math.min(limit, living.now - started + GRACE);
  };
  if (io.signal.aborted) stop();
  io.signal.addEventListener('abort', stop, { once: true });
  if (live) await living.follow(io.signal, execution.ended);
  else {
    const ended = await living.until(execution.ended, () => limit).then(() => true, isUp);
    if (!ended && given.for === undefined && !io.signal.aborted) {
      io.err(
        `${argv[0]} had not ended after ${durationText(limit)} of virtual time and was interrupted; --for says another time\n`,
      );
    }
  }
  execution.stop();
  await living.until(execution.ended, () => GRACE).catch(isUp);
  execution.process.kill();
  const exit = await execution.ended;
  io.signal.removeEventListener('abort', stop);
  const duration = living.now - started;
  await living.farewell();
  return { task: execution.task, exit, started, duration };
}

/** False for a time that is up, or that could never come; else throws on. */
function isUp(error: unknown): boolean {
  if (error instanceof VxlabError && ['TIME_IS_UP', 'NEVER_SETTLES'].includes(error.code)) return false;
  throw error;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Standard input while time stands, in pieces of one size: so the same input gives the same packets. */
async function* whole(
  living: LivingLab,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const from = input[Symbol.asyncIterator]();
  const aborted = new Promise<null>((done) =>
    signal.addEventListener('abort', () => done(null), { once: true }),
  );
  let held: Uint8Array = new Uint8Array(0);
  for (;;) {
    const next = await living.pace.inbox.hold(Promise.race([from.next(), aborted]));
    if (next === null || next.done === true) break;
    held = Buffer.concat([held, next.value]);
    for (; held.length >= PIECE; held = held.subarray(PIECE)) yield held.subarray(0, PIECE);
  }
  if (held.length > 0) yield held;
}
