// What can happen to a frame, as numbers, and the one-method face through which every element tells it.
//
// Elements emit only while `on` is true: with nobody listening a decision costs one field read. `a` and `b` mean what the
// kind says; the words are made later, by whoever reads the recording (journey.ts).

import type { Frame } from '../../core/frame/frame.ts';

/** The number of an element (host, port, bridge, VTEP, link) in its world's registry; 0 is nobody. */
export type ElementId = number;

export const TRACE = {
  /** A host sends it: `a` is 1 for its own packet, 2 for one it routes. */
  send: 1,
  /** It went into a cable or out of a port towards element `a`. */
  transmit: 2,
  /** It arrived at an element; `a` is the port there. */
  receive: 3,
  /** The source address was learned; `a` is the LEARN result, `b` the port or peer. */
  learn: 4,
  /** A bridge found the destination; `a` is the port. */
  forward: 5,
  /** A bridge or VTEP sent copies; `a` is how many, `b` is 1 for broadcast, 2 multicast, 3 unknown unicast. */
  flood: 6,
  /** A VTEP put it into the tunnel; `a` is the peer, `b` the FLOOD or FDB source (see VIA). */
  encapsulate: 7,
  /** A VTEP took it out of the tunnel; `a` is the peer. */
  decapsulate: 8,
  /** A VTEP answered with this frame: `a` is 1 for ARP or ND, 3 for a path-MTU error; `b` is the question's id. */
  answer: 9,
  /** A host took it; `a` is the IP protocol (or 0x806 for ARP), `b` the port or type. */
  deliver: 10,
  /** A host looked up its next hop; `a` is 1 for a cached neighbour, 2 when it has to ask, `b` the interface. */
  resolve: 11,
  /** The outer headers were written; `a` is the source port, `b` the underlay element. */
  outer: 12,
  /** It ended here; `a` is the DROP reason, `b` what the reason is about. */
  drop: 13,
  /** A router sent it on; `a` is the interface, `b` the remaining hops. */
  route: 14,
  /** An impairment touched it; `a` is what (see IMPAIR), `b` how much in nanoseconds. */
  impair: 15,
  /** The frame is a copy of frame id `a`. */
  copy: 16,
  /** The load balancer chose a task: `a` is the VIP, `b` the task, as IPv4 numbers. */
  balance: 17,
  /** A VLAN tag was put on (`a` is 1) or taken off (`a` is 0); `b` is the VLAN id. */
  tag: 18,
  /** Addresses or ports were translated: `a` is 1 on the way out, 0 for an answer; its IP header is at byte `b`. */
  translate: 19,
  /** A host sealed it into ESP, or opened it: `a` is the SPI, `b` the sequence number. */
  seal: 20,
  open: 21,
} as const;
export type TraceKind = (typeof TRACE)[keyof typeof TRACE];

/** What a VTEP's decision rested on. */
export const VIA = {
  /** An entry the control plane pinned. */
  pinned: 1,
  /** An entry learned from a received frame. */
  learned: 2,
  /** The flood list (head-end replication). */
  replicate: 3,
  /** The VNI's multicast group. */
  group: 4,
} as const;

export interface TraceSink {
  readonly on: boolean;
  /** A number for a frame that begins its journey; 0 while off. */
  nextId(): number;
  emit(where: ElementId, what: TraceKind, frame: Frame, a: number, b: number): void;
}

/** Nobody listens. */
export const SILENT: TraceSink = { on: false, nextId: () => 0, emit: () => {} };
