// Somebody on the underlay who has no key and belongs to no overlay: sends a plain VXLAN datagram with a UDP datagram for a container
// inside, under addresses that are not his.

import type { Ip4, Mac } from '../../core/wire/address.ts';
import { pseudo4 } from '../../core/wire/checksum.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import * as udp from '../../core/wire/udp.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { Simulation } from '../../engine/orchestrate/simulation.ts';

/** An end of the forged frame, or of the tunnel around it. */
export interface End {
  readonly mac: Mac;
  readonly ip: Ip4;
}

export interface Forgery {
  /** Whom the datagram says that it comes from, and the node that it goes to. */
  readonly vteps: { readonly src: End; readonly dst: End };
  readonly port: number;
  readonly vni: number;
  /** Whose frame it says to be, and the container that is to get it. */
  readonly inside: { readonly src: End; readonly dst: End };
  readonly udpPort: number;
  readonly text: string;
}

const TTL = 64;
const SOURCE_PORT = 50_000;
const IP_AT = ethernet.HEADER_LEN;
const UDP_AT = IP_AT + ipv4.HEADER_LEN;

/** The whole frame as it goes over the underlay. */
export function forged({ vteps, port, vni, inside, udpPort, text }: Forgery): Uint8Array {
  const frame = packet(inside.src, inside.dst, udpPort, Buffer.from(text, 'latin1'));
  const tunnelled = new Uint8Array(vxlan.HEADER_LEN + frame.length);
  vxlan.write(new DataView(tunnelled.buffer), 0, vni);
  tunnelled.set(frame, vxlan.HEADER_LEN);
  return packet(vteps.src, vteps.dst, port, tunnelled);
}

/** Ethernet, IPv4 and UDP around a payload. */
function packet(from: End, to: End, port: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(UDP_AT + udp.HEADER_LEN + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set(payload, UDP_AT + udp.HEADER_LEN);
  const pseudo = pseudo4(from.ip, to.ip, PROTO.udp, bytes.length - UDP_AT);
  udp.write(view, UDP_AT, bytes.length, SOURCE_PORT, port, pseudo);
  ipv4.write(view, IP_AT, bytes.length, from.ip, to.ip, PROTO.udp, TTL, 0, 0, false);
  ethernet.write(view, 0, to.mac, from.mac, ETHERTYPE.ipv4);
  return bytes;
}

/** Puts a frame on the wire at a socket of the underlay's first switch that nobody else has. */
export function inject({ underlay, world }: Simulation, bytes: Uint8Array): void {
  const [first] = underlay.switches;
  if (first === undefined) return;
  const port = first.attach({ name: 'intruder', mtu: 9216, send: (frame) => frame.release() });
  first.receive(world.ground.pool.from(bytes), port);
}
