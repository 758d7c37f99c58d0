// The seam between simulation and reality: where a VTEP hands over VXLAN datagrams and where it gets them.
//
// In the simulation an underlay writes the outer headers and lets the emulated network carry them; live it is a socket.
// Either way a frame that crosses this seam begins with its eight VXLAN bytes: what a UDP payload holds.

import type { Frame } from '../../core/frame/frame.ts';
import type { PeerId } from './peers.ts';

export interface Underlay {
  /**
   * Bytes of UDP payload that reach `peer` in one piece: path MTU less IP and UDP headers.
   * RFC 7348 s.4.3: a VTEP must not fragment, so it asks first. A VNI may have less: encryption takes some.
   */
  room(peer: PeerId, vni: number): number;
  /**
   * Takes the frame over and sends it to a peer, or to the group that the peer number stands for.
   * @param entropy 31 bits from the inner flow; picks the UDP source port (RFC 7348 s.5)
   * @param tos the outer TOS or traffic class, ECN bits included
   */
  sendTo(peer: PeerId, entropy: number, tos: number, frame: Frame): void;
  /** Asks for datagrams sent to a multicast group (IGMP or MLD on a real network). */
  join(group: PeerId): void;
  leave(group: PeerId): void;
}

export interface TunnelReceiver {
  /** Takes over a datagram that `peer` sent; `tos` is its outer TOS or traffic class. */
  input(frame: Frame, peer: PeerId, tos: number): void;
}
