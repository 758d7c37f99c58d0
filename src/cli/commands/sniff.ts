// `vxlab sniff IFACE`: live capture with libpcap, shown as `inspect` shows packets, or written to a file.

import { resolve } from 'node:path';
import { Command } from 'commander';
import { PcapWriter } from '../../core/pcap/pcap-writer.ts';
import { PcapngWriter } from '../../core/pcap/pcapng-writer.ts';
import type { CaptureWriter, PacketSink } from '../../core/pcap/record.ts';
import { LiveCapture } from '../../live/capture/capture.ts';
import { CaptureFile } from '../../live/capture/pcap-file.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { keysOf } from '../inspect/keys.ts';
import type { PacketArguments } from '../inspect/packets.ts';
import { PacketPrinter } from '../inspect/packets.ts';
import { filterOf } from '../inspect/source.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT } from '../io.ts';
import { count, size, span, whole } from '../units.ts';

interface SniffArguments extends PacketArguments {
  readonly bpf?: string;
  readonly write?: string;
  readonly print?: true;
  readonly count?: number;
  readonly for?: number;
  readonly buffer?: number;
}

const PORTS = [4789, 8472];
const GPE_PORT = 4790;

export function sniffCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('sniff')
    .summary('live capture: packets as they pass')
    .description(
      'Captures on an interface with libpcap until Ctrl-C and shows packets as inspect does. Needs root or CAP_NET_RAW, and the optional package cap.',
    )
    .argument('IFACE', 'a network interface, or any')
    .option(
      '-f, --bpf <FILTER>',
      "capture filter in tcpdump's language, '' for everything; default VXLAN's ports, with --keys also ESP",
    )
    .option(
      '-w, --write <FILE>',
      'write a capture (.pcap, else pcapng; - for standard output) and print nothing',
    )
    .option('-P, --print', 'print although --write is given')
    .option('-c, --count <N>', 'end after N packets that the filters take', whole(1, Number.MAX_SAFE_INTEGER))
    .option('--for <TIME>', 'end after so long, such as 10s', span)
    .option('--buffer <SIZE>', "the kernel's buffer, such as 32M; default 8M", size)
    .option('-V, --verbose', 'every layer and field of each packet')
    .option('-x, --hex', "each packet's bytes, its layers and fields marked");
  addSourceOptions(command, false).option('--json', 'one object a line: docs/schema/packet.schema.json');
  return withExamples(command, [
    'vxlab sniff lo --for 1s',
    "vxlab sniff lo --for 1s -f '' -Y 'icmp || vxlan' -w seen.pcapng",
  ]).action(async (iface: string, given: SniffArguments) => end(await sniff(io, iface, given)));
}

async function sniff(io: Io, iface: string, given: SniffArguments): Promise<ExitCode> {
  if (given.write === '-' && (given.json || given.print)) {
    const words = given.json ? '--json' : '--print';
    throw usage(`${words} and the capture cannot both go to standard output`);
  }
  const quiet = given.write !== undefined && !given.print;
  const printer = new PacketPrinter(io, given, await filterOf(given), {
    quiet,
    opener: (await keysOf(io, given))(),
  });
  const live = await LiveCapture.open(iface, {
    filter: given.bpf ?? tunnelFilters(given.port ?? PORTS, given.keys !== undefined),
    ...(given.buffer === undefined ? {} : { bufferBytes: given.buffer }),
  });
  const output = given.write === undefined ? null : openOutput(io, given.write, live);
  let taken = 0;
  const sink: PacketSink = (view, start, stop, meta) => {
    if (!printer.take(view, start, stop, meta)) return;
    output?.writer.writePacket(0, meta.seconds, meta.nanos, view, start, stop, meta.originalLength);
    taken++;
    if (taken === given.count) live.enough();
  };
  const flush = async (): Promise<void> => {
    await printer.flush();
    output?.writer.flush();
    await output?.file.drained();
  };
  const stop = (): void => live.stop();
  const clock = given.for === undefined ? undefined : setTimeout(stop, Math.ceil(given.for / 1e6));
  io.signal.addEventListener('abort', stop);
  if (io.signal.aborted) stop();
  try {
    io.err(`capturing on ${iface}; Ctrl-C ends it\n`);
    await live.run(sink, flush);
  } finally {
    clearTimeout(clock);
    io.signal.removeEventListener('abort', stop);
    await flush();
    await output?.file.close();
    printer.tellOpened();
    tell(io, live, `${taken} ${quiet ? 'written' : 'shown'}`);
  }
  return io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

function tell(io: Io, { packets, drops }: LiveCapture, what: string): void {
  const dropped =
    drops === null ? 'drops not known (koffi is not installed)' : `${drops} dropped by the kernel`;
  io.err(`${count(packets, 'packet')} captured, ${what}, ${dropped}\n`);
}

/**
 * The ports, with keys also ESP, and fragments behind the first, which have none; in one VLAN or two as well, where the interface can have VLANs.
 * What stands behind `vlan` is looked for behind the tag, so it comes last.
 */
function tunnelFilters(ports: readonly number[], esp: boolean): readonly string[] {
  const named = [...new Set([...ports, GPE_PORT])].map((port) => `udp port ${port}`);
  if (esp) named.push('esp', 'udp port 4500');
  const plain = [...named, '(ip[6:2] & 0x1fff != 0)', 'ip6[6] = 44'].join(' or ');
  return [`${plain} or (vlan and (${plain} or (vlan and (${plain}))))`, plain];
}

interface Output {
  readonly file: CaptureFile;
  readonly writer: CaptureWriter;
}

function openOutput(io: Io, name: string, { device, linkType, snapLength }: LiveCapture): Output {
  const file = new CaptureFile(name === '-' ? name : resolve(io.cwd, name));
  if (/\.(pcap|cap)$/.test(name)) {
    return { file, writer: new PcapWriter(file.write, { linkType, snapLength }) };
  }
  const writer = new PcapngWriter(file.write);
  writer.addInterface({ linkType, snapLength, name: device });
  return { file, writer };
}
