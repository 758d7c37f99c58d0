// `vxlab ping A B`: echo requests inside a stack, printed as iputils prints them.

import { Command, Option } from 'commander';
import type { PingAnswer } from '../../lab/lab.ts';
import { Lab } from '../../lab/lab.ts';
import { NODE_CIPHER } from '../../live/node-cipher.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { ClusterArguments, StackOptions } from '../options.ts';
import { addClusterOptions, addStackOptions, clusterOptions } from '../options.ts';
import { pingDocument, renderPing } from '../render/ping.ts';
import { stackOf } from '../stack.ts';
import { span, whole } from '../units.ts';

interface PingArguments extends ClusterArguments, StackOptions {
  readonly count: number;
  readonly size: number;
  readonly interval: number;
  readonly ttl: number;
  readonly discovery: 'do' | 'want' | 'dont';
  readonly json?: true;
}

/** IPv4 and ICMP headers in front of the payload. */
const HEADERS = 28;

export function pingCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('ping')
    .summary('reachability inside a stack')
    .description(
      'Brings a stack up and pings from A to B on virtual time: containers, services, nodes or addresses. ' +
        'A service stands for its first task as A; as B it is what its name resolves to. Exit 1 when nothing answers.',
    )
    .argument('A', 'container, service or node')
    .argument('B', 'container, service, node or address')
    .option('-c, --count <N>', 'echo requests', whole(1, 65_535), 3)
    .option('-s, --size <BYTES>', 'bytes of payload', whole(0, 65_507), 56)
    .addOption(
      new Option('-i, --interval <TIME>', 'time between requests, in seconds unless it has a unit')
        .argParser(span)
        .default(1e9, '1s'),
    )
    .option('-t, --ttl <N>', 'hop limit', whole(1, 255), 64)
    .addOption(
      new Option(
        '-M, --discovery <HINT>',
        'do: never fragment; want: fragment what does not fit; dont: clear DF',
      )
        .choices(['do', 'want', 'dont'])
        .default('want'),
    )
    .option('--json', 'one JSON document: docs/schema/ping.schema.json');
  addClusterOptions(addStackOptions(command));
  return withExamples(command, [
    'vxlab ping appserver mysql.1 -c 3',
    'vxlab ping webserver.1 appserver.1 -s 1422 -M do',
  ]).action(async (from: string, to: string, given: PingArguments) => end(await ping(io, from, to, given)));
}

async function ping(io: Io, from: string, to: string, given: PingArguments): Promise<ExitCode> {
  const spec = await stackOf(io, given.file, given, given.nodes);
  const lab = new Lab(spec, {
    cluster: clusterOptions(given),
    profile: given.profile,
    seed: given.seed,
    encryption: { cipher: NODE_CIPHER },
  });
  const { world } = lab.sim;
  const party = world.party(from);
  const mtu = party.host.destination(world.addressFor(party, to))?.dev.mtu ?? 1500;
  const fits = given.size + HEADERS <= mtu;
  const answer: PingAnswer = lab.ping(from, to, {
    count: given.count,
    size: given.size,
    interval: given.interval,
    ttl: given.ttl,
    dontFragment: given.discovery === 'do' || (given.discovery === 'want' && fits),
  });
  const document = pingDocument(answer, { ...given, mtu, elapsed: lab.now });
  sayVirtual(io, lab, answer.address);
  lab.close();
  if (given.json) printJson(io, document);
  else io.out(renderPing(document));
  return document.received > 0 ? EXIT.done : EXIT.no;
}

/** A virtual address is answered on the sender's node: whoever wants to cross the underlay pings a task. */
function sayVirtual(io: Io, lab: Lab, address: string): void {
  for (const network of lab.ipam()) {
    const lease = network.leases.find((one) => one.kind === 'vip' && one.address === address);
    if (lease === undefined) continue;
    io.err(
      `${address} is the virtual address of service ${lease.owner}, answered on the sender's own node; ` +
        `ping ${lease.owner}.1 to cross the underlay\n`,
    );
  }
}
