// `vxlab up --underlay udp`: the stack on the wall clock over real UDP sockets, one loopback address a node.

import { VXLAN_PORT } from '../core/wire/numbers.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import { profileFor } from '../engine/orchestrate/profile.ts';
import { populationOf, totalsOf } from '../lab/summary.ts';
import { pairsOf, Traffic } from '../lab/traffic.ts';
import { pause } from './drive.ts';
import type { Io } from './io.ts';
import type { ClusterArguments } from './options.ts';
import type { UpDocument } from './report.ts';
import { count, durationText } from './units.ts';

export interface UdpArguments extends ClusterArguments {
  readonly for?: number;
  readonly port?: number;
  readonly traffic: boolean;
}

/** Runs until the time is up or the user stops it. @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS, NOT_LIVE */
export async function runUdp(io: Io, spec: StackSpec, given: UdpArguments): Promise<UpDocument> {
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
  const traffic = given.traffic ? new Traffic(lab.world, pairsOf(lab.world), until) : null;
  // A timer of Node's goes to 24 days; nobody waits longer.
  await pause(given.for === undefined ? 2 ** 31 - 1 : given.for / 1e6, io.signal);
  lab.clock.tick();
  const duration = lab.clock.now - begun;
  traffic?.stop();
  const totals = totalsOf(lab.world, null);
  const rows = traffic?.rows() ?? [];
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
    traffic: rows,
    ...totals,
    capture: null,
  };
}
