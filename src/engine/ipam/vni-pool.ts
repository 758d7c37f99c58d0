// VXLAN network identifiers: 24 bits (RFC 7348 s.5), one for each subnet of an overlay network.
//
// Docker hands them out serially from 4096, so that they never meet VLAN ids, and a number that comes back waits until
// all others were used. Numbers below 4096 are given only when asked for (vxlanid_list).

import { VNI_MAX, VxlabError } from '../../core/wire/numbers.ts';
import { Bitmap } from './bitmap.ts';

/** The first VNI given without being asked for: Docker's ingress network. */
export const VNI_FIRST = 4096;

export class VniPool {
  readonly #taken: Bitmap = new Bitmap(VNI_MAX + 1);
  readonly #owners = new Map<number, string>();
  readonly #first: number;
  readonly #last: number;
  #cursor: number;

  /**
   * @param first and `last` bound what `take` gives; any VNI can be asked for by number
   * @throws VxlabError BAD_VNI unless both are VNIs in order
   */
  constructor(first: number = VNI_FIRST, last: number = VNI_MAX) {
    if (!isVni(last)) throw badVni(String(last));
    if (!isVni(first) || first > last) throw badVni(String(first));
    this.#first = first;
    this.#last = last;
    this.#cursor = first;
  }

  /** How many VNIs are in use. */
  get count(): number {
    return this.#taken.count;
  }

  /** The next free VNI after the last one that `take` gave. @throws VxlabError POOL_EXHAUSTED */
  take(owner: string): number {
    let vni = this.#taken.nextClear(this.#cursor, this.#last + 1);
    if (vni < 0) vni = this.#taken.nextClear(this.#first, this.#cursor);
    if (vni < 0) {
      throw new VxlabError(
        'POOL_EXHAUSTED',
        `no VNI is left for ${owner}: all ${this.#last + 1 - this.#first} from ${this.#first} to ${this.#last} are in use`,
      );
    }
    this.#cursor = vni + 1;
    return this.takeExact(vni, owner);
  }

  /** @throws VxlabError BAD_VNI outside 0 to 2^24 - 1, VNI_TAKEN if it is in use */
  takeExact(vni: number, owner: string): number {
    this.#refuse(vni, owner);
    this.#taken.set(vni);
    this.#owners.set(vni, owner);
    return vni;
  }

  /**
   * Takes one VNI for each of `subnets` subnets, in the order of the list, or none at all. Numbers to spare are ignored.
   * @throws VxlabError BAD_VNI if the list is too short or a number out of range, VNI_TAKEN if one is in use or doubled
   */
  takeList(vnis: readonly number[], subnets: number, owner: string): number[] {
    if (vnis.length < subnets) {
      throw new VxlabError(
        'BAD_VNI',
        `${owner} has ${subnets} subnets and needs as many VNIs; the list has ${vnis.length}`,
      );
    }
    const chosen = vnis.slice(0, subnets);
    for (const [at, vni] of chosen.entries()) {
      this.#refuse(vni, owner);
      if (chosen.indexOf(vni) < at) {
        throw new VxlabError('VNI_TAKEN', `VNI ${vni} stands twice in the list of ${owner}`);
      }
    }
    return chosen.map((vni) => this.takeExact(vni, owner));
  }

  /** Gives a VNI back and tells who held it. @throws VxlabError NOT_LEASED if nobody did */
  release(vni: number): string {
    const owner = this.#owners.get(vni);
    if (owner === undefined) throw new VxlabError('NOT_LEASED', `VNI ${vni} is not in use`);
    this.#owners.delete(vni);
    this.#taken.clear(vni);
    return owner;
  }

  owner(vni: number): string | undefined {
    return this.#owners.get(vni);
  }

  #refuse(vni: number, owner: string): void {
    if (!isVni(vni)) throw badVni(String(vni));
    const holder = this.#owners.get(vni);
    if (holder !== undefined) {
      throw new VxlabError('VNI_TAKEN', `VNI ${vni} is in use by ${holder}; ${owner} cannot have it`);
    }
  }
}

function isVni(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= VNI_MAX;
}

function badVni(text: string): VxlabError {
  return new VxlabError('BAD_VNI', `"${text}" is not a VNI; write a whole number from 0 to ${VNI_MAX}`);
}

/**
 * Reads Docker's `com.docker.network.driver.overlay.vxlanid_list`: "4097" or "4097,4098". A trailing comma is an error.
 * @param into receives the numbers; those before a bad value stay in it
 * @throws VxlabError BAD_VNI naming the first bad value
 */
export function parseVniList(text: string, into: number[] = []): number[] {
  for (const part of text.split(',')) {
    const vni = /^\d+$/.test(part) ? Number(part) : Number.NaN;
    if (!isVni(vni)) throw badVni(part);
    into.push(vni);
  }
  return into;
}
