// How much of a network is flooding: broadcast, multicast and unknown unicast ("BUM"), and frames for one station that go to
// everybody again and again because nobody learns where it is. RFC 7348 s.4.2.
//
// A frame counts as flooded when the same VTEP sends it to a second VTEP within 50 ms, or to a multicast group. The first
// frames to a station are always flooded where VTEPs learn: only many count. State: in the census.

import type { Advice } from '../finding.ts';
import { few, finding, many, share } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Census } from './census.ts';
import type { Network } from './parties.ts';
import { idle, list, seconds } from './rule.ts';

/** Packets to groups before a share means something, and shares. */
const GROUP_MIN = 100;
const SHARE_NOTE = 0.2;
const SHARE_WARNING = 0.5;
/** Flooded frames, and for how long (microseconds): learning takes one answer. */
const FLOODED_MIN = 20;
const FLOODED_TIME = 1_000_000;
/** A storm: as much as this a second. */
const STORM_RATE = 1000;

const SHARE: Advice = {
  code: 'FLOOD-SHARE',
  explain:
    'A large part of the packets of this network are broadcast and multicast frames, which every VTEP gets (RFC 7348 s.4.2): with head-end replication the sender pays once for each VTEP.',
  cure: 'See what sends them (vxlab inspect lists the endpoints and flows). ARP can be answered locally (proxy, neigh_suppress), groups pruned (IGMP snooping, a VXLAN MDB); a loop must be cut.',
};
const UNKNOWN: Advice = {
  code: 'UNKNOWN-UNICAST',
  explain:
    'Frames for one station go to several VTEPs, or to the group, and go on doing so: the sending VTEP does not know where the MAC lives. Either the station never answers, or learning is off and the entry is missing, or entries are forgotten sooner than hosts forget ARP.',
  cure: 'bridge fdb show on the sender must name one VTEP for the MAC. With nolearning the control plane has to add it; with learning, ageing must be longer than the ARP time-out of the hosts (300 s and up).',
};

export class FloodRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;

  constructor(census: Census) {
    this.#census = census;
  }

  cross(): void {
    const census = this.#census;
    if (!census.valid) return;
    const { network } = census;
    if (census.group) network.group.add(census.number);
    else if (census.to !== null && isFlooded(census)) {
      if (network.flooded.count === 0) network.floodedFirst = census.now;
      network.floodedLast = census.now;
      network.flooded.add(census.number);
      network.lost ??= new Set();
      if (network.lost.size < LOST_MAX) network.lost.add(census.to);
    }
  }

  findings(): Finding[] {
    const shares: Finding[] = [];
    const unknown: Finding[] = [];
    for (const network of this.#census.networks()) {
      const { group, packets } = network;
      if (group.count >= GROUP_MIN && group.count >= packets * SHARE_NOTE) shares.push(shareFinding(network));
      const time = network.floodedLast - network.floodedFirst;
      if (network.flooded.count >= FLOODED_MIN && time >= FLOODED_TIME) unknown.push(unknownFinding(network));
    }
    return [...few(shares), ...few(unknown)];
  }
}

/** Stations named in a title. */
const LOST_MAX = 8;

function isFlooded({ twin, tunnel, copies }: Census): boolean {
  if (tunnel.dst.group) return twin === null;
  return copies === 1 && twin !== null && twin.src === tunnel.src && twin.dst !== tunnel.dst;
}

function shareFinding({ vni, group, packets }: Network): Finding {
  const severity = group.count >= packets * SHARE_WARNING ? 'warning' : 'note';
  const title = `VNI ${vni}: ${share(group.count, packets)} of ${many(packets, 'packet')} are flooded broadcasts and multicasts`;
  return finding(SHARE, severity, title, group);
}

function unknownFinding(network: Network): Finding {
  const { vni, flooded, lost } = network;
  const time = network.floodedLast - network.floodedFirst;
  const storm = flooded.count >= STORM_RATE && flooded.count >= (STORM_RATE * time) / 1e6;
  const macs = list(
    [...(lost ?? [])].map((station) => station.text),
    3,
  );
  const title = `VNI ${vni}: ${many(flooded.count, 'frame')} for ${macs} flooded over ${seconds(time)}`;
  return finding(UNKNOWN, storm ? 'error' : 'warning', title, flooded);
}
