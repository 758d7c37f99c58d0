// `--keys FILE`: keys of ESP, with which a capture is read like a plain one; and what is said about packets that stayed closed.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Opener } from '../../core/esp/opener.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Io } from '../io.ts';
import { count } from '../units.ts';

/** Makes the opener for one capture, with counts of its own; null without keys. */
export type MakeOpener = () => Opener | null;

/**
 * Reads the keys that were given, if any. What needs them is loaded only then.
 * @throws VxlabError KEYS_UNREADABLE, BAD_KEYS
 */
export async function keysOf(io: Io, { keys: name }: { readonly keys?: string }): Promise<MakeOpener> {
  if (name === undefined) return () => null;
  const text = await readFile(resolve(io.cwd, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new VxlabError('KEYS_UNREADABLE', `cannot read ${name}: ${reasonOf(error)}`);
  });
  const [{ readKeysFile }, opener, { NODE_CIPHER }] = await Promise.all([
    import('../../core/esp/keys-file.ts'),
    import('../../core/esp/opener.ts'),
    import('../../live/node-cipher.ts'),
  ]);
  const { keys, others } = readKeysFile(text, name);
  const tell = (words: string): void => io.err(`${io.errPaint.yellow('vxlab:')} ${name} ${words}\n`);
  for (const { line, algorithm } of others.slice(0, 1)) {
    const more = others.length > 1 ? `, and ${others.length - 1} more like it` : '';
    tell(`line ${line}${more}: ${algorithm} is not opened, only AES-GCM is`);
  }
  if (keys.length === 0) tell('has no key');
  return () => new opener.Opener(keys, NODE_CIPHER);
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  return code === 'EISDIR' ? 'it is a folder' : message;
}

/** Says how many ESP packets of a capture stayed closed, and why; nothing where all were opened. */
export function tellOpened(io: Io, opener: Opener | null): void {
  if (opener === null) return;
  const { packets, opened, withoutKey, refused, notWhole } = opener.counts;
  const tell = (words: string): void => io.err(`${io.errPaint.yellow('vxlab:')} ${words}\n`);
  if (packets === 0) tell('--keys: there is no ESP in it');
  if (packets === opened) return;
  const why = [
    [withoutKey, 'for want of a key'],
    [refused, 'because the key is another or the packet was changed'],
    [notWhole, 'because bytes of them are missing'],
  ] as const;
  const reasons = why.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`);
  tell(`${packets - opened} of ${count(packets, 'ESP packet')} stayed closed: ${reasons.join(', ')}`);
}
