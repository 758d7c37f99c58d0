// What tells one datagram's fragments from another's: source, destination and identification, of IPv4 also the protocol
// (RFC 791 s.3.2; RFC 8200 s.4.5 leaves it out), within what is around: the VLANs, and the tunnels with their VNIs and keys.
//
// Outer addresses are no part of it: fragments of one inner datagram may come over different paths. Neither are MPLS labels,
// which may differ between fragments of one flow (RFC 6790).

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import * as geneve from '../wire/geneve.ts';
import * as gre from '../wire/gre.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import { fragmentId } from '../wire/ipv6-extensions.ts';
import * as vlan from '../wire/vlan.ts';
import * as vxlan from '../wire/vxlan.ts';

/** Filled again for every key, 16 bits each. */
const words: number[] = [];

/**
 * The key as text that means nothing to people: a Map then finds it by a hash that no sender can foresee.
 * @param row the row that makes the packet a fragment
 * @param ip the IP row that it belongs to, `row` itself with IPv4
 */
export function datagramKey(view: DataView, d: Dissection, row: number, ip: number): string {
  words.length = 0;
  for (let i = 0; i < row; i++) if (i !== ip) around(view, d, i);
  const at = d.start(ip);
  words.push(d.kind(row));
  if (row === ip) {
    words.push(ipv4.protocol(view, at), ipv4.id(view, at));
    for (let o = 12; o < 20; o += 2) words.push(view.getUint16(at + o));
  } else {
    wide(fragmentId(view, d.start(row)));
    for (let o = ipv6.srcAt(0); o < ipv6.HEADER_LEN; o += 2) words.push(view.getUint16(at + o));
  }
  return String.fromCharCode(...words);
}

function wide(value: number): void {
  words.push(value >>> 16, value & 0xffff);
}

function around(view: DataView, d: Dissection, row: number): void {
  const at = d.start(row);
  const kind = d.kind(row);
  switch (kind) {
    case L.vlan:
    case L.serviceVlan:
      words.push(kind, vlan.vid(view, at));
      break;
    case L.vxlan:
    case L.gpe:
      words.push(L.vxlan);
      wide(vxlan.vni(view, at));
      break;
    case L.geneve:
      words.push(kind);
      wide(geneve.vni(view, at));
      break;
    case L.gre: {
      words.push(kind);
      const keyAt = gre.keyAt(view, at);
      if (keyAt >= 0) wide(view.getUint32(keyAt));
      break;
    }
    case L.ipv4:
    case L.ipv6:
    case L.erspan:
    case L.fragment:
      words.push(kind);
      break;
    default:
  }
}
