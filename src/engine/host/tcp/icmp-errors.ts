// What an ICMP error means to a connection, in an error's words (net/ipv4/icmp.c icmp_err_convert, net/ipv6/icmp.c
// tab_unreach): null for what says nothing about the peer.

import * as icmp from '../../../core/wire/icmp.ts';
import * as icmpv6 from '../../../core/wire/icmpv6.ts';
import type { TcpError } from './socket.ts';

/** By code of "destination unreachable" (RFC 792, RFC 1122 s.3.2.2.1). */
const UNREACHABLE4: readonly (TcpError | null)[] = [
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ECONNREFUSED',
  'ECONNREFUSED',
  null,
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
];

/** By code of ICMPv6's (RFC 4443 s.3.1). */
const UNREACHABLE6: readonly (TcpError | null)[] = [
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'EHOSTUNREACH',
  'ECONNREFUSED',
];

export function icmp4Error(type: number, code: number): TcpError | null {
  if (type === icmp.TYPE.timeExceeded) return 'EHOSTUNREACH';
  return type === icmp.TYPE.unreachable ? (UNREACHABLE4[code] ?? null) : null;
}

export function icmp6Error(type: number, code: number): TcpError | null {
  if (type === icmpv6.TYPE.timeExceeded) return 'EHOSTUNREACH';
  return type === icmpv6.TYPE.unreachable ? (UNREACHABLE6[code] ?? null) : null;
}
