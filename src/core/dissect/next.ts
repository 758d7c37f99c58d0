// What the walk goes on with, as one number: a family in the upper bits and an EtherType, an IP protocol or a fixed
// number below. It exists so that the steps need not import one another.

import type { Fault } from '../wire/fault.ts';
import { fault, KIND, LAYER } from '../wire/fault.ts';
import { ETHERTYPE } from '../wire/numbers.ts';
import type { Dissection, LayerKind } from './layer.ts';
import type { WalkOptions } from './ports.ts';

export const FAMILY = { ether: 0x10000, ip: 0x20000, other: 0x30000 } as const;

export const GO = {
  stop: -1,
  /** The bytes that are left, as one row that nobody reads. */
  payload: 0x30000,
  ethernet: 0x30001,
  /** Ethernet one tunnel deeper. */
  innerEthernet: 0x30002,
  llc: 0x30003,
  /** IPv4 or IPv6, as the first four bits say. */
  ipByVersion: 0x30004,
  ipv4: (FAMILY.ether | ETHERTYPE.ipv4) as number,
  ipv6: (FAMILY.ether | ETHERTYPE.ipv6) as number,
  nsh: (FAMILY.ether | ETHERTYPE.nsh) as number,
  mpls: (FAMILY.ether | ETHERTYPE.mpls) as number,
} as const;

/** Goes one tunnel deeper. False, with the fault noted on what is left, at the depth that the options set. */
export function enterTunnel(d: Dissection, options: WalkOptions): boolean {
  if (d.deepen(options.depth)) return true;
  d.rest();
  d.blame(d.count - 1, fault(LAYER.frame, KIND.endless, options.depth));
  return false;
}

/** Adds a row for a header that cannot be read, and stops. */
export function stopAt(d: Dissection, kind: LayerKind, f: Fault): number {
  d.fail(kind, f);
  return GO.stop;
}
