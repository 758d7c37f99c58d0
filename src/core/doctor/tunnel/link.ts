// What the underlay's link layer shows of VTEPs: two VTEPs with one MAC, and one VTEP whose MAC changes to and fro.
//
// Behind a router all VTEPs have the router's MAC, and two routers take turns: so only packets count whose TTL is one that
// hosts start with, undiminished. Two addresses of one subnet on one MAC are two addresses of one machine, or two machines
// with a cloned MAC: the packets cannot tell. State: in the census.

import type { Crossing } from '../../dissect/crossing.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import type { Ip, Mac } from '../../wire/address.ts';
import { formatMac, readMac } from '../../wire/address.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { tapOf } from '../traffic/tap.ts';
import type { Census } from './census.ts';
import type { Vtep } from './parties.ts';
import { idle, list } from './rule.ts';

/** Changes back to a MAC that it had before: a replaced card changes once. */
const RETURNS_MIN = 2;

const SHARED: Advice = {
  code: 'VTEP-MAC-SHARED',
  explain:
    'Several VTEP addresses of one subnet come from one MAC with an undiminished TTL, so no router is in between. Either one machine has several VTEP addresses, or machines were cloned with their MAC; then switches send the packets of both to whoever spoke last.',
  cure: 'Compare ip link on the machines that own the addresses. If they are two, give one another MAC.',
};
const FLAP: Advice = {
  code: 'VTEP-MAC-FLAP',
  explain:
    'Packets of one VTEP address come from two MACs in turn with an undiminished TTL. Two machines with one VTEP address do that: each gets part of the answers, and peers learn the wrong place (Open vSwitch takes the MAC of the last packet). A host that spreads its packets over two links does it on purpose.',
  cure: 'See which machines own the two MACs (arping for the address from the underlay shows both). Give each its own VTEP address, unless they are an anycast pair that is meant.',
};

/** The first TTLs of Linux (64), of Windows (128) and of network gear (255). */
function isFirstTtl(ttl: number): boolean {
  return ttl === 64 || ttl === 128 || ttl === 255;
}

export class LinkRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;
  /** The VTEPs whose first MAC it was. */
  readonly #owners: Map<Mac, Vtep[]> = new Map();

  constructor(census: Census) {
    this.#census = census;
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    if (!this.#census.valid) return;
    const { view, ip } = crossing;
    const { d } = sight.last;
    const at = d.start(ip);
    if (!isFirstTtl(view.getUint8(at + (d.kind(ip) === L.ipv4 ? 8 : 7)))) return;
    const link = d.below(ip, L.ethernet, L.ethernet);
    if (link < 0 || d.depth(link) !== d.depth(ip)) return;
    const mac = readMac(view, d.start(link) + 6);
    const vtep = this.#census.tunnel.src;
    if (mac === vtep.mac) return;
    if (vtep.mac >= 0) this.#changed(vtep, mac, tapOf(sight, meta));
    else this.#first(vtep, mac, tapOf(sight, meta));
  }

  findings(): Finding[] {
    const shared: Finding[] = [];
    for (const [mac, owners] of this.#owners) shared.push(...sharedBy(mac, owners, this.#census));
    const flapping = this.#census.vteps().filter((vtep) => vtep.returns >= RETURNS_MIN);
    const flaps = flapping.map((vtep) => {
      const evidence = evidenceOf(this.#census, [vtep]);
      const macs = `${formatMac(vtep.mac)} and ${formatMac(vtep.otherMac)}`;
      const title = `VTEP ${vtep.text} comes from ${macs} in turn, back and forth ${many(vtep.returns, 'time')}`;
      return finding(FLAP, 'warning', title, evidence);
    });
    return [...few(shared), ...few(flaps)];
  }

  #first(vtep: Vtep, mac: Mac, tap: number): void {
    vtep.mac = mac;
    vtep.tap = tap;
    const owners = this.#owners.get(mac);
    if (owners === undefined) {
      if (this.#owners.size < OWNERS_MAX) this.#owners.set(mac, [vtep]);
    } else if (owners.length < OWNERS_EACH) owners.push(vtep);
  }

  /** Swaps the two MACs, so that the one heard last stands first. */
  #changed(vtep: Vtep, mac: Mac, tap: number): void {
    if (tap !== vtep.tap) return;
    if (mac === vtep.otherMac) vtep.returns++;
    vtep.otherMac = vtep.mac;
    vtep.mac = mac;
  }
}

const OWNERS_MAX = 0x2000;
const OWNERS_EACH = 16;

/** A finding for each subnet in which several owners share the MAC. */
function sharedBy(mac: Mac, owners: readonly Vtep[], census: Census): Finding[] {
  if (owners.length < 2) return [];
  const subnets = new Map<string, Vtep[]>();
  for (const vtep of owners) {
    const key = subnet(vtep.ip);
    subnets.set(key, [...(subnets.get(key) ?? []), vtep]);
  }
  return [...subnets.values()]
    .filter((vteps) => vteps.length > 1)
    .map((vteps) => {
      const title = `VTEPs ${list(vteps.map((vtep) => vtep.text))} have one MAC, ${formatMac(mac)}`;
      return finding(SHARED, 'warning', title, evidenceOf(census, vteps));
    });
}

/** Its neighbourhood: the /24, or the /64. */
function subnet(ip: Ip): string {
  return typeof ip === 'number' ? String(ip >>> 8) : `${ip.a}:${ip.b}`;
}

function evidenceOf(census: Census, vteps: readonly Vtep[]): Evidence {
  const paths = census.paths().filter((path) => vteps.includes(path.src));
  return Evidence.of(paths.map((path) => path.plain));
}
