// How large a stack may be: containers on nodes on fifty networks come up, each pings a peer on another node, everything is
// taken down. Each size runs in a process of its own, so that its memory is its own.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Ping } from '../../src/engine/host/ping.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import type { TaskPlan } from '../../src/engine/orchestrate/plan.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { networkSpec, serviceSpec } from './wiring.ts';

const PER_NODE = 100;
const NETWORKS = 50;
const SIZES = [10, 100, 1000];
const TSX = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));

interface Row {
  readonly containers: number;
  readonly up: number;
  readonly ping: number;
  readonly down: number;
  readonly megabytes: number;
}

export function scaleReport(): void {
  console.log('containers   nodes  up s  ping s  down s  total s  us/container  peak MB  kB/container');
  for (const nodes of SIZES) {
    const run = spawnSync(TSX, [fileURLToPath(import.meta.url), String(nodes)], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=4096' },
    });
    if (run.status !== 0) throw new Error(`scale with ${nodes} nodes failed:\n${run.stderr}`);
    const row = JSON.parse(run.stdout) as Row;
    const total = row.up + row.ping + row.down;
    console.log(
      [
        row.containers.toLocaleString('en').padStart(10),
        nodes.toLocaleString('en').padStart(6),
        row.up.toFixed(2).padStart(5),
        row.ping.toFixed(2).padStart(7),
        row.down.toFixed(2).padStart(7),
        total.toFixed(2).padStart(8),
        ((total / row.containers) * 1e6).toFixed(0).padStart(13),
        row.megabytes.toFixed(0).padStart(8),
        ((row.megabytes * 1024) / row.containers).toFixed(1).padStart(13),
      ].join(' '),
    );
  }
}

/** Fifty /16 networks without a way out, a service on each, spread over all nodes. */
function stack(containers: number): StackSpec {
  const keys = Array.from({ length: NETWORKS }, (_, i) => i + 1);
  return {
    name: 'scale',
    version: null,
    networks: keys.map((i) => networkSpec(`net${i}`, `10.${i}.0.0/16`)),
    services: keys.map((i) => serviceSpec(`service${i}`, `net${i}`, containers / NETWORKS)),
  };
}

function measure(nodes: number): Row {
  const containers = nodes * PER_NODE;
  const began = performance.now();
  const simulation = new Simulation(stack(containers), {
    cluster: cluster({ nodes }),
    profile: profileOf('docker'),
    seed: 1,
  });
  const up = performance.now();
  let answered = 0;
  let started = 0;
  for (const service of simulation.world.plan.services) {
    const byNode = new Map<string | null, TaskPlan[]>();
    for (const task of service.tasks) byNode.set(task.node, [...(byNode.get(task.node) ?? []), task]);
    const groups = [...byNode.values()];
    for (const [n, group] of groups.entries()) {
      const others = groups[(n + 1) % groups.length] as TaskPlan[];
      for (const [i, task] of group.entries()) {
        const { host } = simulation.world.party(task.name);
        const to = (others[i % others.length] as TaskPlan).endpoints[0]?.ip ?? 0;
        const ping = new Ping(host, to, { count: 1 }, ({ replies }) => {
          answered += replies.length;
        });
        // Spread over a second, so that not everybody is on the wire at once.
        simulation.clock.at((SECOND / containers) * started++, { fire: () => ping.start() }, 0);
      }
    }
  }
  simulation.clock.runUntil(3 * SECOND);
  const pinged = performance.now();
  simulation.close();
  const down = performance.now();
  const away = simulation.world.ground.pool.out;
  if (answered !== containers || away !== 0) {
    throw new Error(`${answered} of ${containers} pings were answered, ${away} frames are not home`);
  }
  const megabytes = process.resourceUsage().maxRSS / 1024;
  return {
    containers,
    up: (up - began) / 1e3,
    ping: (pinged - up) / 1e3,
    down: (down - pinged) / 1e3,
    megabytes,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(measure(Number(process.argv[2]))));
