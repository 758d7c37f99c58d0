#!/usr/bin/env node
// The `vxlab` program. The first Ctrl-C asks the command to end in order, the second ends it at once.

import { EXIT, processIo } from './io.ts';
import { run } from './program.ts';

const stop = new AbortController();
function interrupted(): void {
  if (stop.signal.aborted) process.exit(EXIT.interrupted);
  stop.abort();
}
process.on('SIGINT', interrupted);
process.on('SIGTERM', interrupted);

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.input);
});

process.exitCode = await run(process.argv.slice(2), processIo(stop.signal));
process.off('SIGINT', interrupted);
process.off('SIGTERM', interrupted);
