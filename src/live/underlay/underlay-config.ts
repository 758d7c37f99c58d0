// What the underlay of a live VTEP is asked to be, as plain data: one address and port, a backend, and how its datagrams look.

import type { Ip } from '../../core/wire/address.ts';

export const BACKENDS = ['auto', 'udp', 'raw', 'batch'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface UnderlayConfig {
  readonly local: Ip;
  /** UDP port to receive on and to send to; 4789 by RFC 7348. */
  readonly port: number;
  readonly backend: Backend;
  /** First and last source port; which one is by the inner flow's hash. */
  readonly sourcePorts: readonly [number, number];
  readonly ttl: number;
  /** DSCP and ECN of outer headers: a number, or the inner packet's DSCP. The `udp` backend cannot set it. */
  readonly tos: number | 'inherit';
  /** Do-not-fragment in outer IPv4. */
  readonly dontFragment: boolean;
  /** Whether TCP segments of up to 64 kB cross whole and datagrams are sent and taken several at a time. */
  readonly offload: boolean;
}
