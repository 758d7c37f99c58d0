// Who joined which multicast group on the underlay: IGMP reports (RFC 2236, RFC 9776) and MLD reports (RFC 2710, RFC 9777).
// Groups of the link itself (224.0.0.0/24, scopes 1 and 2 of IPv6) carry no tunnels and are passed over.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as igmp from '../wire/igmp.ts';
import * as mld from '../wire/mld.ts';
import type { AddressBook } from './address-book.ts';
import { NOWHERE } from './address-book.ts';
import { Register } from './register.ts';

export interface Join {
  readonly group: number;
  readonly member: number;
  /** False once it left. */
  joined: boolean;
}

export class Joins {
  readonly all: Register<Join>;
  readonly #book: AddressBook;

  constructor(book: AddressBook, most: number, salt: number) {
    this.#book = book;
    this.all = new Register(most, salt);
  }

  /** Looks at an IGMP or ICMPv6 row. @param ip its IP row */
  observe(view: DataView, d: Dissection, ip: number, transport: number): void {
    const start = d.start(ip);
    const at = d.start(transport);
    const end = d.end(transport);
    if (d.kind(transport) === L.igmp && d.kind(ip) === L.ipv4) {
      if (igmp.check(view, at, end) !== NO_FAULT) return;
      this.#igmp(this.#book.number4(view, start + 12), view, at);
    } else if (d.kind(transport) === L.icmpv6 && d.kind(ip) === L.ipv6) {
      const type = view.getUint8(at);
      if (type !== mld.TYPE.report && type !== mld.TYPE.done && type !== mld.TYPE.reportV2) return;
      if (mld.check(view, at, end) !== NO_FAULT) return;
      this.#mld(this.#book.number6(view, start + 8), view, at, type);
    }
  }

  #igmp(member: number, view: DataView, at: number): void {
    switch (igmp.type(view, at)) {
      case igmp.TYPE.reportV1:
      case igmp.TYPE.reportV2:
        this.#note4(view, at + 4, member, true);
        break;
      case igmp.TYPE.leave:
        this.#note4(view, at + 4, member, false);
        break;
      case igmp.TYPE.reportV3: {
        let o = at + igmp.HEADER_LEN;
        for (let left = igmp.recordCount(view, at); left > 0; left--) {
          const change = changeOf(view.getUint8(o), view.getUint16(o + 2));
          if (change !== null) this.#note4(view, o + 4, member, change);
          o += igmp.recordLen(view, o);
        }
        break;
      }
      default:
    }
  }

  #mld(member: number, view: DataView, at: number, type: number): void {
    if (type !== mld.TYPE.reportV2) {
      this.#note6(view, at + 8, member, type === mld.TYPE.report);
      return;
    }
    let o = at + mld.V2_REPORT_LEN;
    for (let left = view.getUint16(at + 6); left > 0; left--) {
      const sources = view.getUint16(o + 2);
      const change = changeOf(view.getUint8(o), sources);
      if (change !== null) this.#note6(view, o + 4, member, change);
      o += mld.RECORD_LEN + 16 * sources + 4 * view.getUint8(o + 1);
    }
  }

  #note4(view: DataView, at: number, member: number, joined: boolean): void {
    const first = view.getUint32(at);
    if (first >>> 28 !== 0xe || first >>> 8 === 0xe00000) return;
    this.#note(this.#book.number4(view, at), member, joined);
  }

  #note6(view: DataView, at: number, member: number, joined: boolean): void {
    const first = view.getUint16(at);
    if (first >>> 8 !== 0xff || (first & 0xf) <= 2) return;
    this.#note(this.#book.number6(view, at), member, joined);
  }

  #note(group: number, member: number, joined: boolean): void {
    if (group === NOWHERE || member === NOWHERE) return;
    const known = this.all.find(group, member);
    if (known !== undefined) known.joined = joined;
    else if (joined) this.all.add({ group, member, joined }, group, member);
  }
}

/** What a record of version 3 of IGMP or 2 of MLD, which use the same numbers, says: joined, left, or neither. */
function changeOf(type: number, sources: number): boolean | null {
  switch (type) {
    case igmp.RECORD.isExclude:
    case igmp.RECORD.toExclude:
    case igmp.RECORD.allow:
      return true;
    case igmp.RECORD.isInclude:
    case igmp.RECORD.toInclude:
      return sources > 0;
    default:
      return null;
  }
}
