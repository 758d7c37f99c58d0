// The way into the manifest readers: text in, a stack and everything there is to say about it out.

import type { Diagnostic } from '../model/diagnostic.ts';
import { Diagnostics } from '../model/diagnostic.ts';
import type { StackSpec } from '../model/spec.ts';
import { composeStack } from './compose.ts';
import { readSource } from './source.ts';
import { isTopology, topologyStack } from './topology.ts';

export interface LoadOptions {
  /** The stack's name; it becomes part of the names of services and networks. */
  readonly stack: string;
  /** What `${NAME}` stands for. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How many nodes the swarm is thought to have; 3 unless told. Only the check of subnet sizes asks. */
  readonly nodes?: number;
}

export interface Loaded {
  /** Null when any diagnostic is an error. */
  readonly spec: StackSpec | null;
  /** Everything that was found, in reading order. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a manifest of either kind: a topology file is told by its first key, `schema`. Never throws, whatever the text.
 *
 * @example
 * const { spec, diagnostics } = loadManifest(text, { stack: 'mystack1' });
 */
export function loadManifest(text: string, options: LoadOptions): Loaded {
  const found = new Diagnostics();
  const tree = readSource(text, found);
  const { stack, variables = {}, nodes = 3 } = options;
  if (tree === null) return { spec: null, diagnostics: found.sorted() };
  const spec = isTopology(tree)
    ? topologyStack(tree, { stack, variables, found })
    : composeStack(tree, { stack, variables, nodes, found });
  return { spec: found.failed ? null : spec, diagnostics: found.sorted() };
}

/**
 * Reads a Compose v3 file as `docker stack deploy` does. Never throws, whatever the text.
 *
 * @example
 * const { spec, diagnostics } = loadCompose(text, { stack: 'mystack1' });
 */
export function loadCompose(text: string, options: LoadOptions): Loaded {
  const found = new Diagnostics();
  const tree = readSource(text, found);
  const { stack, variables = {}, nodes = 3 } = options;
  const spec = tree === null ? null : composeStack(tree, { stack, variables, nodes, found });
  return { spec: found.failed ? null : spec, diagnostics: found.sorted() };
}
