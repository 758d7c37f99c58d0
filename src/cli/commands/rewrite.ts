// `vxlab rewrite IN -o OUT`: other VNIs, addresses and ports in a capture, its checksums mended.

import { Command, Option } from 'commander';
import { DEPTH_MAX, WalkOptions } from '../../core/dissect/ports.ts';
import type { RewriteOptions } from '../../core/edit/rewrite/rewrite.ts';
import { Rewrite } from '../../core/edit/rewrite/rewrite.ts';
import type { Pairs } from '../../core/edit/rewrite/substitutes.ts';
import type { Ip, Mac } from '../../core/wire/address.ts';
import { VXLAN_GPE_PORT, VXLAN_PORT, VXLAN_PORT_LINUX } from '../../core/wire/numbers.ts';
import { ipPairs, macAddress, pairs, udpPort, udpPorts, vni } from '../edit/options.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, runEdit } from '../edit/run.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { whole } from '../units.ts';

interface RewriteArguments extends OutputArguments {
  readonly filter?: string;
  readonly depth?: number;
  readonly heuristics: boolean;
  readonly vxlanPort?: readonly number[];
  readonly vni?: Pairs<number>;
  readonly vtep?: Pairs<Ip>;
  readonly port?: Pairs<number>;
  readonly outerMac?: Pairs<Mac>;
  readonly innerMac?: Pairs<Mac>;
  readonly innerIp?: Pairs<Ip>;
  readonly checksums: 'keep-wrong' | 'fix';
}

const WORDS = {
  changed: 'of these changed',
  unchanged: 'as they were',
  readInPart: 'with headers that are damaged or cut, rewritten as far as they could be read',
};

export function rewriteCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('rewrite')
    .summary('other VNIs, addresses and ports in a capture')
    .description(
      'Changes numbers and addresses where they stand, in ARP, neighbour discovery and what ICMP errors quote too, and ' +
        'mends checksums, outer and inner. Lists are OLD=NEW,OLD=NEW; both at once, so 5=6,6=5 swaps.',
    )
    .argument('IN', 'a capture, or - for standard input')
    .option('--vni <OLD=NEW,...>', 'VNIs', pairs(vni, '5=6,7=8'))
    .option('--vtep <OLD=NEW,...>', 'outer IP addresses', ipPairs('192.0.2.1=198.51.100.1'))
    .option('--port <OLD=NEW,...>', 'UDP ports of the tunnels', pairs(udpPort, '8472=4789'))
    .option('--outer-mac <OLD=NEW,...>', 'outer MAC addresses', pairs(macAddress, MACS))
    .option('--inner-mac <OLD=NEW,...>', 'inner MAC addresses', pairs(macAddress, MACS))
    .option('--inner-ip <OLD=NEW,...>', 'inner IP addresses', ipPairs('10.0.1.2=10.9.1.2'))
    .addOption(
      new Option('--checksums <RULE>', 'what becomes of checksums that are wrong: they stay so, or are fixed')
        .choices(['keep-wrong', 'fix'])
        .default('keep-wrong'),
    )
    .option('-Y, --filter <FILTER>', "only these packets: a display filter in Wireshark's words")
    .option(
      '--vxlan-port <P,...>',
      'UDP ports of VXLAN besides those of --port; default 4789, 8472',
      udpPorts,
    )
    .option('--no-heuristics', 'do not look for VXLAN on other ports')
    .option('--depth <N>', 'tunnels within one another that are followed; default 8', whole(0, DEPTH_MAX));
  addOutputOptions(command);
  return withExamples(command, [
    'vxlab rewrite capture.pcap -o other.pcap --vni 4097=5 --vtep 192.0.2.1=198.51.100.1,192.0.2.2=198.51.100.2',
    'vxlab rewrite capture.pcap -o standard.pcapng --port 8472=4789 --inner-ip 10.244.0.2=10.9.0.2',
  ]).action(async (input: string, given: RewriteArguments) => {
    const options = rules(given);
    end(
      await runEdit(io, {
        verb: 'rewrite',
        input,
        source: given.filter === undefined ? {} : { filter: given.filter },
        walk: walkOf(given),
        output: given,
        make: (outputs, reader) => new Rewrite(outputs.open(), reader, options),
        words: WORDS,
      }),
    );
  });
}

const MACS = '02:42:0a:00:01:02=02:42:0a:09:01:02';

function rules({
  vni,
  vtep,
  port,
  outerMac,
  innerMac,
  innerIp,
  checksums,
}: RewriteArguments): RewriteOptions {
  if (!vni && !vtep && !port && !outerMac && !innerMac && !innerIp && checksums !== 'fix') {
    throw usage(
      'nothing is to be rewritten: give one of --vni, --vtep, --port, --outer-mac, --inner-mac, --inner-ip, --checksums fix',
    );
  }
  return {
    ...(vni && { vnis: vni }),
    ...(vtep && { vteps: vtep }),
    ...(port && { ports: port }),
    ...(outerMac && { outerMacs: outerMac }),
    ...(innerMac && { innerMacs: innerMac }),
    ...(innerIp && { innerIps: innerIp }),
    checksums,
  };
}

/** A port that is to become another is one of VXLAN's, save the one that is VXLAN-GPE's. */
function walkOf({
  vxlanPort = [VXLAN_PORT, VXLAN_PORT_LINUX],
  port = [],
  depth,
  heuristics,
}: RewriteArguments): WalkOptions {
  const old = port.map(([from]) => from).filter((from) => from !== VXLAN_GPE_PORT);
  return new WalkOptions({
    vxlan: [...vxlanPort, ...old],
    heuristics,
    ...(depth === undefined ? {} : { depth }),
  });
}
