// Where the control sockets of running labs are: a folder that only their owner can enter, a socket for each lab, named for its
// stack. `$XDG_RUNTIME_DIR/vxlab`, else `vxlab-<uid>` in the folder for temporary files.

import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VxlabError } from '../../core/wire/numbers.ts';

const ENDING = '.sock';
/** Bytes of a Unix socket's path (sockaddr_un's 108 with the end). */
const PATH_MAX = 107;

/** The folder for these environment variables. */
export function controlFolder(env: Readonly<Record<string, string | undefined>>): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime?.startsWith('/') === true && existsSync(runtime)) return join(runtime, 'vxlab');
  return join(tmpdir(), `vxlab-${process.getuid?.() ?? 0}`);
}

/** The socket of a lab. @throws VxlabError CONTROL_REFUSED when no socket can have so long a path */
export function socketPath(folder: string, lab: string): string {
  const path = join(folder, `${encodeURIComponent(lab)}${ENDING}`);
  if (Buffer.byteLength(path) > PATH_MAX) {
    throw new VxlabError(
      'CONTROL_REFUSED',
      `${path} is longer than a socket's path may be (${PATH_MAX} bytes)`,
    );
  }
  return path;
}

/**
 * Makes the folder if it is not there.
 * @throws VxlabError CONTROL_REFUSED when others could enter it, or it is not ours
 */
export async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
    // A umask may have taken the owner's own rights.
    await chmod(folder, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new VxlabError('CONTROL_REFUSED', `cannot make ${folder}: ${(error as Error).message}`);
    }
  }
  const found = await lstat(folder);
  const mine = process.getuid === undefined || found.uid === process.getuid();
  if (!found.isDirectory() || !mine || (found.mode & 0o077) !== 0) {
    throw new VxlabError(
      'CONTROL_REFUSED',
      `${folder} must be a folder of your own that nobody else can enter (chmod 700), or be away`,
    );
  }
}

/** True when a lab listens there. */
export function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

/** Takes away the socket of a process that is gone; false when a lab listens there. */
export async function clearStale(path: string): Promise<boolean> {
  if (await answers(path)) return false;
  await unlink(path).catch(() => {});
  return true;
}

/** Names of the labs that run, in order. A folder that is not there, or not ours alone, has none. */
export async function runningLabs(folder: string): Promise<string[]> {
  let names: string[];
  try {
    const found = await lstat(folder);
    if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) return [];
    names = await readdir(folder);
  } catch {
    return [];
  }
  const labs: string[] = [];
  for (const name of names.sort()) {
    if (!name.endsWith(ENDING) || !(await answers(join(folder, name)))) continue;
    try {
      labs.push(decodeURIComponent(name.slice(0, -ENDING.length)));
    } catch {
      // No name of ours.
    }
  }
  return labs;
}
