// `vxlab up FILE`: brings a stack up, sends traffic, takes everything down and says what it did.

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { StackSpec } from '../../engine/model/spec.ts';
import type { Taps } from '../../lab/capture.ts';
import { PcapngCapture, TAPS } from '../../lab/capture.ts';
import { Lab } from '../../lab/lab.ts';
import { CaptureFile } from '../../live/pcap-file.ts';
import { follow, runFor } from '../drive.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { ClusterArguments, StackOptions } from '../options.ts';
import { addClusterOptions, cableOf, clusterOptions } from '../options.ts';
import { renderReport } from '../render/report.ts';
import type { UpDocument } from '../report.ts';
import { stackOf } from '../stack.ts';
import { runUdp } from '../udp-run.ts';
import { count, durationText, span, whole } from '../units.ts';
import { VERSION } from '../version.ts';

export interface UpArguments extends ClusterArguments, StackOptions {
  readonly for?: number;
  readonly capture?: string;
  readonly taps: Taps;
  readonly underlay: 'sim' | 'udp';
  readonly port?: number;
  readonly traffic: boolean;
  readonly json?: true;
}

/** Tasks that take about a second to start. */
const LARGE = 10_000;
/** As a capture's name: standard output. The report then goes to standard error. */
const STDOUT = '-';

export function upCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('up')
    .summary('run a stack')
    .description(
      'Runs a stack on an emulated cluster. Every container pings, once a second, one container of each other ' +
        'service that it shares a network with. With --for it takes virtual time as fast as it can; without, it ' +
        'follows the wall clock until Ctrl-C. Then it takes everything down and says what it did.',
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
    .addOption(
      new Option('--underlay <KIND>', 'emulated, or UDP sockets on 127.0.0.11, .12, ...')
        .choices(['sim', 'udp'])
        .default('sim'),
    )
    .option('--port <N>', "UDP port of --underlay udp; default the profile's", whole(1, 65535))
    .option('--no-traffic', 'send nothing')
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
  const report =
    given.underlay === 'udp' ? await runUdp(io, spec, given) : await runEmulated(io, spec, given);
  if (given.json) printJson(io, report);
  else if (given.capture === STDOUT) io.err(renderReport(report, io.errPaint));
  else io.out(renderReport(report, io.paint));
  io.err(
    `${report.interrupted ? 'stopped' : 'done'} after ${durationText(report.duration)}: took down ` +
      `${count(report.containers.length, 'container')}, ${count(report.networks.length, 'network')} and ${count(report.nodes.length, 'node')}\n`,
  );
  return report.interrupted ? EXIT.interrupted : EXIT.done;
}

async function runEmulated(io: Io, spec: StackSpec, given: UpArguments): Promise<UpDocument> {
  // Nothing on the disk is touched before the stack is known to come up.
  const early: Uint8Array[] = [];
  let write = (bytes: Uint8Array): void => void early.push(bytes);
  const capture =
    given.capture === undefined
      ? null
      : new PcapngCapture((bytes) => write(bytes), `vxlab ${VERSION}`, given.taps);
  sayLarge(io, spec);
  const lab = new Lab(spec, {
    cluster: clusterOptions(given),
    profile: given.profile,
    seed: given.seed,
    ...(capture === null ? {} : { capture }),
  });
  const file = openCapture(io, given.capture);
  if (file !== null) {
    write = file.write;
    for (const bytes of early) write(bytes);
  }
  const population = lab.population();
  sayStart(io, spec, population.containers.length, population.nodes.length, given.for);
  const until = given.for === undefined ? {} : { until: given.for };
  const traffic = given.traffic ? lab.startTraffic(until) : null;
  if (given.for === undefined) await follow(io, lab, file);
  else await runFor(io, lab, given.for, file);
  traffic?.stop();
  const duration = lab.now;
  const totals = lab.totals();
  const rows = traffic?.rows() ?? [];
  lab.close();
  capture?.flush();
  await file?.close();
  return {
    schema: 'vxlab.up/1',
    stack: spec.name,
    profile: lab.sim.world.plan.profile.name,
    seed: given.seed,
    underlay: 'sim',
    duration,
    interrupted: io.signal.aborted,
    ...population,
    traffic: rows,
    ...totals,
    capture:
      capture === null
        ? null
        : { file: given.capture as string, packets: capture.packets, interfaces: capture.interfaces },
  };
}

function openCapture(io: Io, path: string | undefined): CaptureFile | null {
  if (path === undefined) return null;
  return new CaptureFile(path === STDOUT ? path : resolve(io.cwd, path));
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

/** What the two underlays cannot do. @throws VxlabError USAGE */
function refuseMixtures(given: UpArguments): void {
  if (given.capture === STDOUT && given.json) {
    throw usage('--capture - and --json would both write to standard output; give the capture a file');
  }
  if (given.underlay === 'sim') {
    if (given.port !== undefined) throw usage('--port goes with --underlay udp');
    return;
  }
  if (given.capture !== undefined) {
    throw usage(
      '--capture writes emulated frames; real ones are captured with tcpdump -i lo -w FILE udp port 4789',
    );
  }
  const cable = Object.keys(cableOf(given)).map((name) => `--${name}`);
  if (given.racks !== undefined) cable.push('--racks');
  if (given.ipv6Underlay !== undefined) cable.push('--ipv6-underlay');
  if (cable.length > 0)
    throw usage(`${cable.join(', ')} need --underlay sim: real sockets have no emulated cables`);
}
