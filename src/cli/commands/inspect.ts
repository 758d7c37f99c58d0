// `vxlab inspect FILE...`: what a capture holds, as an overview or packet by packet.

import { Command, Option } from 'commander';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { startAhead } from '../inspect/ahead.ts';
import type { OverviewArguments } from '../inspect/overview.ts';
import type { PacketArguments } from '../inspect/packets.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { TopologyArguments } from '../inspect/topology.ts';
import type { ExitCode, Io } from '../io.ts';
import { TOPOLOGY_FORMATS } from '../render/topology-format.ts';
import { whole } from '../units.ts';

type InspectArguments = OverviewArguments & PacketArguments & TopologyArguments;

/** Rows of a table in words. */
const ROWS = 20;

export function inspectCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('inspect')
    .summary('what a capture holds: overlays, tunnels, endpoints, flows, packets')
    .description(
      'Takes pcap and pcapng captures apart, gzipped ones too. Without an option: the overview of each file.',
    )
    .argument('FILE...', 'captures, or - for standard input')
    .option('--packets', 'one line a packet')
    .option('-V, --verbose', 'every layer and field of each packet')
    .option('-x, --hex', "each packet's bytes, its layers and fields marked")
    .option('--topology', 'the overlay rebuilt: VTEPs, networks, endpoints; several files are one network')
    .addOption(
      new Option('--format <FORMAT>', 'of the topology; file is what vxlab up runs')
        .choices(TOPOLOGY_FORMATS)
        .default('text'),
    );
  addSourceOptions(command)
    .option('--rows <N>', 'rows of a table in words', whole(1, 1_000_000), ROWS)
    .option('--findings', 'look for findings, as diagnose does, also in a file of more than 32 MB')
    .option('--no-findings', 'do not look for findings')
    .option('--max-flows <N>', 'one-way flows that are told apart; default 1000000', whole(1, 16_000_000))
    .option(
      '--json',
      'one document a file: docs/schema/inspect.schema.json; with --packets one object a line',
    );
  return withExamples(command, [
    'vxlab inspect capture.pcap',
    "vxlab inspect --packets -Y 'inner.ip.addr == 10.0.1.2 && tcp' capture.pcap",
  ]).action(async (files: string[], given: InspectArguments) => {
    if (files.filter((name) => name === '-').length > 1) throw usage('standard input can be read only once');
    const single = given.packets || given.verbose || given.hex;
    if (single && given.topology)
      throw usage('--topology shows a whole capture: leave out --packets, -V and -x');
    // Each is loaded when it is asked for: a third of the code is about the topology, another about single packets.
    if (given.topology) {
      const { inspectTopology } = await import('../inspect/topology.ts');
      end(await inspectTopology(io, files, given));
    } else if (single) {
      const { inspectPackets } = await import('../inspect/packets.ts');
      end(await inspectPackets(io, files, given));
    } else {
      const first = startAhead(io, files[0] as string, given);
      const { inspectOverview } = await import('../inspect/overview.ts');
      end(await inspectOverview(io, files, given, await first));
    }
  });
}
