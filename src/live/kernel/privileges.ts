// Giving up root once everything that needs it is open. There is no way back: the process becomes the user, in its groups alone.

import { readFileSync } from 'node:fs';
import { VxlabError } from '../../core/wire/numbers.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account of `NAME`, `UID` or `UID:GID`.
 * @throws VxlabError NO_SUCH_USER for one that /etc/passwd does not have; a number that it does not have needs its GID
 */
export function accountOf(text: string): Account {
  const numbers = /^(\d+):(\d+)$/.exec(text);
  if (numbers !== null) return { name: text, uid: Number(numbers[1]), gid: Number(numbers[2]) };
  let rows: string[] = [];
  try {
    rows = readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    // Then nobody is known.
  }
  for (const row of rows) {
    const [name = '', , uid, gid] = row.split(':');
    if (name === text || uid === text) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new VxlabError('NO_SUCH_USER', `there is no user ${text} in /etc/passwd; UID:GID takes any`);
}

/** Becomes the account. @throws VxlabError NOT_ROOT where this process may not */
export function becomeUser({ name, uid, gid }: Account): void {
  const { setgroups, setgid, setuid } = process;
  if (setgroups === undefined || setgid === undefined || setuid === undefined) {
    throw new VxlabError('NOT_ROOT', 'this system has no users to change to');
  }
  try {
    setgroups.call(process, [gid]);
    setgid.call(process, gid);
    setuid.call(process, uid);
  } catch {
    throw new VxlabError('NOT_ROOT', `only root can become ${name}: leave --user out, or start it as root`);
  }
}
