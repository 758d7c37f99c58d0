// From a file's name to a stack: found, read, linted; or the reasons why not, rendered.

import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VxlabError } from '../core/wire/numbers.ts';
import { loadManifest } from '../engine/manifest/load.ts';
import type { Diagnostic } from '../engine/model/diagnostic.ts';
import { countSeverities } from '../engine/model/diagnostic.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import type { Io } from './io.ts';
import type { StackOptions } from './options.ts';
import { renderDiagnostics } from './render/diagnostic.ts';
import { paintOf } from './render/paint.ts';

/** The lecture's stack, which comes with the package. */
export const LECTURE: string = fileURLToPath(
  new URL('../../fixtures/manifests/lecture.yml', import.meta.url),
);

/** Looked for in the current folder, in this order, when no file is named. */
const USUAL = [
  'docker-compose.yml',
  'docker-compose.yaml',
  'compose.yml',
  'compose.yaml',
  'stack.yml',
  'stack.yaml',
];

export interface ReadStack {
  readonly file: string;
  readonly text: string;
  readonly spec: StackSpec | null;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and lints a manifest; `-` is standard input.
 * @throws VxlabError UNREADABLE
 */
export async function readStack(
  io: Io,
  file: string,
  given: StackOptions,
  nodes?: number,
): Promise<ReadStack> {
  const text = await textOf(io, file);
  const stack = given.stack ?? stackName(io, file);
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(io.env)) if (value !== undefined) variables[name] = value;
  const options = { stack, variables, ...(nodes === undefined ? {} : { nodes }) };
  return { file, text, ...loadManifest(text, options) };
}

/**
 * The stack of a file, or of the usual file here, or the lecture's. Warnings go to standard error.
 * @throws VxlabError UNREADABLE; BAD_MANIFEST when it has errors, which are then on standard error
 */
export async function stackOf(
  io: Io,
  file: string | undefined,
  given: StackOptions,
  nodes?: number,
): Promise<StackSpec> {
  const found = file ?? (await manifestHere(io));
  const read = await readStack(io, found ?? LECTURE, given, nodes);
  const name = found ?? 'the lecture stack';
  if (found === null) {
    io.err("no Compose file here: taking the lecture's three-tier stack (-f FILE names another)\n");
  }
  const { error, warning } = countSeverities(read.diagnostics);
  if (error + warning > 0) {
    const shown = read.diagnostics.filter(({ severity }) => severity !== 'note');
    io.err(renderDiagnostics(name, read.text, shown, paintOf(io.errPaint)));
  }
  if (read.spec === null) {
    throw new VxlabError(
      'BAD_MANIFEST',
      `${name} has ${error} ${error === 1 ? 'error' : 'errors'}, so nothing was started; mend ${error === 1 ? 'it' : 'them'} and try vxlab lint ${name}`,
    );
  }
  return read.spec;
}

/** The name of the stack that a command would take here without a file. */
export async function stackHere(io: Io, given: StackOptions): Promise<string> {
  return given.stack ?? stackName(io, (await manifestHere(io)) ?? LECTURE);
}

/** The file that a command takes here when none is named; null for the lecture's. */
export async function manifestHere(io: Io): Promise<string | null> {
  for (const name of USUAL) {
    try {
      await readFile(join(io.cwd, name));
      return name;
    } catch {
      // Not that one.
    }
  }
  return null;
}

async function textOf(io: Io, file: string): Promise<string> {
  if (file === '-') return io.stdin();
  try {
    return await readFile(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a folder'
          : code === 'EACCES'
            ? 'permission denied'
            : (error as Error).message;
    throw new VxlabError('UNREADABLE', `cannot read ${file}: ${why}`);
  }
}

/** From the file's name, or its folder's where the name is a usual one. */
function stackName(io: Io, file: string): string {
  if (file === '-') return 'stack';
  const path = resolve(io.cwd, file);
  const usual = USUAL.includes(basename(path));
  const words = usual ? basename(dirname(path)) : basename(path).replace(/\.[^.]+$/, '');
  return words.replace(/[^A-Za-z0-9_-]/g, '').replace(/^[^A-Za-z0-9]+/, '') || 'stack';
}
