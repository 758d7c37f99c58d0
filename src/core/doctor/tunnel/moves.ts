// A MAC, or an IP address, behind two VTEPs: moved once, going back and forth, or there twice at the same time.
//
// How often is too often is RFC 7432's default for EVPN (s.15.1: five moves in 180 seconds are a duplicate). Frames that a
// third VTEP passed on, mirrors, and the MACs of virtual or plain routers do not count, or are worth a note only. IP addresses
// are judged by ARP and neighbour discovery alone, since a routed packet says nothing about where its source lives. State:
// 1024 MACs and 1024 addresses that moved.

import type { Mac } from '../../wire/address.ts';
import { formatMac } from '../../wire/address.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Census } from './census.ts';
import type { Claim, Station, Vtep } from './parties.ts';
import { SOURCES_MAX } from './parties.ts';
import { idle } from './rule.ts';

const MOVERS_MAX = 1024;
/** RFC 7432 s.15.1: N moves in M seconds. */
const MOVES = 5;
const WINDOW = 180_000_000;
/** There and back again within this time, twice, is no host that moves. */
const QUICK = 1_000_000;

const MAC_MOVED: Advice = {
  code: 'MAC-MOVED',
  explain:
    'A MAC address was first behind one VTEP and then behind another. VTEPs that learn (RFC 7348 s.4.1) follow with its next frame, those with pinned entries when the control plane tells them.',
  cure: 'Nothing has to be done if the container or virtual machine moved. If traffic for it stopped: bridge fdb show on each VTEP must name the new one.',
};
const MAC_FLAP: Advice = {
  code: 'MAC-FLAP',
  explain:
    'A MAC address goes back and forth between VTEPs, so others send its frames now here, now there. A loop in the overlay, an active-active pair that does not share one VTEP address, or two hosts with one MAC do that.',
  cure: 'Find the host behind each VTEP (bridge fdb show). One host: look for a second way into the network (two bridges, two tunnels; spanning tree does not cross VXLAN by itself). Two hosts: give one another MAC.',
};
const MAC_DUPLICATE: Advice = {
  code: 'MAC-DUPLICATE',
  explain:
    'A MAC address speaks from two VTEPs at the same time. Learning VTEPs change their minds with every frame and both hosts lose traffic; EVPN freezes such a MAC after five moves in 180 seconds (RFC 7432 s.15.1).',
  cure: 'Two hosts with one MAC (a cloned machine, a fixed mac_address in a scaled service): change one. One host: an overlay loop, or multihoming without a shared VTEP address.',
};
const IP_MOVED: Advice = {
  code: 'IP-MOVED',
  explain:
    'An IP address was claimed by one MAC behind one VTEP, and then by another MAC behind another VTEP, as when a service fails over.',
  cure: 'Nothing has to be done if it was a fail-over or a container that started anew elsewhere.',
};
const IP_FLAP: Advice = {
  code: 'IP-FLAP',
  explain:
    'An IP address is claimed in turn by MACs behind different VTEPs. Whoever asked last talks to whoever answered last.',
  cure: 'See which two hosts claim it. A fail-over pair that cannot hear each other has two active members.',
};
const IP_DUPLICATE: Advice = {
  code: 'IP-DUPLICATE',
  explain:
    'Two hosts behind different VTEPs claim one IP address at the same time (address conflict, RFC 5227). Connections go to one or the other by chance.',
  cure: 'Give one of them another address; see that the address pools of the networks and of static addresses do not overlap.',
};

/** Where somebody lived, move by move. */
class Residence {
  last: Vtep;
  before: Vtep;
  moves = 0;
  returns = 0;
  quick = 0;
  /** Moves in a window of 180 seconds, at most. */
  most = 0;
  #window = 0;
  #windowAt = 0;
  #movedAt = -Infinity;
  announced = false;
  readonly evidence: Evidence = new Evidence();
  readonly macs: Set<Mac> = new Set();

  constructor(from: Vtep, now: number) {
    this.last = from;
    this.before = from;
    this.#windowAt = now;
  }

  move(to: Vtep, now: number, packet: number): void {
    if (this.moves > 0 && to === this.before) {
      this.returns++;
      if (now - this.#movedAt < QUICK) this.quick++;
    }
    this.before = this.last;
    this.last = to;
    this.moves++;
    this.#movedAt = now;
    if (now - this.#windowAt > WINDOW) {
      this.#windowAt = now;
      this.#window = 0;
    }
    this.most = Math.max(this.most, ++this.#window);
    this.evidence.add(packet);
  }

  /** True when it is in two places at once. */
  get double(): boolean {
    return this.most >= MOVES || this.quick >= 2;
  }
}

export class MoveRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;
  readonly #macs: Map<Station, Residence> = new Map();
  readonly #ips: Map<Claim, Residence> = new Map();

  constructor(census: Census) {
    this.#census = census;
  }

  cross(): void {
    const census = this.#census;
    const { movedFrom, claimedFrom, from, claim, now, number, tunnel } = census;
    if (!census.valid || (movedFrom === null && claimedFrom === null)) return;
    if (movedFrom !== null && from !== null) {
      const home = residence(this.#macs, from, movedFrom, now);
      if (claim !== null && census.gratuitous) home.announced = true;
      home.move(tunnel.src, now, number);
    }
    if (claimedFrom !== null && claim !== null) {
      const home = residence(this.#ips, claim, claimedFrom, now);
      if (home.macs.size < 4) home.macs.add(census.claimedMac).add(claim.mac);
      home.move(tunnel.src, now, number);
    }
  }

  findings(): Finding[] {
    const mirrors = this.#census.mirrors();
    const mirrored = (home: Residence): boolean => mirrors.has(home.last) || mirrors.has(home.before);
    const macs: Finding[] = [];
    const ips: Finding[] = [];
    for (const [station, home] of this.#macs) if (!mirrored(home)) macs.push(macFinding(station, home));
    for (const [claim, home] of this.#ips) if (!mirrored(home)) ips.push(ipFinding(claim, home));
    return [...few(macs), ...few(ips)];
  }
}

/** The residence of `who`, made when it has none; the oldest is forgotten. */
function residence<T>(homes: Map<T, Residence>, who: T, from: Vtep, now: number): Residence {
  let home = homes.get(who);
  if (home === undefined) {
    if (homes.size >= MOVERS_MAX) homes.delete(homes.keys().next().value as T);
    home = new Residence(from, now);
    homes.set(who, home);
  }
  return home;
}

function macFinding(station: Station, home: Residence): Finding {
  const { before, last, moves, evidence } = home;
  const name = `VNI ${station.vni} ${station.text}`;
  const router = isVirtual(station.mac)
    ? 'a virtual router'
    : station.sources >= SOURCES_MAX
      ? 'a router'
      : '';
  if (router !== '') {
    const title = `${name} of ${router}: now behind VTEP ${last.text}, before ${before.text} (${many(moves, 'move')})`;
    return finding(MAC_MOVED, 'note', title, evidence, 'Routers share and pass on their MACs on purpose.');
  }
  if (home.double) {
    const title = `${name} is behind VTEPs ${before.text} and ${last.text} at once: ${many(moves, 'move')}`;
    return finding(MAC_DUPLICATE, 'error', title, evidence);
  }
  if (home.returns > 0) {
    const title = `${name} goes back and forth between VTEPs ${before.text} and ${last.text}: ${many(moves, 'move')}`;
    return finding(MAC_FLAP, 'warning', title, evidence);
  }
  const how = home.announced ? ', with a gratuitous ARP' : '';
  return finding(MAC_MOVED, 'note', `${name} moved from VTEP ${before.text} to ${last.text}${how}`, evidence);
}

function ipFinding(claim: Claim, home: Residence): Finding {
  const { before, last, evidence } = home;
  const name = `VNI ${claim.vni} ${claim.text}`;
  const macs = [...home.macs].map(formatMac).join(' and ');
  const virtual = [...home.macs].every(isVirtual);
  if (home.double && !virtual) {
    const title = `${name} is claimed by ${macs} behind VTEPs ${before.text} and ${last.text} at once`;
    return finding(IP_DUPLICATE, 'error', title, evidence);
  }
  if (home.returns > 0 && !virtual) {
    const title = `${name} goes back and forth between ${macs} behind VTEPs ${before.text} and ${last.text}`;
    return finding(IP_FLAP, 'warning', title, evidence);
  }
  const title = `${name} moved from VTEP ${before.text} to ${last.text} (${macs})`;
  return finding(IP_MOVED, 'note', title, evidence);
}

/** MACs that several routers share by turns: VRRP and CARP (RFC 9568 s.7.3), HSRP, GLBP. */
export function isVirtual(mac: Mac): boolean {
  const top = Math.floor(mac / 0x100);
  return (
    top === 0x00005e0001 ||
    top === 0x00005e0002 ||
    top === 0x00000c07ac ||
    Math.floor(mac / 0x1000) === 0x00000c9ff ||
    Math.floor(mac / 0x1000) === 0x000573a00 ||
    Math.floor(mac / 0x10000) === 0x0007b400
  );
}
