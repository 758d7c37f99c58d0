// `vxlab merge A B ... -o OUT`: several captures as one, by time.

import { Command } from 'commander';
import type { Outlet } from '../../core/edit/outlet.ts';
import type { CaptureReader, PacketMeta } from '../../core/pcap/record.ts';
import { readMerged, shortNames } from '../edit/merged-source.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, Outputs, tellEdit } from '../edit/run.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';

export function mergeCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('merge')
    .summary('several captures as one, by time')
    .description(
      'Writes the packets of several captures in the order of their times: pcap and pcapng, any link types, nanoseconds kept. Each ' +
        'interface of each file is one in the output, named for both. Packets of the same time stand in the order of the files; a ' +
        'file that goes back in time is merged as it comes.',
    )
    .argument('<IN...>', 'captures; one of them may be - for standard input');
  addOutputOptions(command);
  return withExamples(command, [
    'vxlab merge worker1.pcap worker2.pcap -o both.pcapng',
    'vxlab merge worker1.pcap worker2.pcap -o both.pcap --json',
  ]).action(async (inputs: string[], given: OutputArguments) => end(await merge(io, inputs, given)));
}

async function merge(io: Io, inputs: readonly string[], given: OutputArguments): Promise<ExitCode> {
  const outputs = new Outputs(io, given, inputs);
  try {
    const outlet = outputs.open();
    const names = shortNames(inputs);
    const files = await readMerged(
      io,
      inputs,
      (readers) => {
        const numbers: number[][] = readers.map(() => []);
        return (input, view, start, end, meta) => {
          const own = numbers[input] as number[];
          const reader = readers[input] as CaptureReader;
          own[meta.interfaceId] ??= declare(outlet, reader, names[input] as string, meta);
          const iface = own[meta.interfaceId] as number;
          outlet.write(iface, view, meta, view, start, end, meta.originalLength);
        };
      },
      { between: () => outputs.drained() },
    );
    outputs.flush();
    await outputs.close();
    return tellEdit(io, { verb: 'merge', inputs: files, outputs, counts: {}, words: {} });
  } finally {
    await outputs.close();
  }
}

/** An interface as its file declares it, with the file's name in front: `worker1.pcapng/eth0`. */
function declare(outlet: Outlet, reader: CaptureReader, file: string, meta: PacketMeta): number {
  const was = reader.interfaces[meta.interfaceId];
  const own = was?.name ?? '';
  return outlet.open({
    linkType: meta.linkType,
    name: own === '' ? file : `${file}/${own}`,
    description: was?.description ?? '',
    comment: was?.comments.join('\n') ?? '',
  });
}
