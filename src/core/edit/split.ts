// Which of several captures a packet belongs to: one for each VNI, for each tunnel (a VNI between two VTEPs, both directions), or
// for each VTEP that sends. The outermost VXLAN header decides; packets without one belong together.
//
// Of a tunnelled datagram in IP fragments only the first shows the VXLAN header. What follows it within the next packets goes
// where it went; a fragment that comes before it goes to the packets without a tunnel.

import { Crossing } from '../dissect/crossing.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import type { Sight } from '../reassembly/sight.ts';
import { Addresses } from '../survey/addresses.ts';
import { KeyTable } from '../survey/key-table.ts';
import { compareIp, formatIp } from '../wire/address.ts';

export type SplitBy = 'vni' | 'tunnel' | 'vtep';

/** The group of packets without a tunnel, and that of those for whom there was no room. */
export const NO_TUNNEL = 0;
export const OVERFLOW = 1;
const FIRST = 2;

/** Fragmented datagrams that are remembered; a newcomer takes another's place. */
const TRAIL = 1024;
const IPV6 = 1;

export class SplitGroups {
  readonly #by: SplitBy;
  readonly #table: KeyTable;
  readonly #addresses: Addresses;
  readonly #crossing: Crossing = new Crossing();
  /** Of a fragmented datagram: IP identification, a hash of addresses and protocol, its group. */
  readonly #trail: Int32Array = new Int32Array(TRAIL * 3).fill(-1);

  /**
   * @param most groups at most, besides the two
   * @param salt any 32-bit number, better a secret one
   */
  constructor(by: SplitBy, most: number, salt: number) {
    this.#by = by;
    this.#table = new KeyTable(most, salt);
    this.#addresses = new Addresses(2 * most, salt);
  }

  /** The packet's group: NO_TUNNEL, OVERFLOW, or a number that is new when no packet had it before. */
  of(sight: Sight): number {
    const { view, d } = sight.last;
    const own = sight.own;
    const whole = own.d.fragment < 0;
    if (!this.#crossing.find(view, d)) return whole ? NO_TUNNEL : this.#follow(own.view, own.d);
    const group = this.#group(view, d);
    if (!whole) this.#lead(own.view, own.d, group);
    return group;
  }

  /** A name for a group's file: `vni-4097`, `vni-4097-192.0.2.11-192.0.2.12`, `vtep-192.0.2.11`, `no-tunnel`, `others`. */
  name(group: number): string {
    if (group === NO_TUNNEL) return 'no-tunnel';
    if (group === OVERFLOW) return 'others';
    const row = group - FIRST;
    const word = (i: number): number => this.#table.word(row, i);
    const family = word(3);
    const text = (i: number): string =>
      formatIp(this.#addresses.address(word(i), (family & IPV6) !== 0)).replaceAll(':', '-');
    switch (this.#by) {
      case 'vni':
        return `vni-${word(0)}`;
      case 'tunnel': {
        const ends = [1, 2].map((i) => this.#addresses.address(word(i), (family & IPV6) !== 0));
        const swap = compareIp(ends[0] ?? 0, ends[1] ?? 0) > 0;
        return `vni-${word(0)}-${text(swap ? 2 : 1)}-${text(swap ? 1 : 2)}`;
      }
      case 'vtep':
        return `vtep-${text(1)}`;
    }
  }

  #group(view: DataView, d: Dissection): number {
    const { vni, ip } = this.#crossing;
    if (this.#by === 'vni') return this.#row(vni, 0, 0, 0);
    if (ip < 0) return NO_TUNNEL;
    const six = d.kind(ip) === L.ipv6;
    const from = this.#address(view, d.start(ip), six, false);
    const family = six ? IPV6 : 0;
    if (this.#by === 'vtep') return from < 0 && six ? OVERFLOW : this.#row(0, from, 0, family);
    const to = this.#address(view, d.start(ip), six, true);
    if (six && (from < 0 || to < 0)) return OVERFLOW;
    return from < to ? this.#row(vni, from, to, family) : this.#row(vni, to, from, family);
  }

  #row(vni: number, from: number, to: number, family: number): number {
    const row = this.#table.row(vni, from, to, family, 0, 0, 0, 0);
    return row < 0 ? OVERFLOW : row + FIRST;
  }

  #address(view: DataView, at: number, six: boolean, destination: boolean): number {
    if (six) return this.#addresses.number6(view, at + (destination ? 24 : 8));
    return view.getInt32(at + (destination ? 16 : 12));
  }

  #lead(view: DataView, d: Dissection, group: number): void {
    const id = identification(view, d);
    const hash = endsHash(view, d);
    const slot = slotOf(id, hash);
    this.#trail[slot] = id;
    this.#trail[slot + 1] = hash;
    this.#trail[slot + 2] = group;
  }

  #follow(view: DataView, d: Dissection): number {
    const id = identification(view, d);
    const hash = endsHash(view, d);
    const slot = slotOf(id, hash);
    const known = this.#trail[slot] === id && this.#trail[slot + 1] === hash;
    return known ? (this.#trail[slot + 2] as number) : NO_TUNNEL;
  }
}

/** What tells the fragments of one datagram from others. */
function identification(view: DataView, d: Dissection): number {
  const row = d.fragment;
  return d.kind(row) === L.ipv4 ? view.getUint16(d.start(row) + 4) : view.getInt32(d.start(row) + 4);
}

/** Of addresses and protocol. */
function endsHash(view: DataView, d: Dissection): number {
  const four = d.kind(d.fragment) === L.ipv4;
  const at = d.start(four ? d.fragment : d.below(d.fragment, L.ipv6, L.ipv6));
  let hash = four ? view.getUint8(at + 9) : view.getUint8(d.start(d.fragment));
  const from = at + (four ? 12 : 8);
  const end = from + (four ? 8 : 32);
  for (let o = from; o < end; o += 4) {
    hash = Math.imul(hash ^ view.getInt32(o), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function slotOf(id: number, hash: number): number {
  return (Math.imul(id ^ hash, 0x85ebca6b) >>> 22) * 3;
}
