// `vxlab up --underlay udp`: the stack on the wall clock over real UDP sockets, one address a node; in this process, or in one for
// each node, with nodes beside them that are real.

import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { rowsOf } from '../apps/runtime.ts';
import type { Ip } from '../core/wire/address.ts';
import { formatIp } from '../core/wire/address.ts';
import { VXLAN_PORT, VxlabError } from '../core/wire/numbers.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import type { World } from '../engine/orchestrate/world.ts';
import { populationOf } from '../lab/summary.ts';
import { pause } from './drive.ts';
import { joinScript } from './group/join.ts';
import type { Say, ShareSettings } from './group/share.ts';
import { Share } from './group/share.ts';
import type { Io } from './io.ts';
import { NodeGroup } from './node-group.ts';
import type { ClusterArguments } from './options.ts';
import type { UpDocument } from './report.ts';
import { count, durationText } from './units.ts';

export interface UdpArguments extends ClusterArguments {
  readonly for?: number;
  readonly port?: number;
  readonly first?: Ip;
  readonly processes?: true;
  readonly join?: ReadonlyMap<string, Ip>;
  readonly joinScript?: string;
  readonly traffic: 'programs' | 'ping' | 'none' | false;
}

export interface UdpOptions {
  /** The manifest's file; null for one that has no folder. */
  readonly manifest: string | null;
  readonly say: Say;
}

/** A timer of Node's goes to 24 days; nobody waits longer. */
const FOREVER_MS = 2 ** 31 - 1;

/** Runs until the time is up or the user stops it. @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS, NO_SUCH_NODE, NOT_LIVE */
export async function runUdp(
  io: Io,
  spec: StackSpec,
  given: UdpArguments,
  { manifest, say }: UdpOptions,
): Promise<UpDocument> {
  const settings: ShareSettings = {
    spec,
    profile: given.profile,
    seed: given.seed,
    ...(given.nodes === undefined ? {} : { nodes: given.nodes }),
    ...(given.mtu === undefined ? {} : { mtu: given.mtu }),
    ...(given.port === undefined ? {} : { port: given.port }),
    ...(given.first === undefined ? {} : { first: formatIp(given.first) }),
    joined: given.join ?? new Map(),
    here: null,
    traffic: given.traffic || 'none',
    folder: manifest === null ? io.cwd : dirname(resolve(io.cwd, manifest)),
  };
  return given.processes ? inProcesses(io, settings, given, say) : here(io, settings, given, say);
}

async function here(io: Io, settings: ShareSettings, given: UdpArguments, say: Say): Promise<UpDocument> {
  const share = new Share(settings, say);
  await share.open();
  const population = populationOf(share.world);
  greet(io, share.world, given, '');
  await writeJoinScript(io, share.world, given);
  share.begin(given.for ?? null);
  await pause(given.for === undefined ? FOREVER_MS : given.for / 1e6, io.signal);
  const { duration, tallies, connections, traffic, totals } = await share.end();
  const requests = rowsOf(tallies);
  return {
    ...head(io, share.world, given, duration),
    ...population,
    requests,
    connections,
    traffic,
    ...totals,
    capture: null,
  };
}

async function inProcesses(
  io: Io,
  settings: ShareSettings,
  given: UdpArguments,
  say: Say,
): Promise<UpDocument> {
  const group = new NodeGroup(io, settings, say);
  await group.open();
  const pids = group.processes.map(({ node, pid }) => `${node} ${pid}`).join(', ');
  greet(io, group.world, given, `; processes: ${pids}`);
  await writeJoinScript(io, group.world, given);
  await group.run(given.for ?? null);
  const population = populationOf(group.world);
  const { duration, ...account } = await group.end();
  const { processes, moves } = group;
  return {
    ...head(io, group.world, given, duration),
    ...population,
    ...account,
    capture: null,
    processes,
    moves,
  };
}

type Head = Pick<
  UpDocument,
  'schema' | 'stack' | 'profile' | 'seed' | 'underlay' | 'duration' | 'interrupted'
>;

function head(io: Io, { plan }: World, { seed }: UdpArguments, duration: number): Head {
  const { stack, profile } = plan;
  const interrupted = io.signal.aborted;
  return { schema: 'vxlab.up/1', stack, profile: profile.name, seed, underlay: 'udp', duration, interrupted };
}

function greet(io: Io, { plan, containers, nodes }: World, given: UdpArguments, more: string): void {
  const port = given.port ?? plan.profile.port ?? VXLAN_PORT;
  io.err(
    `${plan.stack}: ${count(containers.size, 'container')} on ${count(nodes.size, 'node')}, ` +
      `${given.for === undefined ? 'Ctrl-C ends it' : `for ${durationText(given.for)}`}; ` +
      `tcpdump -ni ${given.first === undefined ? 'lo' : 'any'} udp port ${port} shows the tunnel${more}\n`,
  );
}

/** @throws VxlabError SCRIPT_UNWRITABLE */
async function writeJoinScript(io: Io, world: World, given: UdpArguments): Promise<void> {
  const names = [...(given.join?.keys() ?? [])];
  if (names.length === 0) return;
  const { joinScript: file } = given;
  if (file === undefined) {
    io.err(`${names.join(', ')}: --join-script FILE writes the commands that make a machine this node\n`);
    return;
  }
  try {
    await writeFile(resolve(io.cwd, file), joinScript(world, names, given.port ?? world.plan.profile.port));
  } catch (error) {
    throw new VxlabError('SCRIPT_UNWRITABLE', `cannot write ${file}: ${(error as Error).message}`);
  }
  io.err(`on ${names.join(', ')}, as root: sh ${file} NODE, and sh ${file} NODE down to take it away\n`);
}
