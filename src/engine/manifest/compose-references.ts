// Volumes, secrets and configs that services name must be defined at the top level (docker/cli, cli/compose/convert).

import type { Diagnostics, Where } from '../model/diagnostic.ts';
import { joinPath } from './path.ts';
import { didYouMean } from './suggest.ts';
import type { TreeNode } from './tree.ts';
import { childOf, entriesOf, entryOf, itemsOf, textOf, whereOf } from './tree.ts';

type Section = 'volumes' | 'secrets' | 'configs';

const ONE: Readonly<Record<Section, string>> = { volumes: 'volume', secrets: 'secret', configs: 'config' };

/** @param top the whole document, already held against its shape */
export function checkReferences(top: TreeNode, found: Diagnostics): void {
  for (const { key, value } of entriesOf(childOf(top, 'services'))) {
    for (const section of ['volumes', 'secrets', 'configs'] as const) {
      for (const [index, item] of itemsOf(childOf(value, section)).entries()) {
        const name =
          section === 'volumes' ? volumeName(item) : (textOf(item) ?? textOf(childOf(item, 'source')));
        if (name === undefined || name === null) continue;
        checkDefined(
          top,
          section,
          name,
          whereOf(item, `${joinPath('services', key, section)}[${index}]`),
          found,
        );
      }
    }
  }
  for (const section of ['volumes', 'secrets', 'configs'] as const) checkExternal(top, section, found);
}

function checkDefined(top: TreeNode, section: Section, name: string, where: Where, found: Diagnostics): void {
  const names = entriesOf(childOf(top, section)).map((entry) => entry.key);
  if (names.includes(name)) return;
  const hint = didYouMean(name, names) ?? `define it under the top-level "${section}"`;
  found.report('OV1407', where, `${ONE[section]} "${name}" is not defined`, hint);
}

/** The named volume that a mount uses; null for paths, anonymous volumes and other kinds of mount. */
function volumeName(item: TreeNode): string | null {
  const short = textOf(item);
  if (short !== undefined) {
    const source = /^([^:]+):/.exec(short)?.[1] ?? '';
    // One letter before a colon is a drive of Windows.
    return /^[A-Za-z0-9][\w.-]+$/.test(source) ? source : null;
  }
  const source = textOf(childOf(item, 'source'));
  return textOf(childOf(item, 'type')) === 'volume' && source !== undefined && source !== '' ? source : null;
}

/** `external.name` beside `name`, and what volumes do not allow beside `external`. */
function checkExternal(top: TreeNode, section: Section, found: Diagnostics): void {
  for (const { key, value } of entriesOf(childOf(top, section))) {
    const external = entryOf(value, 'external');
    if (external === undefined || (external.value.kind === 'scalar' && external.value.value !== true))
      continue;
    const inner = entryOf(external.value, 'name');
    if (inner !== undefined) {
      const where = whereOf(inner.where, joinPath(section, key, 'external', 'name'));
      if (entryOf(value, 'name') === undefined) {
        found.report(
          'OV1109',
          where,
          '"external.name" is deprecated',
          'write "name" beside "external: true"',
        );
      } else {
        found.report('OV1119', where, '"name" and "external.name" are both given', 'keep "name" only');
      }
    }
    if (section !== 'volumes') continue;
    for (const other of ['driver', 'driver_opts', 'labels']) {
      const entry = entryOf(value, other);
      if (entry === undefined) continue;
      const message = `"external" and "${other}" exclude each other`;
      found.report(
        'OV1120',
        whereOf(entry.where, joinPath('volumes', key, other)),
        message,
        'an external volume is there already',
      );
    }
  }
}
