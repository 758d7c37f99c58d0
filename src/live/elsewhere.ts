// The underlay of a node that runs in another process or on another machine: here only its name and its address are known, and what
// the tables say of it. Nothing is sent in its name, and nothing that comes for it is seen.

import type { Frame } from '../core/frame/frame.ts';
import type { Underlay } from '../engine/fabric/underlay.ts';

/** Its own sockets ask for what really fits. */
const ROOM = 65_535;

export const ELSEWHERE: Underlay = {
  room: () => ROOM,
  sendTo: (_peer: number, _entropy: number, _tos: number, frame: Frame) => frame.release(),
  join: () => {},
  leave: () => {},
};
