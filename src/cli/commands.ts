// Which commands there are, in the order of `vxlab --help`. Each is loaded when it is called, so that a short command does not
// wait for what only the others need.

import type { Command } from 'commander';
import type { ExitCode, Io } from './io.ts';

/** Makes a command that runs with these streams and reports its exit code. */
export type MakeCommand = (io: Io, end: (code: ExitCode) => void) => Command;

export const COMMANDS: ReadonlyMap<string, () => Promise<MakeCommand>> = new Map([
  ['demo', emulating(async () => (await import('./commands/demo.ts')).demoCommand)],
  ['up', emulating(async () => (await import('./commands/up.ts')).upCommand)],
  ['lint', async () => (await import('./commands/lint.ts')).lintCommand],
  ['ping', emulating(async () => (await import('./commands/ping.ts')).pingCommand)],
  ['trace', emulating(async () => (await import('./commands/trace.ts')).traceCommand)],
  ['exec', emulating(async () => (await import('./commands/exec.ts')).execCommand)],
  ['decap', async () => (await import('./commands/decap.ts')).decapCommand],
  ['encap', async () => (await import('./commands/encap.ts')).encapCommand],
  ['rewrite', async () => (await import('./commands/rewrite.ts')).rewriteCommand],
  ['show', async () => (await import('./commands/show.ts')).showCommand],
  ['inspect', async () => (await import('./commands/inspect.ts')).inspectCommand],
  ['diagnose', async () => (await import('./commands/diagnose.ts')).diagnoseCommand],
  ['eavesdrop', async () => (await import('./commands/eavesdrop.ts')).eavesdropCommand],
  ['split', async () => (await import('./commands/split.ts')).splitCommand],
  ['merge', async () => (await import('./commands/merge.ts')).mergeCommand],
  ['filter', async () => (await import('./commands/filter.ts')).filterCommand],
  ['anonymize', async () => (await import('./commands/anonymize.ts')).anonymizeCommand],
  ['correlate', async () => (await import('./commands/correlate.ts')).correlateCommand],
  ['craft', async () => (await import('./commands/craft.ts')).craftCommand],
  ['prove', emulating(async () => (await import('./commands/prove.ts')).proveCommand)],
  ['send', async () => (await import('./commands/send.ts')).sendCommand],
  ['sniff', async () => (await import('./commands/sniff.ts')).sniffCommand],
  ['vtep', emulating(async () => (await import('./commands/vtep.ts')).vtepCommand)],
  ['doctor', async () => (await import('./commands/doctor.ts')).doctorCommand],
]);

/** For commands that move frames. Those that read captures are done before the compiler's longer work would pay. */
function emulating(load: () => Promise<MakeCommand>): () => Promise<MakeCommand> {
  return async () => {
    const { inlineMore } = await import('../live/inlining.ts');
    inlineMore();
    return load();
  };
}
