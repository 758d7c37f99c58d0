// A topology file, format vxlab-topology/1 (docs/topology.md): machines, networks and containers with everything fixed, as a
// capture showed it or as somebody drew it. Becomes the same StackSpec as a Compose file, so that one planner runs both.

import { VXLAN_PORT } from '../../core/wire/numbers.ts';
import type { Diagnostics } from '../model/diagnostic.ts';
import type { StackSpec, TopologySpec } from '../model/spec.ts';
import { conform } from './check.ts';
import type { Variables } from './interpolate.ts';
import { didYouMean } from './suggest.ts';
import { readContainers } from './topology-containers.ts';
import type { NetworkDraft, NodeDraft } from './topology-networks.ts';
import { checkNumber, familyOf, readNetworks, readNodes } from './topology-networks.ts';
import { TOPOLOGY } from './topology-shape.ts';
import type { TreeNode } from './tree.ts';
import { childOf, entriesOf, entryOf, textOf, whereOf } from './tree.ts';
import { remarkExtensions } from './workloads.ts';

export const TOPOLOGY_SCHEMA = 'vxlab-topology/1';
const FAMILY = /^vxlab-topology\b/;

export interface TopologyContext {
  readonly stack: string;
  readonly variables: Variables;
  readonly found: Diagnostics;
}

/** True for a document whose first key is `schema`, or whose top level names this format under any key. */
export function isTopology(tree: TreeNode): boolean {
  return entriesOf(tree).some(
    ({ key, value }, i) => (i === 0 && key === 'schema') || FAMILY.test(textOf(value) ?? ''),
  );
}

/** @returns the stack as far as it can be read; whether it is right stands in `found` */
export function topologyStack(tree: TreeNode, { stack, variables, found }: TopologyContext): StackSpec {
  // A topology has no versions besides its schema's: every key is as old as any other.
  const top = conform(tree, TOPOLOGY, '', { found, minor: 0, variables }) ?? tree;
  checkSchema(top, found);
  remarkExtensions(top, '', false, { found });
  const nodes = readNodes(childOf(top, 'nodes'), found);
  if (nodes.length === 0 && childOf(top, 'nodes') !== undefined) {
    const where = whereOf(childOf(top, 'nodes') ?? tree, 'nodes');
    found.report(
      'OV1702',
      where,
      'there are no nodes for containers to run on',
      'name at least one under "nodes"',
    );
  }
  const networks = readNetworks(childOf(top, 'networks'), nodes, found);
  const containers = readContainers(childOf(top, 'containers'), { nodes, networks, variables, found });
  return {
    name: stack,
    version: null,
    networks: networks.map(({ spec, gateway }) => (gateway === null ? spec : { ...spec, gateway })),
    services: containers,
    topology: readTopology(top, nodes, networks, found),
  };
}

function checkSchema(top: TreeNode, found: Diagnostics): void {
  const entry = entryOf(top, 'schema');
  const text = textOf(entry?.value);
  if (entry === undefined || text === undefined || text === TOPOLOGY_SCHEMA) return;
  const where = whereOf(entry.value, 'schema');
  const hint = didYouMean(text, [TOPOLOGY_SCHEMA]) ?? `write schema: ${TOPOLOGY_SCHEMA}`;
  found.report('OV1701', where, `"${text}" is not a format that this vxlab reads`, hint);
}

function readTopology(
  top: TreeNode,
  nodes: readonly NodeDraft[],
  networks: readonly NetworkDraft[],
  found: Diagnostics,
): TopologySpec {
  const underlay = childOf(top, 'underlay');
  const mtu = checkNumber(underlay, 'mtu', 'underlay.mtu', [576, 9216], 'OV1209', found);
  const longest = familyOf(nodes) === 6 ? 126 : 30;
  const prefix = checkNumber(underlay, 'prefix', 'underlay.prefix', [8, longest], 'OV1503', found);
  return {
    nodes: nodes.flatMap(({ name, ip }) => (ip === null ? [] : [{ name, ip }])),
    profile: textOf(childOf(top, 'profile')) ?? null,
    port: onePort(networks, found),
    mtu,
    prefix,
  };
}

/** A node has one UDP socket for all its VTEPs. */
function onePort(networks: readonly NetworkDraft[], found: Diagnostics): number | null {
  const first = networks.find(({ port }) => port !== null);
  if (first === undefined) return null;
  for (const { port, portWhere, spec } of networks) {
    if ((port ?? VXLAN_PORT) === first.port) continue;
    const message = `network "${spec.key}" has UDP port ${port ?? VXLAN_PORT}, "${first.spec.key}" ${first.port}`;
    const hint = 'the VTEPs of a lab share one socket: give all networks the same port';
    found.report('OV1711', portWhere, message, hint);
  }
  return first.port;
}
