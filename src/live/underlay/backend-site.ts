// What a backend of a live VTEP stands on.

import type { TunnelReceiver } from '../../engine/fabric/underlay.ts';
import type { Ground } from '../../engine/orchestrate/ground.ts';
import type { WallClock } from '../wall-clock.ts';
import type { DatagramWatch, Door } from './live-underlay.ts';

export interface BackendSite {
  readonly ground: Ground;
  readonly clock: WallClock;
  readonly receiver: TunnelReceiver;
  readonly door: Door;
  readonly watch: DatagramWatch | null;
  /** The interface of the underlay address; null when none is known. */
  readonly device: string | null;
  /** IP MTU of the path in bytes. */
  readonly mtu: number;
}
