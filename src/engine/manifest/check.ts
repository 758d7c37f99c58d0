// Holds a tree against a shape: reports everything that does not fit, and gives back a tree that does.
//
// A key that was clearly meant to be another one is reported and then read as that one, so that what stands below it is
// judged in the same pass. What cannot be read at all is left out. Variables are filled in on the way, for whether a
// value fits depends on them.

import { checkScalar, nodeWords } from './check-scalar.ts';
import type { Ancestors, CheckContext } from './context.ts';
import { joinPath, subject } from './path.ts';
import { entriesOfScalar, itemsOfScalar } from './repair.ts';
import type { DictShape, EitherShape, ListShape, RecordShape, Shape } from './shape.ts';
import { describeShape } from './shape.ts';
import type { Entry, ListNode, MapNode, Span, TreeNode } from './tree.ts';
import { plainOf } from './tree.ts';
import { knownKey, unknownKey } from './unknown-key.ts';

/** @returns what of `node` fits `shape`, keys mended and variables filled in; null if nothing does */
export function conform(
  node: TreeNode,
  shape: Shape,
  path: string,
  context: CheckContext,
  above: Ancestors = [],
): TreeNode | null {
  switch (shape.kind) {
    case 'scalar':
      if (node.kind !== 'scalar') return wrongType(node, shape, path, context, pairHint(node, path));
      return checkScalar(node, shape, path, context);
    case 'list':
      return conformList(node, shape, path, context, above);
    case 'record':
    case 'dict':
      return conformMap(node, shape, path, context, above);
    case 'either':
      return conformEither(node, shape, path, context, above);
  }
}

function wrongType(
  node: TreeNode,
  shape: Shape,
  path: string,
  context: CheckContext,
  hint: string | null = null,
): null {
  const message = `${subject(path)} must be ${describeShape(shape)}, not ${nodeWords(node)}`;
  const rule = shape.kind === 'scalar' ? shape.rule : 'OV1103';
  context.found.report(rule, { at: node.at, end: node.end, path }, message, hint);
  return null;
}

/** What to write instead of a mapping where one text belongs. */
function pairHint(node: TreeNode, path: string): string | null {
  const only = node.kind === 'map' && node.entries.length === 1 ? node.entries[0] : undefined;
  if (only?.value.kind !== 'scalar') return null;
  const { key, value } = only;
  if (/(environment|labels|args|sysctls)\[\d+\]$/.test(path)) return `write "- ${key}=${value.text}"`;
  return `quote it, so that it is one text: "${key}: ${value.text}"`;
}

function conformEither(
  node: TreeNode,
  shape: EitherShape,
  path: string,
  context: CheckContext,
  above: Ancestors,
): TreeNode | null {
  const fits = (one: Shape): boolean => {
    if (node.kind === 'map') return one.kind === 'record' || one.kind === 'dict';
    if (node.kind === 'list') return one.kind === 'list';
    return one.kind === 'scalar' || (node.value === null && one.kind === 'record' && one.nullable);
  };
  const fitting = shape.shapes.find(fits);
  if (fitting !== undefined) return conform(node, fitting, path, context, above);
  if (node.kind === 'scalar' && node.value !== null) {
    const items = itemsOfScalar(node, path, context.found);
    const one = shape.shapes.find((candidate) => candidate.kind === 'list');
    if (items !== null && one !== undefined) return conform(items, one, path, context, above);
    wrongType(node, shape, path, context, 'write it as an item of a list, behind "- "');
    const alone: ListNode = { kind: 'list', items: [node], at: node.at, end: node.end };
    return one === undefined ? null : conform(alone, one, path, context, above);
  }
  return wrongType(node, shape, path, context);
}

function conformList(
  node: TreeNode,
  shape: ListShape,
  path: string,
  context: CheckContext,
  above: Ancestors,
): ListNode | null {
  const list = asList(node, shape, path, context);
  if (list === null) return null;
  const items: TreeNode[] = [];
  const seen = new Map<string, Span>();
  for (const [index, item] of list.items.entries()) {
    const below = `${path}[${index}]`;
    const fit = conform(item, shape.item, below, context, above);
    if (fit === null) continue;
    items.push(fit);
    if (!shape.unique) continue;
    const key = JSON.stringify(plainOf(fit));
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, fit);
    } else {
      const message = `${subject(below)} is the same as the one at ${first.at.line}:${first.at.column}`;
      context.found.report('OV1112', { at: fit.at, end: fit.end, path: below }, message, 'keep one of them');
    }
  }
  return { kind: 'list', items, at: list.at, end: list.end };
}

function asList(node: TreeNode, shape: ListShape, path: string, context: CheckContext): ListNode | null {
  if (node.kind === 'list') return node;
  const alone: ListNode = { kind: 'list', items: [node], at: node.at, end: node.end };
  if (node.kind === 'map') {
    wrongType(node, shape, path, context, 'put "- " before its first key and indent the others by two more');
    return alone;
  }
  if (node.value === null)
    return wrongType(node, shape, path, context, 'put the items below, each behind "- "');
  const items = itemsOfScalar(node, path, context.found);
  if (items !== null) return items;
  wrongType(node, shape, path, context, `write "- ${node.text}" on a line of its own below`);
  return alone;
}

function conformMap(
  node: TreeNode,
  shape: RecordShape | DictShape,
  path: string,
  context: CheckContext,
  above: Ancestors,
): TreeNode | null {
  if (node.kind === 'scalar' && node.value === null && shape.kind === 'record' && shape.nullable) {
    return { kind: 'map', entries: [], at: node.at, end: node.end };
  }
  const map = asMap(node, shape, path, context);
  if (map === null) return null;
  const entries =
    shape.kind === 'dict' ? named(map, shape, path, context, above) : known(map, shape, path, context, above);
  return { kind: 'map', entries, at: map.at, end: map.end };
}

function asMap(node: TreeNode, shape: Shape, path: string, context: CheckContext): MapNode | null {
  if (node.kind === 'map') return node;
  if (node.kind === 'scalar') {
    if (node.value === null) return wrongType(node, shape, path, context, 'put its keys below, indented');
    const entries = entriesOfScalar(node, path, context.found);
    return entries ?? wrongType(node, shape, path, context);
  }
  wrongType(node, shape, path, context, 'write its keys without "- "');
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.kind !== 'map') continue;
    for (const entry of item.entries) if (!entries.has(entry.key)) entries.set(entry.key, entry);
  }
  return { kind: 'map', entries: [...entries.values()], at: node.at, end: node.end };
}

function named(
  map: MapNode,
  shape: DictShape,
  path: string,
  context: CheckContext,
  above: Ancestors,
): readonly Entry[] {
  const entries: Entry[] = [];
  for (const entry of map.entries) {
    const below = joinPath(path, entry.key);
    if (shape.names && !/^[a-zA-Z0-9._-]+$/.test(entry.key)) {
      const hint = 'names are made of letters, digits, dots, dashes and underscores';
      context.found.report('OV1110', { ...entry.where, path: below }, `"${entry.key}" is not a name`, hint);
    }
    const value = conform(entry.value, shape.value, below, context, above);
    // A name that is defined badly is still defined: who refers to it has done nothing wrong.
    const nullable = shape.value.kind === 'record' && shape.value.nullable;
    const empty: MapNode = { kind: 'map', entries: [], at: entry.value.at, end: entry.value.end };
    if (value !== null) entries.push({ ...entry, value });
    else if (nullable) entries.push({ ...entry, value: empty });
  }
  return entries;
}

function known(
  map: MapNode,
  shape: RecordShape,
  path: string,
  context: CheckContext,
  above: Ancestors,
): readonly Entry[] {
  const entries: Entry[] = [];
  const taken = new Set(map.entries.map((entry) => entry.key));
  const below = [...above, shape];
  for (const entry of map.entries) {
    const where = { ...entry.where, path: joinPath(path, entry.key) };
    const name = Object.hasOwn(shape.keys, entry.key)
      ? entry.key
      : unknownKey(entry, { shape, above, taken, where, context });
    if (name === null) continue;
    taken.add(name);
    const rule = Object.hasOwn(shape.keys, name) ? shape.keys[name] : undefined;
    if (rule === undefined) {
      entries.push(entry);
      continue;
    }
    knownKey(name, rule, where, context);
    const value = conform(entry.value, rule.shape, where.path, context, below);
    if (value !== null) entries.push({ key: name, where: entry.where, value });
  }
  for (const key of shape.required) {
    if (taken.has(key)) continue;
    const message = `${shape.name} needs the key "${key}"`;
    context.found.report('OV1113', { at: map.at, end: null, path }, message);
  }
  return entries;
}
