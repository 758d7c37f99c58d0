// ARP and neighbour discovery answered at the local VTEP from the control plane's rows: why no ARP crosses a Docker
// overlay. The question's frame becomes its answer (Linux: arp_reduce and neigh_reduce in vxlan_core.c).

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip6, Mac } from '../../core/wire/address.ts';
import { groupMac6, IP6_ANY, readIp6, sameIp } from '../../core/wire/address.ts';
import * as arp from '../../core/wire/arp.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as icmpv6 from '../../core/wire/icmpv6.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import * as nd from '../../core/wire/nd.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import type { PeerDb } from './peer-db.ts';
import { NO_MAC } from './peer-db.ts';
import type { PeerId } from './peers.ts';

/** The frame asks nothing. */
export const NO_QUESTION: Mac = -1;
/** It asks for an address that the rows do not have, or have on this very node. */
export const NO_ANSWER: Mac = -2;

/** Ethernet 14 + IPv6 40 + neighbour advertisement 24 + link-layer option 8. */
const ADVERTISEMENT_LEN = 86;

/** ff02::1 (RFC 4291 s.2.7.1). */
const ALL_NODES: Ip6 = { a: 0xff020000, b: 0, c: 0, d: 1 };

/** The MAC that answers the frame's ARP request or neighbour solicitation, or NO_QUESTION or NO_ANSWER. */
export function answerTo(frame: Frame, db: PeerDb, own: PeerId): Mac {
  const view = frame.view;
  const at = frame.start + ethernet.HEADER_LEN;
  const type = ethernet.etherType(view, frame.start);
  if (type === ETHERTYPE.arp) {
    if (arp.check(view, at, frame.end) !== 0 || arp.op(view, at) !== arp.OP.request) return NO_QUESTION;
    return remote(db, db.macOf4(arp.targetIp(view, at)), own);
  }
  if (type !== ETHERTYPE.ipv6 || ipv6.check(view, at, frame.end) !== 0) return NO_QUESTION;
  const icmp = at + ipv6.HEADER_LEN;
  if (ipv6.nextHeader(view, at) !== PROTO.icmpv6 || frame.end - icmp < nd.SOLICITATION_LEN)
    return NO_QUESTION;
  if (icmpv6.type(view, icmp) !== icmpv6.TYPE.neighbourSolicitation) return NO_QUESTION;
  return remote(db, db.macOf6(view, icmp + 8), own);
}

function remote(db: PeerDb, mac: Mac, own: PeerId): Mac {
  if (mac === NO_MAC) return NO_ANSWER;
  return db.row(mac)?.peer === own ? NO_ANSWER : mac;
}

/** Turns the question into its answer. The frame must have one holder; its length may grow. */
export function writeAnswer(frame: Frame, mac: Mac): void {
  const view = frame.view;
  const at = frame.start + ethernet.HEADER_LEN;
  if (ethernet.etherType(view, frame.start) === ETHERTYPE.arp) {
    const asker = arp.senderMac(view, at);
    const askerIp = arp.senderIp(view, at);
    const wanted = arp.targetIp(view, at);
    ethernet.write(view, frame.start, asker, mac, ETHERTYPE.arp);
    arp.write(view, at, arp.OP.reply, mac, wanted, asker, askerIp);
    return;
  }
  const asker = ethernet.src(view, frame.start);
  const askerIp = ipv6.src(view, at);
  const target: Ip6 = readIp6(view, at + ipv6.HEADER_LEN + 8);
  frame.end = frame.start + ADVERTISEMENT_LEN;
  const icmp = at + ipv6.HEADER_LEN;
  // Whoever probes for a duplicate has no address yet: everybody is told that it is taken (RFC 4861 s.7.2.4).
  const probe = sameIp(askerIp, IP6_ANY);
  ethernet.write(view, frame.start, probe ? groupMac6(ALL_NODES) : asker, mac, ETHERTYPE.ipv6);
  ipv6.write(view, at, frame.end, target, probe ? ALL_NODES : askerIp, PROTO.icmpv6, 255, 0, 0);
  const pseudo = pseudo6(view, at, PROTO.icmpv6, frame.end - icmp);
  const flags = nd.FLAG.override | (probe ? 0 : nd.FLAG.solicited);
  nd.writeAdvertisement(view, icmp, frame.end, target, mac, flags, pseudo);
}
