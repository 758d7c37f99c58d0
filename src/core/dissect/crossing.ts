// Where the parts of one tunnelled frame stand: the headers that carry a VXLAN header, and the first headers inside it.
//
//   ... | ip | udp | vxlan | link | vlan* | network | transport | ...
//
// A packet with a tunnel in a tunnel has one Crossing for each VXLAN header. Rows that an ICMP error quotes are no crossing:
// that packet was not sent. Nor are those of a first fragment: its datagram crosses once, where it is whole (see
// reassembly/sight.ts). Filled again for every packet; allocates nothing.

import * as vxlan from '../wire/vxlan.ts';
import type { Dissection } from './layer.ts';
import { L, LAYER_FLAG } from './layer.ts';

const NOT_SENT = LAYER_FLAG.quoted | LAYER_FLAG.fragment;

export class Crossing {
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Rows of the Dissection, -1 where there is none. The IP row nearest around the VXLAN header: its addresses are the VTEPs'. */
  ip = -1;
  udp = -1;
  /** The VXLAN or VXLAN-GPE row. */
  vxlan = -1;
  /** Ethernet inside; -1 where GPE carries IP. */
  link = -1;
  /** The first 802.1Q or 802.1ad row inside. */
  vlan = -1;
  /** ARP, IPv4 or IPv6 of the inner frame itself, not of a tunnel further inside. */
  network = -1;
  /** UDP, TCP, ICMP, ICMPv6 or IGMP likewise; -1 for a fragment behind the first. */
  transport = -1;
  /** 0 to 2^24 - 1. */
  vni = 0;

  /** Fills in the first crossing at or behind row `from`; false when there is none. Go on from `vxlan + 1`. */
  find(view: DataView, d: Dissection, from = 0): boolean {
    for (let row = from; row < d.count; row++) {
      const kind = d.kind(row);
      if ((kind !== L.vxlan && kind !== L.gpe) || (d.flags(row) & NOT_SENT) !== 0 || d.fault(row) !== 0)
        continue;
      this.view = view;
      this.vxlan = row;
      this.vni = vxlan.vni(view, d.start(row));
      this.#around(d, row);
      this.#inside(d, row);
      return true;
    }
    return false;
  }

  #around(d: Dissection, row: number): void {
    this.udp = row > 0 && d.kind(row - 1) === L.udp ? row - 1 : -1;
    this.ip = d.below(row, L.ipv4, L.ipv6);
  }

  #inside(d: Dissection, row: number): void {
    this.link = -1;
    this.vlan = -1;
    this.network = -1;
    this.transport = -1;
    const depth = d.depth(row) + 1;
    for (let i = row + 1; i < d.count && d.depth(i) === depth && !d.quoted(i); i++) {
      switch (d.kind(i)) {
        case L.ethernet:
          if (this.link < 0) this.link = i;
          break;
        case L.vlan:
        case L.serviceVlan:
          if (this.vlan < 0) this.vlan = i;
          break;
        case L.arp:
        case L.ipv4:
        case L.ipv6:
          if (this.network < 0) this.network = i;
          break;
        case L.udp:
        case L.tcp:
        case L.icmp:
        case L.icmpv6:
        case L.igmp:
          if (this.transport < 0) this.transport = i;
          break;
        default:
      }
    }
  }
}
