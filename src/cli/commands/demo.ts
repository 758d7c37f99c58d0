// `vxlab demo`: the lecture's three-tier stack on three nodes, told in one screen.

import { Command } from 'commander';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Story } from '../demo.ts';
import { tell } from '../demo.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { NEXT, renderStory } from '../render/demo.ts';
import { LECTURE, readStack } from '../stack.ts';

export function demoCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('demo')
    .summary("the lecture's three-tier stack on three nodes, told in one screen")
    .description(
      "Runs the lecture's stack, a web server, an application server and a database, for three seconds of virtual time: who\n" +
        'runs where, who asks whom, how one request crosses the tunnels, and what an eavesdropper on the underlay reads.',
    )
    .option('--json', 'one JSON document: docs/schema/demo.schema.json');
  return withExamples(command, ['vxlab demo', 'vxlab demo --json']).action(async (given: { json?: true }) => {
    const { spec } = await readStack(io, LECTURE, { stack: 'mystack1' });
    if (spec === null)
      throw new VxlabError('NO_STORY', 'the stack that comes with the package does not load');
    const story = await tell(io, spec);
    if (given.json) printJson(io, storyDocument(story));
    else io.out(renderStory(story, io.paint));
    end(EXIT.done);
  });
}

function storyDocument({ frame, packet, ...story }: Story): object {
  return {
    schema: 'vxlab.demo/1',
    ...story,
    packet: {
      number: frame.number,
      time: frame.time,
      tap: frame.tap,
      length: frame.bytes.length,
      layers: packet.layers.map(({ protocol, title, from, to }) => ({ protocol, title, from, to })),
      hex: Buffer.from(frame.bytes).toString('hex'),
    },
    next: NEXT,
  };
}
