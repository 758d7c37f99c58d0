// The document of `vxlab up`: what ran, what was sent, what became of it.

import type { ServiceRow } from '../apps/runtime.ts';
import type { ConnectionRow } from '../lab/service-pairs.ts';
import type { Population, Totals } from '../lab/summary.ts';
import type { TrafficRow } from '../lab/traffic.ts';

export interface CaptureReport {
  readonly file: string;
  readonly packets: number;
  readonly interfaces: readonly string[];
}

/** A node that ran in a process of its own. */
export interface ProcessReport {
  readonly node: string;
  readonly pid: number;
  /** How it ended before the run did; null for one that lasted. */
  readonly ended: string | null;
}

/** A task that a dead node left behind: `to` is null where no node takes it. */
export interface MoveReport {
  readonly container: string;
  readonly from: string;
  readonly to: string | null;
}

/** `vxlab.up/1`, described in docs/schema/up.schema.json. Times are nanoseconds. */
export interface UpDocument extends Population, Totals {
  readonly schema: 'vxlab.up/1';
  readonly stack: string;
  readonly profile: string;
  readonly seed: string;
  readonly underlay: 'sim' | 'udp';
  /** How long it ran: virtual time over the emulated underlay, the wall clock's over sockets. */
  readonly duration: number;
  /** True when the user ended it. */
  readonly interrupted: boolean;
  /** What programs asked each other, by service and by the name of who was asked. */
  readonly requests: readonly ServiceRow[];
  /** TCP connections by the services at their ends. */
  readonly connections: readonly ConnectionRow[];
  /** Pings between containers. */
  readonly traffic: readonly TrafficRow[];
  readonly capture: CaptureReport | null;
  /** With a process a node. */
  readonly processes?: readonly ProcessReport[];
  readonly moves?: readonly MoveReport[];
}
