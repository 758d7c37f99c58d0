// `vxlab craft`: one frame from flags in the order of its layers, shown in hex, written to a capture, or sent.

import { Command, InvalidArgumentError, Option } from 'commander';
import { craft, LAYER_KINDS, layer } from '../../core/craft/craft.ts';
import type { Layer } from '../../core/craft/layer.ts';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import type { CaptureFormat, PacketMeta } from '../../core/pcap/record.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { Outputs } from '../edit/run.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { PacketPrinter } from '../inspect/packets.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { SpeedArguments } from '../send/speed.ts';
import { addSpeedOptions } from '../send/speed.ts';
import { codeOf } from '../send/tell.ts';
import { count, whole } from '../units.ts';
import { interfaceName } from '../vtep/options.ts';

interface CraftArguments extends SpeedArguments {
  readonly payload?: string;
  readonly payloadHex?: Uint8Array;
  readonly size?: number;
  readonly output?: string;
  readonly format?: CaptureFormat;
  readonly send?: string;
  readonly count: number;
  readonly verbose?: true;
  readonly raw?: true;
  readonly json?: true;
}

/** How a capture's packets begin, by the outermost layer; others are no beginning. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  ether: LINKTYPE.ethernet,
  ip: LINKTYPE.raw,
  ipv6: LINKTYPE.raw,
};
/** Between packets of `--count`: a microsecond. */
const STEP = 1000;

export function craftCommand(io: Io, end: (code: ExitCode) => void): Command {
  const layers: Layer[] = [];
  const command = new Command('craft')
    .summary('one frame from flags in the order of its layers')
    .description(
      'Layers are written outermost first, each with fields as NAME=VALUE,... after it, in the names of Scapy. Lengths, checksums and what announces the next layer are worked out; a field that is given is written as it is, right or wrong.',
    );
  for (const kind of LAYER_KINDS) {
    command.option(`--${kind.name} [FIELDS]`, `${kind.what}: ${Object.keys(kind.fields).join(', ')}`);
    // Told in the order of the command line, which the options' values are not.
    command.on(`option:${kind.name}`, (text: string | null) => {
      layers.push(parsed(() => layer(kind, text ?? '')));
    });
  }
  command
    .option('--payload <TEXT>', 'what the innermost layer carries')
    .addOption(
      new Option('--payload-hex <HEX>', 'the same, as hex digits').argParser(hexBytes).conflicts('payload'),
    )
    .option('--size <N>', 'bytes of the payload: filled up with zeros, or cut', whole(0, 65_535))
    .option('-V, --verbose', 'the layer tree too')
    .option('--raw', 'only the hex digits, for xxd -r -p')
    .option('--json', 'one JSON document')
    .option('-o, --output <OUT>', 'a capture to write in place of text, or - for standard output')
    .addOption(
      new Option('--format <FORMAT>', "default by OUT's ending: .pcap is pcap, all else pcapng").choices([
        'pcap',
        'pcapng',
      ]),
    )
    .addOption(
      new Option('--send <IFACE>', 'put it on an interface; needs root or CAP_NET_RAW')
        .argParser(interfaceName)
        .conflicts('output'),
    )
    .option(
      '--count <N>',
      'so many of it: in the capture a microsecond apart, with --send as fast as it goes',
      whole(1, 10_000_000),
      1,
    );
  addSpeedOptions(command, false);
  return withExamples(command, [
    'vxlab craft --ether --ip dst=192.0.2.12 --udp --vxlan vni=4097 --ether --arp psrc=10.0.1.2,pdst=10.0.1.3',
    'vxlab craft --ip --udp chksum=0 --vxlan vni=7,flags=0 --ether --ip --icmp --size 56 -o no-i-flag.pcap',
  ]).action(async (given: CraftArguments) => {
    if (layers.length === 0) throw usage('say at least one layer: --ether, --ip, ...');
    const bytes = parsed(() => craft(layers, payloadOf(given)));
    const { send } = given;
    const paced = given.rate !== undefined || given.pps !== undefined || given.top !== undefined;
    if (send === undefined && paced) throw usage('--rate, --pps and --top are of --send IFACE');
    end(
      await (send === undefined
        ? crafted(io, layers, bytes, given)
        : sent(io, layers, bytes, { ...given, send })),
    );
  });
}

async function crafted(
  io: Io,
  layers: readonly Layer[],
  bytes: Uint8Array,
  given: CraftArguments,
): Promise<ExitCode> {
  const hex = Buffer.from(bytes).toString('hex');
  const names = layers.map(({ kind }) => kind.name);
  const packets = given.output === undefined ? 0 : await written(io, names[0] as string, bytes, given);
  if (given.output === undefined && given.count > 1)
    throw usage('--count needs a capture to write, -o FILE, or --send IFACE');
  if (given.json)
    printJson(io, { schema: 'vxlab.craft/1', layers: names, length: bytes.length, hex, packets });
  else if (given.output !== undefined)
    io.err(`${count(packets, 'packet')} of ${bytes.length} bytes written\n`);
  else if (given.raw) io.out(`${hex}\n`);
  else {
    const printer = new PacketPrinter(io, given.verbose ? { hex: true, verbose: true } : { hex: true }, null);
    printer.take(viewOf(bytes), 0, bytes.length, metaOf(linkTypeOf(names[0] as string), bytes.length));
    await printer.flush();
  }
  return io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

async function sent(
  io: Io,
  layers: readonly Layer[],
  bytes: Uint8Array,
  given: CraftArguments & { readonly send: string },
): Promise<ExitCode> {
  const names = layers.map(({ kind }) => kind.name);
  const { sendCopies } = await import('../send/copies.ts');
  const report = await sendCopies(io, bytes, linkTypeOf(names[0] as string) === LINKTYPE.ethernet, given);
  if (given.json) {
    const hex = Buffer.from(bytes).toString('hex');
    const packets = report.packets.sent;
    printJson(io, { schema: 'vxlab.craft/1', layers: names, length: bytes.length, hex, packets });
  }
  return codeOf(io, report);
}

/** Writes the capture; answers with how many packets went in. */
async function written(
  io: Io,
  first: string,
  bytes: Uint8Array,
  { output = '-', count: copies, format, json }: CraftArguments,
): Promise<number> {
  const linkType = linkTypeOf(first);
  const outputs = new Outputs(io, { output, ...(format && { format }), ...(json && { json }) }, []);
  try {
    const outlet = outputs.open();
    const iface = outlet.open({ linkType });
    const meta = metaOf(linkType, bytes.length);
    const view = viewOf(bytes);
    for (let i = 0; i < copies && !io.signal.aborted; i++) {
      meta.number = i + 1;
      meta.seconds = Math.floor((i * STEP) / 1e9);
      meta.nanos = (i * STEP) % 1e9;
      outlet.write(iface, view, meta, view, 0, bytes.length, bytes.length);
      if (i % 4096 === 4095) await outputs.drained();
    }
    outputs.flush();
    return outlet.packets;
  } finally {
    await outputs.close();
  }
}

function linkTypeOf(first: string): number {
  const linkType = LINK_TYPES[first];
  if (linkType !== undefined) return linkType;
  throw usage(`a packet begins with --ether, --ip or --ipv6, not with --${first}; --raw shows any bytes`);
}

function payloadOf({ payload, payloadHex, size }: CraftArguments): Uint8Array {
  const given = payloadHex ?? new TextEncoder().encode(payload ?? '');
  if (size === undefined) return given;
  const bytes = new Uint8Array(size);
  bytes.set(given.subarray(0, size));
  return bytes;
}

function hexBytes(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, '');
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits))
    throw new InvalidArgumentError('It is written in pairs of hex digits: 00ff17.');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** What a layer's own parser says is wrong, as wrong usage. */
function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof VxlabError) throw usage(error.message);
    throw error;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function metaOf(linkType: number, length: number): PacketMeta {
  return {
    number: 1,
    offset: 0,
    seconds: 0,
    nanos: 0,
    timed: true,
    originalLength: length,
    linkType,
    interfaceId: 0,
    direction: 0,
    fcsLength: 0,
    optionsStart: 0,
    optionsEnd: 0,
    littleEndian: true,
  };
}
