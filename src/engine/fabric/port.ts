// The two faces of every connection. A `Port` takes frames away from its owner, a `Sink` takes frames in; whoever is
// handed a frame owns it (see core/frame/frame.ts).

import type { Frame } from '../../core/frame/frame.ts';

/** A port's number at the element that owns it, from 0. */
export type PortId = number;

export interface Port {
  readonly name: string;
  /** The largest payload behind the Ethernet header, in bytes; a VLAN tag comes on top. */
  readonly mtu: number;
  /** Takes the frame over. */
  send(frame: Frame): void;
}

export interface Sink {
  /** Takes the frame over; `from` is the receiver's own port that it came in by. */
  receive(frame: Frame, from: PortId): void;
}

/** Ethernet header and one VLAN tag: what Linux allows beyond the MTU (is_skb_forwardable). */
export const LINK_SLACK = 18;
