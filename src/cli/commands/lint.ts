// `vxlab lint FILE`: every problem of a manifest at once. Exit 1 with errors, 3 when it is no YAML at all.

import { Command } from 'commander';
import { hasErrors } from '../../engine/model/diagnostic.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { lintDocument, renderDiagnostics } from '../render/diagnostic.ts';
import { paintOf } from '../render/paint.ts';
import { readStack } from '../stack.ts';
import { whole } from '../units.ts';

interface LintArguments {
  readonly stack?: string;
  readonly nodes?: number;
  readonly json?: true;
}

/** Rules that say that there is no document to look at: not YAML, too large, not a mapping. */
const NO_DOCUMENT: ReadonlySet<string> = new Set(['OV1001', 'OV1012', 'OV1014']);

export function lintCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('lint')
    .summary('every problem of a manifest at once')
    .description(
      'Reads a Compose v3 file as docker stack deploy does and reports everything that is wrong with it.',
    )
    .argument('FILE', 'Compose or topology file, or - for standard input')
    .option('--stack <NAME>', "the stack's name; default from the file or its folder")
    .option('--nodes <N>', 'nodes of the swarm, for the check of subnet sizes; default 3', whole(1, 100_000))
    .option('--json', 'one JSON document: docs/schema/lint.schema.json');
  return withExamples(command, [
    'vxlab lint docker-compose.yml',
    'vxlab lint --json - < docker-compose.yml',
  ]).action(async (file: string, given: LintArguments) => end(await lint(io, file, given)));
}

async function lint(io: Io, file: string, given: LintArguments): Promise<ExitCode> {
  const { text, diagnostics } = await readStack(io, file, given, given.nodes);
  const name = file === '-' ? 'stdin' : file;
  if (given.json) printJson(io, lintDocument(name, diagnostics));
  else io.out(renderDiagnostics(name, text, diagnostics, paintOf(io.paint)));
  if (diagnostics.some(({ rule }) => NO_DOCUMENT.has(rule))) return EXIT.input;
  return hasErrors(diagnostics) ? EXIT.no : EXIT.done;
}
