// What a swarm does about a node that is gone: its tasks' endpoints leave every table, and its replicas are placed anew on the
// nodes that are left (swarmkit: a node that is down, orchestrator/replicated, orchestrator/global). Everything follows from the
// plan and from the order in which nodes go, so that managers which hear the same come to the same.

import { VxlabError } from '../../core/wire/numbers.ts';
import type { RandomStream } from '../time/random.ts';
import { swarmId } from './ids.ts';
import type { EndpointPlan, Plan, ServicePlan, TaskPlan } from './plan.ts';
import { hostnameOf, lease } from './plan.ts';
import { place } from './scheduler.ts';
import type { World } from './world.ts';

/** A task that was on a node which is gone, and the one in its place: null for one that belonged to that node alone. */
export interface Move {
  readonly from: TaskPlan;
  readonly to: TaskPlan | null;
}

/**
 * Takes a node for dead: nothing of it answers any more, and what it ran is run elsewhere where a node may take it. A node that is
 * gone already loses nothing.
 * @throws VxlabError NO_SUCH_NODE
 */
export function lose(world: World, name: string): Move[] {
  const { plan } = world;
  const node = world.nodes.get(name);
  if (node === undefined) throw new VxlabError('NO_SUCH_NODE', `there is no node "${name}"`);
  const candidate = plan.candidates.find((one) => one.node.name === name);
  if (candidate === undefined || !candidate.available) return [];
  candidate.available = false;
  for (const container of [...node.containers.values()]) world.stop(container);
  for (const sandbox of node.sandboxes.values()) world.encryption?.closed(node, sandbox.network.plan);
  node.close();
  const ids = world.ground.random.stream(`failover/${name}`);
  const moves = plan.services.flatMap((service) => replaced(plan, service, name, ids));
  for (const { to } of moves) if (to !== null && to.node !== null) world.run(to);
  return moves;
}

/** Gives the service's tasks of a node to others, in the plan. */
function replaced(plan: Plan, service: ServicePlan, name: string, ids: RandomStream): Move[] {
  const { mode } = service.spec;
  const isGlobal = mode === 'global' || mode === 'global-job';
  const moves: Move[] = [];
  for (const from of [...service.tasks]) {
    if (from.node !== name) continue;
    const at = service.tasks.indexOf(from);
    const to = isGlobal ? null : successor(plan, service, from, ids);
    if (to === null) service.tasks.splice(at, 1);
    else service.tasks[at] = to;
    moves.push({ from, to });
  }
  return moves;
}

/** The same slot under a new id, with new addresses, on the node that has least to do; on none where none may take it. */
function successor(plan: Plan, service: ServicePlan, from: TaskPlan, ids: RandomStream): TaskPlan {
  const { spec } = service;
  const id = swarmId(ids);
  const node = place(plan.candidates, spec)?.node.name ?? null;
  const endpoints =
    node === null ? [] : from.endpoints.map((had) => endpointAgain(plan, service, had, node, from.name));
  return { ...from, id, hostname: hostnameOf(spec, id, from.slot), node, endpoints };
}

function endpointAgain(
  plan: Plan,
  { spec }: ServicePlan,
  had: EndpointPlan,
  node: string,
  owner: string,
): EndpointPlan {
  const pods = plan.pods.get(node);
  if (pods !== undefined) return lease(pods, owner);
  const { network } = had;
  // The load balancer of a network comes to a node with its first task there.
  if (network.balancers.size > 0 && !network.balancers.has(node))
    network.balancers.set(node, lease(network, `lb ${node}`));
  const asked = spec.networks.find(({ network: key }) => key === network.key);
  if (asked?.ip !== undefined) {
    network.pool.leaseExact(asked.ip, owner);
    return had;
  }
  const endpoint = lease(network, owner);
  return asked?.mac === undefined ? endpoint : { ...endpoint, mac: asked.mac };
}
