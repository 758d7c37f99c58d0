// The ICMP error that tells an inner sender that its packet does not fit the tunnel. It is made on the packet's own
// behalf, as coming from where the packet was going (Linux: net/ipv4/ip_tunnel_core.c, iptunnel_pmtud_build_icmp).

import type { Frame } from '../../core/frame/frame.ts';
import type { FramePool } from '../../core/frame/frame-pool.ts';
import type { Ip6 } from '../../core/wire/address.ts';
import { IP6_ANY, isMulticastIp6, sameIp } from '../../core/wire/address.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as icmp from '../../core/wire/icmp.ts';
import * as icmpv6 from '../../core/wire/icmpv6.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';

/** Longest IPv4 packet that every host takes (RFC 792; RFC 1812 s.4.3.2.3). */
const QUOTE4 = 576;
/** The least IPv6 MTU, which an error must not pass (RFC 4443 s.2.4). */
const QUOTE6 = 1280;
const LOOPBACK6: Ip6 = { a: 0, b: 0, c: 0, d: 1 };

/**
 * A frame back to the sender of `frame`, or null when none may be sent: not IP, fragmentable IPv4, an ICMP error itself,
 * to or from a group, or from an address that stands for no host (RFC 1122 s.3.2.2, RFC 4443 s.2.4).
 * @param mtu largest inner IP packet that would fit, in bytes
 */
export function pmtuReply(pool: FramePool, frame: Frame, mtu: number): Frame | null {
  const view = frame.view;
  const ip = frame.start + ethernet.HEADER_LEN;
  if (((ethernet.dstHi(view, frame.start) | ethernet.srcHi(view, frame.start)) & 0x0100) !== 0) return null;
  const type = ethernet.etherType(view, frame.start);
  if (type === ETHERTYPE.ipv4 && ipv4.check(view, ip, frame.end) === 0) return reply4(pool, frame, ip, mtu);
  if (type === ETHERTYPE.ipv6 && ipv6.check(view, ip, frame.end) === 0) return reply6(pool, frame, ip, mtu);
  return null;
}

function begin(pool: FramePool, frame: Frame, header: number, quoted: number, type: number): Frame {
  const reply = pool.take(ethernet.HEADER_LEN + header + 8 + quoted);
  const from = frame.start + ethernet.HEADER_LEN;
  const to = reply.start + ethernet.HEADER_LEN + header + 8;
  for (let i = 0; i < quoted; i++) reply.view.setUint8(to + i, frame.view.getUint8(from + i));
  ethernet.write(
    reply.view,
    reply.start,
    ethernet.src(frame.view, frame.start),
    ethernet.dst(frame.view, frame.start),
    type,
  );
  reply.id = frame.id;
  reply.summed = true;
  return reply;
}

function reply4(pool: FramePool, frame: Frame, ip: number, mtu: number): Frame | null {
  const view = frame.view;
  if (!ipv4.dontFragment(view, ip)) return null;
  const src = ipv4.src(view, ip);
  const dst = ipv4.dst(view, ip);
  const net = src >>> 24;
  // 224.0.0.0 and up: groups, and the broadcast address at the end.
  if (net === 0 || net === 127 || net >= 224 || dst >>> 24 >= 224) return null;
  if (ipv4.protocol(view, ip) === PROTO.icmp) {
    const type = icmp.type(view, ip + ipv4.headerLength(view, ip));
    if (type !== icmp.TYPE.echo && type !== icmp.TYPE.echoReply) return null;
  }
  const quoted = Math.min(frame.end - ip, QUOTE4 - ipv4.HEADER_LEN - 8);
  const reply = begin(pool, frame, ipv4.HEADER_LEN, quoted, ETHERTYPE.ipv4);
  const at = reply.start + ethernet.HEADER_LEN;
  icmp.writeError(
    reply.view,
    at + ipv4.HEADER_LEN,
    reply.end,
    icmp.TYPE.unreachable,
    icmp.CODE.fragNeeded,
    mtu,
  );
  ipv4.write(reply.view, at, reply.end, dst, src, PROTO.icmp, 64, 0, 0, true);
  return reply;
}

function reply6(pool: FramePool, frame: Frame, ip: number, mtu: number): Frame | null {
  const view = frame.view;
  const src = ipv6.src(view, ip);
  const dst = ipv6.dst(view, ip);
  if (isMulticastIp6(dst) || isMulticastIp6(src) || sameIp(src, IP6_ANY) || sameIp(src, LOOPBACK6))
    return null;
  if (ipv6.nextHeader(view, ip) === PROTO.icmpv6 && icmpv6.type(view, ip + ipv6.HEADER_LEN) < 128)
    return null;
  const quoted = Math.min(frame.end - ip, QUOTE6 - ipv6.HEADER_LEN - 8);
  const reply = begin(pool, frame, ipv6.HEADER_LEN, quoted, ETHERTYPE.ipv6);
  const at = reply.start + ethernet.HEADER_LEN;
  const error = at + ipv6.HEADER_LEN;
  ipv6.write(reply.view, at, reply.end, dst, src, PROTO.icmpv6, 64, 0, 0);
  const pseudo = pseudo6(reply.view, at, PROTO.icmpv6, reply.end - error);
  icmpv6.writeError(reply.view, error, reply.end, icmpv6.TYPE.tooBig, 0, mtu, pseudo);
  return reply;
}
