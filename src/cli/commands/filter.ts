// `vxlab filter IN -Y FILTER -o OUT`: the packets that a display filter lets through.

import { Command } from 'commander';
import type { EditCounts, Editor } from '../../core/edit/editor.ts';
import type { Outlet } from '../../core/edit/outlet.ts';
import { SameInterfaces } from '../../core/edit/outlet.ts';
import type { CaptureReader, PacketMeta } from '../../core/pcap/record.ts';
import type { Sight } from '../../core/reassembly/sight.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, runEdit } from '../edit/run.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';

export function filterCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('filter')
    .summary('the packets that a display filter lets through')
    .description(
      "Writes the packets that pass a display filter in Wireshark's words, which sees every layer, inner ones too; outer. and inner. " +
        'pin one. Packets, times, interfaces and comments are as they were. Of a datagram in fragments the packet that completes it ' +
        'passes.',
    )
    .argument('<IN>', 'a capture, or - for standard input');
  addOutputOptions(addSourceOptions(command));
  return withExamples(command, [
    'vxlab filter capture.pcap -Y vxlan.vni==4097 -o tenant.pcapng',
    'vxlab filter capture.pcap -Y inner.tcp.port==80 -o web.pcap --json',
  ]).action(async (input: string, given: SourceArguments & OutputArguments) => {
    if (given.filter === undefined) throw usage('say which packets: -Y FILTER');
    end(
      await runEdit(io, {
        verb: 'filter',
        input,
        source: given,
        output: given,
        words: {},
        make: (outputs, reader) => new PassEditor(outputs.open(), reader),
      }),
    );
  });
}

/** What comes is written as it is. */
class PassEditor implements Editor {
  readonly #outlet: Outlet;
  readonly #interfaces: SameInterfaces;

  constructor(outlet: Outlet, reader: CaptureReader) {
    this.#outlet = outlet;
    this.#interfaces = new SameInterfaces(outlet, reader);
  }

  packet(_sight: Sight, meta: PacketMeta, view: DataView, start: number, end: number): void {
    this.#outlet.write(this.#interfaces.of(meta), view, meta, view, start, end, meta.originalLength);
  }

  end(): void {}

  counts(): EditCounts {
    return {};
  }
}
