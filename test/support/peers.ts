// Other people's programs that tests compare with: tshark, capinfos, editcap... A test that needs one says so with
// `test.skipIf(!hasTool('tshark'))`, so that the suite is whole on a machine without it.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const { PATH = '' } = process.env;
const found = new Map<string, boolean>();

/** True when a program of this name is on the PATH. Says once on stderr when it is not. */
export function hasTool(name: string): boolean {
  const known = found.get(name);
  if (known !== undefined) return known;
  const there = [...PATH.split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  found.set(name, there);
  if (!there) console.error(`${name} is not installed: the tests that compare with it are skipped`);
  return there;
}

/** Runs a program and returns what it printed. Throws with its words when it fails. */
export function runTool(name: string, args: readonly string[], input?: Uint8Array): string {
  const done = spawnSync(name, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...(input === undefined ? {} : { input }),
    env: {
      ...process.env,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      PATH: `${PATH}:/usr/sbin:/sbin`,
    },
  });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${done.status}: ${done.stderr}`);
  return done.stdout;
}
