// `vxlab vtep`: a live VTEP. What runs in the simulation runs here on sockets of this machine, beside the kernel's VXLAN, Open
// vSwitch's and Docker's.

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { ControlServer } from '../../live/control/control.ts';
import type { Account } from '../../live/kernel/privileges.ts';
import { accountOf, becomeUser } from '../../live/kernel/privileges.ts';
import { placeOf } from '../../live/kernel/underlay-device.ts';
import { DatagramFile } from '../../live/underlay/datagram-file.ts';
import { BACKENDS } from '../../live/underlay/underlay-config.ts';
import { LiveVtep } from '../../live/vtep/live-vtep.ts';
import type { LiveVtepConfig } from '../../live/vtep/vtep-config.ts';
import { reportOf } from '../../live/vtep/vtep-report.ts';
import { pause } from '../drive.ts';
import { ipAddress, portRange, udpPort } from '../edit/options.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { renderVtepReport, statusLine } from '../render/vtep.ts';
import { rate, span, whole } from '../units.ts';
import { openVtepControl } from '../vtep/control.ts';
import type { VtepArguments } from '../vtep/options.ts';
import * as option from '../vtep/options.ts';

interface RunArguments extends VtepArguments {
  readonly name?: string;
  readonly capture?: string;
  readonly user?: string;
  readonly for?: number;
  readonly status: boolean;
  readonly json?: true;
}

/** Milliseconds between two looks at the counters; a timer of Node's goes to 24 days. */
const SECOND_MS = 1000;
const FOREVER_MS = 2 ** 31 - 1;
/** Back to the line's start, and nothing on it. */
const CLEAR = '\r\u001b[K';

export function vtepCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('vtep')
    .summary("a live VTEP: real VXLAN with the kernel's, Open vSwitch's or Docker's")
    .description(
      'Joins real overlays with emulated hosts or attached interfaces behind it. Needs no root with --host and the udp backend. ' +
        'A value for one VNI of several is written VALUE@VNI. SIGUSR1 prints the counters; Ctrl-C takes everything down.',
    )
    .requiredOption('--vni <N...>', 'the VNI, or several', option.vniList)
    .requiredOption('--local <IP>', "this VTEP's underlay address", ipAddress)
    .option('--remote <IP...>', 'the other VTEPs; BUM frames go to each of them', option.placed(ipAddress))
    .option('--group <IP...>', 'the multicast group of BUM frames instead', option.placed(ipAddress))
    .option('--dev <IFACE>', 'the underlay interface; default the one that has --local', option.interfaceName)
    .option('--port <P>', 'UDP port here and there; default 4789', udpPort)
    .addOption(new Option('--backend <NAME>', 'how datagrams are sent').choices(BACKENDS).default('auto'))
    .option(
      '--host <IP/LEN...>',
      'an emulated host behind the VTEP, which answers ARP, ND and ping; its MAC after a comma',
      option.placed(option.emulatedHost),
    )
    .option(
      '--attach <IFACE...>',
      'an interface behind the VTEP: one that is there, or a TAP device that is made',
      option.placed(option.interfaceName),
    )
    .option('--learning', 'learn which MAC is behind which VTEP (the default)', true)
    .option('--no-learning', 'know only what --fdb says')
    .option('--ageing <TIME>', 'forget a MAC that was not heard of for so long; default 300s', span)
    .option(
      '--fdb <MAC=VTEP...>',
      'a MAC that is behind a VTEP and nowhere else',
      option.placed(option.pinnedMac),
    )
    .option(
      '--neigh <IP=MAC...>',
      'an address that has this MAC and no other; ARP and ND for it are answered here',
      option.placed(option.pinnedNeighbour),
    )
    .option('--source-port <MIN-MAX>', 'UDP source ports; default 32768-60999', portRange)
    .option('--ttl <N>', 'outer TTL or hop limit; default 64', whole(1, 255))
    .option(
      '--tos <N>',
      "outer TOS, or inherit for the inner packet's DSCP; not with the udp backend",
      option.tosByte,
    )
    .option('--no-df', 'allow routers to fragment outer IPv4; not with the udp backend')
    .option('--no-offload', 'one frame, one datagram at a time: no long segments, no trains of datagrams')
    .option('--mtu <BYTES>', "MTU of the overlay; default the underlay's less 50 or 70", whole(68, 9166))
    .option('--rate <RATE>', 'send no more than this, such as 100mbit', rate)
    .option('--accept <SUBNET...>', 'take datagrams of these senders too', option.listed(option.subnet))
    .option('--accept-any', "RFC 7348's open door: take everybody's datagrams")
    .option('--max-macs <N>', 'MACs learned in a VNI, 0 for no limit; default 16384', whole(0, 1_000_000))
    .option('--max-macs-per-peer <N>', 'MACs learned behind one VTEP; default 1024', whole(0, 1_000_000))
    .option(
      '--flood-rate <N>',
      'frames a second that are flooded, from each peer and into each VNI, 0 for no limit; default 1000',
      whole(0, 10_000_000),
    )
    .option('--capture <FILE>', 'write the datagrams as pcapng')
    .option('--user <NAME>', 'become this user once everything is open')
    .option('--name <NAME>', 'what vxlab show --vtep calls it; default LOCAL:PORT')
    .option('--for <TIME>', 'end after so long, such as 10s', span)
    .option('--no-status', 'no status line on a terminal')
    .option('--json', 'counters as JSON: docs/schema/vtep.schema.json');
  return withExamples(command, [
    'vxlab vtep --vni 42 --local 127.0.0.1 --remote 127.0.0.2 --port 14789 --host 10.42.0.1/24 --for 1s',
    'vxlab vtep --vni 7,8 --local ::1 --port 14790 --accept-any --host fd00:7::1/64@7 --for 1s --json',
  ]).action(async (given: RunArguments) => end(await vtep(io, given)));
}

async function vtep(io: Io, given: RunArguments): Promise<ExitCode> {
  const config = option.configOf(given);
  const account = given.user === undefined ? null : accountOf(given.user);
  const file =
    given.capture === undefined
      ? null
      : new DatagramFile(resolve(io.cwd, given.capture), config.local, config.port, given.dev ?? 'underlay');
  let live: LiveVtep | null = null;
  let control: ControlServer | null = null;
  const tell = (): void => {
    if (live !== null) printReport(io, live, given);
  };
  // Without a listener Node would open its debugger.
  process.on('SIGUSR1', tell);
  try {
    live = new LiveVtep(config, file);
    await live.open();
    if (account !== null) becomeUser(account);
    control = await controlOf(ioOf(io, account), nameOf(given, config), live);
    greet(io, live, given);
    await watch(io, live, given);
    printReport(io, live, given);
  } finally {
    process.off('SIGUSR1', tell);
    await control?.close();
    await live?.close();
    await file?.close();
  }
  if (file !== null && file.missed > 0) {
    io.err(`${file.missed} datagrams are not in ${given.capture}: the disk was too slow\n`);
  }
  return io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

/** A VTEP does its work without a control socket too. @throws VxlabError LAB_RUNNING for a name that is taken */
async function controlOf(io: Io, name: string, live: LiveVtep): Promise<ControlServer | null> {
  try {
    return await openVtepControl(io, name, live);
  } catch (error) {
    if (!(error instanceof VxlabError)) throw error;
    if (error.code === 'LAB_RUNNING')
      throw new VxlabError('LAB_RUNNING', `a VTEP named ${name} runs already: give this one another --name`);
    io.err(`vxlab show --vtep will not find it: ${error.message}\n`);
    return null;
  }
}

/** Who gave root up has no way into root's folders. */
function ioOf(io: Io, account: Account | null): Io {
  if (account === null) return io;
  const { XDG_RUNTIME_DIR: _, ...env } = io.env;
  return { ...io, env };
}

function nameOf(given: RunArguments, { local, port }: LiveVtepConfig): string {
  return given.name ?? `${formatIp(local)}:${port}`;
}

function greet(io: Io, live: LiveVtep, given: RunArguments): void {
  const { config, backend, device, mtu } = live;
  const vnis = config.segments.map(({ vni }) => vni).join(', ');
  const ends = given.for === undefined ? '; Ctrl-C ends it' : '';
  io.err(
    `VNI ${vnis}: VTEP ${placeOf(config.local, device)}, UDP port ${config.port}, backend ${backend}, overlay MTU ${mtu}${ends}\n`,
  );
}

/** Until the time is up or the user stops it; on a terminal a line tells what passes. */
async function watch(io: Io, live: LiveVtep, given: RunArguments): Promise<void> {
  const shown = io.liveErr && given.status;
  let before = reportOf(live);
  const ticker = setInterval(() => {
    for (const notice of live.notices()) io.err(`${shown ? CLEAR : ''}${notice}\n`);
    if (!shown) return;
    const now = reportOf(live);
    io.err(`${CLEAR}${statusLine(before, now)}`);
    before = now;
  }, SECOND_MS);
  await pause(given.for === undefined ? FOREVER_MS : given.for / 1e6, io.signal);
  clearInterval(ticker);
  if (shown) io.err(CLEAR);
}

function printReport(io: Io, live: LiveVtep, given: RunArguments): void {
  const report = reportOf(live);
  if (given.json) printJson(io, { schema: 'vxlab.vtep/1', ...report });
  else io.out(renderVtepReport(report));
}
