// Which commands there are, in the order of `vxlab --help`. Each is loaded when it is called, so that a short command does not
// wait for what only the others need.

import type { Command } from 'commander';
import type { ExitCode, Io } from './io.ts';

/** Makes a command that runs with these streams and reports its exit code. */
export type MakeCommand = (io: Io, end: (code: ExitCode) => void) => Command;

export const COMMANDS: ReadonlyMap<string, () => Promise<MakeCommand>> = new Map([
  ['demo', async () => (await import('./commands/demo.ts')).demoCommand],
  ['up', async () => (await import('./commands/up.ts')).upCommand],
  ['lint', async () => (await import('./commands/lint.ts')).lintCommand],
  ['ping', async () => (await import('./commands/ping.ts')).pingCommand],
  ['trace', async () => (await import('./commands/trace.ts')).traceCommand],
  ['show', async () => (await import('./commands/show.ts')).showCommand],
  ['doctor', async () => (await import('./commands/doctor.ts')).doctorCommand],
]);
