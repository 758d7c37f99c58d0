// Options that several commands share: which stack, on which cluster, under which profile and seed.

import type { Command } from 'commander';
import { Option } from 'commander';
import type { Impairments } from '../engine/fabric/impair.ts';
import type { ClusterOptions } from '../engine/orchestrate/cluster.ts';
import { PROFILES } from '../engine/orchestrate/profile.ts';
import { delay, percent, rate, vlanTag, whole } from './units.ts';

export interface StackOptions {
  readonly file?: string;
  readonly stack?: string;
}

export interface ClusterArguments {
  readonly nodes?: number;
  readonly racks?: number;
  readonly profile: string;
  readonly seed: string;
  readonly ipv6Underlay?: true;
  readonly mtu?: number;
  readonly vlan?: { readonly vid: number; readonly priority: number };
  readonly loss?: number;
  readonly delay?: number;
  readonly jitter?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly rate?: number;
}

/** Which manifest, for commands whose arguments are something else. */
export function addStackOptions(command: Command): Command {
  return command
    .option(
      '-f, --file <FILE>',
      'Compose or topology file; default docker-compose.yml, compose.yml or stack.yml here, else the lecture stack',
    )
    .option('--stack <NAME>', "the stack's name; default from the file or its folder");
}

export function addClusterOptions(command: Command): Command {
  const names = PROFILES.map(({ name }) => name);
  return command
    .option('--nodes <N>', 'nodes in the cluster; default 3', whole(1, 100_000))
    .option('--racks <N>', 'spread the nodes over N underlay subnets joined by routers', whole(1, 250))
    .addOption(new Option('--profile <NAME>', 'how the fabric behaves').choices(names).default('docker'))
    .option('--seed <S>', 'the same seed gives the same bytes', '1')
    .option('--ipv6-underlay', 'VTEPs on IPv6 addresses')
    .option('--mtu <BYTES>', 'IP MTU of the underlay; default 1500', whole(576, 9216))
    .option('--vlan <VID[:PCP]>', 'the underlay in this VLAN, tagged; PCP is the priority, 0 to 7', vlanTag)
    .option('--loss <PERCENT>', 'share of frames that each underlay cable loses, such as 1%', percent)
    .option('--delay <TIME>', 'one-way delay of each cable, such as 1ms; default 25us', delay)
    .option('--jitter <TIME>', 'spread around the delay', delay)
    .option('--duplicate <PERCENT>', 'share of frames that arrive twice', percent)
    .option('--reorder <PERCENT>', 'share of frames that overtake others', percent)
    .option('--rate <RATE>', 'rate of each cable, such as 100mbit', rate);
}

/** Defined values only: what `cluster` takes. */
export function clusterOptions(given: ClusterArguments): ClusterOptions {
  const cable = cableOf(given);
  return {
    ...(given.nodes === undefined ? {} : { nodes: given.nodes }),
    ...(given.racks === undefined ? {} : { racks: given.racks }),
    ...(given.mtu === undefined ? {} : { mtu: given.mtu }),
    ...(given.vlan === undefined ? {} : { vlan: given.vlan }),
    ...(given.ipv6Underlay === undefined ? {} : { family: 6 }),
    ...(Object.keys(cable).length === 0 ? {} : { cable }),
  };
}

const CABLE = ['loss', 'delay', 'jitter', 'duplicate', 'reorder', 'rate'] as const;

/** The impairments that were asked for. */
export function cableOf(given: ClusterArguments): Partial<Impairments> {
  return Object.fromEntries(CABLE.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
}
