// Hosts that are known from packets of no conversation: ARP (RFC 826), ICMP, fragments.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { readMac } from '../wire/address.ts';
import * as vxlan from '../wire/vxlan.ts';
import type { Hosts } from './hosts.ts';
import { addressOf, linkOf, vtepOf } from './party.ts';

/** Hardware type Ethernet, protocol IPv4, lengths 6 and 4. */
const ARP_OF_IP4 = 0x0001_0800;
const ARP_LENGTHS = 0x0604;

/** Notes who sent the innermost frame of a tunnelled packet. */
export function noteStranger(hosts: Hosts, view: DataView, d: Dissection): void {
  const { network, innerVxlan } = d;
  if (innerVxlan < 0 || network < innerVxlan || d.fault(innerVxlan) !== 0) return;
  const outer = d.below(innerVxlan, L.ipv4, L.ipv6);
  const vtep = outer < 0 ? null : vtepOf(view, d, outer, false);
  const vni = vxlan.vni(view, d.start(innerVxlan));
  const at = d.start(network);
  const length = d.head(network) - at;
  if (d.kind(network) === L.arp) {
    if (length < 28 || view.getUint32(at) !== ARP_OF_IP4 || view.getUint16(at + 4) !== ARP_LENGTHS) return;
    const ip = view.getUint32(at + 14);
    if (ip !== 0) hosts.note(vni, ip, readMac(view, at + 8), vtep);
    return;
  }
  if (length < (d.kind(network) === L.ipv6 ? 40 : 20)) return;
  const link = linkOf(d, network);
  hosts.note(
    vni,
    addressOf(view, d, network, false),
    link < 0 ? null : readMac(view, d.start(link) + 6),
    vtep,
  );
}
