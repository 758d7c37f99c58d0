// How a fabric behaves, by name. Each profile is a set of settings that a real system has; the sources stand beside them.

import type { Mac } from '../../core/wire/address.ts';
import { macHi, macLo } from '../../core/wire/address.ts';
import { VXLAN_PORT, VXLAN_PORT_LINUX, VxlabError } from '../../core/wire/numbers.ts';
import type { PeerId } from '../fabric/peers.ts';
import type { VtepOptions } from '../fabric/vtep.ts';
import type { FloodMode, StackSpec } from '../model/spec.ts';

export interface Profile {
  readonly name: string;
  readonly title: string;
  /** UDP destination port. */
  readonly port: number;
  readonly sourcePorts: readonly [number, number];
  readonly udpChecksum: boolean;
  readonly ttl: number;
  /** Who says where a MAC lives: the control plane, or received frames. */
  readonly control: 'pinned' | 'learn';
  readonly learning: boolean;
  readonly neighbours: 'forward' | 'proxy' | 'suppress';
  /** Where BUM frames go. */
  readonly flood: FloodMode;
  readonly reservedBits: 'ignore' | 'drop';
  readonly innerVlan: 'pass' | 'discard';
  readonly pmtuReplies: boolean;
  /** Nodes discard fragments of VXLAN datagrams (RFC 7348 s.4.3 allows it). */
  readonly discardFragments: boolean;
  /** `bridged`: networks with a bridge and a VTEP on each node; `routed`: a subnet a node and routes between. */
  readonly shape: 'bridged' | 'routed';
  /** Routed shape: nodes in one underlay subnet exchange plain packets (flannel's DirectRouting). */
  readonly directRouting: boolean;
  /** Containers have a leg on docker_gwbridge and with it a way out of the node. */
  readonly gateway: boolean;
  /** FDB ageing in nanoseconds. */
  readonly ageing: number;
}

const AGEING = 300_000_000_000;

/** moby daemon/libnetwork/drivers/overlay and what Docker 20.10 was seen to do on Linux 6. */
const docker: Profile = {
  name: 'docker',
  title:
    'Docker Swarm overlay: pinned entries from the control plane, ARP answered at the local VTEP, no flooding',
  port: VXLAN_PORT,
  sourcePorts: [32768, 60999],
  udpChecksum: true,
  ttl: 64,
  control: 'pinned',
  learning: true,
  neighbours: 'proxy',
  flood: 'none',
  reservedBits: 'drop',
  innerVlan: 'pass',
  pmtuReplies: true,
  discardFragments: false,
  shape: 'bridged',
  directRouting: false,
  gateway: true,
  ageing: AGEING,
};

/** RFC 7348 to the letter: s.4.2 multicast flooding, s.4.1 learning, s.5 header rules. */
const floodAndLearn: Profile = {
  ...docker,
  name: 'flood-and-learn',
  title: 'RFC 7348: BUM frames to a multicast group for each VNI, source learning',
  sourcePorts: [49152, 65535],
  udpChecksum: false,
  control: 'learn',
  gateway: false,
  neighbours: 'forward',
  flood: 'multicast',
  reservedBits: 'ignore',
  innerVlan: 'discard',
  pmtuReplies: false,
  discardFragments: true,
};

/** The same without multicast in the underlay: `bridge fdb append 00:00:00:00:00:00 dst ...` for each remote VTEP. */
const headEnd: Profile = {
  ...floodAndLearn,
  name: 'head-end',
  title: 'Head-end replication: a copy of each BUM frame to every VTEP of the network, source learning',
  flood: 'replicate',
};

/** flannel-io/flannel pkg/backend/vxlan: VNI 1, Linux's port, a /24 a node, static ARP, FDB and routes, no learning. */
const flannel: Profile = {
  ...docker,
  name: 'flannel',
  title: 'flannel: a subnet a node, one route, ARP and FDB entry for each remote node, VNI 1 on UDP 8472',
  port: VXLAN_PORT_LINUX,
  learning: false,
  gateway: false,
  neighbours: 'forward',
  pmtuReplies: false,
  shape: 'routed',
};

const flannelDirect: Profile = {
  ...flannel,
  name: 'flannel-direct',
  title: 'flannel with DirectRouting: plain routes between nodes of one underlay subnet, VXLAN to others',
  directRouting: true,
};

export const PROFILES: readonly Profile[] = [docker, floodAndLearn, headEnd, flannel, flannelDirect];

/** @throws VxlabError NO_SUCH_PROFILE naming those there are */
export function profileOf(name: string): Profile {
  const found = PROFILES.find((profile) => profile.name === name);
  if (found === undefined) {
    const names = PROFILES.map((profile) => profile.name).join(', ');
    throw new VxlabError('NO_SUCH_PROFILE', `there is no profile "${name}"; there are ${names}`);
  }
  return found;
}

/**
 * The profile that a stack runs under: its topology file's before the one that was asked for.
 * @throws VxlabError NO_SUCH_PROFILE; BAD_CLUSTER for one that gives nodes subnets of their own, which a topology has not
 */
export function profileFor({ topology }: StackSpec, asked: string): Profile {
  const profile = profileOf(topology?.profile ?? asked);
  if (topology === undefined) return profile;
  if (profile.shape === 'routed') {
    throw new VxlabError(
      'BAD_CLUSTER',
      `profile ${profile.name} gives each node a subnet of its own, so it cannot run a topology file; try --profile docker`,
    );
  }
  return topology.port === null ? profile : { ...profile, port: topology.port };
}

/** The profile with another manner of flooding: one that floods learns, one that does not has all entries pinned. */
export function withFlood(profile: Profile, flood: FloodMode | null): Profile {
  if (flood === null || flood === profile.flood) return profile;
  return flood === 'none'
    ? { ...profile, flood, control: 'pinned', neighbours: 'proxy' }
    : { ...profile, flood, control: 'learn', neighbours: 'forward' };
}

/** A VTEP's settings under a profile. @param own the node's number among the peers */
export function vtepOptions(profile: Profile, vni: number, mtu: number, own: PeerId, mac: Mac): VtepOptions {
  const { learning, neighbours, reservedBits, innerVlan, pmtuReplies, ageing } = profile;
  return {
    vni,
    mtu,
    own,
    macHi: macHi(mac),
    macLo: macLo(mac),
    learning,
    neighbours,
    reservedBits,
    innerVlan,
    pmtuReplies,
    ageing,
    maxEntries: 0,
  };
}
