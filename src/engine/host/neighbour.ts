// One neighbour on a link: its address, the MAC it is known by, how sure that is, and what waits for it.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Mac } from '../../core/wire/address.ts';
import type { Instant, TimerId } from '../time/clock.ts';
import type { Interface } from './interface.ts';

export const STATE = {
  incomplete: 0,
  reachable: 1,
  stale: 2,
  delay: 3,
  probe: 4,
  failed: 5,
  permanent: 6,
} as const;
export type NeighbourState = (typeof STATE)[keyof typeof STATE];
export const STATE_NAMES = [
  'INCOMPLETE',
  'REACHABLE',
  'STALE',
  'DELAY',
  'PROBE',
  'FAILED',
  'PERMANENT',
] as const;

export class Neighbour {
  readonly ip: Ip;
  readonly dev: Interface;
  state: NeighbourState = STATE.failed;
  macHi = 0;
  macLo = 0;
  /** When an answer last came. */
  confirmed: Instant = 0;
  /** When the link last told of a MAC or a state that was new. */
  updated: Instant = 0;
  probes = 0;
  timer: TimerId = 0;
  /** Its place in the table, which its timers carry. */
  readonly slot: number;
  /** IP packets that wait for the MAC: frames that begin with their IP header. */
  readonly waiting: Frame[] = [];

  constructor(ip: Ip, dev: Interface, slot: number) {
    this.ip = ip;
    this.dev = dev;
    this.slot = slot;
  }

  get mac(): Mac {
    return this.macHi * 0x1_0000_0000 + (this.macLo >>> 0);
  }
}
