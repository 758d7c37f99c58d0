// A manifest's document as a small tree in which everything knows its place.
//
// Compose's own loader works on nested maps and loses all positions; here every key and value keeps where it stood, so
// that any later check can point at it. An aliased value is the anchor's node again: the tree is a graph without circles.

import type { Where } from '../model/diagnostic.ts';
import type { Place } from '../model/spec.ts';

export interface Span {
  readonly at: Place;
  /** Just behind the last character. */
  readonly end: Place;
}

export type Scalar = string | number | boolean | null;

export interface ScalarNode extends Span {
  readonly kind: 'scalar';
  readonly value: Scalar;
  /** As written, without quotes and with line breaks folded. */
  readonly text: string;
  /** Neither quoted nor a block scalar nor tagged: only such text may have meant something else. */
  readonly plain: boolean;
  /** The source lines of a plain scalar, trimmed, each with its place. */
  readonly lines: readonly Line[];
  /** A variable was filled in, so that a number or a truth value may have to be read out of the text. */
  readonly substituted: boolean;
}

export interface Line extends Span {
  readonly text: string;
}

export interface ListNode extends Span {
  readonly kind: 'list';
  readonly items: readonly TreeNode[];
}

export interface MapNode extends Span {
  readonly kind: 'map';
  /** In the file's order; keys are unique. */
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  /** The key's own place. */
  readonly where: Span;
  readonly value: TreeNode;
}

export type TreeNode = ScalarNode | ListNode | MapNode;

/** A place to report on. */
export function whereOf(span: Span, path: string): Where {
  return { at: span.at, end: span.end, path };
}

export function entryOf(node: TreeNode | undefined, key: string): Entry | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;
}

export function childOf(node: TreeNode | undefined, key: string): TreeNode | undefined {
  return entryOf(node, key)?.value;
}

export function entriesOf(node: TreeNode | undefined): readonly Entry[] {
  return node?.kind === 'map' ? node.entries : [];
}

export function itemsOf(node: TreeNode | undefined): readonly TreeNode[] {
  return node?.kind === 'list' ? node.items : [];
}

/** The text of a scalar; undefined for null and for anything else. */
export function textOf(node: TreeNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || node.value === null) return undefined;
  return String(node.value);
}

export function numberOf(node: TreeNode | undefined): number | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
}

export function booleanOf(node: TreeNode | undefined): boolean | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : undefined;
}

/** The tree as plain data, places gone. */
export function plainOf(node: TreeNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plainOf);
    case 'map':
      return Object.fromEntries(node.entries.map((entry) => [entry.key, plainOf(entry.value)]));
  }
}
