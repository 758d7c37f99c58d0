// A Compose v3 document as `docker stack deploy` understands it: from the tree to a stack.
//
// Everything is judged in one pass over a tree that has been held against the dialect's shape: the readers below take
// what is there and report what Docker, or the swarm's manager later, would refuse or quietly drop.

import type { Diagnostics } from '../model/diagnostic.ts';
import type { NetworkSpec, StackSpec } from '../model/spec.ts';
import type { PlannedNetwork } from '../model/validate.ts';
import { checkAddressPlan, checkPublished } from '../model/validate.ts';
import { conform } from './check.ts';
import type { NetworkDraft } from './compose-networks.ts';
import { readNetworks } from './compose-networks.ts';
import { checkReferences } from './compose-references.ts';
import type { ServiceDraft } from './compose-services.ts';
import { DEFAULT_NETWORK, readServices } from './compose-services.ts';
import { readVersion } from './compose-version.ts';
import type { Variables } from './interpolate.ts';
import { joinPath } from './path.ts';
import { COMPOSE } from './schema.ts';
import type { TreeNode } from './tree.ts';
import { childOf, entriesOf, whereOf } from './tree.ts';
import { remarkExtensions } from './workloads.ts';

export interface ComposeContext {
  readonly stack: string;
  readonly variables: Variables;
  /** How many nodes the swarm is thought to have, for the addresses that global services and load balancers take. */
  readonly nodes: number;
  readonly found: Diagnostics;
}

/** @returns the stack as far as it can be read, or null if the document is no mapping; whether it is right stands in `found` */
export function composeStack(tree: TreeNode, context: ComposeContext): StackSpec | null {
  const { stack, variables, found } = context;
  if (tree.kind !== 'map') {
    const hint = 'a stack file is a mapping with the keys version, services and networks';
    found.report('OV1014', whereOf(tree, ''), 'the document is not a mapping', hint);
    return null;
  }
  const version = readVersion(tree, found);
  const top = conform(tree, COMPOSE, '', { found, minor: version.minor, variables }) ?? tree;
  remarkExtensions(top, '', false, context);
  const networks = readNetworks(childOf(top, 'networks'), stack, found);
  const section = childOf(top, 'services');
  const services = readServices(section, {
    stack,
    variables,
    services: entriesOf(section).map((entry) => entry.key),
    networks,
    found,
  });
  checkReferences(top, found);
  if (services.length === 0 && !found.failed) {
    const hint = 'put at least one service with an image under "services"';
    found.report(
      'OV1402',
      { at: tree.at, end: null, path: '' },
      'the file has no services: nothing would run',
      hint,
    );
  }
  const used = usedNetworks(networks, services, context, tree);
  checkAddressPlan(
    used.map((draft) => planned(draft, services, context.nodes)),
    found,
  );
  checkPublished(
    services.flatMap(({ spec, ports }) =>
      ports.map((port) => ({ ...port.spec, service: spec.key, where: port.where })),
    ),
    found,
  );
  return {
    name: stack,
    version: version.text,
    networks: used.map((draft) => draft.spec),
    services: services.map((draft) => draft.spec),
  };
}

/** Networks that some service uses, in the file's order; the default one last unless the file defines it. */
function usedNetworks(
  networks: readonly NetworkDraft[],
  services: readonly ServiceDraft[],
  { stack, found }: ComposeContext,
  tree: TreeNode,
): readonly NetworkDraft[] {
  const wanted = new Set(services.flatMap(({ spec }) => spec.networks.map((one) => one.network)));
  const names = new Map<string, NetworkDraft>();
  const used: NetworkDraft[] = [];
  for (const draft of networks) {
    const { key, name, external } = draft.spec;
    const where = whereOf(draft.entry.where, joinPath('networks', key));
    if (!wanted.has(key)) {
      found.report('OV1202', where, `no service uses network "${key}": it will not be created`);
      continue;
    }
    const same = names.get(name);
    if (same !== undefined && !(external && same.spec.external)) {
      const { line, column } = same.entry.where.at;
      const message = `network "${key}" is called "${name}" in the swarm, as is "${same.spec.key}" (${line}:${column})`;
      found.report('OV1210', where, message, 'give one of them another "name"');
    }
    names.set(name, draft);
    used.push(draft);
  }
  if (wanted.has(DEFAULT_NETWORK) && !used.some((draft) => draft.spec.key === DEFAULT_NETWORK)) {
    used.push(implicitNetwork(stack, tree));
  }
  return used;
}

function implicitNetwork(stack: string, tree: TreeNode): NetworkDraft {
  const spec: NetworkSpec = {
    key: DEFAULT_NETWORK,
    name: `${stack}_${DEFAULT_NETWORK}`,
    driver: 'overlay',
    subnets: [],
    internal: false,
    attachable: false,
    external: false,
    encrypted: false,
    mtu: null,
    vnis: [],
    driverOpts: {},
    labels: {},
    at: tree.at,
    implicit: true,
  };
  const where = { at: tree.at, end: tree.at };
  return { spec, entry: { key: DEFAULT_NETWORK, where, value: tree }, subnets: [], vnis: [] };
}

/** How many addresses a network must have to give out. */
function planned(draft: NetworkDraft, services: readonly ServiceDraft[], nodes: number): PlannedNetwork {
  const { key, external } = draft.spec;
  let tasks = 0;
  let vips = 0;
  for (const { spec } of services) {
    if (external || !spec.networks.some((one) => one.network === key)) continue;
    tasks += spec.mode === 'global' || spec.mode === 'global-job' ? nodes : spec.replicas;
    if (spec.endpointMode === 'vip') vips++;
  }
  const where = whereOf(draft.entry.where, joinPath('networks', key));
  return { key, where, subnets: draft.subnets, vnis: draft.vnis, tasks, vips, nodes };
}
