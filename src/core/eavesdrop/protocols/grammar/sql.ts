// What is known of a text of SQL without reading all of its grammar: that it is one, and where a statement about accounts has a
// password (MySQL: CREATE USER, ALTER USER, GRANT, SET PASSWORD, CHANGE MASTER; PostgreSQL: CREATE ROLE, ALTER ROLE).

import { HIDDEN } from '../../http/fields.ts';
import { bytesOf, textOf } from '../../text.ts';
import type { Notes } from './notes.ts';
import { CUT, TEXT_MAX } from './notes.ts';

const SQL = new RegExp(
  `^[\\s(]*(?:/\\*.*?(?:\\*/|$)\\s*|--[^\\n]*\\n\\s*)*(?:${[
    ...['select', 'insert', 'update', 'delete', 'replace', 'set', 'show', 'use', 'begin', 'start', 'commit'],
    ...[
      'rollback',
      'create',
      'drop',
      'alter',
      'call',
      'explain',
      'describe',
      'desc',
      'with',
      'lock',
      'unlock',
    ],
    ...[
      'truncate',
      'grant',
      'revoke',
      'load',
      'prepare',
      'execute',
      'values',
      'savepoint',
      'kill',
      'analyze',
    ],
    ...[
      'change',
      'flush',
      'stop',
      'end',
      'abort',
      'comment',
      'merge',
      'refresh',
      'xa',
      'savepoint',
      'release',
    ],
    ...['copy', 'vacuum', 'listen', 'notify', 'declare', 'fetch', 'close', 'discard', 'deallocate', 'reset'],
  ].join('|')})\\b`,
  'is',
);

/** Statements that set passwords, and the words before one. */
const ACCOUNTS =
  /^[\s(]*(?:create\s+(?:user|role|server)|alter\s+(?:user|role)|grant|set\s+password|change\s+(?:master|replication))\b/i;
const STRING = `'((?:[^'\\\\]|\\\\.|'')*)'`;
const PASSWORD = new RegExp(
  `(?:\\bby(?:\\s+password)?|\\bpassword\\s*=?\\s*\\(?|\\bfor\\b[^=;]{0,200}=|_password\\s*=|\\bas)\\s*${STRING}`,
  'gi',
);
const REPLICA = /_user\s*=\s*'([^']{1,64})'/i;
const ACCOUNT = /\b(?:user|role|to|for)\s+(?:if\s+not\s+exists\s+)?["'`]?([^\s"'`@;]{1,64})/i;

/** Whether a text begins as a statement of SQL does. */
export function isSql(text: string): boolean {
  return SQL.test(text);
}

/** Tells a client's statement at [from, to), of which the end need not be there, and the passwords in it apart from it. */
export function tellStatement(notes: Notes, from: number, to: number, what: string): void {
  const speech = notes.speech(0);
  const text = speech.latin1(from, Math.min(to, from + TEXT_MAX));
  if (!ACCOUNTS.test(text)) {
    notes.content(0, from, to, what);
    return;
  }
  let open = '';
  let at = 0;
  const who = (REPLICA.exec(text) ?? ACCOUNT.exec(text))?.[1] ?? '';
  for (const match of text.matchAll(PASSWORD)) {
    const secret = match[1] as string;
    const end = match.index + match[0].length - 1;
    const start = end - secret.length;
    if (secret === '') continue;
    open += text.slice(at, start) + HIDDEN;
    at = end;
    notes.secret(0, from + start, from + end, 'password in a statement', textOf(bytesOf(who)));
  }
  open += text.slice(at);
  const isCut = to - from > text.length;
  notes.content(0, from, from + text.length, what, textOf(bytesOf(open)) + (isCut ? CUT : ''));
}
