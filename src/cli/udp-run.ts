// `vxlab up --underlay udp`: the stack on the wall clock over real UDP sockets, one loopback address a node.

import { dirname, resolve } from 'node:path';
import { wallInbox } from '../apps/pace.ts';
import type { ContainerProcess } from '../apps/process.ts';
import { programTable } from '../apps/programs/index.ts';
import { Runtime } from '../apps/runtime.ts';
import { VXLAN_PORT } from '../core/wire/numbers.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import { profileFor } from '../engine/orchestrate/profile.ts';
import { ServicePairs } from '../lab/service-pairs.ts';
import { populationOf, totalsOf } from '../lab/summary.ts';
import { pairsOf, silentPairsOf, Traffic } from '../lab/traffic.ts';
import { pause } from './drive.ts';
import type { Io } from './io.ts';
import type { ClusterArguments } from './options.ts';
import type { UpDocument } from './report.ts';
import { count, durationText } from './units.ts';

export interface UdpArguments extends ClusterArguments {
  readonly for?: number;
  readonly port?: number;
  readonly traffic: 'programs' | 'ping' | 'none' | false;
}

export interface UdpOptions {
  /** The manifest's file; null for one that has no folder. */
  readonly manifest: string | null;
  print(process: ContainerProcess, text: string, stream: 'out' | 'err'): void;
}

/** Runs until the time is up or the user stops it. @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS, NOT_LIVE */
export async function runUdp(
  io: Io,
  spec: StackSpec,
  given: UdpArguments,
  { manifest, print }: UdpOptions,
): Promise<UpDocument> {
  const { UdpLab } = await import('../live/udp-lab.ts');
  const profile = profileFor(spec, given.profile);
  const cluster = {
    ...(given.nodes === undefined ? {} : { nodes: given.nodes }),
    ...(given.mtu === undefined ? {} : { mtu: given.mtu }),
  };
  const port = given.port === undefined ? {} : { port: given.port };
  const lab = new UdpLab(spec, { cluster, profile, seed: given.seed, ...port });
  await lab.start();
  const population = populationOf(lab.world);
  io.err(
    `${spec.name}: ${count(population.containers.length, 'container')} on ${count(population.nodes.length, 'node')}, ` +
      `${given.for === undefined ? 'Ctrl-C ends it' : `for ${durationText(given.for)}`}; ` +
      `tcpdump -ni lo udp port ${given.port ?? profile.port ?? VXLAN_PORT} shows the tunnel\n`,
  );
  lab.clock.tick();
  const begun = lab.clock.now;
  const until = given.for === undefined ? {} : { until: begun + given.for };
  const pairs = new ServicePairs(lab.world);
  lab.world.ground.ledger = pairs;
  const runtime = new Runtime({
    world: lab.world,
    inbox: wallInbox(),
    programs: programTable(manifest === null ? io.cwd : dirname(resolve(io.cwd, manifest))),
    epoch: Date.now(),
    enter: () => void lab.clock.tick(),
    print,
  });
  if (given.traffic === 'programs') runtime.start();
  const pinging = given.traffic === 'ping' ? pairsOf(lab.world) : [];
  if (given.traffic === 'programs') pinging.push(...silentPairsOf(lab.world));
  const traffic = pinging.length > 0 ? new Traffic(lab.world, pinging, until) : null;
  // A timer of Node's goes to 24 days; nobody waits longer.
  await pause(given.for === undefined ? 2 ** 31 - 1 : given.for / 1e6, io.signal);
  lab.clock.tick();
  const duration = lab.clock.now - begun;
  traffic?.stop();
  const totals = totalsOf(lab.world, null);
  const rows = traffic?.rows() ?? [];
  const requests = runtime.rows();
  const connections = pairs.rows();
  await runtime.stop();
  await lab.close();
  return {
    schema: 'vxlab.up/1',
    stack: spec.name,
    profile: profile.name,
    seed: given.seed,
    underlay: 'udp',
    duration,
    interrupted: io.signal.aborted,
    ...population,
    requests,
    connections,
    traffic: rows,
    ...totals,
    capture: null,
  };
}
