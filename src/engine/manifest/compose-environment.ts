// A service's `environment`: NAME=value in a list, or a mapping (docker/cli, cli/compose/loader, resolveEnvironment).
//
// A name without a value takes the caller's variable of that name. Docker takes any text for a name; a name or a value
// that was clearly mistyped is worth a warning, for nothing else will ever say so.

import type { Diagnostics } from '../model/diagnostic.ts';
import type { Variables } from './interpolate.ts';
import type { Pair } from './pairs.ts';
import { pairsOf } from './pairs.ts';
import { suggest } from './suggest.ts';
import type { TreeNode } from './tree.ts';
import { whereOf } from './tree.ts';

export interface Surroundings {
  readonly stack: string;
  readonly variables: Variables;
  /** The keys of all services of the file. */
  readonly services: readonly string[];
}

export function readEnvironment(
  node: TreeNode | undefined,
  path: string,
  around: Surroundings,
  found: Diagnostics,
): Readonly<Record<string, string>> {
  const environment: [string, string][] = [];
  for (const pair of pairsOf(node)) {
    checkName(pair, path, found);
    if (pair.value !== null) checkValue(pair, pair.value, path, around, found);
    const outside = Object.hasOwn(around.variables, pair.name) ? around.variables[pair.name] : undefined;
    const value = pair.value === null || pair.value === '' ? (outside ?? pair.value) : pair.value;
    if (value !== null) environment.push([pair.name, value]);
  }
  return Object.fromEntries(environment);
}

function checkName(pair: Pair, path: string, found: Diagnostics): void {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(pair.name)) return;
  const where = whereOf(pair.where, path + pair.step);
  // `)` is `_` with the neighbouring key.
  const mended = pair.name.replaceAll(')', '_').replaceAll(/\s+/g, '').replace(/_{2,}/g, '_');
  const odd = [...new Set(pair.name.replaceAll(/[A-Za-z0-9_.-]/g, ''))].map((one) =>
    one === ' ' ? 'a space' : one,
  );
  const what = odd.length === 0 ? 'it does not begin with a letter' : `it holds ${odd.join(' and ')}`;
  const message = `"${pair.name}" is an odd name for a variable: ${what}`;
  const good = /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(mended);
  const form = pair.value === null && pair.listed ? 'an entry is NAME=value' : null;
  found.report('OV1403', where, message, good && pair.value !== null ? `did you mean "${mended}"?` : form);
}

function checkValue(pair: Pair, value: string, path: string, around: Surroundings, found: Diagnostics): void {
  const where = whereOf(pair.valueWhere, path + pair.step);
  if (value.split(')').length > value.split('(').length) {
    const message = `"${value}" closes a bracket that it does not open`;
    const mended = value.replaceAll(')', '_');
    found.report('OV1404', where, message, `"_" is the neighbouring key: did you mean "${mended}"?`);
  }
  for (const match of value.matchAll(/(?<![\w.-])([\w-]+?)_([A-Za-z][\w-]*)/g)) {
    const [whole, stack, service] = match as unknown as [string, string, string];
    if (stack !== around.stack || around.services.includes(service)) continue;
    const meant = suggest(service, around.services);
    if (meant === null) continue;
    const message = `this stack has no service "${whole}"`;
    found.report('OV1408', where, message, `did you mean "${stack}_${meant}"?`);
  }
}
