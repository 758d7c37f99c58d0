// Where addresses stand in each header, and their replacing.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import * as arp from '../../wire/arp.ts';
import { faultKind, KIND, NO_FAULT } from '../../wire/fault.ts';
import * as nd from '../../wire/nd.ts';
import * as sll from '../../wire/sll.ts';
import type { IpSubstitutes, MacSubstitutes } from './substitutes.ts';

/** ICMP redirect (RFC 792): the gateway stands behind the checksum. */
const ICMP_REDIRECT = 5;
/** Segment routing (RFC 8754): a list of addresses, then perhaps TLVs. */
const SEGMENT_ROUTING = 4;

/** The addresses of one side of a tunnel. */
export class Places {
  readonly #ips: readonly IpSubstitutes[];
  readonly #macs: MacSubstitutes;

  /** @param ips asked in this order; the first that knows an address replaces it */
  constructor(ips: readonly IpSubstitutes[], macs: MacSubstitutes) {
    this.#ips = ips;
    this.#macs = macs;
  }

  /** Replaces the addresses of row `row`; true when there was one to replace. */
  row(view: DataView, d: Dissection, row: number): boolean {
    const at = d.start(row);
    const have = Math.min(d.head(row), d.end(row)) - at;
    switch (d.kind(row)) {
      case L.ethernet:
        return have >= 14 && either(this.#mac(view, at), this.#mac(view, at + 6));
      case L.sll:
        return have >= sll.HEADER_LEN && sll.addressLength(view, at) === 6 && this.#mac(view, at + 6);
      case L.sll2:
        return have >= sll.HEADER_LEN_2 && sll.addressLength2(view, at) === 6 && this.#mac(view, at + 12);
      case L.arp:
        return this.#arp(view, at, at + have);
      case L.ipv4:
        return have >= 20 && isReadable(d, row) && either(this.#ip4(view, at + 12), this.#ip4(view, at + 16));
      case L.ipv6:
        return have >= 40 && isReadable(d, row) && either(this.#ip6(view, at + 8), this.#ip6(view, at + 24));
      case L.routing:
        return this.#routing(view, at, at + have);
      case L.icmp:
        return have >= 8 && view.getUint8(at) === ICMP_REDIRECT && this.#ip4(view, at + 4);
      case L.icmpv6:
        return this.#discovery(view, at, at + have);
      default:
        return false;
    }
  }

  #mac(view: DataView, at: number): boolean {
    return this.#macs.mac(view, at);
  }

  #ip4(view: DataView, at: number): boolean {
    for (const ips of this.#ips) {
      if (ips.ip4(view, at)) return true;
    }
    return false;
  }

  #ip6(view: DataView, at: number): boolean {
    for (const ips of this.#ips) {
      if (ips.ip6(view, at)) return true;
    }
    return false;
  }

  #arp(view: DataView, at: number, end: number): boolean {
    if (arp.check(view, at, end) !== NO_FAULT) return false;
    const macs = either(this.#mac(view, at + 8), this.#mac(view, at + 18));
    const ips = either(this.#ip4(view, at + 14), this.#ip4(view, at + 24));
    return macs || ips;
  }

  /** The types that list whole addresses: source routes, mobile IPv6, segments (RFC 8200 s.4.4, RFC 6275 s.6.4, RFC 8754). */
  #routing(view: DataView, at: number, end: number): boolean {
    if (end - at < 8) return false;
    const type = view.getUint8(at + 2);
    if (type !== 0 && type !== 2 && type !== SEGMENT_ROUTING) return false;
    const most = type === SEGMENT_ROUTING ? view.getUint8(at + 4) + 1 : 127;
    let changed = false;
    for (let i = 0, o = at + 8; i < most && o + 16 <= end; i++, o += 16) {
      if (this.#ip6(view, o)) changed = true;
    }
    return changed;
  }

  /** Neighbour discovery (RFC 4861 s.4): targets, a redirect's destination, link-layer addresses of Ethernet. */
  #discovery(view: DataView, at: number, end: number): boolean {
    if (nd.check(view, at, end) !== NO_FAULT) return false;
    const type = view.getUint8(at);
    let changed = false;
    if (type >= nd.TYPE.neighbourSolicitation && this.#ip6(view, at + 8)) changed = true;
    if (type === nd.TYPE.redirect && this.#ip6(view, at + 24)) changed = true;
    for (let o = at + nd.headerLen(type); o < end; o += view.getUint8(o + 1) << 3) {
      const option = view.getUint8(o);
      const isLink = option === nd.OPTION.sourceLink || option === nd.OPTION.targetLink;
      if (isLink && view.getUint8(o + 1) === 1 && this.#mac(view, o + 2)) changed = true;
    }
    return changed;
  }
}

/** Of two replacements, both of which are done by now. */
function either(one: boolean, other: boolean): boolean {
  return one || other;
}

/** True for an IP header whose fields stand where they should, even if it claims more payload than there is. */
function isReadable(d: Dissection, row: number): boolean {
  const f = d.fault(row);
  return f === NO_FAULT || faultKind(f) === KIND.overrun;
}
