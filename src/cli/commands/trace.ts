// `vxlab trace A B`: the journey of one echo request, hop by hop, with the reasons and the commands that show the same.

import { Command } from 'commander';
import { Lab } from '../../lab/lab.ts';
import { NODE_CIPHER } from '../../live/node-cipher.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { ClusterArguments, StackOptions } from '../options.ts';
import { addClusterOptions, addStackOptions, clusterOptions } from '../options.ts';
import { renderJourney } from '../render/journey.ts';
import { stackOf } from '../stack.ts';

interface TraceArguments extends ClusterArguments, StackOptions {
  readonly all?: true;
  readonly json?: true;
}

export function traceCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('trace')
    .summary('the journey of one frame')
    .description(
      'Brings a stack up, sends one echo request from A to B and tells what became of it: each element, the table it ' +
        'consulted, the entry, the reason, and the command that shows the same on a real host. Exit 1 when no answer came.',
    )
    .argument('A', 'container, service or node')
    .argument('B', 'container, service, node or address')
    .option('-a, --all', 'also the other frames it took: questions for MACs, the answer')
    .option('--json', 'one JSON document: docs/schema/trace.schema.json');
  addClusterOptions(addStackOptions(command));
  return withExamples(command, [
    'vxlab trace appserver mysql.1',
    'vxlab trace webserver.1 appserver.1 --all --profile head-end',
  ]).action(async (from: string, to: string, given: TraceArguments) => end(await trace(io, from, to, given)));
}

async function trace(io: Io, from: string, to: string, given: TraceArguments): Promise<ExitCode> {
  const spec = await stackOf(io, given.file, given, given.nodes);
  const lab = new Lab(spec, {
    cluster: clusterOptions(given),
    profile: given.profile,
    seed: given.seed,
    encryption: { cipher: NODE_CIPHER },
    trace: true,
  });
  const journey = lab.journey(from, to);
  lab.close();
  if (given.json) printJson(io, { schema: 'vxlab.trace/1', ...journey });
  else io.out(renderJourney(journey, given.all === true, io.paint));
  return journey.answered ? EXIT.done : EXIT.no;
}
