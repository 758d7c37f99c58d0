// Peers in C and C++: compiled when first asked for, into a temporary folder, and run once a round. Such a program takes its
// measure as arguments, does one round and prints its rate as one number.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Round } from './harness.ts';

const SOURCES: string = fileURLToPath(new URL('peers/', import.meta.url));

let folder: string | null = null;
const built: Map<string, string | null> = new Map();

/**
 * A round of peers/`source`.
 * @param source ends in .c or .cc
 * @returns null where no compiler is
 */
export function native(source: string, ...args: readonly (string | number)[]): Round | null {
  const program = build(source);
  if (program === null) return null;
  const texts = args.map(String);
  return () => {
    const run = spawnSync(program, texts, { encoding: 'utf8' });
    const rate = Number.parseFloat(run.stdout);
    if (run.status !== 0 || !(rate > 0))
      throw new Error(`${source}: exit ${run.status}, said "${run.stdout}"`);
    return rate;
  };
}

function build(source: string): string | null {
  const known = built.get(source);
  if (known !== undefined) return known;
  const compiler = source.endsWith('.cc') ? (process.env['CXX'] ?? 'g++') : (process.env['CC'] ?? 'gcc');
  folder ??= mkdtempSync(join(tmpdir(), 'vxlab-bench-'));
  const program = join(folder, source.replace('.', '-'));
  const run = spawnSync(compiler, ['-O2', '-march=native', '-o', program, join(SOURCES, source)], {
    encoding: 'utf8',
  });
  // No such compiler is a fact about the machine; a source that does not compile is a fault of ours.
  if (run.error === undefined && run.status !== 0)
    throw new Error(`${source} does not compile:\n${run.stderr}`);
  const result = run.error === undefined ? program : null;
  built.set(source, result);
  return result;
}

/** Takes the programs away. */
export function cleanUp(): void {
  if (folder !== null) rmSync(folder, { recursive: true });
  folder = null;
  built.clear();
}
