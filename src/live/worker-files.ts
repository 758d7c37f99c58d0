// Starts worker threads, whose programs are files beside `live` once it is built. From the sources a thread first loads what makes
// Node understand them: a loader that was given to the process is not given to its threads.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** The same place from this file and from a bundle's folder beside `live`. */
const INTAKE = new URL('../live/vtep/intake-worker.js', import.meta.url);

/** The thread that reads packets. */
export function startIntakeWorker(workerData: unknown): Worker {
  if (existsSync(fileURLToPath(INTAKE))) return new Worker(INTAKE, { workerData });
  const loader = import.meta.resolve('tsx/esm/api');
  const source = INTAKE.href.replace(/js$/, 'ts');
  const program = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(program, { workerData, eval: true, execArgv: [] });
}
