// What a live VTEP is asked to be, as plain data: one underlay address and port, and a segment for each VNI behind it.

import type { Ip, Mac } from '../../core/wire/address.ts';
import { formatIp, isIp6, isMulticastIp4, isMulticastIp6, sameIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Cidr } from '../../engine/ipam/cidr.ts';
import type { UnderlayConfig } from '../underlay/underlay-config.ts';

/** An emulated host behind the VTEP's bridge. */
export interface EmulatedHost extends Cidr {
  readonly mac: Mac;
}

export interface PinnedMac {
  readonly mac: Mac;
  /** The VTEP that it is behind. */
  readonly vtep: Ip;
}

export interface PinnedNeighbour {
  readonly ip: Ip;
  readonly mac: Mac;
}

export interface SegmentConfig {
  readonly vni: number;
  /** The other VTEPs: BUM frames go to each of them (head-end replication), unless there is a group. */
  readonly remotes: readonly Ip[];
  /** The multicast group of BUM frames (RFC 7348 s.4.2). */
  readonly group: Ip | null;
  readonly hosts: readonly EmulatedHost[];
  /** Names of interfaces to attach: one that exists, or a TAP device that is made. */
  readonly attach: readonly string[];
  readonly fdb: readonly PinnedMac[];
  readonly neighbours: readonly PinnedNeighbour[];
}

/** How much strangers may ask of it. 0 is no limit. */
export interface VtepLimits {
  /** MAC addresses learned behind one peer, and in a VNI. */
  readonly learnPerPeer: number;
  readonly learnPerVni: number;
  /** Frames a second to be flooded: from each peer, and into each VNI's tunnels. */
  readonly flood: number;
}

export const DEFAULT_LIMITS: VtepLimits = { learnPerPeer: 1024, learnPerVni: 16_384, flood: 1000 };

export interface LiveVtepConfig extends UnderlayConfig {
  /** The underlay interface: of groups, and of the MTU. */
  readonly dev: string | null;
  /** MTU of the overlay; null for the underlay interface's less the tunnel's headers. */
  readonly mtu: number | null;
  readonly learning: boolean;
  /** Nanoseconds after which a learned MAC that was not heard of is forgotten. */
  readonly ageing: number;
  /** Senders besides the remotes and the VTEPs of pinned entries whose datagrams come in. */
  readonly accept: readonly Cidr[];
  /** RFC 7348's open door: everybody's. */
  readonly acceptAny: boolean;
  readonly limits: VtepLimits;
  /** Bits a second that go into the tunnels; 0 is no limit. */
  readonly rate: number;
  readonly segments: readonly SegmentConfig[];
}

/** @throws VxlabError BAD_VTEP saying what cannot be */
export function checkConfig(config: LiveVtepConfig): void {
  const bad = (why: string): never => {
    throw new VxlabError('BAD_VTEP', why);
  };
  const { local, segments, accept, acceptAny } = config;
  if (isGroup(local)) bad(`${formatIp(local)} is a multicast group: --local is the VTEP's own address`);
  const seen = new Set<number>();
  for (const { vni, remotes, group, fdb } of segments) {
    if (seen.has(vni)) bad(`VNI ${vni} is given twice`);
    seen.add(vni);
    for (const ip of [...remotes, ...fdb.map(({ vtep }) => vtep), ...(group === null ? [] : [group])]) {
      if (isIp6(ip) !== isIp6(local)) {
        bad(`${formatIp(ip)} and ${formatIp(local)} are not of one family: an underlay is IPv4 or IPv6`);
      }
    }
    for (const ip of remotes) {
      if (isGroup(ip)) bad(`${formatIp(ip)} is a multicast group: give it as --group`);
      if (sameIp(ip, local)) bad(`${formatIp(ip)} is this VTEP itself: --remote names the others`);
    }
    if (group !== null && !isGroup(group)) bad(`${formatIp(group)} is not a multicast group`);
    if (group !== null && isIp6(local) && config.dev === null) {
      bad('a group over IPv6 needs --dev: which interface it is on');
    }
    if (group !== null && remotes.length + fdb.length + accept.length === 0 && !acceptAny) {
      bad('a group does not say who is in it: name who may send with --accept SUBNET, or --accept-any');
    }
  }
}

export function isGroup(ip: Ip): boolean {
  return isIp6(ip) ? isMulticastIp6(ip) : isMulticastIp4(ip);
}
