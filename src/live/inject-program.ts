// Where the program send/inject-process.ts is, and what Node needs to run it.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The same place from this file and from a bundle's folder beside `live`. */
const PROCESS = new URL('../live/send/inject-process.js', import.meta.url);

/** The arguments of Node that run it, from the sources or once built. */
export function injectProgram(): string[] {
  const built = fileURLToPath(PROCESS);
  if (existsSync(built)) return [built];
  return ['--import', createRequire(import.meta.url).resolve('tsx'), built.replace(/js$/, 'ts')];
}
