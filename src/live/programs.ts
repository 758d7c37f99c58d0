// The programs that run beside this one, as threads or processes: files of `live`, whichever bundle asks for them. From the
// sources each first loads what makes Node understand them: a loader that was given to this process is given to no other.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';

/** Files in `dist/live`. */
export const PROGRAM = {
  capture: 'capture/capture-process.js',
  inject: 'send/inject-process.js',
  intake: 'kernel/intake-worker.js',
  survey: 'survey/survey-worker.js',
} as const;

/** The same place from this file and from a bundle's folder beside `live`. */
function placeOf(name: string): URL {
  return new URL(`../live/${name}`, import.meta.url);
}

/** Whether a program is there as JavaScript. */
export function isBuilt(name: string): boolean {
  return existsSync(fileURLToPath(placeOf(name)));
}

/** The arguments of Node that run a program in a process of its own. */
export function processArguments(name: string): string[] {
  const built = fileURLToPath(placeOf(name));
  if (isBuilt(name)) return [built];
  return ['--import', createRequire(import.meta.url).resolve('tsx'), built.replace(/js$/, 'ts')];
}

/** Starts a program in a thread. @param workerData plain data, or shared memory */
export async function startThread(name: string, workerData: unknown): Promise<Worker> {
  const place = placeOf(name);
  const { Worker } = await import('node:worker_threads');
  if (isBuilt(name)) return new Worker(place, { workerData });
  const loader = import.meta.resolve('tsx/esm/api');
  const source = place.href.replace(/js$/, 'ts');
  const program = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(program, { workerData, eval: true, execArgv: [] });
}
