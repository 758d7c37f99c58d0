// What a rule of a host's address translation is asked, once for each flow, and answers: where to, and from where.

import type { Ip } from '../../../core/wire/address.ts';
import type { DropReason } from '../../trace/drop.ts';
import type { Interface } from '../interface.ts';
import type { RealServer } from './real-server.ts';
import type { Sighting } from './sighting.ts';
import type { Lifetimes } from './tcp-track.ts';
import { CONNTRACK } from './tcp-track.ts';

/** What is to become of a flow whose first packet is here. One object, filled in anew for each. */
export class Opening {
  /** The new destination; null where it stays. */
  dst: Ip | null = null;
  dstPort = 0;
  /** The new source; null where it stays. */
  src: Ip | null = null;
  /** Set when the packet is not to go on: why, and an ICMP "unreachable" code for its sender, or -1 for silence. */
  refuse: DropReason | -1 = -1;
  code = -1;
  lifetimes: Lifetimes = CONNTRACK;
  server: RealServer | null = null;

  reset(): void {
    this.dst = null;
    this.src = null;
    this.refuse = -1;
    this.code = -1;
    this.lifetimes = CONNTRACK;
    this.server = null;
  }

  refused(reason: DropReason, code: number): void {
    this.refuse = reason;
    this.code = code;
  }
}

/** PREROUTING: about packets to an address of the host. Answers true when it has decided, be it that nothing changes. */
export interface DestinationRule {
  divert(seen: Sighting, dev: Interface, opening: Opening): boolean;
}

/** POSTROUTING: about packets that leave by `out`, wherever they came from. Answers true when it has decided. */
export interface SourceRule {
  disguise(seen: Sighting, from: Interface, out: Interface, opening: Opening): boolean;
}
