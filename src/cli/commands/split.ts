// `vxlab split IN -o DIR|PATTERN --by vni|tunnel|vtep`: one capture for each.

import { Command, Option } from 'commander';
import { WalkOptions } from '../../core/dissect/ports.ts';
import type { SplitBy } from '../../core/edit/split.ts';
import { OVERFLOW, SplitGroups } from '../../core/edit/split.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, tellEdit } from '../edit/run.ts';
import type { SplitFile } from '../edit/split-files.ts';
import { SplitFiles } from '../edit/split-files.ts';
import { withExamples } from '../help.ts';
import { keysOf, tellOpened } from '../inspect/keys.ts';
import { filterOf, readSource } from '../inspect/source.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions, salt, walkSettings } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { whole } from '../units.ts';

interface SplitArguments extends SourceArguments, OutputArguments {
  readonly by: SplitBy;
  readonly maxFiles: number;
}

const BY = ['vni', 'tunnel', 'vtep'] as const;
const FILES_DEFAULT = 10_000;

export function splitCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('split')
    .summary('a capture for each VNI, tunnel or VTEP')
    .description(
      'Writes one capture for each VNI, for each tunnel (a VNI between two VTEPs, both directions) or for each VTEP (what it sent), by the ' +
        'outermost VXLAN header; packets without one go to a file of their own. Every packet is in one file, as it was.',
    )
    .argument('<IN>', 'a capture, or - for standard input')
    .addOption(new Option('--by <WHAT>', 'what each file is for').choices(BY).default('vni'))
    .option(
      '--max-files <N>',
      'VNIs, tunnels or VTEPs after these share a file, others',
      whole(1, 1_000_000),
      FILES_DEFAULT,
    );
  addSourceOptions(command);
  addOutputOptions(
    command,
    'a folder for files such as vni-4097.pcapng, or a pattern with %s in place of vni-4097',
  );
  return withExamples(command, [
    'vxlab split capture.pcap -o tenants',
    'vxlab split capture.pcap -o node-%s.pcap --by vtep --json',
  ]).action(async (input: string, given: SplitArguments) => end(await split(io, input, given)));
}

async function split(io: Io, input: string, given: SplitArguments): Promise<ExitCode> {
  const outputs = new SplitFiles(io, given, input);
  const filter = await filterOf(given);
  const sight = new Sight(new WalkOptions(walkSettings(given)), {}, (await keysOf(io, given))());
  const groups = new SplitGroups(given.by, given.maxFiles, salt());
  const files: SplitFile[] = [];
  let filteredOut = 0;
  let others = 0;
  try {
    const file = await readSource(io, input, given, (reader) => (view, start, end, meta) => {
      sight.read(view, start, end, meta);
      if (filter !== null && !filter.matches(sight, meta)) {
        filteredOut++;
        return;
      }
      const group = groups.of(sight);
      if (group === OVERFLOW) others++;
      files[group] ??= outputs.file(groups.name(group), reader);
      outputs.write(files[group], view, meta, start, end);
    });
    outputs.flush();
    tellOpened(io, sight.opener);
    const counts = { ...(filter === null ? {} : { filteredOut }), others };
    const words = { filteredOut: 'not taken by the filter', others: 'past --max-files' };
    const code = tellEdit(io, { verb: 'split', inputs: [file], outputs, counts, words });
    if (!given.json) {
      for (const { name, packets } of outputs.report()) io.out(`${name} ${packets}\n`);
    }
    return code;
  } finally {
    outputs.flush();
  }
}
