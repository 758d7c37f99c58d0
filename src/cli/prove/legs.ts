// Between which containers the canary goes: a client's task and a service that it shares a network with and that runs on another
// node, so that what is said must cross the underlay. One way for HTTP, one for MySQL; best along the tiers of the stack.

import type { Carrier } from '../../apps/canary/exchange.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { WorkloadKind } from '../../engine/model/workload.ts';
import type { NetworkPlan, Plan, ServicePlan, TaskPlan } from '../../engine/orchestrate/plan.ts';

export interface Party {
  readonly task: string;
  readonly node: string;
}

export interface Leg {
  readonly carrier: Carrier;
  readonly client: Party;
  /** The name that is asked for: the service's key. */
  readonly server: string;
  readonly servers: readonly Party[];
  readonly network: string;
  readonly vni: number;
  /** Virtual address of the service on that network; null where it has none. */
  readonly vip: string | null;
}

/** Who fits a part best: what its service runs, most wanted first. */
const WANTED: Readonly<
  Record<Carrier, { readonly client: readonly WorkloadKind[]; readonly server: readonly WorkloadKind[] }>
> = {
  HTTP: { client: ['http-client', 'http-server'], server: ['app-server', 'http-server'] },
  MySQL: { client: ['app-server'], server: ['mysql-server'] },
};

interface Running extends TaskPlan {
  readonly node: string;
}

/** @throws VxlabError NOT_PROVABLE saying why nothing of this stack crosses the underlay */
export function legOf(
  plan: Plan,
  carrier: Carrier,
  format: (ip: TaskPlan['endpoints'][number]['ip']) => string,
): Leg {
  let best: { score: number; leg: Leg } | null = null;
  for (const server of plan.services) {
    for (const client of plan.services) {
      for (const task of running(client)) {
        const way = wayTo(task, server);
        if (way === null) continue;
        const { network, others, isNear } = way;
        const score =
          8 * rank(WANTED[carrier].server, server) +
          4 * (isNear ? 0 : 1) +
          2 * (client === server ? 0 : 1) +
          rank(WANTED[carrier].client, client) / 2;
        if (best !== null && score <= best.score) continue;
        const vip = server.vips.find((one) => one.network === network);
        const leg: Leg = {
          carrier,
          client: { task: task.name, node: task.node },
          server: server.spec.key,
          servers: others.map(({ name, node }) => ({ task: name, node })),
          network: network.name,
          vni: network.vni,
          vip: vip === undefined ? null : format(vip.ip),
        };
        best = { score, leg };
      }
    }
  }
  if (best === null) throw new VxlabError('NOT_PROVABLE', whyNot(plan));
  return best.leg;
}

/** 0 to 1: how well what a service runs fits. */
function rank(wanted: readonly WorkloadKind[], { spec }: ServicePlan): number {
  const runs = new Set(spec.workloads.map(({ kind }) => kind));
  const at = wanted.findIndex((kind) => runs.has(kind));
  return at < 0 ? 0 : (wanted.length - at) / wanted.length;
}

function running({ tasks }: ServicePlan): Running[] {
  return tasks.filter((task): task is Running => task.node !== null);
}

interface Way {
  readonly network: NetworkPlan;
  /** The tasks that may answer; the client's own among them where a service asks itself. */
  readonly others: readonly Running[];
  /** One of them is on the client's node. */
  readonly isNear: boolean;
}

function wayTo(task: Running, server: ServicePlan): Way | null {
  for (const { network } of task.endpoints) {
    if (network.ingress) continue;
    const others = running(server).filter(({ endpoints }) =>
      endpoints.some((endpoint) => endpoint.network === network),
    );
    if (others.some(({ node }) => node !== task.node))
      return { network, others, isNear: others.some(({ node }) => node === task.node) };
  }
  return null;
}

function whyNot(plan: Plan): string {
  const tasks = plan.services.flatMap(running);
  const nodes = new Set(tasks.map(({ node }) => node));
  const what = 'this cannot be proved here:';
  if (tasks.length < 2)
    return `${what} the stack has ${tasks.length === 0 ? 'no task' : 'one task'}, and nobody to talk to`;
  if (nodes.size === 1)
    return `${what} all ${tasks.length} tasks are on ${[...nodes][0]}, so nothing crosses the underlay; --nodes gives the stack more nodes`;
  return `${what} no two tasks that share a network are on different nodes, so nothing crosses the underlay`;
}
