// What the thread that reads packets is given: a descriptor, how to read it, and the ring to fill.

import type { RingShape } from './frame-ring.ts';

export interface IntakeTask {
  readonly fd: number;
  /** An eventfd: what is written to it ends the thread. */
  readonly stopFd: number;
  /** A TAP device is read frame by frame, a socket by recvmmsg. */
  readonly kind: 'tap' | 'socket';
  readonly shape: RingShape;
  readonly memory: SharedArrayBuffer;
}
