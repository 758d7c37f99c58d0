// `environment`, `labels` and their like: a mapping, or a list of `NAME=value`.

import { joinPath } from './path.ts';
import type { Span, TreeNode } from './tree.ts';
import { entriesOf, itemsOf, textOf } from './tree.ts';

export interface Pair {
  readonly name: string;
  /** Null where the file gives only a name. */
  readonly value: string | null;
  /** Where the name stands, or in a list the whole item. */
  readonly where: Span;
  readonly valueWhere: Span;
  /** The last part of its path: `.NAME` or `[2]`. */
  readonly step: string;
  readonly listed: boolean;
}

export function pairsOf(node: TreeNode | undefined): readonly Pair[] {
  if (node?.kind === 'map') {
    return entriesOf(node).map(({ key, where, value }) => ({
      name: key,
      value: textOf(value) ?? null,
      where,
      valueWhere: value,
      step: joinPath('x', key).slice(1),
      listed: false,
    }));
  }
  return itemsOf(node).map((item, index) => {
    const text = textOf(item) ?? '';
    const cut = text.indexOf('=');
    return {
      name: cut < 0 ? text : text.slice(0, cut),
      value: cut < 0 ? null : text.slice(cut + 1),
      where: item,
      valueWhere: item,
      step: `[${index}]`,
      listed: true,
    };
  });
}
