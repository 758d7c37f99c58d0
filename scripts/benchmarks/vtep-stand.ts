// A path from host to host over two VTEPs of one kind, each of the four in a network namespace of its own:
//
//   hA ── vA: VTEP ── underlay, a veth of MTU 1500 ── vB: VTEP ── hB
//
// A side's VTEP can be taken away, so that sending and receiving are measured by themselves. What a VTEP is, is its kind's matter.

import type { Place } from './vtep-place.ts';

export type Side = 'A' | 'B';

export const VNI = 100;
/** The device of the underlay, in both VTEPs' namespaces, and of the overlay, in both hosts'. */
export const UNDERLAY = 'u0';
export const OVERLAY = 'h0';
export const OVERLAY_MTU = 1450;

const number = (side: Side): 1 | 2 => (side === 'A' ? 1 : 2);
export const other = (side: Side): Side => (side === 'A' ? 'B' : 'A');
export const underlayIp = (side: Side): string => `10.8.0.${number(side)}`;
export const hostIp = (side: Side): string => `10.7.0.${number(side)}`;
export const hostMac = (side: Side): string => `02:00:00:00:07:0${number(side)}`;
export const underlayMac = (side: Side): string => `02:00:00:00:08:0${number(side)}`;

/** How a VTEP is started on a side of a stand. */
export interface Kind {
  readonly name: string;
  /** Why it cannot be measured here, in a sentence; null where it can. */
  missing(): string | null;
  /** Once it has resolved the host has a device `h0`; what it resolves to takes the VTEP away. */
  start(stand: Stand, side: Side): Promise<() => Promise<void>>;
}

export class Stand {
  readonly kind: Kind;
  readonly place: Place;
  readonly #spaces: Readonly<Record<string, string>>;
  readonly #ends: Map<Side, () => Promise<void>> = new Map();

  constructor(place: Place, kind: Kind, tag: string) {
    this.place = place;
    this.kind = kind;
    const names = ['hA', 'vA', 'vB', 'hB'].map((name) => [name, place.space(`${tag}-${name}`)]);
    this.#spaces = Object.fromEntries(names) as Record<string, string>;
    place.cable(this.vtep('A'), UNDERLAY, this.vtep('B'), UNDERLAY);
    for (const side of ['A', 'B'] as const) {
      const vtep = this.vtep(side);
      place.ip('-n', vtep, 'link', 'set', UNDERLAY, 'address', underlayMac(side), 'mtu', '1500', 'up');
      this.underlayOnCable(side);
    }
  }

  host(side: Side): string {
    return this.#spaces[`h${side}`] as string;
  }

  vtep(side: Side): string {
    return this.#spaces[`v${side}`] as string;
  }

  /** The underlay's address is the cable's own; the other's MAC is known for good. */
  underlayOnCable(side: Side): void {
    const vtep = this.vtep(side);
    const far = other(side);
    this.place.ip('-n', vtep, 'addr', 'replace', `${underlayIp(side)}/24`, 'dev', UNDERLAY);
    const neighbour = [underlayIp(far), 'lladdr', underlayMac(far), 'dev', UNDERLAY];
    this.place.ip('-n', vtep, 'neigh', 'replace', ...neighbour);
  }

  /** A cable from the host to its VTEP, which has the other end as `p0`. */
  hostCable(side: Side): void {
    const known = this.place.ip('-n', this.host(side), '-br', 'link');
    if (known.includes(OVERLAY)) return;
    this.place.cable(this.host(side), OVERLAY, this.vtep(side), 'p0');
    this.place.ip('-n', this.vtep(side), 'link', 'set', 'p0', 'up');
  }

  /** A device that the VTEP has made becomes the host's. */
  hostDevice(side: Side, made: string): void {
    this.place.ip('-n', this.vtep(side), 'link', 'set', made, 'netns', this.host(side), 'name', OVERLAY);
  }

  async up(side: Side): Promise<void> {
    if (this.#ends.has(side)) return;
    this.#ends.set(side, await this.kind.start(this, side));
    const host = this.host(side);
    const far = other(side);
    const { place } = this;
    place.ip('-n', host, 'link', 'set', OVERLAY, 'address', hostMac(side));
    place.ip('-n', host, 'link', 'set', OVERLAY, 'mtu', String(OVERLAY_MTU), 'up');
    place.ip('-n', host, 'addr', 'replace', `${hostIp(side)}/24`, 'dev', OVERLAY);
    place.ip('-n', host, 'neigh', 'replace', hostIp(far), 'lladdr', hostMac(far), 'dev', OVERLAY);
  }

  async down(side: Side): Promise<void> {
    const end = this.#ends.get(side);
    this.#ends.delete(side);
    await end?.();
  }

  /** Hosts that can ping one another have taught everybody on the way where they are. @throws Error when they cannot */
  async check(): Promise<void> {
    const ping = ['-c', '3', '-i', '0.1', '-W', '1', hostIp('B')];
    let why: unknown = null;
    for (let tries = 0; tries < 5; tries++) {
      try {
        await this.place.run(this.host('A'), 'ping', ...ping);
        return;
      } catch (error) {
        this.place.signal.throwIfAborted();
        why = error;
      }
    }
    throw new Error(`${this.kind.name}: no ping gets through: ${(why as Error).message}`);
  }

  /** One frame from a host: where it is becomes known on its side. The other side may be away. */
  async speak(side: Side): Promise<void> {
    const ping = this.place.run(this.host(side), 'ping', '-c', '1', '-W', '1', hostIp(other(side)));
    await ping.catch(() => this.place.signal.throwIfAborted());
  }
}
