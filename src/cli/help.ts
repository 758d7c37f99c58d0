// Help that opens with two examples. Every one of them works as it is printed; a test runs them.

import type { Command } from 'commander';

/** Puts examples before everything else. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('before', `Examples:\n${examples.map((line) => `  $ ${line}\n`).join('')}`);
}
