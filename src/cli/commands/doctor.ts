// `vxlab doctor`: what works on this machine, and how to get the rest.

import { Command } from 'commander';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { Finding } from '../probe.ts';
import { probeAll } from '../probe.ts';
import { VERSION } from '../version.ts';

export function doctorCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('doctor')
    .summary('what works on this machine and how to get the rest')
    .description('Tries what vxlab may use here. The emulation itself needs nothing of it.')
    .option('--json', 'one JSON document: docs/schema/doctor.schema.json');
  return withExamples(command, ['vxlab doctor', 'vxlab doctor --json']).action(
    async (given: { json?: true }) => {
      const checks = await probeAll();
      if (given.json)
        printJson(io, { schema: 'vxlab.doctor/1', version: VERSION, platform: process.platform, checks });
      else io.out(render(io, checks));
      end(EXIT.done);
    },
  );
}

function render(io: Io, checks: readonly Finding[]): string {
  const { paint } = io;
  const width = checks.reduce((most, { name }) => Math.max(most, name.length), 0);
  const lines = checks.flatMap(({ name, works, detail, serves, get }) => {
    const mark = works ? paint.green('yes') : paint.yellow('no ');
    const first = `${mark}  ${name.padEnd(width)}  ${detail}`;
    return works || get === null
      ? [first]
      : [first, paint.dim(`     ${' '.repeat(width)}  for ${serves}: ${get}`)];
  });
  const missing = checks.filter(({ works }) => !works).length;
  const rest =
    missing === 0 ? 'everything works here' : 'the emulation and its captures work without the rest';
  return `${lines.join('\n')}\n\nvxlab ${VERSION}: ${checks.length - missing} of ${checks.length} found; ${rest}\n`;
}
