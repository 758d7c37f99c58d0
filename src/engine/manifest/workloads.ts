// Reads `x-vxlab` of one service or container: what its containers run (docs/workloads.md).
//
// Here each workload is judged by itself. What depends on other services (who the database is, whether a name can be
// reached) is decided in workload-tiers.ts and workload-reach.ts when all of them are known.

import type { Where } from '../model/diagnostic.ts';
import type { WorkloadKind, WorkloadSpec } from '../model/workload.ts';
import { conform } from './check.ts';
import type { CheckContext } from './context.ts';
import { joinPath } from './path.ts';
import { NONE, SHORT, WORKLOADS } from './schema-workload.ts';
import { suggest } from './suggest.ts';
import type { Entry, TreeNode } from './tree.ts';
import { entriesOf, itemsOf, textOf, whereOf } from './tree.ts';
import type { Read } from './workload-kinds.ts';
import { READERS } from './workload-kinds.ts';
import { Settings } from './workload-settings.ts';

/** The key of Compose files and topologies that vxlab reads. */
export const EXTENSION = 'x-vxlab';

export interface WorkloadDraft extends Read {
  readonly where: Where;
  /** Settings that stand in the file. */
  readonly given: ReadonlySet<string>;
}

/** @param node what stands under the key; @returns null where there is no such key */
export function readWorkloads(
  node: TreeNode | undefined,
  path: string,
  context: CheckContext,
): readonly WorkloadDraft[] | null {
  if (node === undefined) return null;
  const fit = conform(node, WORKLOADS, path, context);
  if (fit === null) return [];
  const drafts = [...declared(fit, path)].flatMap(({ kind, map, where }) => {
    const settings = new Settings(kind, map, where, context.found);
    const draft = READERS[kind](settings);
    const given = new Set(entriesOf(map).map(({ key }) => key));
    return draft === null ? [] : [{ ...draft, where, given }];
  });
  checkPorts(drafts, context);
  return drafts;
}

/** Warns of keys that Docker takes for anybody's extension although they were meant for vxlab. */
export function remarkExtensions(
  map: TreeNode | undefined,
  path: string,
  read: boolean,
  { found }: Pick<CheckContext, 'found'>,
): void {
  for (const { key, where } of entriesOf(map)) {
    const here = whereOf(where, joinPath(path, key));
    if (key === EXTENSION && !read) {
      const message = `"${EXTENSION}" is read in services and containers only`;
      found.report('OV1807', here, message, 'put it into the service that it is about');
    } else if (key !== EXTENSION && key.startsWith('x-') && suggest(key, [EXTENSION]) !== null) {
      const message = `"${key}" is legal, but nobody reads it`;
      found.report('OV1807', here, message, `did you mean "${EXTENSION}"?`);
    }
  }
}

interface Declared {
  readonly kind: WorkloadKind;
  readonly map: TreeNode | undefined;
  readonly where: Where;
}

function* declared(node: TreeNode, path: string): Iterable<Declared> {
  const word = textOf(node);
  if (word !== undefined) {
    if (word !== NONE) yield { kind: word as WorkloadKind, map: undefined, where: whereOf(node, path) };
    return;
  }
  for (const [index, item] of itemsOf(node).entries()) yield* declared(item, `${path}[${index}]`);
  for (const entry of entriesOf(node)) {
    const where = whereOf(entry.where, joinPath(path, entry.key));
    yield { kind: entry.key as WorkloadKind, map: longForm(entry), where };
  }
}

/** The settings of a kind as a mapping, whichever way they are written. */
function longForm({ key, where, value }: Entry): TreeNode {
  if (value.kind === 'map') return value;
  const short = { key: SHORT[key] as string, where, value };
  return { kind: 'map', entries: [short], at: value.at, end: value.end };
}

function checkPorts(drafts: readonly WorkloadDraft[], { found }: CheckContext): void {
  const taken = new Map<string, WorkloadDraft>();
  for (const draft of drafts) {
    const { spec } = draft;
    const port = listensOn(spec);
    if (port === null) continue;
    const key = `${spec.kind === 'udp' ? 'UDP' : 'TCP'} port ${port}`;
    const first = taken.get(key);
    if (first === undefined) {
      taken.set(key, draft);
      continue;
    }
    const { line, column } = first.spec.at;
    const message = `${spec.kind} listens on ${key}, as ${first.spec.kind} does already (${line}:${column})`;
    found.report('OV1802', draft.where, message, 'give one of them another "port"');
  }
}

/** The port that a workload opens, or null. */
export function listensOn(spec: WorkloadSpec): number | null {
  switch (spec.kind) {
    case 'http-server':
    case 'mysql-server':
    case 'app-server':
      return spec.port;
    case 'udp':
    case 'tcp-bulk':
      return spec.to === null ? spec.port : null;
    default:
      return null;
  }
}
