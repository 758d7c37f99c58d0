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
  return nativeWith([], source, ...args);
}

/** As `native`, for a program that needs libraries; null also where pkg-config does not know all of them. */
export function nativeWith(
  libraries: readonly string[],
  source: string,
  ...args: readonly (string | number)[]
): Round | null {
  const file = program(source, libraries);
  if (file === null) return null;
  const texts = args.map(String);
  return () => {
    const run = spawnSync(file, texts, { encoding: 'utf8' });
    const rate = Number.parseFloat(run.stdout);
    if (run.status !== 0 || !(rate > 0))
      throw new Error(`${source}: exit ${run.status}, said "${run.stdout}"`);
    return rate;
  };
}

/** The file that peers/`source` was compiled to; null where a compiler or a library is missing. */
export function program(source: string, libraries: readonly string[] = []): string | null {
  const known = built.get(source);
  if (known !== undefined) return known;
  const result = build(source, libraries);
  built.set(source, result);
  return result;
}

function build(source: string, libraries: readonly string[]): string | null {
  const flags = flagsOf(libraries);
  if (flags === null) return null;
  const compiler = source.endsWith('.cc') ? (process.env['CXX'] ?? 'g++') : (process.env['CC'] ?? 'gcc');
  folder ??= mkdtempSync(join(tmpdir(), 'vxlab-bench-'));
  const file = join(folder, source.replace('.', '-'));
  const args = ['-O2', '-march=native', '-o', file, join(SOURCES, source), ...flags];
  const run = spawnSync(compiler, args, { encoding: 'utf8' });
  // No such compiler is a fact about the machine; a source that does not compile is a fault of ours.
  if (run.error === undefined && run.status !== 0)
    throw new Error(`${source} does not compile:\n${run.stderr}`);
  return run.error === undefined ? file : null;
}

/** peers/`source` compiled by Go, against the packages that Debian has; null where there is no Go or a package is missing. */
export function goProgram(source: string): string | null {
  const known = built.get(source);
  if (known !== undefined) return known;
  folder ??= mkdtempSync(join(tmpdir(), 'vxlab-bench-'));
  const file = join(folder, source.replace('.', '-'));
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOCACHE: join(folder, 'go'),
    CGO_ENABLED: '0',
  };
  const run = spawnSync('go', ['build', '-o', file, join(SOURCES, source)], { encoding: 'utf8', env });
  const result = run.status === 0 ? file : null;
  built.set(source, result);
  return result;
}

function flagsOf(libraries: readonly string[]): string[] | null {
  if (libraries.length === 0) return [];
  const run = spawnSync('pkg-config', ['--cflags', '--libs', ...libraries], { encoding: 'utf8' });
  return run.status === 0 ? run.stdout.split(/\s+/).filter((flag) => flag !== '') : null;
}

/** Takes the programs away. */
export function cleanUp(): void {
  if (folder !== null) rmSync(folder, { recursive: true });
  folder = null;
  built.clear();
}
