// The addresses of one subnet, leased serially.
//
// As in Docker, the next lease is the first free address after the last one given, so an address that comes back waits
// until the range has been gone through once; an address asked for by number does not move that cursor. What never goes
// out: network and broadcast of an IPv4 subnet up to /30 (RFC 3021 frees both of a /31; a /32 is its only address), the
// subnet-router anycast address of an IPv6 subnet up to /126 (RFC 4291 s.2.6.1, RFC 6164), the gateway, and reservations.

import type { Ip } from '../../core/wire/address.ts';
import { compareIp, formatIp, sameIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { Bitmap } from './bitmap.ts';
import type { Cidr } from './cidr.ts';
import {
  addressAt,
  addressBits,
  broadcastOf,
  contains,
  formatCidr,
  offsetOf,
  size,
  subnetOf,
  within,
} from './cidr.ts';

export interface PoolOptions {
  readonly subnet: Cidr;
  /** The network that the subnet is of, for sentences. */
  readonly network?: string;
  /** The part of the subnet that `lease` gives from; the whole subnet if absent. Docker's --ip-range. */
  readonly range?: Cidr;
  /** The subnet's first usable address if absent, none at all if null. A /32 and a /128 have none by default. */
  readonly gateway?: Ip | null;
}

/** Who holds an address. */
export interface Lease {
  readonly ip: Ip;
  readonly owner: string;
}

/** An offset in the range, or the text of an address that has none. */
type Key = number | string;

export class AddressPool {
  readonly subnet: Cidr;
  readonly range: Cidr;
  readonly gateway: Ip | null;
  readonly #network: string | undefined;
  readonly #leases = new Map<Key, Lease>();
  readonly #reserved = new Map<Key, Lease>();
  /** Range offsets that `lease` must step over: leased and reserved ones. */
  readonly #taken: Bitmap;
  #reservedInRange = 0;
  #cursor = 0;

  /** @throws VxlabError OUT_OF_POOL if range or gateway lie outside the subnet, ADDRESS_TAKEN if the gateway is no host */
  constructor(options: PoolOptions) {
    const subnet = subnetOf(options.subnet);
    this.subnet = subnet;
    this.#network = options.network;
    this.range = options.range === undefined ? subnet : subnetOf(options.range);
    if (!within(this.range, subnet)) {
      throw new VxlabError(
        'OUT_OF_POOL',
        `the range ${formatCidr(this.range)} does not lie in ${formatCidr(subnet)}`,
      );
    }
    this.#taken = new Bitmap(size(this.range));
    const hostBits = addressBits(subnet.ip) - subnet.prefix;
    if (hostBits > 1) {
      if (addressBits(subnet.ip) === 32) {
        this.reserve(subnet.ip, 'network address');
        this.reserve(broadcastOf(subnet.ip, subnet.prefix), 'broadcast address');
      } else {
        this.reserve(subnet.ip, 'subnet-router anycast');
      }
    }
    this.gateway = options.gateway === undefined ? firstHost(subnet, hostBits) : options.gateway;
    if (this.gateway !== null) this.reserve(this.gateway, 'gateway');
  }

  /** How many addresses `lease` can give out when nobody holds one; at most 2^53. */
  get capacity(): number {
    return this.#taken.size - this.#reservedInRange;
  }

  /** How many more addresses `lease` can give out. */
  get free(): number {
    return this.#taken.size - this.#taken.count;
  }

  /** The next free address after the last one that `lease` gave. @throws VxlabError POOL_EXHAUSTED naming pool and network */
  lease(owner: string): Ip {
    let offset = this.#taken.nextClear(this.#cursor);
    if (offset < 0) offset = this.#taken.nextClear(0, this.#cursor);
    if (offset < 0) throw this.#exhausted(owner);
    this.#taken.set(offset);
    this.#cursor = offset + 1;
    const ip = addressAt(this.range, offset);
    this.#leases.set(offset, { ip, owner });
    return ip;
  }

  /**
   * Leases the address that was asked for, inside or outside the range.
   * @throws VxlabError OUT_OF_POOL outside the subnet, ADDRESS_TAKEN if it is leased or reserved
   */
  leaseExact(ip: Ip, owner: string): Ip {
    this.#take(this.#leases, ip, owner);
    return ip;
  }

  /**
   * Keeps an address out of `lease` for as long as the pool lives (Docker's --aux-address).
   * @throws VxlabError OUT_OF_POOL outside the subnet, ADDRESS_TAKEN if it is leased or reserved
   */
  reserve(ip: Ip, owner: string): void {
    const key = this.#take(this.#reserved, ip, owner);
    if (typeof key === 'number') this.#reservedInRange++;
  }

  /** Gives a leased address back and tells who held it. @throws VxlabError NOT_LEASED if it is free, reserved or not ours */
  release(ip: Ip): string {
    const key = this.#key(ip);
    const lease = this.#leases.get(key);
    if (lease === undefined) {
      const kept = this.#reserved.get(key);
      const why = kept === undefined ? 'nobody holds it' : `it is reserved (${kept.owner})`;
      throw new VxlabError(
        'NOT_LEASED',
        `${formatIp(ip)} cannot be released to ${formatCidr(this.subnet)}: ${why}`,
      );
    }
    this.#leases.delete(key);
    if (typeof key === 'number') this.#taken.clear(key);
    return lease.owner;
  }

  /** Who holds `ip`, by lease or reservation; undefined if it is free or not of this subnet. */
  owner(ip: Ip): string | undefined {
    const key = this.#key(ip);
    return (this.#leases.get(key) ?? this.#reserved.get(key))?.owner;
  }

  /** All leases by address. */
  leases(): Lease[] {
    return sorted(this.#leases);
  }

  /** Gateway, network, broadcast and what else was reserved, by address. */
  reservations(): Lease[] {
    return sorted(this.#reserved);
  }

  #take(into: Map<Key, Lease>, ip: Ip, owner: string): Key {
    if (!contains(this.subnet, ip)) {
      throw new VxlabError('OUT_OF_POOL', `${formatIp(ip)} is not an address of ${formatCidr(this.subnet)}`);
    }
    const key = this.#key(ip);
    const holder = (this.#leases.get(key) ?? this.#reserved.get(key))?.owner;
    if (holder !== undefined) {
      throw new VxlabError(
        'ADDRESS_TAKEN',
        `${formatIp(ip)} of ${formatCidr(this.subnet)} is taken by ${holder}; ${owner} cannot have it`,
      );
    }
    into.set(key, { ip, owner });
    if (typeof key === 'number') this.#taken.set(key);
    return key;
  }

  #key(ip: Ip): Key {
    const offset = offsetOf(this.range, ip);
    return offset >= 0 && offset < this.#taken.size ? offset : formatIp(ip);
  }

  #exhausted(owner: string): VxlabError {
    const where = formatCidr(this.range);
    const whole = sameIp(this.range.ip, this.subnet.ip) && this.range.prefix === this.subnet.prefix;
    const network = this.#network === undefined ? '' : ` of network ${this.#network}`;
    const pool = (whole ? where : `the range ${where} of ${formatCidr(this.subnet)}`) + network;
    const count = this.capacity;
    return new VxlabError(
      'POOL_EXHAUSTED',
      count === 0
        ? `${pool} has no address to lease (0 in all): network, broadcast and gateway take what there is`
        : `${pool} has no free address left: ${count === 1 ? 'its only one is' : `all ${count} are`} leased, ` +
            `none is left for ${owner}`,
    );
  }
}

function firstHost(subnet: Cidr, hostBits: number): Ip | null {
  if (hostBits === 0) return null;
  return addressAt(subnet, hostBits === 1 ? 0 : 1);
}

function sorted(leases: ReadonlyMap<Key, Lease>): Lease[] {
  return [...leases.values()].sort((x, y) => compareIp(x.ip, y.ip));
}
