// `vxlab up FILE`: brings a stack up, sends traffic, takes everything down and says what it did.

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { writeKeysFile } from '../../core/esp/keys-file.ts';
import type { Ip } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { StackSpec } from '../../engine/model/spec.ts';
import type { Taps } from '../../lab/capture.ts';
import { TAPS } from '../../lab/capture.ts';
import type { Lab } from '../../lab/lab.ts';
import type { Traffic } from '../../lab/traffic.ts';
import { silentPairsOf } from '../../lab/traffic.ts';
import { ipAddress } from '../edit/options.ts';
import { usage } from '../failure.ts';
import { joinedNodes } from '../group/options.ts';
import type { Say } from '../group/share.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { openControl } from '../lab-control.ts';
import { LivingLab } from '../living-lab.ts';
import type { ClusterArguments, StackOptions } from '../options.ts';
import { addClusterOptions, cableOf, clusterOptions } from '../options.ts';
import { Progress } from '../progress.ts';
import { renderReport } from '../render/report.ts';
import type { UpDocument } from '../report.ts';
import { manifestHere, stackOf } from '../stack.ts';
import { runUdp } from '../udp-run.ts';
import { count, durationText, span, whole } from '../units.ts';

export interface UpArguments extends ClusterArguments, StackOptions {
  readonly for?: number;
  readonly capture?: string;
  readonly taps: Taps;
  readonly underlay: 'sim' | 'udp';
  readonly port?: number;
  readonly first?: Ip;
  readonly processes?: true;
  readonly join?: ReadonlyMap<string, Ip>;
  readonly joinScript?: string;
  readonly traffic: TrafficKind | false;
  readonly keys?: string;
  readonly json?: true;
}

/** What moves: the programs of services and pings between the others, pings between all, or nothing. */
const TRAFFIC = ['programs', 'ping', 'none'] as const;
export type TrafficKind = (typeof TRAFFIC)[number];

/** Tasks that take about a second to start. */
const LARGE = 10_000;
/** As a capture's name: standard output. The report then goes to standard error. */
const STDOUT = '-';

export function upCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('up')
    .summary('run a stack')
    .description(
      'Runs a stack on an emulated cluster. Containers run what x-vxlab says or their image suggests: HTTP and MySQL ' +
        'servers and clients, and others (docs/workloads.md). Those that run nothing ping, once a second, one container of ' +
        'each other service that they share a network with. With --for it takes virtual time as fast as it can; without, it ' +
        'follows the wall clock until Ctrl-C, and vxlab exec runs programs in it. Then it takes everything down and says ' +
        'what it did.',
    )
    .argument(
      '[FILE]',
      'Compose or topology file, or - for standard input; default as for -f of other commands',
    )
    .option('--stack <NAME>', "the stack's name; default from the file or its folder")
    .option('--for <TIME>', 'how long to run, such as 10s or 500ms', span)
    .option('--capture <FILE>', 'write a pcapng file of the underlay; - is standard output')
    .addOption(
      new Option(
        '--taps <WHICH>',
        "frames captured: leaving each node's eth0; both ways; every veth and vxlan0 too",
      )
        .choices(TAPS)
        .default('out'),
    )
    .option('--keys <FILE>', "write the keys of encrypted networks, in Wireshark's form (esp_sa)")
    .addOption(
      new Option('--underlay <KIND>', 'emulated, or UDP sockets on 127.0.0.11, .12, ...')
        .choices(['sim', 'udp'])
        .default('sim'),
    )
    .option('--port <N>', "UDP port of --underlay udp; default the profile's", whole(1, 65535))
    .option('--processes', 'a process for each node of --underlay udp: one that is killed is a dead node')
    .option('--first <IP>', "the first node's address on this machine; default 127.0.0.11", ipAddress)
    .option('--join <NODE=IP...>', 'nodes that are real ones, and where they are', joinedNodes)
    .option('--join-script <FILE>', 'write the commands that make a machine such a node')
    .addOption(
      new Option('--traffic <KIND>', 'what containers run; pings from all; nothing')
        .choices(TRAFFIC)
        .default('programs'),
    )
    .option('--no-traffic', 'as --traffic none')
    .option('--json', 'one JSON document: docs/schema/up.schema.json');
  addClusterOptions(command);
  return withExamples(command, [
    'vxlab up docker-compose.yml --for 10s --capture out.pcapng',
    'vxlab up docker-compose.yml --for 5s --nodes 5 --loss 1% --delay 1ms --json',
  ]).action(async (file: string | undefined, given: UpArguments) => end(await up(io, file, given)));
}

async function up(io: Io, file: string | undefined, given: UpArguments): Promise<ExitCode> {
  refuseMixtures(given);
  const spec = await stackOf(io, file, given, given.nodes);
  const found = file ?? (await manifestHere(io));
  const manifest = found === '-' ? null : found;
  const report =
    given.underlay === 'udp'
      ? await runUdp(io, spec, given, { manifest, say: speaker(io, given) })
      : await runEmulated(io, manifest, spec, given);
  if (given.json) printJson(io, report);
  else if (given.capture === STDOUT) io.err(renderReport(report, io.errPaint));
  else io.out(renderReport(report, io.paint));
  io.err(
    `${report.interrupted ? 'stopped' : 'done'} after ${durationText(report.duration)}: took down ` +
      `${count(report.containers.length, 'container')}, ${count(report.networks.length, 'network')} and ${count(report.nodes.length, 'node')}\n`,
  );
  return report.interrupted ? EXIT.interrupted : EXIT.done;
}

async function runEmulated(
  io: Io,
  manifest: string | null,
  spec: StackSpec,
  given: UpArguments,
): Promise<UpDocument> {
  sayLarge(io, spec);
  const say = speaker(io, given);
  const living = new LivingLab(io, spec, {
    cluster: clusterOptions(given),
    profile: given.profile,
    seed: given.seed,
    manifest,
    workloads: given.traffic === 'programs',
    print: ({ context }, text, stream) => say(context.name, text, stream),
    ...(given.capture === undefined ? {} : { capture: { file: given.capture, taps: given.taps } }),
  });
  try {
    const { lab } = living;
    const population = lab.population();
    sayStart(io, spec, population.containers.length, population.nodes.length, given.for);
    await living.start();
    const traffic = startPings(lab, given);
    if (given.for === undefined) await follow(io, living);
    else await runFor(io, living, given.for);
    traffic?.stop();
    const duration = lab.now;
    const rows = traffic?.rows() ?? [];
    const requests = living.runtime.rows();
    const connections = lab.connections();
    const totals = lab.totals();
    await living.close();
    if (given.keys !== undefined) await writeKeys(io, lab, given.keys);
    return {
      schema: 'vxlab.up/1',
      stack: spec.name,
      profile: lab.sim.world.plan.profile.name,
      seed: given.seed,
      underlay: 'sim',
      duration,
      interrupted: io.signal.aborted,
      ...population,
      requests,
      connections,
      traffic: rows,
      ...totals,
      capture: captureOf(living, given),
    };
  } finally {
    await living.close();
  }
}

/** @throws VxlabError KEYS_UNWRITABLE */
async function writeKeys(io: Io, lab: Lab, file: string): Promise<void> {
  const { encryption } = lab.sim.world;
  if (encryption === null) {
    io.err(`${io.errPaint.yellow('vxlab:')} no network is encrypted: ${file} has no keys in it\n`);
  }
  try {
    await writeFile(resolve(io.cwd, file), writeKeysFile(encryption?.associations ?? []), { mode: 0o600 });
  } catch (error) {
    throw new VxlabError('KEYS_UNWRITABLE', `cannot write ${file}: ${(error as Error).message}`);
  }
}

/** The pings that are asked for: from all containers, or from those that run no program. */
function startPings(lab: Lab, given: UpArguments): Traffic | null {
  const until = given.for === undefined ? {} : { until: given.for };
  if (given.traffic === 'ping') return lab.startTraffic(until);
  if (given.traffic !== 'programs') return null;
  const pairs = silentPairsOf(lab.sim.world);
  return pairs.length === 0 ? null : lab.startTraffic(until, pairs);
}

/** What programs print, as `docker compose up` shows it; beside a JSON document it goes to standard error. */
function speaker(io: Io, given: UpArguments): Say {
  const apart = given.json === true || given.capture === STDOUT;
  return (container, text, stream) => {
    const lines = text.replace(/\n$/, '').split('\n');
    const words = lines.map((line) => `${container}  | ${line}\n`).join('');
    if (stream === 'err' || apart) io.err(words);
    else io.out(words);
  };
}

async function follow(io: Io, living: LivingLab): Promise<void> {
  const control = await openControl(io, living).catch((error: unknown) => {
    if (!(error instanceof VxlabError)) throw error;
    // The lab runs all the same: only vxlab exec does not find it.
    io.err(`${io.errPaint.yellow('vxlab:')} ${error.message}; vxlab exec will not find this lab\n`);
    return null;
  });
  const progress = new Progress(io);
  try {
    const began = performance.now();
    await living.follow(io.signal, null, () => {
      if (io.liveErr)
        progress.say(() => `${Math.floor((performance.now() - began) / 1000)} s; Ctrl-C ends it`);
    });
  } finally {
    progress.end();
    await control?.close();
  }
}

async function runFor(io: Io, living: LivingLab, duration: number): Promise<void> {
  const progress = new Progress(io);
  await living.run(duration, io.signal, () =>
    progress.say(() => `${durationText(living.now)} of ${durationText(duration)} of virtual time`),
  );
  progress.end();
}

function captureOf({ capture }: LivingLab, given: UpArguments): UpDocument['capture'] {
  if (capture === null) return null;
  return { file: given.capture as string, packets: capture.packets, interfaces: capture.interfaces };
}

/** A large stack takes a while before there is anything to say. */
function sayLarge(io: Io, spec: StackSpec): void {
  const tasks = spec.services.reduce((sum, service) => sum + service.replicas, 0);
  if (tasks >= LARGE) io.err(`${spec.name}: bringing up ${tasks} tasks\n`);
}

function sayStart(
  io: Io,
  spec: StackSpec,
  containers: number,
  nodes: number,
  time: number | undefined,
): void {
  const how = time === undefined ? 'Ctrl-C ends it' : `for ${durationText(time)} of virtual time`;
  io.err(`${spec.name}: ${count(containers, 'container')} on ${count(nodes, 'node')}, ${how}\n`);
}

const FLAGS = {
  port: '--port',
  first: '--first',
  processes: '--processes',
  join: '--join',
  joinScript: '--join-script',
} as const;
const LIVE_ONLY = Object.keys(FLAGS) as (keyof typeof FLAGS)[];

/** What the two underlays cannot do. @throws VxlabError USAGE */
function refuseMixtures(given: UpArguments): void {
  if (given.capture === STDOUT && given.json) {
    throw usage('--capture - and --json would both write to standard output; give the capture a file');
  }
  if (given.underlay === 'sim') {
    const live = LIVE_ONLY.filter((name) => given[name] !== undefined).map((name) => FLAGS[name]);
    if (live.length > 0)
      throw usage(`${live.join(', ')} ${live.length === 1 ? 'goes' : 'go'} with --underlay udp`);
    return;
  }
  if (given.joinScript !== undefined && given.join === undefined)
    throw usage('--join-script goes with --join NODE=IP');
  if (given.capture !== undefined) {
    throw usage(
      '--capture writes emulated frames; real ones are captured with tcpdump -i lo -w FILE udp port 4789',
    );
  }
  if (given.keys !== undefined) throw usage('--keys needs --underlay sim: real sockets cannot send ESP');
  const cable = Object.keys(cableOf(given)).map((name) => `--${name}`);
  if (given.racks !== undefined) cable.push('--racks');
  if (given.ipv6Underlay !== undefined) cable.push('--ipv6-underlay');
  if (cable.length > 0)
    throw usage(`${cable.join(', ')} need --underlay sim: real sockets have no emulated cables`);
}
