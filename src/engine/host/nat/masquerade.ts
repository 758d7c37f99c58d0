// Source NAT at a node's border: what leaves by the outside interface takes its address
// (iptables -t nat -A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE). UDP, TCP and ICMP echo.
//
//   inside 172.18.0.3:40000 ──► 192.0.2.12:40000 (the same port if it is free) ──► anywhere

import type { Interface } from '../interface.ts';
import type { Opening, SourceRule } from './rule.ts';
import type { Sighting } from './sighting.ts';

export class Masquerade implements SourceRule {
  readonly outside: Interface;

  constructor(outside: Interface) {
    this.outside = outside;
  }

  disguise(seen: Sighting, _from: Interface, out: Interface, opening: Opening): boolean {
    const { primary } = this.outside;
    if (out !== this.outside || seen.six || primary < 0) return false;
    if (seen.view.getUint32(seen.srcAt) !== primary) opening.src = primary;
    return true;
  }
}
