// A Redis command and what in it lets somebody in: AUTH, HELLO, the passwords of CONFIG SET, ACL SETUSER and MIGRATE.

import { HIDDEN } from '../../http/fields.ts';
import type { Notes } from '../grammar/notes.ts';
import { CUT, TEXT_MAX } from '../grammar/notes.ts';

/** An argument: its text, cut if it is long, and where it stands. */
export interface Argument {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Which of the arguments are secrets, and whose. */
interface Secret {
  readonly at: number;
  readonly what: string;
  readonly who: string;
  /** Characters before the secret in the argument: `>` of ACL SETUSER. */
  readonly skip: number;
}

const CONFIG_SECRETS: ReadonlySet<string> = new Set([
  ...['requirepass', 'masterauth', 'tls-key-file-pass', 'tls-client-key-file-pass', 'sentinel-pass'],
]);

/** Tells a command. `isWhole` is false when arguments are missing at the end. */
export function tellCommand(notes: Notes, args: readonly Argument[], isWhole: boolean): void {
  const first = args[0];
  const last = args.at(-1);
  if (first === undefined || last === undefined) return;
  const secrets = secretsOf(args.map(({ text }) => text));
  for (const { at, what, who, skip } of secrets) {
    const { from, to } = args[at] as Argument;
    if (to > from + skip) notes.secret(0, from + skip, to, what, who);
  }
  const name = first.text.toUpperCase();
  if (name === 'AUTH') return;
  const shown = args.map(({ text }, i) => {
    const secret = secrets.find(({ at }) => at === i);
    return secret === undefined ? text : text.slice(0, secret.skip) + HIDDEN;
  });
  const text = shown.join(' ');
  const isCut = text.length > TEXT_MAX || !isWhole;
  notes.content(
    0,
    first.from,
    Math.max(last.to, first.from + 1),
    'command',
    isCut ? text.slice(0, TEXT_MAX) + CUT : text,
  );
}

function secretsOf(args: readonly string[]): Secret[] {
  const name = (args[0] ?? '').toUpperCase();
  if (name === 'AUTH') return auth(args, 1, args.length, 'AUTH');
  if (name === 'HELLO') {
    const at = args.findIndex((arg, i) => i >= 2 && arg.toUpperCase() === 'AUTH');
    return at < 0 ? [] : auth(args, at + 1, at + 3, 'HELLO AUTH');
  }
  if (name === 'CONFIG' && args[1]?.toUpperCase() === 'SET') return config(args);
  if (name === 'ACL' && args[1]?.toUpperCase() === 'SETUSER') return setUser(args);
  if (name === 'MIGRATE') {
    const at = args.findIndex((arg, i) => i >= 6 && /^AUTH2?$/i.test(arg));
    if (at < 0) return [];
    return auth(args, at + 1, at + (args[at]?.length === 5 ? 3 : 2), 'MIGRATE AUTH');
  }
  return [];
}

/** `[user] password` in [from, to). */
function auth(args: readonly string[], from: number, to: number, what: string): Secret[] {
  const count = Math.min(to, args.length) - from;
  if (count < 1) return [];
  const at = count === 1 ? from : from + 1;
  return [{ at, what, who: count === 1 ? '' : (args[from] as string), skip: 0 }];
}

function config(args: readonly string[]): Secret[] {
  const secrets: Secret[] = [];
  for (let i = 2; i + 1 < args.length; i += 2) {
    const name = (args[i] as string).toLowerCase();
    if (CONFIG_SECRETS.has(name)) secrets.push({ at: i + 1, what: `CONFIG SET ${name}`, who: '', skip: 0 });
  }
  return secrets;
}

function setUser(args: readonly string[]): Secret[] {
  const who = args[2] ?? '';
  return args.flatMap((arg, at) =>
    at > 2 && /^[<>]./.test(arg) ? [{ at, what: 'ACL SETUSER', who, skip: 1 }] : [],
  );
}
