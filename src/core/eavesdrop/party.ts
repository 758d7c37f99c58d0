// Who sends a packet and who gets it: address, port, MAC, and the VTEP each is behind.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import type { InnerPacket } from '../streams/inner-packet.ts';
import type { Ip, Mac } from '../wire/address.ts';
import { isMulticastIp4, isMulticastIp6, readIp6, readMac } from '../wire/address.ts';

export interface Party {
  readonly ip: Ip;
  readonly port: number;
  mac: Mac | null;
  vtep: Ip | null;
  /** It was the sender of a packet, not only the target of one. */
  hasSpoken: boolean;
}

/** The sender and the target; cold path. */
export function meet(packet: InnerPacket): [source: Party, target: Party] {
  const { view, d, network, srcPort, dstPort } = packet;
  const link = linkOf(d, network);
  const around = packet.vxlan < 0 ? -1 : d.below(packet.vxlan, L.ipv4, L.ipv6);
  const party = (port: number, isTarget: boolean): Party => ({
    ip: addressOf(view, d, network, isTarget),
    port,
    mac: link < 0 ? null : macOf(view, d.start(link) + (isTarget ? 0 : 6)),
    vtep: around < 0 ? null : vtepOf(view, d, around, isTarget),
    hasSpoken: false,
  });
  return [party(srcPort, false), party(dstPort, true)];
}

export function addressOf(view: DataView, d: Dissection, row: number, isTarget: boolean): Ip {
  const at = d.start(row);
  if (d.kind(row) === L.ipv6) return readIp6(view, at + (isTarget ? 24 : 8));
  return view.getUint32(at + (isTarget ? 16 : 12));
}

/** The Ethernet row that an IP or ARP row stands on, -1 where there is none. */
export function linkOf(d: Dissection, row: number): number {
  for (let i = row - 1; i >= 0; i--) {
    const kind = d.kind(i);
    if (kind === L.ethernet) return d.depth(i) === d.depth(row) && d.end(i) - d.start(i) >= 14 ? i : -1;
    if (kind !== L.vlan && kind !== L.serviceVlan && kind !== L.mpls && kind !== L.llc) return -1;
  }
  return -1;
}

/** null for a group. */
function macOf(view: DataView, at: number): Mac | null {
  return (view.getUint8(at) & 1) === 1 ? null : readMac(view, at);
}

/** null for a group. */
export function vtepOf(view: DataView, d: Dissection, row: number, isTarget: boolean): Ip | null {
  const ip = addressOf(view, d, row, isTarget);
  return (typeof ip === 'number' ? isMulticastIp4(ip) : isMulticastIp6(ip)) ? null : ip;
}
