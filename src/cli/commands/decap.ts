// `vxlab decap IN -o OUT`: the frames inside a capture's tunnels, as a capture of their own.

import { Command } from 'commander';
import { Decap } from '../../core/edit/decap.ts';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import { vnis } from '../edit/options.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, runEdit } from '../edit/run.ts';
import { withExamples } from '../help.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';

interface DecapArguments extends SourceArguments, OutputArguments {
  readonly vni?: readonly number[];
  readonly innermost?: true;
  readonly keepOthers?: true;
}

const WORDS = {
  withoutTunnel: 'without a tunnel passed over',
  otherVni: 'of other VNIs passed over',
  kept: 'of these without such a tunnel, kept as they were',
  fragments: 'fragments put together',
  madeEthernet: 'of these given an Ethernet header',
  noFrame: 'without a frame inside left out',
};

export function decapCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('decap')
    .summary('the frames inside the tunnels, as a capture')
    .description(
      'Writes each frame that a VXLAN tunnel carried, with the time stamp of its packet. In pcapng every VNI of every ' +
        'source interface has an interface of its own, vni4097 for one.',
    )
    .argument('IN', 'a capture, or - for standard input')
    .option('--vni <N,...>', 'only tunnels of these VNIs', vnis)
    .option('--innermost', 'take off all tunnels within one another; default only the outermost')
    .option('--keep-others', 'also write packets without such a tunnel, as they are');
  addSourceOptions(addOutputOptions(command));
  return withExamples(command, [
    'vxlab decap capture.pcap -o inner.pcapng',
    'vxlab decap capture.pcap -o vni4097.pcap --vni 4097',
    'tcpdump -i eth0 -w - udp port 4789 | vxlab decap - -o - | tshark -r -',
  ]).action(async (input: string, given: DecapArguments) => {
    const { vni, depth, innermost, keepOthers } = given;
    const options = {
      ...(vni === undefined ? {} : { vnis: new Set(vni) }),
      ...(depth === undefined ? {} : { depth }),
      innermost: innermost === true,
      keepOthers: keepOthers === true,
    };
    end(
      await runEdit(io, {
        verb: 'decap',
        input,
        source: given,
        output: given,
        make: (outputs, reader) => new Decap(outputs.open(given.output, LINKTYPE.ethernet), reader, options),
        words: WORDS,
      }),
    );
  });
}
