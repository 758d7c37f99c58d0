// Puts a way's addresses and ports into a packet, checksums carried along (RFC 1624; RFC 3022 s.4.2), and into the packet
// that an ICMP error quotes (RFC 3022 s.4.3, RFC 5508 s.4.2).

import type { Ip } from '../../../core/wire/address.ts';
import { finish, pseudo6, sum, update16, update32 } from '../../../core/wire/checksum.ts';
import * as ipv4 from '../../../core/wire/ipv4.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import type { Way } from './flow.ts';
import type { Sighting } from './sighting.ts';

/** Where a transport keeps its checksum; a quoted packet may end before. */
const TCP_SUM = 16;
const UDP_SUM = 6;

/** Rewrites the packet that was sighted as a packet of the way's flow. */
export function rewrite(seen: Sighting, way: Way): void {
  const { view, at, end, six, proto, srcAt, dstAt } = seen;
  const ip = srcAt - (six ? 8 : 12);
  if (proto === PROTO.icmp) {
    // Of an echo's two ports one is the identifier and the other nothing.
    const id = way.toSrcPort === 0 ? way.toDstPort : way.toSrcPort;
    setWord(view, at + 4, id, at + 2, end, false);
  } else {
    const check = at + (proto === PROTO.udp ? UDP_SUM : TCP_SUM);
    const udp = proto === PROTO.udp;
    if (way.toSrcPort !== way.srcPort) setWord(view, at, way.toSrcPort, check, end, udp);
    if (way.toDstPort !== way.dstPort) setWord(view, at + 2, way.toDstPort, check, end, udp);
    if (way.newSrc) cover(view, srcAt, way.toSrc, check, end, udp);
    if (way.newDst) cover(view, dstAt, way.toDst, check, end, udp);
  }
  if (way.newSrc) setAddress(view, ip, srcAt, way.toSrc);
  if (way.newDst) setAddress(view, ip, dstAt, way.toDst);
}

/**
 * Rewrites an error about the other way's packet; it travels the same way as the flow's own. `seen` holds the ends of
 * the quoted packet, turned round.
 * @param ip where the error's own IP header stands
 */
export function rewriteError(seen: Sighting, way: Way, ip: number): void {
  const { view, at, end, six, proto, srcAt, dstAt, message } = seen;
  // Turned round: `dstAt` is where the quoted packet's source stands.
  const quoted = dstAt - (six ? 8 : 12);
  const check = at + (proto === PROTO.udp ? UDP_SUM : TCP_SUM);
  const udp = proto === PROTO.udp;
  if (proto === PROTO.icmp) {
    setWord(view, at + 4, way.toSrcPort === 0 ? way.toDstPort : way.toSrcPort, at + 2, end, false);
  } else {
    setWord(view, at, way.toDstPort, check, end, udp);
    setWord(view, at + 2, way.toSrcPort, check, end, udp);
    cover(view, dstAt, way.toDst, check, end, udp);
    cover(view, srcAt, way.toSrc, check, end, udp);
  }
  setAddress(view, quoted, dstAt, way.toDst);
  setAddress(view, quoted, srcAt, way.toSrc);
  if (way.newSrc) setAddress(view, ip, ip + (six ? 8 : 12), way.toSrc);
  if (way.newDst) setAddress(view, ip, ip + (six ? 24 : 16), way.toDst);
  view.setUint16(message + 2, 0);
  const pseudo = six ? pseudo6(view, ip, PROTO.icmpv6, end - message) : 0;
  view.setUint16(message + 2, finish(sum(view, message, end, pseudo)));
}

/** Carries an address that will change into the transport's checksum, if the packet has one that far. */
function cover(view: DataView, at: number, to: Ip, checkAt: number, end: number, udp: boolean): void {
  if (checkAt + 2 > end) return;
  const before = view.getUint16(checkAt);
  if (udp && before === 0) return;
  let check = before;
  if (typeof to === 'number') {
    check = update32(check, view.getUint32(at), to);
  } else {
    check = update32(check, view.getUint32(at), to.a);
    check = update32(check, view.getUint32(at + 4), to.b);
    check = update32(check, view.getUint32(at + 8), to.c);
    check = update32(check, view.getUint32(at + 12), to.d);
  }
  view.setUint16(checkAt, udp && check === 0 ? 0xffff : check);
}

/** Sets a port or identifier and carries it into a checksum. */
function setWord(view: DataView, at: number, to: number, checkAt: number, end: number, udp: boolean): void {
  const from = view.getUint16(at);
  view.setUint16(at, to);
  if (checkAt + 2 > end) return;
  const before = view.getUint16(checkAt);
  if (udp && before === 0) return;
  const check = update16(before, from, to);
  view.setUint16(checkAt, udp && check === 0 ? 0xffff : check);
}

/**
 * Sets an address of the IP header at `ip`, whose own checksum is kept right.
 * @param at where the address stands
 */
function setAddress(view: DataView, ip: number, at: number, to: Ip): void {
  if (typeof to === 'number') {
    if (at === ip + 12) ipv4.setSrc(view, ip, to);
    else ipv4.setDst(view, ip, to);
    return;
  }
  view.setUint32(at, to.a);
  view.setUint32(at + 4, to.b);
  view.setUint32(at + 8, to.c);
  view.setUint32(at + 12, to.d);
}
