// `vxlab show TABLE`: the tables of a stack that has run for a moment, in the words of ip, bridge and docker.

import { Argument, Command, Option } from 'commander';
import { Lab } from '../../lab/lab.ts';
import { NODE_CIPHER } from '../../live/node-cipher.ts';
import { runFor } from '../drive.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { ClusterArguments, StackOptions } from '../options.ts';
import { addClusterOptions, addStackOptions, clusterOptions } from '../options.ts';
import { renderFdb, renderLinks, renderNeigh } from '../render/devices.ts';
import { renderDns, renderIpam, renderIpvs, renderPeers } from '../render/networks.ts';
import { renderXfrm } from '../render/xfrm.ts';
import { stackOf } from '../stack.ts';
import { duration } from '../units.ts';

const TABLES = ['fdb', 'links', 'peers', 'neigh', 'ipam', 'dns', 'ipvs', 'xfrm'] as const;
type Table = (typeof TABLES)[number];

interface ShowArguments extends ClusterArguments, StackOptions {
  readonly node?: string;
  readonly for: number;
  readonly traffic: boolean;
  readonly vtep?: string | true;
  readonly json?: true;
}

export function showCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('show')
    .summary('tables of a lab')
    .description(
      'Brings a stack up, lets it talk for a moment and shows a table: fdb as bridge fdb, links as ip -d link, neigh as ' +
        'ip neigh, peers the VTEPs of each network, ipam the address pools, dns what names resolve to, ' +
        'ipvs what each load balancer gives connections to, xfrm the keys of encrypted networks.',
    )
    .addArgument(new Argument('TABLE', 'which table').choices(TABLES))
    .option('--node <NAME>', 'only what is on this node')
    .addOption(
      new Option('--for <TIME>', 'how long the stack runs before the table is taken')
        .argParser(duration)
        .default(2e9, '2s'),
    )
    .option('--no-traffic', 'send nothing before')
    .option('--vtep [NAME]', 'of a running vxlab vtep: fdb, links, peers or neigh')
    .option('--json', 'one JSON document: docs/schema/show.schema.json');
  addClusterOptions(addStackOptions(command));
  return withExamples(command, [
    'vxlab show fdb --node worker1',
    'vxlab show links --profile head-end --json',
  ]).action(async (table: Table, given: ShowArguments) => end(await show(io, table, given)));
}

async function show(io: Io, table: Table, given: ShowArguments): Promise<ExitCode> {
  if (given.vtep !== undefined) {
    const { showVtep } = await import('../vtep/show.ts');
    await showVtep(io, given.vtep, table, given.json === true);
    return EXIT.done;
  }
  const spec = await stackOf(io, given.file, given, given.nodes);
  const lab = new Lab(spec, {
    cluster: clusterOptions(given),
    profile: given.profile,
    seed: given.seed,
    encryption: { cipher: NODE_CIPHER },
  });
  if (given.node !== undefined) lab.node(given.node);
  if (given.traffic && given.for > 0) lab.startTraffic({ until: given.for });
  await runFor(io, lab, given.for, null);
  const here = <T extends object>(rows: readonly T[]): readonly T[] =>
    given.node === undefined ? rows : rows.filter((row) => !('node' in row) || row.node === given.node);
  const tables = {
    fdb: () => shown(here(lab.fdb()), renderFdb),
    links: () => shown(here(lab.links()), renderLinks),
    peers: () => shown(here(lab.peers()), renderPeers),
    neigh: () => shown(here(lab.neigh()), renderNeigh),
    ipam: () => shown(lab.ipam(), renderIpam),
    dns: () => shown(lab.dns(), renderDns),
    ipvs: () => shown(here(lab.ipvs()), renderIpvs),
    xfrm: () => shown(here(lab.xfrm()), renderXfrm),
  };
  const { rows, text } = tables[table]();
  lab.close();
  if (given.json)
    printJson(io, {
      schema: 'vxlab.show/1',
      stack: spec.name,
      profile: lab.sim.world.plan.profile.name,
      table,
      rows,
    });
  else io.out(text());
  return io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

function shown<T>(
  rows: readonly T[],
  render: (rows: readonly T[]) => string,
): { readonly rows: readonly T[]; text(): string } {
  return { rows, text: () => render(rows) };
}
