// Congestion marks through a tunnel: RFC 6040, as Linux's VXLAN driver applies it (include/net/inet_ecn.h).
//
//   inner     outer sent            outer received:  Not-ECT   ECT(0)   ECT(1)   CE
//   Not-ECT   Not-ECT                                Not-ECT   Not-ECT  Not-ECT  drop
//   ECT(0)    ECT(0)                                 ECT(0)    ECT(0)   ECT(1)   CE
//   ECT(1)    ECT(1)                                 ECT(1)    ECT(1)   ECT(1)   CE
//   CE        ECT(0)                                 CE        CE       CE       CE

import { update16 } from '../../core/wire/checksum.ts';

export const ECN = { notEct: 0, ect1: 1, ect0: 2, ce: 3 } as const;

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN = 0x8100;
const QINQ = 0x88a8;

/** Where the IP header of an Ethernet frame starts, behind any tags; -1 when the frame is not IP or cut short. */
export function ipAt(view: DataView, at: number, end: number): number {
  let ip = at + 14;
  if (end < ip) return -1;
  let type = view.getUint16(at + 12);
  while ((type === VLAN || type === QINQ) && end - ip >= 4) {
    type = view.getUint16(ip + 2);
    ip += 4;
  }
  if (type === IPV4) return end - ip >= 20 ? ip : -1;
  return type === IPV6 && end - ip >= 40 ? ip : -1;
}

/** The TOS or traffic class of the IP header at `ip`; 0 for -1. */
export function tosAt(view: DataView, ip: number): number {
  if (ip < 0) return 0;
  return view.getUint8(ip) >>> 4 === 4 ? view.getUint8(ip + 1) : (view.getUint16(ip) >>> 4) & 0xff;
}

/** The outer ECN bits for inner ones: CE goes out as ECT(0), so that the tunnel's own marks can be told. */
export function outerEcn(inner: number): number {
  const ecn = inner & 3;
  return ecn === ECN.ce ? ECN.ect0 : ecn;
}

/** The ECN bits to deliver, or -1 to drop the packet. */
export function innerEcn(inner: number, outer: number): number {
  const was = inner & 3;
  const now = outer & 3;
  if (was === ECN.notEct) return now === ECN.ce ? -1 : ECN.notEct;
  if (now === ECN.ce || was === ECN.ce) return ECN.ce;
  return was === ECN.ect0 && now === ECN.ect1 ? ECN.ect1 : was;
}

/** Writes ECN bits into the IP header at `ip`, keeping IPv4's checksum right. */
export function setEcn(view: DataView, ip: number, ecn: number): void {
  const before = view.getUint16(ip);
  if (before >>> 12 === 4) {
    const after = (before & 0xfffc) | ecn;
    view.setUint16(ip, after);
    view.setUint16(ip + 10, update16(view.getUint16(ip + 10), before, after));
  } else {
    view.setUint16(ip, (before & 0xffcf) | (ecn << 4));
  }
}
