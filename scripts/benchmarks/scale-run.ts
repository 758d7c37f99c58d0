// One size of scale.ts, as a program: the number of nodes is its argument, what it cost is printed as JSON. It fails when a
// ping has no answer or a frame does not come home.

import { Ping } from '../../src/engine/host/ping.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import type { TaskPlan } from '../../src/engine/orchestrate/plan.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { networkSpec, serviceSpec } from './wiring.ts';

const NETWORKS = 50;
const A_NODE = 100;
const SECOND = 1_000_000_000;

export interface Cost {
  readonly containers: number;
  /** Seconds. */
  readonly build: number;
  readonly ping: number;
  readonly down: number;
  /** Resident bytes: before anything was built, and the most there were. */
  readonly start: number;
  readonly peak: number;
}

function stack(containers: number): StackSpec {
  const indexes = Array.from({ length: NETWORKS }, (_, i) => i);
  return {
    name: 'scale',
    version: null,
    networks: indexes.map((i) => networkSpec(`net${i}`, `10.${i + 1}.0.0/16`)),
    services: indexes.map((i) => ({
      ...serviceSpec(`service${i}`, `net${i}`, containers / NETWORKS),
      endpointMode: 'vip',
    })),
  };
}

/** Each task of a service with one that runs on the next node that the service has tasks on. */
function pairs(tasks: readonly TaskPlan[]): [from: TaskPlan, to: TaskPlan][] {
  const groups = new Map<string | null, TaskPlan[]>();
  for (const task of tasks) {
    const group = groups.get(task.node);
    if (group === undefined) groups.set(task.node, [task]);
    else group.push(task);
  }
  const byNode = [...groups.values()];
  return byNode.flatMap((here, i) => {
    const there = byNode[(i + 1) % byNode.length] as TaskPlan[];
    return here.map((from, k): [TaskPlan, TaskPlan] => [from, there[k % there.length] as TaskPlan]);
  });
}

/** Starts the pings one after the other over a second, so that few frames are out at a time; answers how many got one. */
function pingAll(simulation: Simulation): number {
  const { clock, world } = simulation;
  const all = world.plan.services.flatMap((service) => pairs(service.tasks));
  let answered = 0;
  for (const [i, [from, to]] of all.entries()) {
    if (from.node === to.node) throw new Error(`${from.name} has no peer on another node`);
    const host = world.containers.get(from.name)?.host;
    const address = to.endpoints[0]?.ip;
    if (host === undefined || address === undefined) throw new Error(`${from.name} or ${to.name} is missing`);
    const fire = (): void =>
      new Ping(host, address, { count: 1 }, (result) => {
        answered += result.replies.length;
      }).start();
    clock.at(clock.now + Math.floor((SECOND * i) / all.length), { fire }, 0);
  }
  clock.runUntil(clock.now + 3 * SECOND);
  return answered;
}

function measure(nodes: number): Cost {
  const containers = nodes * A_NODE;
  const start = process.memoryUsage.rss();
  const times = [performance.now()];
  const options = { cluster: cluster({ nodes }), profile: profileOf('docker'), seed: 1 };
  const simulation = new Simulation(stack(containers), options);
  times.push(performance.now());
  const answered = pingAll(simulation);
  times.push(performance.now());
  simulation.close();
  times.push(performance.now());
  if (answered !== containers)
    throw new Error(`${containers - answered} of ${containers} pings had no answer`);
  const { out } = simulation.world.ground.pool;
  if (out !== 0) throw new Error(`${out} frames did not come home`);
  const [build, ping, down] = times.slice(1).map((time, i) => (time - (times[i] as number)) / 1000);
  const peak = process.resourceUsage().maxRSS * 1024;
  return { containers, build, ping, down, start, peak } as Cost;
}

console.log(JSON.stringify(measure(Number(process.argv[2]))));
