// Makes wrong checksums right: all that can be verified, from the inside out, since a tunnel's covers those inside. What cannot be
// verified, because bytes are missing or an ICMP error quotes it, and a UDP checksum of 0, stay as they are.

import { CHECKSUM, checksumVerdict } from '../dissect/checksums.ts';
import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { finish, finishUdp, pseudo4, pseudo6, sum } from '../wire/checksum.ts';
import { PROTO } from '../wire/numbers.ts';

/** Works in place; true when something was wrong and is right now. */
export function fixChecksums(view: DataView, d: Dissection): boolean {
  let fixed = false;
  for (let row = d.count - 1; row >= 0; row--) {
    if (checksumVerdict(view, d, row) !== CHECKSUM.bad || d.quoted(row)) continue;
    const at = d.start(row);
    const field = fieldOf(d.kind(row));
    const was = view.getUint16(at + field);
    view.setUint16(at + field, 0);
    view.setUint16(at + field, anew(view, d, row));
    // A routing header on its way has the final address elsewhere: then this was not the sum.
    if (checksumVerdict(view, d, row) === CHECKSUM.good) fixed = true;
    else view.setUint16(at + field, was);
  }
  return fixed;
}

/** Where the checksum stands in its header. */
function fieldOf(kind: number): number {
  switch (kind) {
    case L.ipv4:
      return 10;
    case L.udp:
      return 6;
    case L.tcp:
      return 16;
    default:
      return 2;
  }
}

/** The checksum of a row whose field is 0. */
function anew(view: DataView, d: Dissection, row: number): number {
  const at = d.start(row);
  const end = d.end(row);
  switch (d.kind(row)) {
    case L.ipv4:
      return finish(sum(view, at, at + (view.getUint8(at) & 0xf) * 4));
    case L.udp:
      return finishUdp(sum(view, at, end, pseudo(view, d, row, PROTO.udp)));
    case L.tcp:
      return finish(sum(view, at, end, pseudo(view, d, row, PROTO.tcp)));
    case L.icmpv6:
      return finish(sum(view, at, end, pseudo(view, d, row, PROTO.icmpv6)));
    default:
      return finish(sum(view, at, end));
  }
}

/** Only for a row whose checksum was verified, so that there is IP below it. */
function pseudo(view: DataView, d: Dissection, row: number, protocol: number): number {
  const ip = d.below(row, L.ipv4, L.ipv6);
  const at = d.start(ip);
  const length = d.end(row) - d.start(row);
  if (d.kind(ip) === L.ipv6) return pseudo6(view, at, protocol, length);
  return pseudo4(view.getUint32(at + 12), view.getUint32(at + 16), protocol, length);
}
