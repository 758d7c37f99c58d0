// What to say about a key: one that its place does not know, and one that it knows but that needs a word.
//
// An unknown key is, in this order: an extension, forbidden by name, of another dialect, legal at another level, a slip
// of a key that is legal here, or nothing we know.

import type { Where } from '../model/diagnostic.ts';
import type { Ancestors, CheckContext } from './context.ts';
import type { KeyRule, RecordShape, Shape } from './shape.ts';
import { suggest } from './suggest.ts';
import type { Entry } from './tree.ts';

interface Situation {
  readonly shape: RecordShape;
  readonly above: Ancestors;
  /** Keys that the mapping has. */
  readonly taken: ReadonlySet<string>;
  readonly where: Where;
  readonly context: CheckContext;
}

/** Reports a key that the shape does not have. @returns under which key to read on; null to leave it out */
export function unknownKey(entry: Entry, { shape, above, taken, where, context }: Situation): string | null {
  const { key } = entry;
  const { found } = context;
  if (key.startsWith('x-') && shape.extensions !== null) {
    if (context.minor >= shape.extensions) return key;
    const message = `keys that begin with "x-" are allowed in ${shape.name} from version 3.${shape.extensions} on`;
    found.report('OV1104', where, message, versionHint(shape.extensions));
    return null;
  }
  const instead = own(shape.forbidden, key);
  if (instead !== undefined) {
    found.report('OV1107', where, `"${key}" is refused by "docker stack deploy"`, instead);
    return null;
  }
  const dialect = own(shape.foreign, key);
  if (dialect !== undefined) {
    const message = `"${key}" is not a key of ${shape.name} in Compose v3`;
    found.report('OV1106', where, message, `it belongs to ${dialect}`);
    return null;
  }
  if (shape.open) return key;
  const place = placeBelow(shape, key) ?? placeAbove(above, key);
  if (place !== null) {
    found.report('OV1102', where, `"${key}" is misplaced: ${shape.name} does not have it`, `put it ${place}`);
    return null;
  }
  const meant = meantKey(entry, shape);
  const message = `unknown key "${key}" in ${shape.name}`;
  found.report('OV1101', where, message, meant === null ? keysHint(shape) : `did you mean "${meant}"?`);
  return meant === null || taken.has(meant) ? null : meant;
}

/** Reports a key that is too new, ignored or deprecated. */
export function knownKey(key: string, rule: KeyRule, where: Where, { found, minor }: CheckContext): void {
  if (rule.since > minor) {
    const message = `"${key}" needs version 3.${rule.since}; this file says 3.${minor}`;
    found.report('OV1104', where, message, versionHint(rule.since));
  }
  if (rule.ignored !== null) found.report('OV1108', where, `"${key}" has no effect in a swarm`, rule.ignored);
  if (rule.deprecated !== null) {
    found.report('OV1109', where, `"${key}" is deprecated and has no effect`, rule.deprecated);
  }
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function versionHint(minor: number): string {
  return `write version: "3.${minor}" or later, or "3" for the newest`;
}

function keysHint(shape: RecordShape): string | null {
  const keys = Object.keys(shape.keys);
  return keys.length === 0 || keys.length > 10 ? null : `the keys here are ${keys.join(', ')}`;
}

function meantKey(entry: Entry, shape: RecordShape): string | null {
  const meant = suggest(entry.key, Object.keys(shape.keys));
  if (meant === 'driver' && entry.value.kind === 'map' && Object.hasOwn(shape.keys, 'driver_opts'))
    return 'driver_opts';
  return meant;
}

/** `below "ipam"`: where under this record the key is legal, at most three levels down. */
function placeBelow(shape: RecordShape, key: string): string | null {
  let level: { readonly shape: Shape; readonly place: string }[] = [{ shape, place: '' }];
  for (let depth = 0; depth < 3; depth++) {
    const next: { readonly shape: Shape; readonly place: string }[] = [];
    for (const { shape: one, place } of level) {
      for (const [name, rule] of Object.entries(recordOf(one)?.keys ?? {})) {
        const there = place === '' ? name : `${place}.${name}`;
        const below = recordOf(rule.shape);
        if (below !== null && !below.open && Object.hasOwn(below.keys, key)) {
          return rule.shape.kind === 'list' ? `below "${there}", in an item of its list` : `below "${there}"`;
        }
        next.push({ shape: rule.shape, place: there });
      }
    }
    level = next;
  }
  return null;
}

function recordOf(shape: Shape): RecordShape | null {
  switch (shape.kind) {
    case 'record':
      return shape;
    case 'list':
      return recordOf(shape.item);
    default:
      return null;
  }
}

/** `one level up, beside "ipam"`: which record above has the key. */
function placeAbove(above: Ancestors, key: string): string | null {
  for (let up = 1; up <= above.length; up++) {
    const shape = above[above.length - up] as RecordShape;
    if (!Object.hasOwn(shape.keys, key)) continue;
    const levels = up === 1 ? 'one level up' : `${up} levels up`;
    return `${levels}, into ${shape.name}`;
  }
  return null;
}
