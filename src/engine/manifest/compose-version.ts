// The `version` of a Compose file. "3", an empty text and no version mean the newest (docker/cli, cli/compose/schema).

import type { Diagnostics } from '../model/diagnostic.ts';
import { NEWEST_MINOR } from './schema.ts';
import type { TreeNode } from './tree.ts';
import { entriesOf, whereOf } from './tree.ts';

export interface Version {
  /** As the file says it; null where it says none. */
  readonly text: string | null;
  /** The minor version of v3 whose rules count. */
  readonly minor: number;
}

/** @param top the document as read; a capital or a typographic quote does not keep the version from being understood */
export function readVersion(top: TreeNode, found: Diagnostics): Version {
  const entry = entriesOf(top).find(({ key }) => key.toLowerCase() === 'version');
  if (entry === undefined || entry.value.kind !== 'scalar') return { text: null, minor: NEWEST_MINOR };
  const text = entry.value.text;
  const bare = text.replace(/^[\s'"\u2018-\u201f]+|[\s'"\u2018-\u201f]+$/g, '');
  const match = /^3(?:\.(\d{1,2}))?$/.exec(bare);
  const minor = match?.[1] === undefined ? NEWEST_MINOR : Number(match[1]);
  if (text !== '' && (match === null || minor > NEWEST_MINOR || bare !== text)) {
    const where = whereOf(entry.value, 'version');
    found.report(
      'OV1105',
      where,
      `"${text}" is not a version that "docker stack deploy" reads`,
      hintFor(bare, match),
    );
  }
  return { text: text === '' ? null : text, minor: Math.min(minor, NEWEST_MINOR) };
}

function hintFor(bare: string, match: RegExpExecArray | null): string {
  const newest = `"3" means 3.${NEWEST_MINOR}, the newest`;
  if (match !== null && match[1] === undefined) return `write version: "3"`;
  if (/^[12](\.\d+)?$/.test(bare)) return `version ${bare} is for docker-compose on one host; ${newest}`;
  return `write "3" to "3.${NEWEST_MINOR}"; ${newest}`;
}
