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
  const path = program(source);
  if (path === null) return null;
  const texts = args.map(String);
  return () => {
    const run = spawnSync(path, texts, { encoding: 'utf8' });
    const rate = Number.parseFloat(run.stdout);
    if (run.status !== 0 || !(rate > 0))
      throw new Error(`${source}: exit ${run.status}, said "${run.stdout}"`);
    return rate;
  };
}

/** The compiled program of peers/`source`, or null where no compiler or library for it is. */
export function program(source: string): string | null {
  const known = built.get(source);
  if (known !== undefined) return known;
  const libraries = librariesOf(source);
  if (libraries === null) {
    built.set(source, null);
    return null;
  }
  const compiler = source.endsWith('.cc') ? (process.env['CXX'] ?? 'g++') : (process.env['CC'] ?? 'gcc');
  folder ??= mkdtempSync(join(tmpdir(), 'vxlab-bench-'));
  const path = join(folder, source.replace('.', '-'));
  const run = spawnSync(compiler, ['-O2', '-march=native', '-o', path, join(SOURCES, source), ...libraries], {
    encoding: 'utf8',
  });
  // No such compiler is a fact about the machine; a source that does not compile is a fault of ours.
  if (run.error === undefined && run.status !== 0)
    throw new Error(`${source} does not compile:\n${run.stderr}`);
  const result = run.error === undefined ? path : null;
  built.set(source, result);
  return result;
}

/** ns-3's flags come from pkg-config, under whatever version is installed; null where it is not. */
function librariesOf(source: string): string[] | null {
  if (!source.startsWith('ns3')) return [];
  const all = spawnSync('pkg-config', ['--list-all'], { encoding: 'utf8' }).stdout ?? '';
  const wanted = /^(lib)?ns3[^ ]*-(applications|bridge|core|csma|internet|network)(?=[ -])/gm;
  const modules = [...all.matchAll(wanted)].map((match) => match[0]);
  if (modules.length === 0) return null;
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', ...modules], { encoding: 'utf8' });
  return flags.status === 0 ? flags.stdout.trim().split(/\s+/) : null;
}

/** Takes the programs away. */
export function cleanUp(): void {
  if (folder !== null) rmSync(folder, { recursive: true });
  folder = null;
  built.clear();
}
