// `vxlab encap IN -o OUT`: a capture's frames in a VXLAN tunnel.

import { Command, InvalidArgumentError, Option } from 'commander';
import type { EcnRule, EncapOptions } from '../../core/edit/encap.ts';
import { Encap } from '../../core/edit/encap.ts';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import type { Ip, Mac } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import { ipAddress, macAddress, portRange, udpPort, vni } from '../edit/options.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, runEdit } from '../edit/run.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { whole } from '../units.ts';

interface EncapArguments extends OutputArguments {
  readonly filter?: string;
  readonly vni: number;
  readonly src: Ip;
  readonly dst: Ip;
  readonly srcMac?: Mac;
  readonly dstMac?: Mac;
  readonly srcPort?: { readonly min: number; readonly max: number };
  readonly dstPort?: number;
  readonly udpChecksum?: 'zero' | 'computed';
  readonly ttl?: number;
  readonly dscp?: number | 'inherit';
  readonly ecn?: EcnRule;
  readonly df?: true;
  readonly id?: number;
  readonly vlan?: number;
  readonly pcp?: number;
  readonly gbp?: number;
  readonly gpe?: true;
}

const WORDS = {
  tooLong: 'left out: longer than the outer length fields can say',
  notEthernet: 'left out: no Ethernet frames',
  withoutChecksum: 'of these cut short, so without a UDP checksum',
};

export function encapCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('encap')
    .summary("a capture's frames in a VXLAN tunnel")
    .description('Writes each Ethernet frame behind new outer headers, with its time stamp.')
    .argument('IN', 'a capture, or - for standard input')
    .requiredOption('--vni <N>', 'the VNI', vni)
    .requiredOption('--src <IP>', "the sending VTEP's address", ipAddress)
    .requiredOption('--dst <IP>', "the receiving VTEP's address, or a multicast group", ipAddress)
    .option('--src-mac <MAC>', 'outer MAC; default 02:42 and the last four bytes of the address', macAddress)
    .option('--dst-mac <MAC>', "the same; of a multicast group the group's", macAddress)
    .option(
      '--src-port <PORT>',
      'UDP source port, or the range that flows are spread over; default 49152-65535',
      portRange,
    )
    .option('--dst-port <PORT>', 'UDP destination port; default 4789, with --gpe 4790', udpPort)
    .addOption(
      new Option(
        '--udp-checksum <RULE>',
        'outer checksum; default zero over IPv4, computed over IPv6',
      ).choices(['zero', 'computed']),
    )
    .option('--ttl <N>', 'outer TTL or hop limit; default 64', whole(1, 255))
    .option('--dscp <N>', "outer DSCP, or inherit for the inner packet's; default 0", dscp)
    .addOption(
      new Option(
        '--ecn <RULE>',
        'outer ECN: a copy (RFC 6040), as Linux sends it, or none; default copy',
      ).choices(['copy', 'linux', 'none']),
    )
    .option('--df', 'set do-not-fragment in outer IPv4')
    .option('--id <N>', 'outer IPv4 identification; default counted up, with --df 0', whole(0, 0xffff))
    .option('--vlan <VID>', 'an outer 802.1Q tag', whole(0, 4094))
    .option('--pcp <N>', 'the priority in that tag; default 0', whole(0, 7))
    .option('--gbp <ID>', 'a group policy id', whole(0, 0xffff))
    .option('--gpe', 'VXLAN-GPE, which takes captures of bare IP too')
    .option('-Y, --filter <FILTER>', "only these packets: a display filter in Wireshark's words");
  addOutputOptions(command);
  return withExamples(command, [
    'vxlab encap inner.pcap -o outer.pcapng --vni 4097 --src 192.0.2.1 --dst 192.0.2.2',
    'vxlab encap inner.pcap -o outer.pcap --vni 7 --src 2001:db8::1 --dst 2001:db8::2 --vlan 100 --dscp inherit',
  ]).action(async (input: string, given: EncapArguments) => {
    const options = tunnel(given);
    end(
      await runEdit(io, {
        verb: 'encap',
        input,
        source: given,
        output: given,
        make: (outputs, reader) => new Encap(outputs.open(given.output, LINKTYPE.ethernet), reader, options),
        words: WORDS,
      }),
    );
  });
}

function dscp(text: string): number | 'inherit' {
  if (text === 'inherit') return text;
  if (!/^\d+$/.test(text) || Number(text) > 63) {
    throw new InvalidArgumentError('It must be a whole number from 0 to 63, or inherit.');
  }
  return Number(text);
}

function tunnel({ df, vlan, pcp, ...rest }: EncapArguments): EncapOptions {
  if (isIp6(rest.src) !== isIp6(rest.dst)) throw usage('--src and --dst must be addresses of one family');
  if (isIp6(rest.src) && (df || rest.id !== undefined))
    throw usage('--df and --id are of IPv4; the VTEPs have IPv6');
  if (rest.gpe && rest.gbp !== undefined) throw usage('--gpe and --gbp use the same bits: one or the other');
  if (pcp !== undefined && vlan === undefined) throw usage('--pcp is of a tag: it needs --vlan');
  const tag = vlan === undefined ? {} : { vlan: { vid: vlan, pcp: pcp ?? 0 } };
  return { ...rest, ...tag, dontFragment: df === true };
}
