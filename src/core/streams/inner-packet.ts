// What of a packet belongs to a conversation: the innermost TCP segment or UDP datagram outside quotes, whole or put
// together again, with the VNI and the addresses around it. Filled again for every packet; allocates nothing.

import { Dissection, L, LAYER_FLAG } from '../dissect/layer.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Part, Sight } from '../reassembly/sight.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as tcp from '../wire/tcp.ts';
import * as vxlan from '../wire/vxlan.ts';
import type { Within } from './listener.ts';

/** Outside any tunnel. */
export const NO_VNI = -1;

/** UDP payloads of these kinds are packets of their own. */
const TUNNELS: ReadonlySet<number> = new Set([L.vxlan, L.gpe, L.geneve, L.mpls, L.esp]);

export class InnerPacket {
  /** All bytes around; positions are those of the view that was walked over. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  d: Dissection = new Dissection();
  within: Within = 'packet';
  number = 0;
  /** Where the packet starts. */
  start = 0;
  isTcp = false;
  isSix = false;
  /** 0 to 2^24 - 1, or NO_VNI. */
  vni: number = NO_VNI;
  /** Where the payload starts and ends, and how many bytes more it had on the wire. */
  from = 0;
  to = 0;
  cut = 0;
  /** Where the IP header starts, and rows for whoever wants to know more. */
  ip = 0;
  network = -1;
  vxlan = -1;
  srcPort = 0;
  dstPort = 0;
  /** IPv4's identification; 0 for IPv6. */
  id = 0;
  /** Of TCP, 0 for UDP. Signed 32-bit numbers. */
  seq = 0;
  ack = 0;
  flags = 0;
  window = 0;

  /** False when the packet is of no conversation. */
  read(sight: Sight, meta: PacketMeta): boolean {
    const part = sight.last;
    const { d, view } = part;
    const { transport, network } = d;
    if (!speaks(d)) return false;
    if (view !== this.view) {
      this.view = view;
      this.bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
    this.within = withinOf(sight, part);
    this.d = d;
    this.number = meta.number;
    this.start = d.packetStart;
    this.isTcp = d.kind(transport) === L.tcp;
    this.isSix = d.kind(network) === L.ipv6;
    this.network = network;
    this.ip = d.start(network);
    this.id = this.isSix ? 0 : ipv4.id(view, this.ip);
    this.vxlan = crossed(d) ? d.innerVxlan : -1;
    this.vni = this.vxlan < 0 ? NO_VNI : vxlan.vni(view, d.start(this.vxlan));
    const at = d.start(transport);
    this.srcPort = view.getUint16(at);
    this.dstPort = view.getUint16(at + 2);
    this.from = d.head(transport);
    this.to = Math.max(this.from, d.end(transport));
    this.cut = Math.max(0, d.limit(transport) - this.to);
    if (this.isTcp) {
      this.seq = tcp.seq(view, at) | 0;
      this.ack = tcp.ack(view, at) | 0;
      this.flags = tcp.flags(view, at);
      this.window = tcp.window(view, at);
    } else {
      this.seq = 0;
      this.ack = 0;
      this.flags = 0;
      this.window = 0;
    }
    return true;
  }
}

/** True when the innermost transport row is a TCP segment or UDP datagram that carries no packet itself. */
function speaks(d: Dissection): boolean {
  const { transport, network } = d;
  if (transport < 0 || network < 0 || transport < network) return false;
  const kind = d.kind(transport);
  if (kind !== L.tcp && kind !== L.udp) return false;
  if ((d.flags(transport) & LAYER_FLAG.fragment) !== 0 || d.fault(transport) !== NO_FAULT) return false;
  const isSix = d.kind(network) === L.ipv6;
  if (!isSix && d.kind(network) !== L.ipv4) return false;
  if (d.head(network) - d.start(network) < (isSix ? 40 : 20)) return false;
  return transport + 1 >= d.count || !TUNNELS.has(d.kind(transport + 1));
}

/** True when the innermost VXLAN header is sound and around the innermost transport row. */
function crossed(d: Dissection): boolean {
  const row = d.innerVxlan;
  return row >= 0 && row < d.transport && d.fault(row) === NO_FAULT && d.depth(row) < d.depth(d.transport);
}

function withinOf(sight: Sight, part: Part): Within {
  if (part === sight.own) return 'packet';
  return sight.isOpened ? 'opened' : 'datagram';
}
