// The command line as a function: arguments and streams in, an exit code out.

import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.ts';
import { reportFailure } from './failure.ts';
import { withExamples } from './help.ts';
import type { ExitCode, Io } from './io.ts';
import { EXIT } from './io.ts';
import { VERSION } from './version.ts';

const VERSION_FLAGS: readonly string[] = ['-V', '--version'];

/** The program with the one command that `argv` calls, or with all of them when it calls none. */
async function buildProgram(
  argv: readonly string[],
  io: Io,
  end: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command('vxlab')
    .description('A laboratory for VXLAN overlay networks.')
    .version(VERSION, VERSION_FLAGS.join(', '), 'print the version')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 bad input, 4 something is missing here, 130 interrupted.',
    );
  const [first = ''] = argv;
  const called = COMMANDS.get(first);
  const asked = VERSION_FLAGS.includes(first) ? [] : called === undefined ? COMMANDS.values() : [called];
  for (const load of asked) {
    program.addCommand((await load())(io, end));
  }
  withExamples(program, ['vxlab demo', 'vxlab up --for 10s --capture out.pcapng']);
  for (const command of [program, ...program.commands]) {
    const name = command === program ? 'vxlab' : `vxlab ${command.name()}`;
    command
      .exitOverride()
      .showHelpAfterError(`  ${name} --help shows examples`)
      .configureOutput({
        writeOut: (text) => io.out(text),
        writeErr: (text) => io.err(text),
        outputError: (text, write) => write(text.replace(/^error: /, `${io.errPaint.red('vxlab:')} `)),
      });
  }
  return program;
}

/** Runs one command line, without the program's name. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = await buildProgram(argv, io, (given) => {
    code = given;
  });
  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.usage;
    }
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    return reportFailure(io, error);
  }
}
